// @ts-check
/**
 * Weighted sums in plain JavaScript, in double precision: for browsers without WebAssembly SIMD, and to check simd.js
 * against. All go through one loop, which keeps the sums of 4 units at 2 positions in registers while it walks once
 * along
 * the patches and the weights, both contiguous.
 */
import { activate } from "./nonlinearity.js";
import { patchLength, positionsOf } from "./regions.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/** A layer ready to be computed: weights in blocks of 4 units, value by value; which positions each region has.
 * @typedef {{ layer: Layer, below: Shape, inputs: number, blocks: Float64Array[], positions: Int32Array[] }} Ready */

/**
 * A convolution, units of their own at each position, or fully connected units.
 * @param {Layer} layer
 * @param {Shape} below
 * @returns {import("./engine.js").Compute}
 */
export function plainLayer(layer, below) {
  const inputs = patchLength(layer, below);
  const regions = layer.regions[0] * layer.regions[1];
  const blocks = Array.from({ length: regions }, (_, region) => inBlocks(layer, inputs, region));
  const ready = { layer, below, inputs, blocks, positions: positionsOf(layer, regions) };
  return (maps) => sums(ready, maps);
}

/**
 * @param {Layer} layer
 * @param {number} inputs
 * @param {number} region
 * @returns {Float64Array} units are filled up with zeros to a multiple of 4
 */
function inBlocks(layer, inputs, region) {
  const blocks = new Float64Array(Math.ceil(layer.maps / 4) * 4 * inputs);
  for (let unit = 0; unit < layer.maps; unit++) {
    const from = (region * layer.maps + unit) * inputs;
    const to = (unit >> 2) * 4 * inputs + (unit & 3);
    for (let input = 0; input < inputs; input++) blocks[to + 4 * input] = layer.weights[from + input];
  }
  return blocks;
}

/**
 * @param {Ready} ready
 * @param {Float32Array} maps
 * @returns {Float32Array}
 */
function sums(ready, maps) {
  const { layer, below, inputs, blocks, positions } = ready;
  const area = layer.rows * layer.columns;
  const result = new Float32Array(layer.maps * area);
  const first = new Float64Array(inputs);
  const second = new Float64Array(inputs);
  const padded = layer.kind === "linear" ? null : padding(layer, maps, below);
  for (let region = 0; region < blocks.length; region++) {
    const here = positions[region];
    for (let index = 0; index < here.length; index += 2) {
      const pair = index + 1 < here.length; // an odd last one is computed twice
      if (padded) gather(padded, layer, here[index], first);
      else first.set(maps);
      if (padded && pair) gather(padded, layer, here[index + 1], second);
      const other = pair ? here[index + 1] : here[index];
      multiply(blocks[region], layer, inputs, first, pair ? second : first, here[index], other, area, result);
    }
  }
  return activate(layer, result, maps);
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
  const rows = below.rows + layer.before[0] + layer.after[0];
  const columns = below.columns + layer.before[1] + layer.after[1];
  const values = new Float64Array(below.maps * rows * columns);
  for (let map = 0; map < below.maps; map++) {
    for (let row = 0; row < below.rows; row++) {
      const from = (map * below.rows + row) * below.columns;
      values.set(
        maps.subarray(from, from + below.columns),
        (map * rows + row + layer.before[0]) * columns + layer.before[1],
      );
    }
  }
  return { values, rows, columns, maps: below.maps };
}

/**
 * Copy the patch of one position, map by map and row by row.
 * @param {Padded} padded
 * @param {Layer} layer
 * @param {number} index
 * @param {Float64Array} patch
 */
function gather(padded, layer, index, patch) {
  const { values, rows, columns, maps } = padded;
  const [tall, wide] = layer.window;
  const row = Math.floor(index / layer.columns);
  const corner = row * layer.stride[0] * columns + (index - row * layer.columns) * layer.stride[1];
  let at = 0;
  for (let map = 0; map < maps; map++) {
    let from = map * rows * columns + corner;
    for (let down = 0; down < tall; down++, from += columns) {
      for (let across = 0; across < wide; across++) patch[at++] = values[from + across];
    }
  }
}

/**
 * All units at two positions.
 * @param {Float64Array} blocks
 * @param {Layer} layer
 * @param {number} inputs
 * @param {Float64Array} first
 * @param {Float64Array} second
 * @param {number} here
 * @param {number} there
 * @param {number} area
 * @param {Float32Array} result
 */
function multiply(blocks, layer, inputs, first, second, here, there, area, result) {
  const { bias, maps } = layer;
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
