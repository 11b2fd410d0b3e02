// @ts-check
/** Colors of values: orange below 0, the paper's own color at 0, blue above; for light and dark. */

const SHADES = 255; // on either side of 0

const ANCHORS = {
  light: {
    negative: [
      [255, 255, 255],
      [253, 205, 150],
      [240, 130, 40],
      [165, 65, 0],
      [90, 32, 0],
    ],
    positive: [
      [255, 255, 255],
      [170, 210, 245],
      [50, 135, 210],
      [5, 75, 145],
      [2, 32, 75],
    ],
  },
  dark: {
    negative: [
      [21, 24, 28],
      [96, 52, 12],
      [190, 92, 10],
      [250, 160, 60],
      [255, 232, 200],
    ],
    positive: [
      [21, 24, 28],
      [16, 62, 104],
      [20, 118, 190],
      [90, 185, 250],
      [222, 243, 255],
    ],
  },
};

/** @param {number[][]} anchors @param {number} part 0…1 @returns {number[]} */
function between(anchors, part) {
  const at = part * (anchors.length - 1);
  const index = Math.min(Math.floor(at), anchors.length - 2);
  return anchors[index].map((value, channel) =>
    Math.round(value + (at - index) * (anchors[index + 1][channel] - value)),
  );
}

const DARK_INK = brightness([0, 0, 0]);

/** Relative luminance, as WCAG defines it. @param {number[]} color @returns {number} */
function brightness(color) {
  const [red, green, blue] = color.map((value) =>
    value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @typedef {{ words: Uint32Array, css: (part: number) => string, ink: (part: number) => string }} Palette */

/** @param {boolean} dark @returns {Palette} */
export function makePalette(dark) {
  const anchors = dark ? ANCHORS.dark : ANCHORS.light;
  const words = new Uint32Array(2 * SHADES + 1);
  const bytes = new Uint8Array(words.buffer);
  const of = (/** @type {number} */ part) => between(part < 0 ? anchors.negative : anchors.positive, Math.abs(part));
  for (let shade = 0; shade < words.length; shade++) bytes.set([...of((shade - SHADES) / SHADES), 255], 4 * shade);
  const clamp = (/** @type {number} */ part) => Math.max(-1, Math.min(1, Number.isNaN(part) ? 0 : part));
  return {
    words,
    css: (part) => `rgb(${of(clamp(part)).join(" ")})`,
    ink: (part) => {
      const light = brightness(of(clamp(part)));
      return (light + 0.05) ** 2 > 1.05 * (DARK_INK + 0.05) ? "#000000" : "#ffffff"; // whichever stands out more
    },
  };
}

/**
 * Paint one map into pixels.
 * @param {Palette} palette
 * @param {Float32Array} maps
 * @param {number} start
 * @param {number} count
 * @param {number} largest value that gets the strongest color
 * @param {Uint32Array} pixels
 */
export function paint(palette, maps, start, count, largest, pixels) {
  const scale = largest > 0 ? SHADES / largest : 0;
  const { words } = palette;
  for (let index = 0; index < count; index++) {
    const shade = Math.round(maps[start + index] * scale);
    pixels[index] = words[SHADES + (shade > SHADES ? SHADES : shade < -SHADES ? -SHADES : shade | 0)];
  }
}

/** The largest size of any value. @param {ArrayLike<number>} values @returns {number} */
export function largestSize(values) {
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const size = Math.abs(values[index]);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
}
