// @ts-check
/**
 * The network, forward: plain loops over typed arrays. All convolutions and products go through one kernel, which keeps
 * the sums of 4 units at 2 places in registers while it walks once along the patches and the weights, both contiguous.
 */
import { shapeAt } from "./format.js";
import { NONLINEARITIES } from "./nonlinearity.js";
import { subsample } from "./subsampling.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {import("./format.js").Step} Step */
/** @typedef {import("./format.js").Shape} Shape */

/** A step ready to be computed: weights in blocks of 4 units, value by value; which places each region has.
 * @typedef {{ step: Step, below: Shape, inputs: number, blocks: Float64Array[], places: Int32Array[] }} Ready */

/**
 * Rearrange the weights, once.
 * @param {Network} network
 * @returns {{ network: Network, ready: Ready[] }}
 */
export function prepare(network) {
  const ready = network.steps.map((step, index) => {
    const below = shapeAt(network, index);
    const inputs = patchLength(step, below);
    const regions = step.kind === "subsampling" ? 0 : step.regions[0] * step.regions[1];
    const blocks = Array.from({ length: regions }, (_, region) => inBlocks(step, inputs, region));
    return { step, below, inputs, blocks, places: placesOf(step, regions) };
  });
  return { network, ready };
}

/**
 * How many values a unit of the step sees.
 * @param {Step} step
 * @param {Shape} below
 * @returns {number}
 */
export function patchLength(step, below) {
  return below.maps * (step.kind === "connected" ? below.rows * below.columns : step.window[0] * step.window[1]);
}

/**
 * @param {Step} step
 * @param {number} inputs
 * @param {number} region
 * @returns {Float64Array} units are filled up with zeros to a multiple of 4
 */
function inBlocks(step, inputs, region) {
  const blocks = new Float64Array(Math.ceil(step.maps / 4) * 4 * inputs);
  for (let unit = 0; unit < step.maps; unit++) {
    const from = (region * step.maps + unit) * inputs;
    const to = (unit >> 2) * 4 * inputs + (unit & 3);
    for (let input = 0; input < inputs; input++) blocks[to + 4 * input] = step.weights[from + input];
  }
  return blocks;
}

/**
 * The region of weights that a place belongs to.
 * @param {Step} step
 * @param {number} row
 * @param {number} column
 * @returns {number}
 */
export function regionOf(step, row, column) {
  const [down, across] = step.regions;
  return Math.floor((row * down) / step.rows) * across + Math.floor((column * across) / step.columns);
}

/**
 * @param {Step} step
 * @param {number} regions
 * @returns {Int32Array[]} the places of each region, row × columns + column
 */
function placesOf(step, regions) {
  /** @type {number[][]} */
  const places = Array.from({ length: regions }, () => []);
  if (regions) {
    for (let place = 0; place < step.rows * step.columns; place++) {
      places[regionOf(step, Math.floor(place / step.columns), place % step.columns)].push(place);
    }
  }
  return places.map((some) => Int32Array.from(some));
}

/**
 * Standardize a picture.
 * @param {Network} network
 * @param {Uint8Array | Uint8ClampedArray} pixels row by row, the channels of a pixel side by side
 * @returns {Float32Array} channel by channel
 */
export function standardize(network, pixels) {
  const { channels, mean, std } = network;
  const count = network.height * network.width;
  const result = new Float32Array(count * channels);
  for (let channel = 0; channel < channels; channel++) {
    for (let place = 0; place < count; place++) {
      result[channel * count + place] = (pixels[place * channels + channel] / 255 - mean[channel]) / std[channel];
    }
  }
  return result;
}

/** What is to be computed: a picture, and the units that are turned off.
 * @typedef {{ pixels: Uint8Array | Uint8ClampedArray, off: import("./switches.js").Off }} Job */

/** What comes of it: all maps; the same with no unit turned off, if any is; how long the first took.
 * @typedef {{ all: Float32Array[], intact: Float32Array[] | null, milliseconds: number }} Answer */

/** @param {{ network: Network, ready: Ready[] }} prepared @param {Job} job @returns {Answer} */
export function answerTo(prepared, { pixels, off }) {
  const started = performance.now();
  const all = run(prepared, pixels, off);
  const milliseconds = performance.now() - started;
  return { all, intact: off.length ? run(prepared, pixels) : null, milliseconds };
}

/**
 * Compute everything.
 * @param {{ network: Network, ready: Ready[] }} prepared
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @param {import("./switches.js").Off} [off]
 * @returns {Float32Array[]} the standardized picture, then the maps of every step, the scores last
 */
export function run(prepared, pixels, off = []) {
  let values = standardize(prepared.network, pixels);
  const all = [values];
  for (const ready of prepared.ready) {
    values = ready.step.kind === "subsampling" ? subsample(ready.step, values, ready.below, ready.step) : convolve(ready, values);
    const area = ready.step.rows * ready.step.columns;
    for (const { step, unit } of off) if (step === all.length) values.fill(0, unit * area, (unit + 1) * area);
    all.push(values);
  }
  return all;
}

/**
 * Probabilities of the scores that the last step gives.
 * @param {Network} network
 * @param {ArrayLike<number>} scores
 * @returns {number[]}
 */
export function probabilitiesOf(network, scores) {
  return softmax(network.sigmoids ? Array.from(scores, logSigmoid) : scores);
}

/** The logarithm of 1 / (1 + e^-score). @param {number} score */
function logSigmoid(score) {
  return Math.min(score, 0) - Math.log1p(Math.exp(-Math.abs(score)));
}

/**
 * Probabilities of scores that are logarithms.
 * @param {ArrayLike<number>} scores
 * @returns {number[]}
 */
export function softmax(scores) {
  const largest = Math.max(...Array.from(scores));
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/**
 * @param {Ready} ready
 * @param {Float32Array} maps
 * @returns {Float32Array}
 */
function convolve(ready, maps) {
  const { step, below, inputs, blocks, places } = ready;
  const area = step.rows * step.columns;
  const result = new Float32Array(step.maps * area);
  const first = new Float64Array(inputs);
  const second = new Float64Array(inputs);
  const padded = step.kind === "connected" ? null : padding(step, maps, below);
  for (let region = 0; region < blocks.length; region++) {
    const here = places[region];
    for (let index = 0; index < here.length; index += 2) {
      const pair = index + 1 < here.length; // an odd last one is computed twice
      if (padded) gather(padded, step, here[index], first);
      else first.set(maps);
      if (padded && pair) gather(padded, step, here[index + 1], second);
      const other = pair ? here[index + 1] : here[index];
      multiply(blocks[region], step, inputs, first, pair ? second : first, here[index], other, area, result);
    }
  }
  if (step.residual) for (let place = 0; place < result.length; place++) result[place] += maps[place];
  const apply = NONLINEARITIES[step.nonlinearity];
  for (let place = 0; place < result.length; place++) result[place] = apply(result[place]);
  return result;
}

/** Maps with zeros around, as doubles. @typedef {{ values: Float64Array, rows: number, columns: number, maps: number }} Padded */

/**
 * @param {Step} step
 * @param {Float32Array} maps
 * @param {Shape} below
 * @returns {Padded}
 */
function padding(step, maps, below) {
  const rows = below.rows + step.before + step.after;
  const columns = below.columns + step.before + step.after;
  const values = new Float64Array(below.maps * rows * columns);
  for (let map = 0; map < below.maps; map++) {
    for (let row = 0; row < below.rows; row++) {
      const from = (map * below.rows + row) * below.columns;
      values.set(maps.subarray(from, from + below.columns), (map * rows + row + step.before) * columns + step.before);
    }
  }
  return { values, rows, columns, maps: below.maps };
}

/**
 * Copy the patch of one place, map by map and row by row.
 * @param {Padded} padded
 * @param {Step} step
 * @param {number} place
 * @param {Float64Array} patch
 */
function gather(padded, step, place, patch) {
  const { values, rows, columns, maps } = padded;
  const [tall, wide] = step.window;
  const row = Math.floor(place / step.columns);
  const corner = row * step.stride[0] * columns + (place - row * step.columns) * step.stride[1];
  let at = 0;
  for (let map = 0; map < maps; map++) {
    let from = map * rows * columns + corner;
    for (let down = 0; down < tall; down++, from += columns) {
      for (let across = 0; across < wide; across++) patch[at++] = values[from + across];
    }
  }
}

/**
 * All units at two places.
 * @param {Float64Array} blocks
 * @param {Step} step
 * @param {number} inputs
 * @param {Float64Array} first
 * @param {Float64Array} second
 * @param {number} here
 * @param {number} there
 * @param {number} area
 * @param {Float32Array} result
 */
function multiply(blocks, step, inputs, first, second, here, there, area, result) {
  const { bias, maps } = step;
  for (let unit = 0, at = 0; unit < maps; unit += 4) {
    let a0 = bias[unit], a1 = unit + 1 < maps ? bias[unit + 1] : 0, a2 = unit + 2 < maps ? bias[unit + 2] : 0, a3 = unit + 3 < maps ? bias[unit + 3] : 0;
    let b0 = a0, b1 = a1, b2 = a2, b3 = a3;
    for (let input = 0; input < inputs; input++, at += 4) {
      const x = first[input], y = second[input];
      const w0 = blocks[at], w1 = blocks[at + 1], w2 = blocks[at + 2], w3 = blocks[at + 3];
      a0 += w0 * x; a1 += w1 * x; a2 += w2 * x; a3 += w3 * x;
      b0 += w0 * y; b1 += w1 * y; b2 += w2 * y; b3 += w3 * y;
    }
    const start = unit * area;
    result[start + here] = a0; result[start + there] = b0;
    if (unit + 1 < maps) { result[start + area + here] = a1; result[start + area + there] = b1; }
    if (unit + 2 < maps) { result[start + 2 * area + here] = a2; result[start + 2 * area + there] = b2; }
    if (unit + 3 < maps) { result[start + 3 * area + here] = a3; result[start + 3 * area + there] = b3; }
  }
}
