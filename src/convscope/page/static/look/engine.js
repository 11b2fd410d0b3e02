// @ts-check
/** The network, forward. Weighted sums are computed by plain.js or, in the same way from outside, by simd.js. */
import { shapeAt } from "./network.js";
import { plainLayer } from "./plain.js";
import { pool } from "./pooling.js";
import { simdLayers } from "./simd.js";

/** @typedef {import("./network.js").Network} Network */

/** What a layer makes of the maps below. @typedef {(maps: Float32Array) => Float32Array} Compute */

/**
 * A network ready to be computed, and with which loops.
 * @typedef {{ network: Network, layers: Compute[], loops: "plain" | "simd" | "fused" }} Prepared
 */

/**
 * Rearrange the weights, once.
 * @param {Network} network
 * @param {boolean} [plain] whether to use JavaScript only
 * @returns {Prepared}
 */
export function prepare(network, plain = false) {
  const fast = plain ? null : simdLayers(network);
  const layers = network.layers.map((layer, index) => {
    const below = shapeAt(network, index);
    const found = fast?.layers[index];
    if (found) return found;
    if (layer.kind === "pooling") return (/** @type {Float32Array} */ maps) => pool(layer, maps, below, layer);
    return plainLayer(layer, below);
  });
  return { network, layers, loops: fast?.loops ?? "plain" };
}

/**
 * Standardize an image.
 * @param {Network} network
 * @param {Uint8Array | Uint8ClampedArray} pixels row by row, the channels of a pixel side by side
 * @returns {Float32Array} channel by channel
 */
export function standardize(network, pixels) {
  const { channels, mean, std } = network;
  const count = network.height * network.width;
  const result = new Float32Array(count * channels);
  for (let channel = 0; channel < channels; channel++) {
    for (let index = 0; index < count; index++) {
      result[channel * count + index] = (pixels[index * channels + channel] / 255 - mean[channel]) / std[channel];
    }
  }
  return result;
}

/**
 * What is to be computed: an image, and the units that are turned off; and the image before it was moved, if its maps
 * are not known.
 * @typedef {{ pixels: Uint8Array | Uint8ClampedArray, off: import("./switches.js").Off, original?: Uint8Array |
 *   Uint8ClampedArray | null }} Job */

/**
 * What comes of it: all maps; those of the image before it was moved, where that was asked for, or of the same image
 * with no unit turned off, if any is; how long the first took, and with which loops.
 * @typedef {{ all: Float32Array[], intact: Float32Array[] | null, milliseconds: number, loops: Prepared["loops"] }}
 *   Answer */

/** @param {Prepared} prepared @param {Job} job @returns {Answer} */
export function answerTo(prepared, { pixels, off, original }) {
  const started = performance.now();
  const all = run(prepared, pixels, off);
  const milliseconds = performance.now() - started;
  return {
    all,
    intact: original || off.length ? run(prepared, original ?? pixels) : null,
    milliseconds,
    loops: prepared.loops,
  };
}

/**
 * Compute everything.
 * @param {Prepared} prepared
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @param {import("./switches.js").Off} [off]
 * @returns {Float32Array[]} the standardized image, then the maps of every layer, the logits last
 */
export function run({ network, layers }, pixels, off = []) {
  let values = standardize(network, pixels);
  const all = [values];
  layers.forEach((compute, index) => {
    values = compute(values);
    const area = network.layers[index].rows * network.layers[index].columns;
    for (const { layer, unit } of off) if (layer === all.length) values.fill(0, unit * area, (unit + 1) * area);
    all.push(values);
  });
  return all;
}

/**
 * Probabilities of the logits that the last layer gives.
 * @param {Network} network
 * @param {ArrayLike<number>} logits
 * @returns {number[]}
 */
export function probabilitiesOf(network, logits) {
  return softmax(network.sigmoids ? Array.from(logits, logSigmoid) : logits);
}

/** The logarithm of 1 / (1 + e^-logit). @param {number} logit */
function logSigmoid(logit) {
  return Math.min(logit, 0) - Math.log1p(Math.exp(-Math.abs(logit)));
}

/**
 * Probabilities of logits that are logarithms.
 * @param {ArrayLike<number>} logits
 * @returns {number[]}
 */
export function softmax(logits) {
  const largest = Math.max(...Array.from(logits));
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
