// @ts-check
/** Maps on canvases of their own, to be saved. */
import { largestSize } from "./colors.js";
import { cells, drawMap, drawPixels } from "./image.js";
import { shapeAt } from "./network.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

/**
 * A map, or the image, on a canvas of its own.
 * @param {Network} network
 * @param {State} state
 * @param {number} layer
 * @param {number} unit
 * @param {number} [until] only so many values
 * @returns {HTMLCanvasElement}
 */
export function painted(network, state, layer, unit, until = Infinity) {
  const canvas = cells(shapeAt(network, layer));
  if (layer === 0) drawPixels(canvas, state.pixels, network.channels);
  else drawMap(canvas, state.palette, state.all[layer], unit, largestSize(state.all[layer]), until);
  return canvas;
}
