// @ts-check
/** What the page says about distorted images. */
import { counted } from "./format.js";

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
  lowerFalls: (/** @type {string} */ distorted) => ` (the lower end of its interval falls below that at ${distorted})`,
  sensitivity: "Effect on each layer",
  sensitivityHint:
    "Changed: distance of its maps from the clean ones; 1 ×: as far as the maps of another image. Moved along: which " +
    "part of the squared change is movement. Really changed: the distance from the clean maps moved along with the " +
    "image; single values have no position, and all of their change is real.",
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
