// @ts-check
/** Where the reader is: which picture, and which value of which map. It stands in the address, so that it can be shared. */
import { shapeAt } from "./format.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {import("./explain.js").Place} Place */

/**
 * #picture/stage/unit/row/column, all from 1; stage 0 is the picture, and a picture of one's own has no number.
 * @param {number | null} picture from 0
 * @param {Place} place
 * @returns {string}
 */
export function toHash(picture, place) {
  return `#${[picture === null ? "own" : picture + 1, place.step, place.unit + 1, place.row + 1, place.column + 1].join("/")}`;
}

/**
 * @param {Network} network
 * @param {string} hash
 * @returns {{ picture: number | null, place: Place } | null} null where it names no such place
 */
export function fromHash(network, hash) {
  const match = /^#(own|[0-9]{1,6})\/([0-9]{1,6})\/([0-9]{1,6})\/([0-9]{1,6})\/([0-9]{1,6})$/.exec(hash);
  if (!match) return null;
  const [step, unit, row, column] = match.slice(2).map(Number);
  if (step > network.steps.length) return null;
  const shape = shapeAt(network, step);
  if (unit < 1 || row < 1 || column < 1 || unit > shape.maps || row > shape.rows || column > shape.columns) return null;
  const picture = match[1] === "own" ? null : Number(match[1]) - 1;
  if (picture !== null && (picture < 0 || picture >= network.pictures.length)) return null;
  return { picture, place: { step, unit: unit - 1, row: row - 1, column: column - 1 } };
}

/**
 * The same place as near as another step allows.
 * @param {Network} network
 * @param {Place} place
 * @returns {Place}
 */
export function within(network, place) {
  const step = Math.max(0, Math.min(place.step, network.steps.length));
  const shape = shapeAt(network, step);
  const keep = (/** @type {number} */ value, /** @type {number} */ count) => Math.max(0, Math.min(value, count - 1));
  return { step, unit: keep(place.unit, shape.maps), row: keep(place.row, shape.rows), column: keep(place.column, shape.columns) };
}

/**
 * Where the largest value of a step, or of one of its maps, is: a good place to begin.
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {number} step
 * @param {number | null} [unit] the map; all of them if none
 * @returns {Place}
 */
export function strongest(network, all, step, unit = null) {
  const shape = shapeAt(network, step);
  const area = shape.rows * shape.columns;
  const [from, to] = unit === null ? [0, shape.maps * area] : [unit * area, (unit + 1) * area];
  let best = from;
  for (let index = from; index < to; index++) if (all[step][index] > all[step][best]) best = index;
  const place = best % area;
  return { step, unit: Math.floor(best / area), row: Math.floor(place / shape.columns), column: place % shape.columns };
}
