// @ts-check
/** Where the reader is: which value of which map. */
import { shapeAt } from "./network.js";

/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./network.js").Network} Network */

/**
 * The same position as near as another layer allows.
 * @param {Network} network
 * @param {Position} position
 * @returns {Position}
 */
export function within(network, position) {
  const layer = Math.max(0, Math.min(position.layer, network.layers.length));
  const shape = shapeAt(network, layer);
  const keep = (/** @type {number} */ value, /** @type {number} */ count) => Math.max(0, Math.min(value, count - 1));
  return {
    layer,
    unit: keep(position.unit, shape.maps),
    row: keep(position.row, shape.rows),
    column: keep(position.column, shape.columns),
  };
}

/**
 * Where the largest value of a layer, or of one of its maps, is: a good position to begin.
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {number} layer
 * @param {number | null} [unit] the map; all of them if none
 * @returns {Position}
 */
export function strongest(network, all, layer, unit = null) {
  const shape = shapeAt(network, layer);
  const area = shape.rows * shape.columns;
  const [from, to] = unit === null ? [0, shape.maps * area] : [unit * area, (unit + 1) * area];
  let best = from;
  for (let index = from; index < to; index++) if (all[layer][index] > all[layer][best]) best = index;
  const cell = best % area;
  return {
    layer,
    unit: Math.floor(best / area),
    row: Math.floor(cell / shape.columns),
    column: cell % shape.columns,
  };
}

/**
 * Where the reader comes to: the same position as near as the layer allows, or where another layer responds most
 * strongly.
 * @param {Network} network
 * @param {{ position: Position, all: Float32Array[] }} shown where the reader is, and the maps
 * @param {Partial<Position> & { layer: number }} change
 * @returns {Position}
 */
export function reached(network, { position, all }, change) {
  const start = change.layer === position.layer ? position : strongest(network, all, change.layer, change.unit ?? 0);
  return within(network, { ...start, ...change });
}
