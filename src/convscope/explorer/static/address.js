// @ts-check
/** What the reader looks at as an address, to be shared: image or drawing, how it is moved, value, units off, block. */
import { base64Of, bytesOf } from "./base64.js";
import { STILL } from "./motion.js";
import { shapeAt } from "./network.js";
import { canBeOff } from "./switches.js";

/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./graph_blocks.js").Range} Range */
/** @typedef {import("./motion.js").Motion} Motion */
/** @typedef {import("./network.js").Network} Network */

/**
 * @typedef {object} Address
 * @property {number | null} image from 0; null for one of the reader's own
 * @property {Position | null} position null where no value was pressed
 * @property {import("./switches.js").Off} off
 * @property {Range | null} open the block of the map of a large network
 * @property {Motion} motion
 * @property {Uint8Array | null} drawing
 */

const MOST_OFF = 200; // that an address holds
const LARGEST_DRAWING = 64; // pixels of a side
const ADDRESS = new RegExp(
  `^#(own|[0-9]{1,6})(?:${"/([0-9]{1,6})".repeat(4)})?(?:;off=([0-9.,]{1,4000}))?(?:;open=([0-9]{1,4})-([0-9]{1,4}))?` +
    "(?:;move=([a-z0-9:.,-]{1,200}))?(?:;draw=([A-Za-z0-9_-]{1,12000}))?$",
);

/**
 * #image/layer/unit/row/column;off=layer.unit,layer.unit;open=first-last;move=name:amount;draw=pixels, numbers from 1;
 * layer 0 is the image, and an image of one's own has no number. Where no value was pressed, the image stands alone.
 * @param {Network} network
 * @param {Address} address
 * @returns {string}
 */
export function toHash(network, { image, position, off, open, motion, drawing }) {
  const without = off.slice(0, MOST_OFF).map(({ layer, unit }) => `${layer}.${unit + 1}`);
  const place = position ? [position.layer, position.unit + 1, position.row + 1, position.column + 1] : [];
  const moved = Object.entries(motion).filter(([name, value]) => value !== STILL[/** @type {keyof Motion} */ (name)]);
  const moves = moved.map(([name, value]) => `${name}:${value}`);
  const small = drawing && network.channels === 1 && Math.max(network.height, network.width) <= LARGEST_DRAWING;
  return [
    `#${[image === null ? "own" : image + 1, ...place].join("/")}`,
    ...(without.length ? [`off=${without.join(",")}`] : []),
    ...(open ? [`open=${open.first + 1}-${open.last + 1}`] : []),
    ...(moves.length ? [`move=${moves.join(",")}`] : []),
    ...(small ? [`draw=${textOfDrawing(drawing, network.background[0])}`] : []),
  ].join(";");
}

/**
 * @param {Network} network
 * @param {string} hash
 * @returns {Address | null} null where it names no such position; units that there are not are left out; whether there
 *   is such a block is not looked up
 */
export function fromHash(network, hash) {
  const match = ADDRESS.exec(hash);
  if (!match) return null;
  const position = match[2] ? positionOf(network, match.slice(2, 6).map(Number)) : null;
  if (match[2] && !position) return null;
  const image = match[1] === "own" ? null : Number(match[1]) - 1;
  if (image !== null && (image < 0 || image >= network.images.length)) return null;
  return {
    image,
    position,
    off: offOf(network, match[6] ?? ""),
    open: match[7] ? { first: Number(match[7]) - 1, last: Number(match[8]) - 1 } : null,
    motion: motionOf(match[9] ?? ""),
    drawing: image === null && match[10] ? drawingOf(network, match[10]) : null,
  };
}

/**
 * @param {Network} network
 * @param {number[]} numbers from 1; the layer from 0
 * @returns {Position | null} null where there is no such value
 */
function positionOf(network, [layer, unit, row, column]) {
  if (layer > network.layers.length) return null;
  const { maps, rows, columns } = shapeAt(network, layer);
  if (unit < 1 || row < 1 || column < 1 || unit > maps || row > rows || column > columns) return null;
  return { layer, unit: unit - 1, row: row - 1, column: column - 1 };
}

/** @param {string} text @returns {Motion} what it does not name stays still */
function motionOf(text) {
  const motion = { ...STILL };
  for (const one of text.split(",")) {
    const [name, amount] = one.split(":");
    const value = Number(amount);
    if (Object.hasOwn(STILL, name) && Number.isFinite(value)) motion[/** @type {keyof Motion} */ (name)] = value;
  }
  return motion;
}

/**
 * Paper as 0 and how many of it, ink as it is; in base64 for addresses.
 * @param {Uint8Array} pixels
 * @param {number} paper
 * @returns {string}
 */
export function textOfDrawing(pixels, paper) {
  const bytes = [];
  for (let index = 0; index < pixels.length; ) {
    let run = index;
    while (run < pixels.length && run - index < 255 && pixels[run] === paper) run += 1;
    if (run > index) bytes.push(0, run - index);
    else bytes.push(pixels[index] ^ paper);
    index = Math.max(run, index + 1);
  }
  return base64Of(Uint8Array.from(bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * @param {Pick<Network, "height" | "width" | "channels" | "background">} network
 * @param {string} text
 * @returns {Uint8Array | null} null where it is no drawing of that size
 */
export function drawingOf({ height, width, channels, background }, text) {
  if (channels !== 1 || Math.max(height, width) > LARGEST_DRAWING || text.length % 4 === 1) return null;
  const padded = text.padEnd(Math.ceil(text.length / 4) * 4, "=");
  const bytes = bytesOf(padded.replaceAll("-", "+").replaceAll("_", "/"));
  const pixels = new Uint8Array(height * width).fill(background[0]);
  let to = 0;
  for (let from = 0; from < bytes.length; from++) {
    if (bytes[from] === 0) to += bytes[++from] ?? Infinity;
    else pixels[to++] = bytes[from] ^ background[0];
    if (to > pixels.length) return null;
  }
  return to === pixels.length ? pixels : null;
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
