// @ts-check
/** The weights of one unit as images: in colour where they lie on red, green and blue, else a map each. */
import { element } from "./dom.js";
import { shapeAt } from "./format.js";
import { cells, drawMap, drawPixels, still } from "./image.js";
import { UNIT_TEXT } from "./words.js";

/** @typedef {import("./format.js").Network} Network */

const MOST_INPUTS = 4; // maps below whose weights are shown
const ROOM_PX = 44;

/**
 * The weights on the maps below that count most, by the sum of their squares.
 * @param {Network} network
 * @param {number} stepNumber from 1
 * @param {number} unit
 * @returns {{ map: number, start: number }[]} which map, and where its weights begin
 */
export function strongestInputs(network, stepNumber, unit) {
  const step = network.steps[stepNumber - 1];
  const below = shapeAt(network, stepNumber - 1);
  const size = weightSize(network, stepNumber);
  const area = size.rows * size.columns;
  const middle = Math.floor(step.regions[0] / 2) * step.regions[1] + Math.floor(step.regions[1] / 2); // where they are not shared
  const found = Array.from({ length: below.maps }, (_, map) => {
    const start = ((middle * step.maps + unit) * below.maps + map) * area;
    let squares = 0;
    for (let place = start; place < start + area; place++) squares += step.weights[place] ** 2;
    return { map, start, squares };
  });
  found.sort((a, b) => b.squares - a.squares || a.map - b.map);
  return found.slice(0, MOST_INPUTS);
}

/** @param {Network} network @param {number} stepNumber @returns {{ rows: number, columns: number }} */
function weightSize(network, stepNumber) {
  const step = network.steps[stepNumber - 1];
  const below = shapeAt(network, stepNumber - 1);
  return step.kind === "connected" ? { rows: below.rows, columns: below.columns } : { rows: step.window[0], columns: step.window[1] };
}

/** @param {Network} network @param {number} stepNumber @param {number} unit @param {import("./colours.js").Palette} palette @returns {HTMLElement | null} null where a unit has one weight a map */
export function filterOf(network, stepNumber, unit, palette) {
  const filters = filtersOf(network, stepNumber, unit, palette).map(({ name, canvas }) =>
    element("span", { class: "filter-map", role: "img", "aria-label": name, title: name }, still(canvas.toDataURL(), weightSize(network, stepNumber), ROOM_PX)),
  );
  return filters.length ? element("span", { class: "filter-maps" }, ...filters) : null;
}

/**
 * The same as canvases of one cell a weight.
 * @param {Network} network
 * @param {number} stepNumber
 * @param {number} unit
 * @param {import("./colours.js").Palette} palette
 * @returns {{ name: string, canvas: HTMLCanvasElement }[]}
 */
export function filtersOf(network, stepNumber, unit, palette) {
  const size = weightSize(network, stepNumber);
  const area = size.rows * size.columns;
  if (area === 1 && stepNumber > 1) return [];
  const { weights } = network.steps[stepNumber - 1];
  const inputs = strongestInputs(network, stepNumber, unit);
  let largest = 0;
  for (const { start } of inputs) for (let place = start; place < start + area; place++) largest = Math.max(largest, Math.abs(weights[place]));
  if (stepNumber === 1 && network.channels === 3) {
    const ordered = [...inputs].sort((a, b) => a.map - b.map);
    const pixels = Uint8Array.from({ length: area * 3 }, (_, at) => 127.5 + (127.5 / (largest || 1)) * weights[ordered[at % 3].start + Math.floor(at / 3)]);
    const canvas = cells(size);
    drawPixels(canvas, pixels, 3);
    return [{ name: UNIT_TEXT.colourFilter, canvas }];
  }
  return inputs.map(({ map, start }) => {
    const canvas = cells(size);
    drawMap(canvas, palette, weights.subarray(start, start + area), 0, largest);
    return { name: stepNumber === 1 ? UNIT_TEXT.filter : UNIT_TEXT.filterOn(map + 1), canvas };
  });
}
