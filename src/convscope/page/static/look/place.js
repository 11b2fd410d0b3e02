// @ts-check
/**
 * Where the reader is: which image, which value of which map, which units are off. It stands in the address, to be
 * shared.
 */
import { shapeAt } from "./network.js";
import { canBeOff } from "./switches.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./explain.js").Place} Place */

const MOST_OFF = 200; // that an address holds

/**
 * #image/stage/unit/row/column;off=stage.unit,stage.unit, all from 1; stage 0 is the image, and an image of one's own
 * has no number.
 * @param {number | null} image from 0
 * @param {Place} place
 * @param {import("./switches.js").Off} [off]
 * @returns {string}
 */
export function toHash(image, place, off = []) {
  const without = off.slice(0, MOST_OFF).map(({ layer, unit }) => `${layer}.${unit + 1}`);
  const numbers = [image === null ? "own" : image + 1, place.layer, place.unit + 1, place.row + 1, place.column + 1];
  return `#${numbers.join("/")}${without.length ? `;off=${without.join(",")}` : ""}`;
}

/**
 * @param {Network} network
 * @param {string} hash
 * @returns {{ image: number | null, place: Place, off: import("./switches.js").Off } | null} null where it names no
 *   such place; units that there are not are left out
 */
export function fromHash(network, hash) {
  const match =
    /^#(own|[0-9]{1,6})\/([0-9]{1,6})\/([0-9]{1,6})\/([0-9]{1,6})\/([0-9]{1,6})(?:;off=([0-9.,]{1,4000}))?$/.exec(hash);
  if (!match) return null;
  const [layer, unit, row, column] = match.slice(2, 6).map(Number);
  if (layer > network.layers.length) return null;
  const shape = shapeAt(network, layer);
  if (unit < 1 || row < 1 || column < 1 || unit > shape.maps || row > shape.rows || column > shape.columns) return null;
  const image = match[1] === "own" ? null : Number(match[1]) - 1;
  if (image !== null && (image < 0 || image >= network.images.length)) return null;
  return {
    image,
    place: { layer, unit: unit - 1, row: row - 1, column: column - 1 },
    off: offOf(network, match[6] ?? ""),
  };
}

/**
 * The units that a part of an address names, each once.
 * @param {Network} network
 * @param {string} text
 * @returns {import("./switches.js").Off}
 */
function offOf(network, text) {
  const named = [...new Set(text.split(","))].slice(0, MOST_OFF).map((one) => /^([0-9]{1,6})\.([0-9]{1,6})$/.exec(one));
  return named
    .flatMap((one) => (one ? [{ layer: Number(one[1]), unit: Number(one[2]) - 1 }] : []))
    .filter((one) => canBeOff(network, one));
}

/**
 * The same place as near as another layer allows.
 * @param {Network} network
 * @param {Place} place
 * @returns {Place}
 */
export function within(network, place) {
  const layer = Math.max(0, Math.min(place.layer, network.layers.length));
  const shape = shapeAt(network, layer);
  const keep = (/** @type {number} */ value, /** @type {number} */ count) => Math.max(0, Math.min(value, count - 1));
  return {
    layer,
    unit: keep(place.unit, shape.maps),
    row: keep(place.row, shape.rows),
    column: keep(place.column, shape.columns),
  };
}

/**
 * Where the largest value of a layer, or of one of its maps, is: a good place to begin.
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {number} layer
 * @param {number | null} [unit] the map; all of them if none
 * @returns {Place}
 */
export function strongest(network, all, layer, unit = null) {
  const shape = shapeAt(network, layer);
  const area = shape.rows * shape.columns;
  const [from, to] = unit === null ? [0, shape.maps * area] : [unit * area, (unit + 1) * area];
  let best = from;
  for (let index = from; index < to; index++) if (all[layer][index] > all[layer][best]) best = index;
  const place = best % area;
  return {
    layer,
    unit: Math.floor(best / area),
    row: Math.floor(place / shape.columns),
    column: place % shape.columns,
  };
}

/**
 * Where the reader comes to: the same place as near as the layer allows, or where another layer responds most strongly.
 * @param {Network} network
 * @param {{ place: Place, all: Float32Array[] }} shown where the reader is, and the maps
 * @param {Partial<Place> & { layer: number }} change
 * @returns {Place}
 */
export function reached(network, { place, all }, change) {
  const start = change.layer === place.layer ? place : strongest(network, all, change.layer, change.unit ?? 0);
  return within(network, { ...start, ...change });
}
