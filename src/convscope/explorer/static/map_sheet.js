// @ts-check
/**
 * All maps of a layer on one canvas that lies behind their frames. A browser keeps a layer for every canvas that
 * changes;
 * with some hundred maps, moving those layers takes many times as long as computing what is on them.
 */
import { paint } from "./colors.js";
import { element, onOtherResolution } from "./dom.js";

/** @typedef {import("./colors.js").Palette} Palette */

const MOST_PIXELS_A_POINT = 2;

/**
 * Where the maps stand, in pixels of the canvas, and which column of a map each pixel across shows.
 * @typedef {{ left: number[], top: number[], columnOf: Int32Array, tall: number }} Positions
 */

/**
 * @typedef {object} MapSheet
 * @property {() => void} look sees where the frames stand, if that has changed; it is called for all sheets before
 *   anything of the page is changed, or the browser would lay out everything anew for each
 * @property {(palette: Palette, maps: Float32Array, first: number, count: number, largest: number) => void} paint draws
 *   maps from the first on
 */

/**
 * @param {HTMLElement} grid of the frames; it becomes what they are measured from
 * @param {HTMLElement[]} frames all of one size, in rows, as far from each other everywhere
 * @param {{ rows: number, columns: number }} shape of a map
 * @param {() => void} again called when everything stands elsewhere
 * @returns {MapSheet}
 */
export function makeMapSheet(grid, frames, shape, again) {
  const canvas = element("canvas", { class: "sheet", "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const cells = new Uint32Array(shape.rows * shape.columns);
  grid.prepend(canvas);
  /** @type {Positions | null} */
  let positions = null;
  let image = new ImageData(1, 1);
  let [width, height] = [0, 0]; // that the positions are of
  const anew = () => {
    positions = null;
    again();
  };
  new ResizeObserver(() => {
    if (grid.offsetWidth !== width || grid.offsetHeight !== height) anew();
  }).observe(grid);
  onOtherResolution(anew);
  const look = () => {
    if (positions) return;
    [width, height] = [grid.offsetWidth, grid.offsetHeight];
    if (!width) return; // not shown
    const scale = Math.min(MOST_PIXELS_A_POINT, devicePixelRatio);
    positions = positionsOfFrames(frames, shape.columns, scale);
    image = new ImageData(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  };
  const resize = () => {
    Object.assign(canvas, { width: image.width, height: image.height });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  };
  /** @type {MapSheet["paint"]} */
  const paintMaps = (palette, maps, first, count, largest) => {
    if (!positions) return;
    if (canvas.width !== image.width || canvas.height !== image.height) resize();
    const words = new Uint32Array(image.data.buffer);
    if (count < frames.length) words.fill(0);
    for (let slot = 0; slot < count; slot++) {
      paint(palette, maps, (first + slot) * cells.length, cells.length, largest, cells);
      enlarge(cells, shape, words, image.width, positions, slot);
    }
    context.putImageData(image, 0, 0);
  };
  return { look, paint: paintMaps };
}

/**
 * Where the frames stand, from those at the corner: to ask each takes longer than the network.
 * @param {HTMLElement[]} frames
 * @param {number} columns of a map
 * @param {number} scale
 * @returns {Positions}
 */
function positionsOfFrames(frames, columns, scale) {
  const at = (/** @type {number} */ length) => Math.round(length * scale);
  const pixels = (/** @type {number} */ length) => Math.max(1, at(length));
  const wide = pixels(frames[0].offsetWidth);
  const columnOf = Int32Array.from({ length: wide }, (_, x) => Math.floor((x * columns) / wide));
  const [start, next] = [frames[0], frames[1] ?? frames[0]];
  // the window decides how long a row is
  const second = frames.findIndex((frame) => frame.offsetTop !== start.offsetTop);
  const perRow = second > 0 ? second : frames.length;
  const under = frames[perRow] ?? start;
  const [x, y] = [start.offsetLeft, start.offsetTop];
  const [right, down] = [next.offsetLeft - x, under.offsetTop - y];
  const left = frames.map((_, slot) => at(x + (slot % perRow) * right));
  const top = frames.map((_, slot) => at(y + Math.floor(slot / perRow) * down));
  return { left, top, columnOf, tall: pixels(start.offsetHeight) };
}

/**
 * Each value as a box of equal pixels.
 * @param {Uint32Array} cells
 * @param {{ rows: number, columns: number }} shape
 * @param {Uint32Array} words
 * @param {number} across
 * @param {Positions} positions
 * @param {number} slot
 */
function enlarge(cells, shape, words, across, positions, slot) {
  const { columnOf, tall } = positions;
  const wide = columnOf.length;
  const start = positions.top[slot] * across + positions.left[slot];
  let drawn = -1;
  for (let y = 0; y < tall; y++) {
    const row = Math.floor((y * shape.rows) / tall);
    const to = start + y * across;
    if (row === drawn) {
      words.copyWithin(to, to - across, to - across + wide);
      continue;
    }
    drawn = row;
    const first = row * shape.columns;
    for (let x = 0; x < wide; x++) words[to + x] = cells[first + columnOf[x]];
  }
}
