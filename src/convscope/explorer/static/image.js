// @ts-check
/** Images and maps on canvases, one cell a value; the browser makes them larger. */
import { paint } from "./colors.js";
import { element } from "./dom.js";

/** @typedef {import("./colors.js").Palette} Palette */

/** @typedef {{ rows: number, columns: number }} Size */

/** A canvas of columns × rows cells. @param {Size} size @param {string} [kind] @returns {HTMLCanvasElement} */
export function cells(size, kind = "cells") {
  return element("canvas", { width: size.columns, height: size.rows, class: kind, "aria-hidden": "true" });
}

/**
 * An image that does not change: unlike a canvas, it costs nothing when something else is drawn.
 * @param {string | null} address null for one that comes later
 * @param {Size} size
 * @param {number} room
 * @returns {HTMLImageElement}
 */
export function still(address, size, room) {
  const image = element("img", { class: "still", alt: "", draggable: "false", src: address });
  setSize(image, shownSize(size, room));
  return image;
}

/**
 * What each canvas is painted from, made once.
 * @type {WeakMap<HTMLCanvasElement, { image: ImageData, words: Uint32Array, context: CanvasRenderingContext2D }>}
 */
const SHEETS = new WeakMap();

/** @param {HTMLCanvasElement} canvas */
function sheetOf(canvas) {
  let sheet = SHEETS.get(canvas);
  if (!sheet) {
    const image = new ImageData(canvas.width, canvas.height);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    sheet = { image, words: new Uint32Array(image.data.buffer), context };
    SHEETS.set(canvas, sheet);
  }
  return sheet;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Palette} palette
 * @param {Float32Array} maps
 * @param {number} unit
 * @param {number} largest
 * @param {number} [until] only so many values, in order; the others stay empty
 */
export function drawMap(canvas, palette, maps, unit, largest, until = Infinity) {
  const { image, context, words } = sheetOf(canvas);
  const count = canvas.width * canvas.height;
  if (until < count) words.fill(0);
  paint(palette, maps, unit * count, Math.min(count, until), largest, words);
  context.putImageData(image, 0, 0);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @param {number} channels
 */
export function drawPixels(canvas, pixels, channels) {
  const {
    image: { data },
    image,
    context,
  } = sheetOf(canvas);
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let from = 0, to = 0; to < data.length; from += channels, to += 4) {
    data[to] = pixels[from];
    data[to + 1] = pixels[from + green];
    data[to + 2] = pixels[from + blue];
    data[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/**
 * The cell that a pointer is on, or the nearest.
 * @param {MouseEvent} event
 * @param {HTMLElement} shown
 * @param {Size} size
 * @returns {{ row: number, column: number }}
 */
export function cellAt(event, shown, size) {
  const box = shown.getBoundingClientRect();
  const cell = (/** @type {number} */ part, /** @type {number} */ count) =>
    Math.max(0, Math.min(count - 1, Math.floor(part * count)));
  return {
    row: cell((event.clientY - box.top) / box.height, size.rows),
    column: cell((event.clientX - box.left) / box.width, size.columns),
  };
}

/**
 * The size at which cells are shown: as large as fits, whole pixels a cell where there is room.
 * @param {Size} size
 * @param {number} room
 * @returns {[number, number]} width, height
 */
export function shownSize(size, room) {
  const longest = Math.max(size.rows, size.columns);
  const scale = longest <= room ? Math.floor(room / longest) : room / longest;
  return [Math.max(1, Math.round(size.columns * scale)), Math.max(1, Math.round(size.rows * scale))];
}

/** Give an element this size. @param {HTMLElement} made @param {[number, number]} size */
export function setSize(made, size) {
  made.style.width = `${size[0]}px`;
  made.style.height = `${size[1]}px`;
}

/**
 * Lay a frame over a box of cells, cut off at the edges; none where it would go around everything.
 * @param {HTMLElement} frame within an element of the same size as the canvas
 * @param {Size} size of the whole, in cells
 * @param {{ top: number, left: number, tall: number, wide: number }} box
 */
export function setFrame(frame, size, box) {
  const top = Math.max(0, box.top);
  const left = Math.max(0, box.left);
  const lower = Math.min(size.rows, box.top + box.tall);
  const right = Math.min(size.columns, box.left + box.wide);
  const all = lower - top === size.rows && right - left === size.columns;
  frame.hidden = lower <= top || right <= left || all;
  frame.style.top = `${(100 * top) / size.rows}%`;
  frame.style.left = `${(100 * left) / size.columns}%`;
  frame.style.height = `${(100 * (lower - top)) / size.rows}%`;
  frame.style.width = `${(100 * (right - left)) / size.columns}%`;
}
