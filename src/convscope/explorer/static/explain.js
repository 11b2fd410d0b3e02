// @ts-check
/** One value of one map, taken apart: what it saw, what that was multiplied with, and what came of it. */
import { accountOf } from "./accounts.js";
import { belowOf, inputsOf, shapeAt } from "./network.js";
import { functionOf } from "./nonlinearity.js";
import { countedValues, windowOf, windowWeights } from "./pooling.js";
import { regionOf } from "./regions.js";
import { coveringOf } from "./transposed.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */

/** @typedef {import("./accounts.js").Account} Account */

/** A value of a map. @typedef {{ layer: number, unit: number, row: number, column: number }} Position */

/**
 * Goes to a position; what is left out stays as it is, and where `stays` is true the block that is open.
 * @typedef {(to: Partial<Position> & { layer: number }, stays?: boolean) => void} Go
 */

/**
 * What a unit makes of one map below: its patch (0 where it reaches over the edge), the weights, and their products.
 * @typedef {{ map: number, inputs: number[], weights: number[], products: number[], sum: number }} Part
 */

/**
 * @typedef {object} Sum
 * @property {"sum"} kind
 * @property {Part[]} parts one for each map below that the unit sees
 * @property {number} tall rows of the patch
 * @property {number} wide columns of the patch
 * @property {number[]} rows of the map below that the rows of the patch are; may lie outside
 * @property {number[]} columns
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
 * @property {number[]} rows of the map below that the rows of the window are; may lie outside
 * @property {number[]} columns
 * @property {number} total before the nonlinearity, if it has one
 * @property {number} value
 */

/**
 * @param {Network} network
 * @param {Float32Array[]} all the standardized image and the maps of every layer
 * @param {Position} position with layer from 1
 * @returns {Sum | Pooled | Account}
 */
export function explain(network, all, position) {
  const layer = network.layers[position.layer - 1];
  if (layer.kind === "pooling") return pooledFrom(network, all, position, layer);
  return layer.weights.length ? summed(network, all, position, layer) : accountOf(network, all, position);
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
 * The rows, or columns, of the map below that those of a patch or window are; they may reach over the edge.
 * @param {Network} network
 * @param {Position} position
 * @param {0 | 1} side
 * @returns {number[]}
 */
function seenAlong(network, position, side) {
  const layer = network.layers[position.layer - 1];
  const below = shapeAt(network, belowOf(network, position.layer));
  const place = side ? position.column : position.row;
  const size = side ? below.columns : below.rows;
  if (layer.kind === "transposed-convolution") return coveringOf(layer, side, place, size).map(({ at }) => at);
  const start = place * layer.stride[side] - layer.before[side];
  const count = layer.window[side];
  if (layer.code === "BP" && !layer.whole)
    return Array.from({ length: 2 * count - 1 }, (_, index) => start - count + 1 + index);
  return Array.from({ length: count }, (_, index) => start + index * layer.dilation[side]);
}

/**
 * The box of the map below that a value was computed from, of the first input; it may reach over the edge.
 * @param {Network} network
 * @param {Position} position
 * @returns {{ top: number, left: number, tall: number, wide: number }}
 */
export function boxBelow(network, position) {
  const layer = network.layers[position.layer - 1];
  const below = shapeAt(network, belowOf(network, position.layer));
  const at = (/** @type {number} */ row, /** @type {number} */ column) => ({
    top: row,
    left: column,
    tall: 1,
    wide: 1,
  });
  if (layer.kind === "flatten") {
    const cell = position.unit % (below.rows * below.columns);
    return at(Math.floor(cell / below.columns), cell % below.columns);
  }
  if (layer.kind === "padding") return at(position.row - layer.settings.top, position.column - layer.settings.left);
  if (layer.kind === "resize") {
    const place = (/** @type {number} */ index, /** @type {number} */ size, /** @type {number} */ from) =>
      Math.floor(((index + 0.5) * from) / size);
    return at(place(position.row, layer.rows, below.rows), place(position.column, layer.columns, below.columns));
  }
  const [rows, columns] = [seenAlong(network, position, 0), seenAlong(network, position, 1)];
  const span = (/** @type {number[]} */ some) => (some.length ? some[some.length - 1] - some[0] + 1 : 0);
  return { top: rows[0] ?? 0, left: columns[0] ?? 0, tall: span(rows), wide: span(columns) };
}

/**
 * The one map of a layer's first input that a value depends on.
 * @param {Network} network
 * @param {Position} position
 * @returns {number | null} null where it depends on several
 */
export function mapBelow(network, { layer: number, unit }) {
  const layer = network.layers[number - 1];
  const below = shapeAt(network, belowOf(network, number));
  if (layer.groups === below.maps && layer.weights.length) return Math.floor(unit / (layer.maps / layer.groups));
  if (layer.weights.length || layer.kind === "softmax" || layer.kind.includes("normalization")) return null;
  return Math.min(unit, below.maps - 1);
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
  const [top, tall] = pixelsAt(down, position.row);
  const [left, wide] = pixelsAt(across, position.column);
  return { top, left, tall, wide };
}

/**
 * The first pixel of the field of a position along a side, and how many there are. Behind a resizing, start and stride
 * are fractions, and the pixels are the whole numbers from the first to the last.
 * @param {{ start: number, stride: number, size: number }} field
 * @param {number} index of the position
 * @returns {[number, number]}
 */
function pixelsAt(field, index) {
  const start = field.start + index * field.stride;
  const first = Math.ceil(start - 1e-9); // 1/3 × 3 is 1
  return [first, Math.floor(start + 1e-9) + field.size - first];
}

/**
 * The weights of a unit at a position: which maps below they are for, and where each is.
 * @param {Network} network
 * @param {Position} position
 * @param {Layer} layer
 */
function weightsOf(network, position, layer) {
  const below = shapeAt(network, belowOf(network, position.layer));
  const [units, seen] = [layer.maps / layer.groups, below.maps / layer.groups];
  const first = Math.floor(position.unit / units) * seen;
  const [tall, wide] = layer.window;
  if (layer.kind === "transposed-convolution") {
    const rows = coveringOf(layer, 0, position.row, below.rows);
    const columns = coveringOf(layer, 1, position.column, below.columns);
    const cells = rows.flatMap((row) => columns.map((column) => row.cell * wide + column.cell));
    const start = (/** @type {number} */ map) => (map * units + (position.unit % units)) * tall * wide;
    return { first, seen, cells, start };
  }
  const shared = layer.regions[0] * layer.regions[1] === 1;
  const region = shared ? 0 : regionOf(layer, position.row, position.column);
  const cells = Array.from({ length: tall * wide }, (_, cell) => cell);
  const own = (region * layer.maps + position.unit) * seen;
  return { first, seen, cells, start: (/** @type {number} */ map) => (own + map - first) * tall * wide };
}

/**
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Position} position
 * @param {Layer} layer
 * @returns {Sum}
 */
function summed(network, all, position, layer) {
  const [from, other] = inputsOf(network, position.layer);
  const below = shapeAt(network, from);
  const values = all[from];
  const [rows, columns] = [seenAlong(network, position, 0), seenAlong(network, position, 1)];
  const { first, seen, cells, start } = weightsOf(network, position, layer);
  /** @type {Part[]} */
  const parts = [];
  let total = layer.bias[position.unit];
  for (let map = first; map < first + seen; map++) {
    /** @type {Part} */
    const part = { map, inputs: [], weights: [], products: [], sum: 0 };
    cells.forEach((cell, index) => {
      const row = rows[Math.floor(index / columns.length)];
      const column = columns[index % columns.length];
      const inside = row >= 0 && row < below.rows && column >= 0 && column < below.columns;
      const input = inside ? values[(map * below.rows + row) * below.columns + column] : 0;
      const weight = layer.weights[start(map) + cell];
      part.inputs.push(input);
      part.weights.push(weight);
      part.products.push(input * weight);
      part.sum += input * weight;
    });
    parts.push(part);
    total += part.sum;
  }
  const added = layer.residual ? valueAt(network, all, { ...position, layer: other }) : null;
  total += added ?? 0;
  const value = functionOf(layer.nonlinearity)(total);
  const patch = { tall: rows.length, wide: columns.length, rows, columns };
  return { kind: "sum", parts, ...patch, bias: layer.bias[position.unit], added, total, value };
}

/**
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Position} position
 * @param {Layer} layer
 * @returns {Pooled}
 */
function pooledFrom(network, all, position, layer) {
  const from = belowOf(network, position.layer);
  const below = shapeAt(network, from);
  const { rows, columns } = windowOf(layer, below, position.row, position.column);
  const inputs = rows.flatMap((row) =>
    columns.map((column) => all[from][(position.unit * below.rows + row) * below.columns + column]),
  );
  const count = layer.code === "AP" ? countedValues(layer, below, position.row, position.column) : inputs.length;
  const weights = windowWeights(layer, inputs, rows.length, columns.length, count);
  const total = inputs.reduce((sum, input, index) => sum + input * weights[index], 0);
  const blurred = layer.code === "BP" && !layer.whole; // its rows repeat at the edge
  const seen = blurred ? { rows: seenAlong(network, position, 0), columns: seenAlong(network, position, 1) } : null;
  const window = { tall: rows.length, wide: columns.length, rows, columns, ...seen };
  return { kind: "pooled", inputs, weights, ...window, total, value: functionOf(layer.nonlinearity)(total) };
}
