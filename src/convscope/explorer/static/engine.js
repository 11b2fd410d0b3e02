// @ts-check
/** The network, forward. Layers are computed by operations.js or, in the same way from outside, by simd.js. */
import { shapeAt } from "./network.js";
import { operationOf } from "./operations.js";
import { simdLayers } from "./simd.js";

/** @typedef {import("./network.js").Network} Network */

/** Computes the values of a layer from those of its inputs. @typedef {(inputs: Float32Array[], output: Float32Array) =>
 *   void} Compute */

/** Plain JavaScript, or WebAssembly with products that are rounded on their own or fused with the sum.
 * @typedef {"plain" | "simd" | "fused"} Loops */

/** Computes the maps of an image. @typedef {(job: Job) => Answer} Engine */

/** @typedef {Uint8Array | Uint8ClampedArray} Pixels */

/**
 * The values of the image and of every layer, which stay where they are, and of each layer what computes them.
 * @typedef {object} Machine
 * @property {Float32Array[]} values
 * @property {(() => void)[]} layers
 * @property {number[][]} inputs which values each layer reads
 * @property {number[]} areas of the maps of each layer
 * @property {Loops} loops
 * @property {(pixels: Pixels) => void} enter puts an image in
 */

/**
 * Return what computes a network, with the fastest loops that this browser has. Its weights are rearranged once, and
 * the values of the last image are kept: what does not change is not computed again.
 * @param {Network} network
 * @param {boolean} [plain] whether to use JavaScript only
 * @returns {Engine}
 */
export function makeEngine(network, plain = false) {
  const machine = machineOf(network, plain);
  const { loops } = machine;
  const bring = makeBringing(machine);
  return ({ pixels, off, original, open }) => {
    /** @type {Float32Array[] | null} */
    let intact = null;
    if (original || off.length) {
      bring(original ?? pixels, []);
      intact = handedOver(machine, open);
    }
    const started = performance.now();
    const changed = bring(pixels, off);
    const milliseconds = performance.now() - started;
    return { all: handedOver(machine, open, intact, changed), intact, milliseconds, loops };
  };
}

/**
 * @param {Network} network
 * @param {boolean} [plain] whether to use JavaScript only
 * @returns {Machine}
 */
export function machineOf(network, plain = false) {
  const fast = plain ? null : simdLayers(network);
  const sizes = Array.from({ length: network.layers.length + 1 }, (_, index) => {
    const { maps, rows, columns } = shapeAt(network, index);
    return maps * rows * columns;
  });
  const values = fast?.values ?? sizes.map((size) => new Float32Array(size));
  const inputs = network.layers.map((layer) => layer.inputs.map((input) => input + 1));
  const layers = network.layers.map((layer, index) => {
    const quick = fast?.layers[index];
    if (quick) return quick;
    const compute = operationOf(network, layer);
    const [given, made] = [inputs[index].map((input) => values[input]), values[index + 1]];
    return () => compute(given, made);
  });
  const { channels, mean, std, height, width } = network; // without the weights, which are rearranged
  const enter = (/** @type {Pixels} */ pixels) =>
    values[0].set(standardize({ channels, mean, std, height, width }, pixels));
  const areas = network.layers.map(({ rows, columns }) => rows * columns);
  return { values, layers, inputs, areas, loops: fast?.loops ?? "plain", enter };
}

/**
 * Makes all values those of an image without some units; only what depends on a change is computed.
 * @param {Machine} machine
 * @returns {(pixels: Pixels, off: import("./switches.js").Off) => boolean[]} whose values are others now
 */
function makeBringing({ values, layers, inputs, areas, enter }) {
  /** @type {Pixels | null} */
  let known = null;
  /** @type {import("./switches.js").Off} */
  let without = [];
  return (pixels, off) => {
    const same = known !== null && samePixels(known, pixels);
    const changed = [!same];
    if (!same) {
      known = pixels.slice();
      enter(pixels);
    }
    layers.forEach((compute, index) => {
      const layer = index + 1;
      const units = off.filter((unit) => unit.layer === layer);
      const before = without.filter((unit) => unit.layer === layer);
      changed[layer] = inputs[index].some((input) => changed[input]) || !sameUnits(units, before);
      if (!changed[layer]) return;
      compute();
      for (const { unit } of units) values[layer].fill(0, unit * areas[index], (unit + 1) * areas[index]);
    });
    without = off;
    return changed;
  };
}

/** @param {Pixels} one @param {Pixels} other */
function samePixels(one, other) {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

/** @param {import("./switches.js").Off} some @param {import("./switches.js").Off} others of one layer */
function sameUnits(some, others) {
  return some.length === others.length && some.every(({ unit }) => others.some((other) => other.unit === unit));
}

/**
 * Copies of the values of the layers that are open, or of all; what has not changed is taken from others.
 * @param {Machine} machine
 * @param {readonly number[] | null} [open]
 * @param {Float32Array[] | null} [others]
 * @param {boolean[]} [changed]
 * @returns {Float32Array[]} empty for those that are not open
 */
function handedOver({ values }, open = null, others = null, changed = []) {
  return values.map((maps, layer) => {
    if (open && !open.includes(layer) && layer !== values.length - 1) return new Float32Array();
    return others && !changed[layer] ? others[layer] : maps.slice();
  });
}

/**
 * Standardize an image.
 * @param {Pick<Network, "channels" | "mean" | "std" | "height" | "width">} network
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
 * What is to be computed.
 * @typedef {object} Job
 * @property {Pixels} pixels of an image
 * @property {import("./switches.js").Off} off units that are turned off
 * @property {Pixels | null} [original] the image before it was moved, if its maps are not known
 * @property {readonly number[] | null} [open] the layers whose values are wanted, 0 for the image; the last always is;
 *   all if none are named
 */

/**
 * What comes of it: the standardized image, then the values of every layer, the logits last; those of the image before
 * it was moved, where that was asked for, or of the same image with no unit turned off, if any is (what is the same has
 * the same array); how long the first took, and with which loops.
 * @typedef {{ all: Float32Array[], intact: Float32Array[] | null, milliseconds: number, loops: Loops }} Answer
 */

/**
 * Probabilities of the logits that the last layer gives; of maps of logits, the means over all positions.
 * @param {Network} network
 * @param {ArrayLike<number>} logits
 * @returns {number[]}
 */
export function probabilitiesOf(network, logits) {
  const last = network.layers[network.layers.length - 1];
  const area = last.rows * last.columns;
  if (area > 1) {
    const means = new Array(last.maps).fill(0);
    for (let at = 0; at < area; at++) {
      const here = probabilitiesAt(
        network,
        Array.from(means, (_, map) => logits[map * area + at]),
      );
      here.forEach((probability, map) => (means[map] += probability / area));
    }
    return means;
  }
  return probabilitiesAt(network, logits);
}

/** @param {Network} network @param {ArrayLike<number>} logits @returns {number[]} */
function probabilitiesAt(network, logits) {
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
