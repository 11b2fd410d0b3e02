// @ts-check
/** One value of one map, taken apart: what it saw, what that was multiplied with, and what came of it. */
import { shapeAt } from "./network.js";
import { NONLINEARITIES } from "./nonlinearity.js";
import { shares, viewOf } from "./pooling.js";
import { regionOf } from "./regions.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Layer} Layer */

/** A value of a map. @typedef {{ layer: number, unit: number, row: number, column: number }} Place */

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
 * @typedef {object} Taken
 * @property {"taken"} kind
 * @property {number[]} inputs row by row
 * @property {number[]} shares how much of each is in the value
 * @property {number} tall
 * @property {number} wide
 * @property {number} top
 * @property {number} left
 * @property {number} value
 */

/**
 * @param {Network} network
 * @param {Float32Array[]} all the standardized image and the maps of every layer
 * @param {Place} place with layer from 1
 * @returns {Sum | Taken}
 */
export function explain(network, all, place) {
  const layer = network.layers[place.layer - 1];
  return layer.kind === "pooling" ? takenFrom(network, all, place, layer) : summed(network, all, place, layer);
}

/**
 * The value at a place.
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Place} place
 * @returns {number}
 */
export function valueAt(network, all, place) {
  const shape = shapeAt(network, place.layer);
  return all[place.layer][(place.unit * shape.rows + place.row) * shape.columns + place.column];
}

/**
 * The box of the map below that a value was computed from; it may reach over the edge.
 * @param {Network} network
 * @param {Place} place
 * @returns {{ top: number, left: number, tall: number, wide: number }}
 */
export function boxBelow(network, place) {
  const layer = network.layers[place.layer - 1];
  const below = shapeAt(network, place.layer - 1);
  if (layer.kind === "connected") return { top: 0, left: 0, tall: below.rows, wide: below.columns };
  const top = place.row * layer.stride[0] - layer.before;
  const left = place.column * layer.stride[1] - layer.before;
  if (layer.code === "BP" && !layer.whole) {
    const [tall, wide] = layer.window;
    return { top: top - tall + 1, left: left - wide + 1, tall: 2 * tall - 1, wide: 2 * wide - 1 };
  }
  return { top, left, tall: layer.window[0], wide: layer.window[1] };
}

/**
 * The pixels of the image that a value depends on.
 * @param {Network} network
 * @param {Place} place
 * @returns {{ top: number, left: number, tall: number, wide: number }}
 */
export function receptiveField(network, place) {
  if (place.layer === 0) return { top: place.row, left: place.column, tall: 1, wide: 1 };
  const [down, across] = network.layers[place.layer - 1].field;
  return {
    top: down.start + place.row * down.stride,
    left: across.start + place.column * across.stride,
    tall: down.size,
    wide: across.size,
  };
}

/**
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Place} place
 * @param {Layer} layer
 * @returns {Sum}
 */
function summed(network, all, place, layer) {
  const below = shapeAt(network, place.layer - 1);
  const values = all[place.layer - 1];
  const { top, left, tall, wide } = boxBelow(network, place);
  const region = layer.kind === "connected" ? 0 : regionOf(layer, place.row, place.column);
  const start = (region * layer.maps + place.unit) * below.maps * tall * wide;
  /** @type {Part[]} */
  const parts = [];
  let total = layer.bias[place.unit];
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
  const added = layer.residual ? values[(place.unit * below.rows + place.row) * below.columns + place.column] : null;
  total += added ?? 0;
  const value = NONLINEARITIES[layer.nonlinearity](total);
  return { kind: "sum", parts, tall, wide, top, left, bias: layer.bias[place.unit], added, total, value };
}

/**
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Place} place
 * @param {Layer} layer
 * @returns {Taken}
 */
function takenFrom(network, all, place, layer) {
  const below = shapeAt(network, place.layer - 1);
  const { rows, columns } = viewOf(layer, below, place.row, place.column);
  const inputs = rows.flatMap((row) =>
    columns.map((column) => all[place.layer - 1][(place.unit * below.rows + row) * below.columns + column]),
  );
  const box = boxBelow(network, place);
  const parts = shares(layer, inputs, rows.length, columns.length);
  const value = inputs.reduce((sum, input, index) => sum + input * parts[index], 0);
  return { kind: "taken", inputs, shares: parts, ...box, value };
}
