// @ts-check
/**
 * All maps of a step on one canvas that lies behind their frames. A browser keeps a layer for every canvas that changes;
 * with some hundred maps, moving those layers takes many times as long as computing what is on them.
 */
import { paint } from "./colours.js";
import { element } from "./dom.js";

/** @typedef {import("./colours.js").Palette} Palette */

const MOST_PIXELS_A_POINT = 2;

/** Where the maps stand, in pixels of the canvas. @typedef {{ left: number[], top: number[], wide: number, tall: number }} Places */

/**
 * @param {HTMLElement} grid that the frames stand in; it becomes what they are measured from
 * @param {HTMLElement[]} frames all of one size
 * @param {{ rows: number, columns: number }} shape of a map
 * @param {() => void} again called when everything stands elsewhere
 * @returns {(palette: Palette, maps: Float32Array, first: number, count: number, largest: number) => void} draws maps from the first on
 */
export function makeMapSheet(grid, frames, shape, again) {
  const canvas = element("canvas", { class: "sheet", "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const cells = new Uint32Array(shape.rows * shape.columns);
  grid.prepend(canvas);
  /** @type {Places | null} */
  let places = null;
  let image = new ImageData(1, 1);
  new ResizeObserver(() => {
    places = null;
    again();
  }).observe(grid);

  const measure = () => {
    const scale = Math.min(MOST_PIXELS_A_POINT, devicePixelRatio);
    const pixels = (/** @type {number} */ length) => Math.max(1, Math.round(length * scale));
    const [width, height] = [grid.offsetWidth, grid.offsetHeight];
    canvas.width = pixels(width);
    canvas.height = pixels(height);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    image = new ImageData(canvas.width, canvas.height);
    const at = (/** @type {number} */ length) => Math.round(length * scale);
    return { left: frames.map((one) => at(one.offsetLeft)), top: frames.map((one) => at(one.offsetTop)), wide: pixels(frames[0].offsetWidth), tall: pixels(frames[0].offsetHeight) };
  };
  return (palette, maps, first, count, largest) => {
    if (!grid.offsetWidth) return; // not shown
    if (!places) places = measure();
    const words = new Uint32Array(image.data.buffer);
    if (count < frames.length) words.fill(0);
    for (let slot = 0; slot < count; slot++) {
      paint(palette, maps, (first + slot) * cells.length, cells.length, largest, cells);
      enlarge(cells, shape, words, image.width, places, slot);
    }
    context.putImageData(image, 0, 0);
  };
}

/** Each value as a box of equal pixels. @param {Uint32Array} cells @param {{ rows: number, columns: number }} shape @param {Uint32Array} words @param {number} across @param {Places} places @param {number} slot */
function enlarge(cells, shape, words, across, places, slot) {
  const { wide, tall } = places;
  const start = places.top[slot] * across + places.left[slot];
  let drawn = -1;
  for (let y = 0; y < tall; y++) {
    const row = Math.floor((y * shape.rows) / tall);
    const to = start + y * across;
    if (row === drawn) {
      words.copyWithin(to, to - across, to - across + wide);
      continue;
    }
    drawn = row;
    for (let x = 0; x < wide; x++) words[to + x] = cells[row * shape.columns + Math.floor((x * shape.columns) / wide)];
  }
}
