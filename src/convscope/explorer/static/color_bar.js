// @ts-check
/** What the colors of a layer stand for, in numbers. */
import { element, write } from "./dom.js";
import { short } from "./format.js";

/** @typedef {import("./colors.js").Palette} Palette */

const STOPS = 8; // on either side of 0

/**
 * From the least to the largest color in use: from 0 where nothing is negative.
 * @param {ArrayLike<number>} values
 * @returns {[number, number]}
 */
function spanOf(values) {
  let [least, largest] = [0, 0];
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (value < least && value > -Infinity) least = value;
    else if (value > largest && value < Infinity) largest = value;
  }
  const size = Math.max(-least, largest);
  return [least < 0 ? -size : 0, largest > 0 || least === 0 ? size : 0];
}

/**
 * The colors of a range, evenly spaced.
 * @param {Palette} palette
 * @param {[number, number]} range
 * @returns {string[]}
 */
function colorsOf(palette, [low, high]) {
  const size = Math.max(-low, high) || 1;
  return Array.from({ length: 2 * STOPS + 1 }, (_, stop) =>
    palette.css((low + ((high - low) * stop) / (2 * STOPS)) / size),
  );
}

/** Colors from the least to the largest, and these two in numbers.
 * @typedef {{ colors: string[], low: string, high: string }} Scale */

/** @param {Palette} palette @param {ArrayLike<number>} values @returns {Scale} */
export function scaleOf(palette, values) {
  const span = spanOf(values);
  return { colors: colorsOf(palette, span), low: short(span[0]), high: short(span[1]) };
}

/** A bar with its numbers. */
export function makeColorBar() {
  const [low, high] = [element("span"), element("span")];
  const bar = element("div", { class: "colors" });
  const made = element(
    "div",
    { class: "color-bar", "aria-hidden": "true" },
    bar,
    element("div", { class: "ends" }, low, high),
  );
  return {
    element: made,
    draw(/** @type {Palette} */ palette, /** @type {ArrayLike<number>} */ values) {
      const { colors, low: least, high: largest } = scaleOf(palette, values);
      bar.style.backgroundImage = `linear-gradient(90deg, ${colors.join(", ")})`;
      write(low, least);
      write(high, largest);
    },
  };
}
