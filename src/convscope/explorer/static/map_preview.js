// @ts-check
/** A small preview of what goes on from a block: the map with its largest value, or all values if they are single. */
import { largestSize } from "./colors.js";
import { cells, drawMap, setSize, shownSize } from "./image.js";

/** @typedef {import("./network.js").Shape} Shape */
/** @typedef {import("./session.js").State} State */

const PREVIEW_PX = 56;
const MOST_SINGLE = 1024; // values in one preview

/**
 * The map that has the largest value.
 * @param {Float32Array} values
 * @param {Shape} shape
 */
export function strongestMap(values, { maps, rows, columns }) {
  let best = 0;
  for (let index = 1; index < maps * rows * columns; index++) if (values[index] > values[best]) best = index;
  return Math.floor(best / (rows * columns));
}

/** Rows of single values. @param {number} count @returns {Shape} */
function rowsOf(count) {
  const columns = Math.ceil(Math.sqrt(count));
  return { maps: 1, rows: Math.ceil(count / columns), columns };
}

/**
 * @param {Shape} shape of the layer that is shown
 * @param {number} layer from 1
 * @returns {{ element: HTMLCanvasElement, draw: (state: State) => void }} the element is hidden where the values of the
 *   layer are not there
 */
export function makePreview(shape, layer) {
  const single = shape.rows * shape.columns === 1;
  const size = single ? rowsOf(Math.min(shape.maps, MOST_SINGLE)) : shape;
  const canvas = cells(size, "block-preview");
  canvas.hidden = true;
  setSize(canvas, shownSize(size, PREVIEW_PX));
  return {
    element: canvas,
    draw({ all, palette }) {
      const values = all[layer];
      canvas.hidden = !values?.length;
      if (canvas.hidden) return;
      if (!single) return drawMap(canvas, palette, values, strongestMap(values, shape), largestSize(values));
      const filled = new Float32Array(size.rows * size.columns);
      filled.set(values.subarray(0, Math.min(values.length, filled.length)));
      drawMap(canvas, palette, filled, 0, largestSize(values));
    },
  };
}
