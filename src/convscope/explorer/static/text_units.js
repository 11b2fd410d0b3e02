// @ts-check
/** What the page says about units. */
import { counted } from "./format.js";

/** @param {string} text not to be broken */
function together(text) {
  return text.replaceAll(" ", "\u00a0");
}

/** @param {number} count @param {string} what */
function becomes(count, what) {
  return `${count || "none"} ${count > 1 ? "become" : "becomes"} ${what}`;
}

/** The units of a layer. */
export const UNITS_TEXT = {
  unit: (/** @type {number} */ number) => `Unit ${number}`,
  some: (/** @type {number} */ first, /** @type {number} */ last, /** @type {string} */ all) =>
    `${first}–${last} of ${all}`,
  title: "Units",
  intro: "What each unit responds to: its weights, and the patches of images with its largest activations.",
  onlyFilters: "The weights of each unit.",
  measured: (/** @type {string} */ images) => `Measured on ${images}`,
  thisPage: "this page",
  of: " of ",
  layer: "Layer",
  order: "Sort by",
  orders: {
    number: "index",
    selective: "selectivity",
    silent: "fraction silent",
    strong: "largest activation",
    needed: "ablation",
  },
  without: (/** @type {string} */ change, /** @type {string} */ low, /** @type {string} */ high) =>
    `Without it: ${together(`${change} points`)} of accuracy (${low} to ${high})`,
  noDifference: (/** @type {string} */ low, /** @type {string} */ high) =>
    `Without it: no measurable difference (${low} to ${high} ${together("points of accuracy")})`,
  changed: (/** @type {number} */ lost, /** @type {number} */ gained, /** @type {number} */ images) =>
    `of ${counted(images, "image")}, ${becomes(lost, "wrong")} and ${becomes(gained, "right")}.`,
  ablationMeasured: (/** @type {string} */ images) =>
    `Ablation was measured on ${images}; in brackets is the 95 % interval.`,
  filtersOf: (/** @type {string} */ layer) => `weights of ${layer}`,
  saveFilters: "Save these weights:",
  before: "Units before these",
  after: "Units after these",
  fraction: (/** @type {string} */ fraction) => `That is ${fraction} of the image.`,
  goTo: "Go to its map and its computation",
  weights: (/** @type {number} */ maps) => (maps === 1 ? "Weights" : "Weights on each map before it"),
  someWeights: (/** @type {number} */ shown, /** @type {number} */ all) =>
    `Weights on ${shown} of ${counted(all, "map")}, the largest`,
  filter: "its weights",
  colorFilter: "its weights, as a color: gray is 0",
  filterOn: (/** @type {number} */ map) => `its weights on map ${map}`,
  never: "It is not above 0 anywhere in these images.",
  top: "Patches with the largest activations",
  patches: (/** @type {number} */ all, /** @type {number} */ here) => {
    const what = `${all === 9 ? "The 9" : `${all} of the`} patches with its largest activations`;
    if (!here) return `${what}.`;
    return `${what}; press ${here === all ? "one" : "one with a frame"} to go there.`;
  },
  open: "Open",
  histogramCaption: "How often each activation occurs",
  histogram: (/** @type {string} */ low, /** @type {string} */ high, /** @type {string} */ largest) =>
    `Histogram of activations from ${low} to ${high} (without 0); the largest is ${largest}`,
  silent: (/** @type {string} */ positions, /** @type {string} */ images) =>
    `It is 0 or below (silent) at ${together(positions)} of the positions, and everywhere in ${together(images)} ` +
    "of the images.",
  silentImages: (/** @type {string} */ images) => `It is 0 or below (silent) for ${together(images)} of the images.`,
  firesFor: "Mean activation for the classes with the largest, and the one with the smallest",
  selects: (/** @type {string} */ own, /** @type {string} */ random) =>
    `Selectivity ${own}${random ? ` (random weights: ${random} on average)` : ""}; 0: the same for all classes, ` +
    "1: one class.",
};

/** From strokes to classes: what the units of each layer are evidence for. */
export const EVIDENCE = {
  title: "From strokes to classes",
  about:
    "The first units see small patches and detect strokes and edges; later ones see more and detect parts and classes.",
  strokes: (/** @type {string} */ own, /** @type {string} */ random) =>
    `Strokes: Gabor waves (bars and edges of any direction) explain ${together(own)} of the weights of the first ` +
    `layer, and ${together(random)} of random weights: only what exceeds that was learned.`,
  probes: (/** @type {string} */ accuracies, /** @type {string} */ images) =>
    `A linear classifier on the pixels, then on each layer: ${accuracies} correct (${images}).`,
  heads: ["layer", "receptive field", "selectivity", "random weights", "linear classifier"],
  pixels: "pixels",
  selective:
    "Selectivity: 0 where units respond to all classes equally, 1 to one class only. It grows with the receptive " +
    "field even with random weights; the difference was learned.",
};
