// @ts-check
/** The weights of one unit as images: in color where they lie on red, green and blue, else a map each. */
import { element } from "./dom.js";
import { cells, drawMap, drawPixels, still } from "./image.js";
import { belowOf, shapeAt } from "./network.js";
import { UNITS_TEXT } from "./text_units.js";

/** @typedef {import("./network.js").Network} Network */

export const MOST_INPUTS = 4; // maps below whose weights are shown
const ROOM_PX = 60;

/**
 * The weights on the maps below that count most, by the sum of their squares.
 * @param {Network} network
 * @param {number} layerNumber from 1
 * @param {number} unit
 * @returns {{ map: number, start: number }[]} which map, and where its weights begin
 */
export function strongestInputs(network, layerNumber, unit) {
  const layer = network.layers[layerNumber - 1];
  const below = shapeAt(network, belowOf(network, layerNumber));
  const size = weightSize(network, layerNumber);
  const area = size.rows * size.columns;
  const [seen, units] = [below.maps / layer.groups, layer.maps / layer.groups];
  const first = Math.floor(unit / units) * seen;
  // where they are not shared
  const center = Math.floor(layer.regions[0] / 2) * layer.regions[1] + Math.floor(layer.regions[1] / 2);
  const inputs = Array.from({ length: seen }, (_, index) => {
    const map = first + index;
    const start =
      layer.kind === "transposed-convolution"
        ? (map * units + (unit % units)) * area
        : ((center * layer.maps + unit) * seen + index) * area;
    let squares = 0;
    for (let at = start; at < start + area; at++) squares += layer.weights[at] ** 2;
    return { map, start, squares };
  });
  inputs.sort((a, b) => b.squares - a.squares || a.map - b.map);
  return inputs.slice(0, MOST_INPUTS);
}

/** @param {Network} network @param {number} layerNumber @returns {{ rows: number, columns: number }} */
function weightSize(network, layerNumber) {
  const [rows, columns] = network.layers[layerNumber - 1].window;
  return { rows, columns };
}

/**
 * @param {Network} network
 * @param {number} layerNumber
 * @param {number} unit
 * @param {import("./colors.js").Palette} palette
 * @returns {HTMLElement | null} null where a unit has one weight a map
 */
export function filterOf(network, layerNumber, unit, palette) {
  const filters = filtersOf(network, layerNumber, unit, palette).map(({ name, canvas }) =>
    element(
      "span",
      { class: "filter-map", role: "img", "aria-label": name, title: name },
      still(canvas.toDataURL(), weightSize(network, layerNumber), ROOM_PX),
    ),
  );
  return filters.length ? element("span", { class: "filter-maps" }, ...filters) : null;
}

/**
 * The same as canvases of one cell a weight.
 * @param {Network} network
 * @param {number} layerNumber
 * @param {number} unit
 * @param {import("./colors.js").Palette} palette
 * @returns {{ name: string, canvas: HTMLCanvasElement }[]}
 */
export function filtersOf(network, layerNumber, unit, palette) {
  const size = weightSize(network, layerNumber);
  const area = size.rows * size.columns;
  const { weights } = network.layers[layerNumber - 1];
  const onImage = belowOf(network, layerNumber) === 0;
  if ((area === 1 && !onImage) || !weights.length) return [];
  const inputs = strongestInputs(network, layerNumber, unit);
  let largest = 0;
  for (const { start } of inputs)
    for (let index = start; index < start + area; index++) largest = Math.max(largest, Math.abs(weights[index]));
  if (onImage && network.channels === 3 && inputs.length === 3) {
    const ordered = [...inputs].sort((a, b) => a.map - b.map);
    const pixels = Uint8Array.from(
      { length: area * 3 },
      (_, at) => 127.5 + (127.5 / (largest || 1)) * weights[ordered[at % 3].start + Math.floor(at / 3)],
    );
    const canvas = cells(size);
    drawPixels(canvas, pixels, 3);
    return [{ name: UNITS_TEXT.colorFilter, canvas }];
  }
  return inputs.map(({ map, start }) => {
    const canvas = cells(size);
    drawMap(canvas, palette, weights.subarray(start, start + area), 0, largest);
    return { name: onImage ? UNITS_TEXT.filter : UNITS_TEXT.filterOn(map + 1), canvas };
  });
}
