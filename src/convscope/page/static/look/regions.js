// @ts-check
/** Which weights a place has, where not all places share them, and how many values a unit sees. */

/** @typedef {import("./format.js").Step} Step */
/** @typedef {import("./format.js").Shape} Shape */

/**
 * How many values a unit of the step sees.
 * @param {Step} step
 * @param {Shape} below
 * @returns {number}
 */
export function patchLength(step, below) {
  return below.maps * (step.kind === "connected" ? below.rows * below.columns : step.window[0] * step.window[1]);
}

/**
 * The region of weights that a place belongs to.
 * @param {Step} step
 * @param {number} row
 * @param {number} column
 * @returns {number}
 */
export function regionOf(step, row, column) {
  const [down, across] = step.regions;
  return Math.floor((row * down) / step.rows) * across + Math.floor((column * across) / step.columns);
}

/**
 * @param {Step} step
 * @param {number} regions
 * @returns {Int32Array[]} the places of each region, row × columns + column
 */
export function placesOf(step, regions) {
  /** @type {number[][]} */
  const places = Array.from({ length: regions }, () => []);
  if (regions) {
    for (let place = 0; place < step.rows * step.columns; place++) {
      places[regionOf(step, Math.floor(place / step.columns), place % step.columns)].push(place);
    }
  }
  return places.map((some) => Int32Array.from(some));
}
