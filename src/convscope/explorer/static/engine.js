// @ts-check
/** The network, forward. Weighted sums are computed by plain.js or, in the same way from outside, by simd.js. */
import { shapeAt } from "./network.js";
import { plainLayer } from "./plain.js";
import { pool } from "./pooling.js";
import { simdLayers } from "./simd.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */

/** What a layer makes of the maps below. @typedef {(maps: Float32Array) => Float32Array} Compute */

/** Plain JavaScript, or WebAssembly with products that are rounded on their own or fused with the sum.
 * @typedef {"plain" | "simd" | "fused"} Loops */

/** Computes the maps of an image. @typedef {(job: Job) => Answer} Engine */

/**
 * Return what computes a network, with the fastest loops that this browser has. Its weights are rearranged once.
 * @param {Network} network
 * @param {boolean} [plain] whether to use JavaScript only
 * @returns {Engine}
 */
export function makeEngine(network, plain = false) {
  const fast = plain ? null : simdLayers(network);
  const layers = network.layers.map((layer, index) => fast?.layers[index] ?? layerIn(layer, shapeAt(network, index)));
  const loops = fast?.loops ?? "plain";
  return ({ pixels, off, original }) => {
    const started = performance.now();
    const all = forward(network, layers, pixels, off);
    const milliseconds = performance.now() - started;
    const intact = original || off.length ? forward(network, layers, original ?? pixels) : null;
    return { all, intact, milliseconds, loops };
  };
}

/** A layer in plain JavaScript. @param {Layer} layer @param {import("./network.js").Shape} below @returns {Compute} */
function layerIn(layer, below) {
  return layer.kind === "pooling" ? (maps) => pool(layer, maps, below, layer) : plainLayer(layer, below);
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
 * @typedef {{ all: Float32Array[], intact: Float32Array[] | null, milliseconds: number, loops: Loops }}
 *   Answer */

/**
 * Compute everything.
 * @param {Network} network
 * @param {Compute[]} layers
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @param {import("./switches.js").Off} [off]
 * @returns {Float32Array[]} the standardized image, then the maps of every layer, the logits last
 */
function forward(network, layers, pixels, off = []) {
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
