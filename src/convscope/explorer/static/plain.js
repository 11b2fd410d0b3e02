// @ts-check
/**
 * Weighted sums in plain JavaScript, in double precision: for browsers without WebAssembly SIMD, and to check simd.js
 * against. All go through one loop, which keeps the sums of 4 units at 2 positions in registers while it walks once
 * along the patches and the weights, both contiguous.
 */
import { patchLength, positionsOf } from "./regions.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/**
 * Units that share weights and see the same maps: those of a group of a convolution, or all in one region.
 * @typedef {object} Part
 * @property {Float64Array} blocks weights of 4 units at a time, value by value
 * @property {Float32Array} bias
 * @property {Int32Array} positions at which they stand
 * @property {number} firstUnit
 * @property {number} firstMap that they see
 */

/** A layer ready to be computed. @typedef {{ layer: Layer, below: Shape, inputs: number, parts: Part[] }} Ready */

/**
 * A convolution, units of their own at each position, or fully connected units.
 * @type {import("./operations.js").Operation}
 */
export function weightedSums(layer, [below]) {
  const inputs = patchLength(layer, below);
  const regions = layer.regions[0] * layer.regions[1];
  const positions = positionsOf(layer, regions);
  const units = layer.maps / layer.groups;
  const parts = Array.from({ length: regions * layer.groups }, (_, index) => ({
    blocks: inBlocks(layer.weights.subarray(index * units * inputs, (index + 1) * units * inputs), units, inputs),
    bias: regions > 1 ? layer.bias : layer.bias.subarray(index * units, (index + 1) * units),
    positions: positions[regions > 1 ? index : 0],
    firstUnit: regions > 1 ? 0 : index * units,
    firstMap: regions > 1 ? 0 : index * (below.maps / layer.groups),
  }));
  const ready = { layer: { ...layer, weights: new Float32Array() }, below, inputs, parts };
  return (given, result) => sums(ready, given, result);
}

/**
 * @param {Float32Array} weights
 * @param {number} units
 * @param {number} inputs
 * @returns {Float64Array} units are filled up with zeros to a multiple of 4
 */
function inBlocks(weights, units, inputs) {
  const blocks = new Float64Array(Math.ceil(units / 4) * 4 * inputs);
  for (let unit = 0; unit < units; unit++) {
    const from = unit * inputs;
    const to = (unit >> 2) * 4 * inputs + (unit & 3);
    for (let input = 0; input < inputs; input++) blocks[to + 4 * input] = weights[from + input];
  }
  return blocks;
}

/**
 * @param {Ready} ready
 * @param {Float32Array[]} given the maps below, and those that are added
 * @param {Float32Array} result
 */
function sums(ready, given, result) {
  const { layer, below, inputs, parts } = ready;
  const area = layer.rows * layer.columns;
  const first = new Float64Array(inputs);
  const second = new Float64Array(inputs);
  const padded = layer.kind === "linear" ? null : padding(layer, given[0], below);
  for (const { blocks, bias, positions, firstUnit, firstMap } of parts) {
    const own = result.subarray(firstUnit * area, (firstUnit + bias.length) * area);
    for (let index = 0; index < positions.length; index += 2) {
      const pair = index + 1 < positions.length; // an odd last one is computed twice
      if (padded) gather(padded, layer, firstMap, positions[index], first);
      else first.set(given[0]);
      if (padded && pair) gather(padded, layer, firstMap, positions[index + 1], second);
      const other = pair ? positions[index + 1] : positions[index];
      multiply(blocks, bias, inputs, first, pair ? second : first, positions[index], other, area, own);
    }
  }
  if (layer.residual) for (let index = 0; index < result.length; index++) result[index] += given[1][index];
}

/**
 * Maps with zeros around, as doubles.
 * @typedef {{ values: Float64Array, rows: number, columns: number, maps: number }} Padded
 */

/**
 * @param {Layer} layer
 * @param {Float32Array} maps
 * @param {Shape} below
 * @returns {Padded}
 */
function padding(layer, maps, below) {
  const [top, left] = layer.before;
  const rows = below.rows + top + layer.after[0];
  const columns = below.columns + left + layer.after[1];
  const values = new Float64Array(below.maps * rows * columns);
  for (let map = 0; map < below.maps; map++) {
    for (let row = 0; row < below.rows; row++) {
      const from = (map * below.rows + row) * below.columns;
      values.set(maps.subarray(from, from + below.columns), (map * rows + row + top) * columns + left);
    }
  }
  return { values, rows, columns, maps: below.maps / layer.groups };
}

/**
 * Copy the patch of one position, map by map and row by row.
 * @param {Padded} padded
 * @param {Layer} layer
 * @param {number} firstMap
 * @param {number} index
 * @param {Float64Array} patch
 */
function gather(padded, layer, firstMap, index, patch) {
  const { values, rows, columns, maps } = padded;
  const [tall, wide] = layer.window;
  const [down, across] = layer.dilation;
  const row = Math.floor(index / layer.columns);
  const corner = row * layer.stride[0] * columns + (index - row * layer.columns) * layer.stride[1];
  let at = 0;
  for (let map = firstMap; map < firstMap + maps; map++) {
    let from = map * rows * columns + corner;
    for (let y = 0; y < tall; y++, from += down * columns) {
      for (let x = 0; x < wide; x++) patch[at++] = values[from + x * across];
    }
  }
}

/**
 * All units at two positions.
 * @param {Float64Array} blocks
 * @param {Float32Array} bias
 * @param {number} inputs
 * @param {Float64Array} first
 * @param {Float64Array} second
 * @param {number} here
 * @param {number} there
 * @param {number} area
 * @param {Float32Array} result
 */
function multiply(blocks, bias, inputs, first, second, here, there, area, result) {
  const maps = bias.length;
  for (let unit = 0, at = 0; unit < maps; unit += 4) {
    let a0 = bias[unit],
      a1 = unit + 1 < maps ? bias[unit + 1] : 0,
      a2 = unit + 2 < maps ? bias[unit + 2] : 0,
      a3 = unit + 3 < maps ? bias[unit + 3] : 0;
    let b0 = a0,
      b1 = a1,
      b2 = a2,
      b3 = a3;
    for (let input = 0; input < inputs; input++, at += 4) {
      const x = first[input],
        y = second[input];
      const w0 = blocks[at],
        w1 = blocks[at + 1],
        w2 = blocks[at + 2],
        w3 = blocks[at + 3];
      a0 += w0 * x;
      a1 += w1 * x;
      a2 += w2 * x;
      a3 += w3 * x;
      b0 += w0 * y;
      b1 += w1 * y;
      b2 += w2 * y;
      b3 += w3 * y;
    }
    const start = unit * area;
    result[start + here] = a0;
    result[start + there] = b0;
    if (unit + 1 < maps) {
      result[start + area + here] = a1;
      result[start + area + there] = b1;
    }
    if (unit + 2 < maps) {
      result[start + 2 * area + here] = a2;
      result[start + 2 * area + there] = b2;
    }
    if (unit + 3 < maps) {
      result[start + 3 * area + here] = a3;
      result[start + 3 * area + there] = b3;
    }
  }
}
