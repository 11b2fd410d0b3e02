// @ts-check
/**
 * Ink on paper: whether an image of the reader's own is light on dark like the training images, and its ink in their
 * size and position. Every step is off for networks whose images have no common paper.
 */
import { fitImage } from "./preprocessing.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./preprocessing.js").Raster} Raster */
/** @typedef {Uint8Array | Uint8ClampedArray} Gray */
/** @typedef {{ rows: number, columns: number }} Size */

/**
 * What the ink of the training images is like; Python finds it, for `convscope explain` too.
 * @typedef {object} Ink
 * @property {number} paper gray level
 * @property {number} side longer side of its box, in pixels
 * @property {[number, number]} center of its mass: row, column
 * @property {string} other in words, what an image with paper and ink exchanged is
 */
/** Which of the steps are taken. @typedef {{ inverted: boolean, fitted: boolean }} Steps */

const SEEN = 0.3; // of the strongest ink: what belongs to its box
const MOST_INK = 0.6; // of the pixels; more is no ink
const LONGEST = 448; // pixels of an own image that are looked at
const SHADOW = 0.2; // of the strongest ink: shadows and noise of paper that is not clean
const CLEAN = 6; // levels by which clean paper differs from the training images'
const LARGEST_ZOOM = 6; // a dot stays one

/** @param {ArrayLike<number>} values */
function middle(values) {
  return Array.from(values).sort((one, other) => one - other)[values.length >> 1];
}

/** The gray level in the middle of those along the edges. @param {Gray} pixels @param {Size} size */
function borderOf(pixels, { rows, columns }) {
  const edge = [];
  for (let column = 0; column < columns; column++) edge.push(pixels[column], pixels[(rows - 1) * columns + column]);
  for (let row = 1; row < rows - 1; row++) edge.push(pixels[row * columns], pixels[(row + 1) * columns - 1]);
  return middle(edge);
}

/** @param {Gray} pixels @param {number} paper @returns {Float32Array} */
function distances(pixels, paper) {
  return Float32Array.from(pixels, (value) => Math.abs(value - paper));
}

/**
 * Where the ink is.
 * @param {Float32Array} ink
 * @param {Size} size
 * @returns {{ side: number, center: [number, number], part: number } | null} null where there is none
 */
function boxOf(ink, { rows, columns }) {
  const least = SEEN * ink.reduce((most, value) => Math.max(most, value), 0);
  let [top, left, lower, right, count] = [rows, columns, -1, -1, 0];
  let [mass, down, across] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = ink[row * columns + column];
      if (value < least || value === 0) continue;
      [top, lower] = [Math.min(top, row), Math.max(lower, row)];
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      count += 1;
      mass += value;
      down += value * (row + 0.5);
      across += value * (column + 0.5);
    }
  }
  if (!count) return null;
  const side = Math.max(lower - top, right - left) + 1;
  return { side, center: [down / mass, across / mass], part: count / (rows * columns) };
}

/**
 * An image as it is looked at: gray, not larger than needed.
 * @param {Raster} raster RGBA
 * @param {number} paper behind what shines through
 * @returns {{ pixels: Uint8Array, rows: number, columns: number }}
 */
function grayOf(raster, paper) {
  const scale = Math.min(1, LONGEST / Math.max(raster.rows, raster.columns));
  const [rows, columns] = [
    Math.max(1, Math.round(raster.rows * scale)),
    Math.max(1, Math.round(raster.columns * scale)),
  ];
  const target = { height: rows, width: columns, channels: 1, fit: "stretch", background: [paper] };
  return { pixels: fitImage(raster, target), rows, columns };
}

/**
 * Which steps an image needs.
 * @param {Raster} raster RGBA
 * @param {Ink} ink
 * @param {Size} size of the network's images: one of their size that is not inverted is left as it is
 * @returns {Steps}
 */
export function stepsFor(raster, ink, size) {
  const { pixels, ...seen } = grayOf(raster, ink.paper);
  const border = borderOf(pixels, seen);
  const found = boxOf(distances(pixels, border), seen);
  const inverted = found !== null && Math.abs(255 - border - ink.paper) < Math.abs(border - ink.paper);
  const asTrained = raster.rows === size.rows && raster.columns === size.columns;
  return { inverted, fitted: (inverted || !asTrained) && found !== null && found.part <= MOST_INK };
}

/**
 * The pixels that the network is given.
 * @param {Raster} raster RGBA
 * @param {Network} network
 * @param {Ink} ink
 * @param {Steps} steps
 * @returns {Uint8Array}
 */
export function inked(raster, network, ink, { inverted, fitted }) {
  if (!inverted && !fitted) return fitImage(raster, network);
  const { pixels, ...size } = grayOf(raster, inverted ? 255 - ink.paper : ink.paper);
  const level = inverted ? pixels.map((value) => 255 - value) : pixels;
  const clean = cleaned(level, borderOf(level, size), ink.paper);
  const found = fitted ? boxOf(distances(clean, ink.paper), size) : null;
  if (!found) return fitImage(rgbaOf(clean, size), { ...network, background: [ink.paper] });
  const [tall, wide] = [network.height, network.width];
  const usual = Math.min(tall / size.rows, wide / size.columns);
  const scale = Math.min(ink.side / found.side, LARGEST_ZOOM * usual);
  const window = { rows: Math.max(1, Math.round(tall / scale)), columns: Math.max(1, Math.round(wide / scale)) };
  const top = Math.round(found.center[0] - ink.center[0] / scale);
  const left = Math.round(found.center[1] - ink.center[1] / scale);
  const cut = new Uint8Array(window.rows * window.columns).fill(ink.paper);
  for (let row = Math.max(0, -top); row < window.rows && row + top < size.rows; row++) {
    for (let column = Math.max(0, -left); column < window.columns && column + left < size.columns; column++) {
      cut[row * window.columns + column] = clean[(row + top) * size.columns + column + left];
    }
  }
  return fitImage(rgbaOf(cut, window), { ...network, fit: "stretch" });
}

/**
 * Paper that is not quite clean becomes so, and ink as strong as it can be.
 * @param {Uint8Array} pixels
 * @param {number} border
 * @param {number} paper of the training images
 */
function cleaned(pixels, border, paper) {
  const sign = paper < 128 ? 1 : -1;
  const most = paper < 128 ? 255 - paper : paper;
  const ink = Float32Array.from(pixels, (value) => Math.max(0, sign * (value - border)));
  const strongest = Float32Array.from(ink).sort()[Math.floor(0.998 * (ink.length - 1))];
  if (!strongest || (Math.abs(border - paper) <= CLEAN && strongest > 0.9 * most)) return pixels;
  const stretched = (/** @type {number} */ value) =>
    Math.max(0, Math.min(1, (value / strongest - SHADOW) / (1 - 2 * SHADOW)));
  return Uint8Array.from(ink, (value) => Math.round(paper + sign * most * stretched(value)));
}

/** @param {Uint8Array} gray @param {Size} size @returns {Raster} */
function rgbaOf(gray, { rows, columns }) {
  const data = new Uint8Array(4 * gray.length).fill(255);
  gray.forEach((value, index) => data.fill(value, 4 * index, 4 * index + 3));
  return { data, rows, columns, channels: 4 };
}
