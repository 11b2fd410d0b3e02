// @ts-check
/** What the page says about distorted images. */
import { counted, short, wholePercent } from "./format.js";

/**
 * How a distortion is called in a choice, its strength in words, and an image with it.
 * @typedef {object} Words
 * @property {string} name
 * @property {(strength: number) => string} size
 * @property {(size: string, strength: number) => string} image
 */

const pixels = (/** @type {number} */ strength) => `${short(Math.abs(strength))} px`;
const degrees = (/** @type {number} */ strength) => `${short(Math.abs(strength))}°`;
const part = (/** @type {number} */ strength) => wholePercent(Math.abs(strength));
const ratio = (/** @type {number} */ strength) => wholePercent(1 + strength);

/** @type {Record<string, Words>} */
const DISTORTED = {
  "shift-x": {
    name: "moved left or right",
    size: pixels,
    image: (by, s) => `moved ${s < 0 ? "left" : "right"} by ${by}`,
  },
  "shift-y": { name: "moved up or down", size: pixels, image: (by, s) => `moved ${s < 0 ? "up" : "down"} by ${by}` },
  "shift-diagonal": {
    name: "moved diagonally",
    size: pixels,
    image: (by, s) => `moved ${s < 0 ? "up left" : "down right"} by ${by}`,
  },
  "circular-shift-x": {
    name: "moved around the edge",
    size: pixels,
    image: (by, s) => `moved ${s < 0 ? "left" : "right"} by ${by}, around the edge`,
  },
  rotation: {
    name: "turned",
    size: degrees,
    image: (by, s) => `turned ${s < 0 ? "counter-clockwise" : "clockwise"} by ${by}`,
  },
  scale: { name: "smaller or larger", size: ratio, image: (to) => `scaled to ${to} of its size` },
  shear: { name: "sheared", size: degrees, image: (by, s) => `sheared ${s < 0 ? "left" : "right"} by ${by}` },
  perspective: { name: "seen from a side", size: short, image: (by) => `seen from a side (perspective ${by})` },
  elastic: { name: "bent (elastic)", size: pixels, image: (by) => `bent by ${by} on average` },
  blur: { name: "blurred", size: pixels, image: (by) => `blurred by ${by}` },
  noise: { name: "noisy", size: part, image: (by) => `with noise of ${by} of the range` },
  contrast: { name: "with other contrast", size: ratio, image: (to) => `with ${to} of its contrast` },
  brightness: {
    name: "darker or brighter",
    size: part,
    image: (by, s) => `${s < 0 ? "darker" : "brighter"} by ${by} of the range`,
  },
  occlusion: { name: "partly covered", size: part, image: (by) => `covered by a square of ${by} of its side` },
  jpeg: {
    name: "compressed (JPEG)",
    size: (strength) => short(100 - strength),
    image: (to) => `compressed to JPEG quality ${to}`,
  },
};

/** A distortion in words. @param {string} name */
export function kindName(name) {
  return DISTORTED[name]?.name ?? name;
}

/** A strength in words. @param {string} name of the distortion @param {number} strength @param {string} unit */
export function strengthOf(name, strength, unit) {
  return DISTORTED[name]?.size(strength) ?? `${short(strength)} ${unit}`;
}

/**
 * What was done to an image, in words.
 * @param {string} name of the distortion
 * @param {number} strength
 * @param {string} unit
 */
export function distorted(name, strength, unit) {
  const size = strengthOf(name, strength, unit);
  return DISTORTED[name]?.image(size, strength) ?? `${name} by ${size}`;
}

/** Robustness to distortions, as measured. */
export const INVARIANCE = {
  title: "Robustness to distortions",
  intro: (/** @type {string} */ images) =>
    `Accuracy on distorted images, and the effect on each layer. Measured on ${images} of`,
  margin: (/** @type {number} */ pixels) =>
    `Each image has a margin of ${counted(pixels, "pixel")}, so that smaller shifts lose nothing.`,
  distortion: "Images",
  strength: "Strength",
  accuracy: "Accuracy",
  correct: "correct",
  same: "same prediction",
  fall: (/** @type {string} */ fraction, /** @type {string} */ distorted, /** @type {string} */ range) =>
    `Accuracy falls below ${fraction} of clean accuracy when ${distorted} (95 % interval ${range})`,
  falls: (/** @type {string} */ fraction, /** @type {string} */ strength, /** @type {string} */ range) =>
    `below ${fraction} at ${strength} (${range})`,
  between: ", ",
  range: (/** @type {string} */ low, /** @type {string} */ high) => `${low} to ${high}`,
  beyond: (/** @type {string} */ strength) => `beyond ${strength}`,
  atChance: (/** @type {string} */ chance) =>
    `Clean accuracy is not above chance (${chance}), so relative accuracy has no meaning.`,
  neverFalls: (/** @type {string} */ fraction, /** @type {string} */ distorted, /** @type {string} */ lower) =>
    `When ${distorted}, accuracy is still above ${fraction} of clean accuracy${lower}.`,
  lowerFalls: (/** @type {string} */ distorted) =>
    ` (the lower end of its interval falls below that when ${distorted})`,
  sensitivity: "Effect on each layer",
  sensitivityHint:
    "Changed: distance of its maps from the clean ones, relative to the distance between two different images. " +
    "Moved along: how much of the squared change is movement. Really changed: the distance from the clean maps moved " +
    "along with the image; single values have no position, and all of their change is real.",
  heads: ["layer", "changed", "moved along", "really changed", "its maps are"],
  verdicts: {
    invariant: "unchanged (invariant)",
    equivariant: "moved along (equivariant)",
    "equivariant inside": "moved along, except at the edge",
    "in part": "partly moved along",
    changed: "changed",
  },
  beside: "also show it under the layers at the top",
  measured: (/** @type {string} */ what) => `measured, ${what}:`,
};
