// @ts-check
/** Which weights a place has, where not all places share them, and how many values a unit sees. */

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/**
 * How many values a unit of the layer sees.
 * @param {Layer} layer
 * @param {Shape} below
 * @returns {number}
 */
export function patchLength(layer, below) {
  return below.maps * (layer.kind === "connected" ? below.rows * below.columns : layer.window[0] * layer.window[1]);
}

/**
 * The region of weights that a place belongs to.
 * @param {Layer} layer
 * @param {number} row
 * @param {number} column
 * @returns {number}
 */
export function regionOf(layer, row, column) {
  const [down, across] = layer.regions;
  return Math.floor((row * down) / layer.rows) * across + Math.floor((column * across) / layer.columns);
}

/**
 * @param {Layer} layer
 * @param {number} regions
 * @returns {Int32Array[]} the places of each region, row × columns + column
 */
export function placesOf(layer, regions) {
  /** @type {number[][]} */
  const places = Array.from({ length: regions }, () => []);
  if (regions) {
    for (let place = 0; place < layer.rows * layer.columns; place++) {
      places[regionOf(layer, Math.floor(place / layer.columns), place % layer.columns)].push(place);
    }
  }
  return places.map((some) => Int32Array.from(some));
}
