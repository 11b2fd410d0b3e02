// @ts-check
/** One value of one map, taken apart: what it saw, what that was multiplied with, and what came of it. */
import { shapeAt } from "./network.js";
import { NONLINEARITIES } from "./nonlinearity.js";
import { windowOf, windowWeights } from "./pooling.js";
import { regionOf } from "./regions.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */

/** A value of a map. @typedef {{ layer: number, unit: number, row: number, column: number }} Position */

/**
 * Goes to a position; what is left out stays as it is.
 * @typedef {(to: Partial<Position> & { layer: number }) => void} Go
 */

/**
 * What a unit makes of one map below: its patch (0 where it reaches over the edge), the weights, and their products.
 * @typedef {{ map: number, inputs: number[], weights: number[], products: number[], sum: number }} Part
 */

/**
 * @typedef {object} Sum
 * @property {"sum"} kind
 * @property {Part[]} parts one for each map below
 * @property {number} tall rows of the patch
 * @property {number} wide columns of the patch
 * @property {number} top row of the map below at which it begins; may lie outside
 * @property {number} left
 * @property {number} bias
 * @property {number | null} added the input, where the stage adds it
 * @property {number} total
 * @property {number} value after the nonlinearity
 */

/**
 * @typedef {object} Pooled
 * @property {"pooled"} kind
 * @property {number[]} inputs row by row
 * @property {number[]} weights how much of each is in the value
 * @property {number} tall
 * @property {number} wide
 * @property {number} top
 * @property {number} left
 * @property {number} value
 */

/**
 * @param {Network} network
 * @param {Float32Array[]} all the standardized image and the maps of every layer
 * @param {Position} position with layer from 1
 * @returns {Sum | Pooled}
 */
export function explain(network, all, position) {
  const layer = network.layers[position.layer - 1];
  return layer.kind === "pooling" ? pooledFrom(network, all, position, layer) : summed(network, all, position, layer);
}

/**
 * The value at a position.
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Position} position
 * @returns {number}
 */
export function valueAt(network, all, position) {
  const shape = shapeAt(network, position.layer);
  return all[position.layer][(position.unit * shape.rows + position.row) * shape.columns + position.column];
}

/**
 * The box of the map below that a value was computed from; it may reach over the edge.
 * @param {Network} network
 * @param {Position} position
 * @returns {{ top: number, left: number, tall: number, wide: number }}
 */
export function boxBelow(network, position) {
  const layer = network.layers[position.layer - 1];
  const below = shapeAt(network, position.layer - 1);
  if (layer.kind === "linear") return { top: 0, left: 0, tall: below.rows, wide: below.columns };
  const top = position.row * layer.stride[0] - layer.before[0];
  const left = position.column * layer.stride[1] - layer.before[1];
  if (layer.code === "BP" && !layer.whole) {
    const [tall, wide] = layer.window;
    return { top: top - tall + 1, left: left - wide + 1, tall: 2 * tall - 1, wide: 2 * wide - 1 };
  }
  return { top, left, tall: layer.window[0], wide: layer.window[1] };
}

/**
 * The pixels of the image that a value depends on.
 * @param {Network} network
 * @param {Position} position
 * @returns {{ top: number, left: number, tall: number, wide: number }}
 */
export function receptiveField(network, position) {
  if (position.layer === 0) return { top: position.row, left: position.column, tall: 1, wide: 1 };
  const [down, across] = network.layers[position.layer - 1].field;
  return {
    top: down.start + position.row * down.stride,
    left: across.start + position.column * across.stride,
    tall: down.size,
    wide: across.size,
  };
}

/**
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Position} position
 * @param {Layer} layer
 * @returns {Sum}
 */
function summed(network, all, position, layer) {
  const below = shapeAt(network, position.layer - 1);
  const values = all[position.layer - 1];
  const { top, left, tall, wide } = boxBelow(network, position);
  const region = layer.kind === "linear" ? 0 : regionOf(layer, position.row, position.column);
  const start = (region * layer.maps + position.unit) * below.maps * tall * wide;
  /** @type {Part[]} */
  const parts = [];
  let total = layer.bias[position.unit];
  for (let map = 0; map < below.maps; map++) {
    /** @type {Part} */
    const part = { map, inputs: [], weights: [], products: [], sum: 0 };
    for (let cell = 0; cell < tall * wide; cell++) {
      const row = top + Math.floor(cell / wide);
      const column = left + (cell % wide);
      const inside = row >= 0 && row < below.rows && column >= 0 && column < below.columns;
      const input = inside ? values[(map * below.rows + row) * below.columns + column] : 0;
      const weight = layer.weights[start + map * tall * wide + cell];
      part.inputs.push(input);
      part.weights.push(weight);
      part.products.push(input * weight);
      part.sum += input * weight;
    }
    parts.push(part);
    total += part.sum;
  }
  const added = layer.residual
    ? values[(position.unit * below.rows + position.row) * below.columns + position.column]
    : null;
  total += added ?? 0;
  const value = NONLINEARITIES[layer.nonlinearity](total);
  return { kind: "sum", parts, tall, wide, top, left, bias: layer.bias[position.unit], added, total, value };
}

/**
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Position} position
 * @param {Layer} layer
 * @returns {Pooled}
 */
function pooledFrom(network, all, position, layer) {
  const below = shapeAt(network, position.layer - 1);
  const { rows, columns } = windowOf(layer, below, position.row, position.column);
  const inputs = rows.flatMap((row) =>
    columns.map((column) => all[position.layer - 1][(position.unit * below.rows + row) * below.columns + column]),
  );
  const box = boxBelow(network, position);
  const parts = windowWeights(layer, inputs, rows.length, columns.length);
  const value = inputs.reduce((sum, input, index) => sum + input * parts[index], 0);
  return { kind: "pooled", inputs, weights: parts, ...box, value };
}
