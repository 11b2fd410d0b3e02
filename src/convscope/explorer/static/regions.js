// @ts-check
/** Which weights a position has, where not all positions share them, and how many values a unit sees. */

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/**
 * How many values a unit of the layer sees.
 * @param {Layer} layer
 * @param {Shape} below
 * @returns {number}
 */
export function patchLength(layer, below) {
  return (below.maps / layer.groups) * layer.window[0] * layer.window[1];
}

/**
 * The region of weights that a position belongs to.
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
 * @returns {Int32Array[]} the positions of each region, row × columns + column
 */
export function positionsOf(layer, regions) {
  /** @type {number[][]} */
  const positions = Array.from({ length: regions }, () => []);
  if (regions) {
    for (let index = 0; index < layer.rows * layer.columns; index++) {
      positions[regionOf(layer, Math.floor(index / layer.columns), index % layer.columns)].push(index);
    }
  }
  return positions.map((some) => Int32Array.from(some));
}
