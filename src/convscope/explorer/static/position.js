// @ts-check
/**
 * Where the reader is: which image, which value of which map, which units are off. The address holds it, to be
 * shared.
 */
import { shapeAt } from "./network.js";
import { canBeOff } from "./switches.js";

/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./graph_blocks.js").Range} Range */
/** @typedef {import("./network.js").Network} Network */

const MOST_OFF = 200; // that an address holds
const ADDRESS = new RegExp(
  `^#(own|[0-9]{1,6})${"/([0-9]{1,6})".repeat(4)}(?:;off=([0-9.,]{1,4000}))?(?:;open=([0-9]{1,4})-([0-9]{1,4}))?$`,
);

/**
 * #image/stage/unit/row/column;off=stage.unit,stage.unit, all from 1; stage 0 is the image, and an image of one's own
 * has no number. On the map of a large network, ;open=first-last names the layers of the block that is open.
 * @param {number | null} image from 0
 * @param {Position} position
 * @param {import("./switches.js").Off} [off]
 * @param {Range | null} [open]
 * @returns {string}
 */
export function toHash(image, position, off = [], open = null) {
  const without = off.slice(0, MOST_OFF).map(({ layer, unit }) => `${layer}.${unit + 1}`);
  const numbers = [
    image === null ? "own" : image + 1,
    position.layer,
    position.unit + 1,
    position.row + 1,
    position.column + 1,
  ];
  const block = open ? `;open=${open.first + 1}-${open.last + 1}` : "";
  return `#${numbers.join("/")}${without.length ? `;off=${without.join(",")}` : ""}${block}`;
}

/**
 * @param {Network} network
 * @param {string} hash
 * @returns {{ image: number | null, position: Position, off: import("./switches.js").Off, open: Range | null } | null}
 *   null where it names no such position; units that there are not are left out; whether there is such a block is not
 *   looked up
 */
export function fromHash(network, hash) {
  const match = ADDRESS.exec(hash);
  if (!match) return null;
  const [layer, unit, row, column] = match.slice(2, 6).map(Number);
  if (layer > network.layers.length) return null;
  const shape = shapeAt(network, layer);
  if (unit < 1 || row < 1 || column < 1 || unit > shape.maps || row > shape.rows || column > shape.columns) return null;
  const image = match[1] === "own" ? null : Number(match[1]) - 1;
  if (image !== null && (image < 0 || image >= network.images.length)) return null;
  return {
    image,
    position: { layer, unit: unit - 1, row: row - 1, column: column - 1 },
    off: offOf(network, match[6] ?? ""),
    open: match[7] ? { first: Number(match[7]) - 1, last: Number(match[8]) - 1 } : null,
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
