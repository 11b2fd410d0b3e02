// @ts-check
/** English text of the page that is of no part alone; that of its parts is in text_*.js. */
import { counted, short, wholePercent } from "./format.js";
import { lastMaps } from "./text_overview.js";

/**
 * How often rounded weights change the class.
 * @param {import("./network.js").Rounding} rounding
 * @param {boolean} dense whether each position has a class
 */
function sameClass({ images, random, same }, dense) {
  const given = counted(images, random ? "random image" : "image");
  if (dense) return `${wholePercent(same)} of the positions of ${given} the class of the`;
  if (images === 1) return same === 1 ? `${given} the same class as the` : `${given} another class than the`;
  return `${wholePercent(same)} of ${given} the class of the`;
}

export const TEXT = {
  lookInside: "A look inside",
  facts: (/** @type {number} */ parameters, /** @type {number} */ macs, /** @type {number} */ classes) =>
    `${counted(parameters, "parameter")}, ${counted(macs, "MAC")} an image, ${counted(classes, "class", "classes")}.`,
  outside: "outside the map: 0",
  sliders: {
    right: "right",
    down: "down",
    turn: "rotate",
    scale: "scale",
    bend: "elastic",
    blur: "blur",
    noise: "noise",
  },
  slider: (/** @type {string} */ label) => `Move it: ${label}`,
  intro: (/** @type {boolean} */ dense) =>
    "The image comes first, then one layer after another. A unit of a convolution slides a few weights (its filter " +
    "or kernel) over all maps of the layer before and computes one value (an activation) at each position: its " +
    `feature map. ${lastMaps(dense)} Nobody designed the weights: they began at random and were learned from the ` +
    "classifier’s errors (backpropagation).",
  legend:
    "Blue is above 0, orange is below 0, and 0 is the background; each layer has its own scale. Frames show the " +
    "chosen value and its inputs.",
  choose: "Images",
  show: "Show",
  shown: "Images shown",
  all: "all",
  right: "correct predictions",
  wrong: "incorrect predictions",
  ofClass: "one class",
  confused: "confused classes",
  isClass: (/** @type {string} */ name) => `, true class ${name}`,
  imageNumber: (/** @type {number} */ number) => `Image ${number}`,
  mapNumber: (/** @type {number} */ number) => `map ${number}`,
  own: "Your own image…",
  ownHint: "or drop one anywhere, or paste it",
  draw: "Draw",
  drawing: "your drawing",
  move: "Move it",
  back: "Back",
  moveInvites:
    "The maps of a convolution move along with the image (equivariance). Pooling gives up the exact position, and " +
    "the answer changes less (invariance).",
  moveHint:
    "Two bars under each layer, which do not add up to anything. Moved along: which part of the change of its maps " +
    "is movement; 100 %: they only moved. Really changed: how far they are from maps that only moved; 1 ×: as far " +
    "as the maps of another image.",
  between: (/** @type {number} */ apart) =>
    `One position here is ${counted(apart, "pixel")}; a shift that ends between two cannot move the map exactly.`,
  along: "moved along",
  changed: "really changed",
  clear: "Clear",
  pen: "Pen",
  rounded: (
    /** @type {import("./network.js").Rounding} */ rounding,
    /** @type {string} */ bits,
    /** @type {boolean} */ dense,
  ) =>
    `Weights are rounded to ${bits} to keep this file small; every value shown is computed from the rounded weights. ` +
    `They give ${sameClass(rounding, dense)} exact weights; logits differ by ` +
    `${short(rounding.largest_difference)} at most, the largest is ${short(rounding.largest_logit)}.`,
  bits: /** @type {Record<string, string>} */ ({ float16: "about three digits", int8: "8 bits" }),
  penWidth: "Width of the pen",
  padKeys: "Drawing pad. Arrow keys move the pen; the space bar puts it down and lifts it",
  padHint:
    "Draw with a mouse, a pen or a finger; or with the arrow keys: the space bar puts the pen down and lifts it.",
  none: "No image yet: choose one of yours, drop it here, paste it, or draw.",
  glance: "The network at a glance",
  glanceHint: "Press a value of a map to see its computation below.",
  numbers: "The layer, in numbers",
  play: "Play",
  stop: "Stop",
  keys:
    "Arrow keys change the position, [ and ] the map, Page Up and Page Down the layer. Numbers are rounded; " +
    "point at one to see all its digits.",
  turnOff: "Turn this unit off",
  turnOn: "Turn this unit on",
  allOn: "Turn all on again",
  isOff: "This unit is turned off: its map is 0 everywhere for all layers after it.",
  image: "image",
  saveMap: "Save this:",
  saveMaps: "Save all maps of the layer:",
  near:
    "Your image is preprocessed as in Python: rotated by its EXIF orientation, transparency filled, converted to " +
    "gray, scaled. Only this page inverts and fits the ink, as its switches say; without, the same pixels give the " +
    "same result, up to a rounding of 1 in 255. Browsers may decode a JPEG slightly differently (by 1 or 2), and " +
    "Python reads very large ones at a reduced scale.",
  unreadable: "This browser cannot read that file as an image.",
};

/** The camera. */
export const CAMERA = {
  open: "Camera",
  name: "from your camera",
  view: "What the camera sees",
  take: "Take this image",
  look: "continuously",
  close: "Close the camera",
  fails: "The camera is not available. Take a photo and choose the file instead.",
  why: {
    NotAllowedError: "This page has no permission to use the camera. Allow it in the browser, or choose an image file.",
    NotFoundError: "No camera was found. Connect one, or choose an image file.",
    NotReadableError: "Another program uses the camera. Close it, or choose an image file.",
  },
};

/** A second network under the same image. */
export const SECOND = {
  title: "A second network",
  label: "Second network",
  nothing: "none",
  other: (/** @type {string} */ title, /** @type {string} */ layout) => `${title} ${layout}`,
  same: (/** @type {string} */ kind) => `this network with ${kind} pooling`,
  about:
    "It sees the same image, moved by the same sliders. Compare the bars under its layers with those of the first.",
  exchanged:
    "The weights are those learned with the original pooling; only the pooling differs. Move the image: the bars " +
    "show the change of each layer with either.",
  numbers: "Its layer, in numbers",
};

/** Saving figures. */
export const SAVING = { save: "Save this figure:" };

/** Files that cannot be read. */
export const DAMAGE = {
  unreadable: "The file is damaged: its data cannot be read.",
  browser: "This page needs a browser of 2023 or later: Chrome, Edge, Firefox 113 or Safari 16.4.",
  missing: "The file is damaged: a part of its data is missing.",
  weights: (/** @type {number} */ needed, /** @type {number} */ there) =>
    `The file is damaged: it needs ${needed} bytes of weights, and has ${there}.`,
  sizes: (/** @type {string} */ name) =>
    `The file is damaged: the sizes of the layer ${name} must be whole numbers from 1.`,
  image: "The file is damaged: an image has the wrong size.",
  version: (/** @type {string} */ found, /** @type {number} */ known) =>
    `The data have version ${found}; this page reads version ${known}.`,
};
