// @ts-check
/** English text of the page's frame: the answer that stays in view, the numbers beside the maps, addresses, saving. */
import { counted, percent, short } from "./format.js";

/** The head of the page. */
export const HEADER = {
  title: (/** @type {number} */ classes) => `: a look inside a network of ${counted(classes, "class", "classes")} `,
};

/** What the maps show. */
export const GLANCE = {
  press: "Press a value of a map: lines lead to what it was computed from, and its numbers open below.",
  colors: "Blue is above 0, orange below.",
};

/** The answer that stays in view. */
export const ANSWER = {
  label: "Answer",
  second: "The second network",
  says: "Says ",
  right: "Right.",
  wrong: "Wrong, it is ",
  unknown: "Your image.",
  none: "No image yet.",
  before: (/** @type {number} */ before, /** @type {number} */ after) => `${percent(before)} → ${percent(after)}`,
  was: "Before: ",
  lesson: "New to this? Take the lesson",
};

/** The numbers of the chosen value, beside the maps. */
export const DOCK = {
  close: "Close",
  whole: "Whole section",
};

/** The larger map under the pointer. */
export const LARGER = {
  value: (
    /** @type {number} */ unit,
    /** @type {number} */ row,
    /** @type {number} */ column,
    /** @type {number} */ value,
  ) => `map ${unit}, row ${row}, column ${column}: ${short(value)}`,
  unit: (/** @type {number} */ unit, /** @type {number} */ value) => `unit ${unit}: ${short(value)}`,
};

/** Images of the reader's own, and drawings. */
export const OWN = {
  draw: "Draw one here",
  mistakes: (/** @type {number} */ count) => `Mistakes (${count})`,
  correct: "Correct ones",
  inverted: "Inverted",
  invertedWhy: (/** @type {string} */ other) =>
    `Your image is ${other}; so it was inverted. What the network was given stands beside.`,
  fitted: "Fit the ink",
  fittedWhy: "The ink was cut out, scaled and centered like that of the training images.",
  unit: (/** @type {number} */ number) => `unit ${number}`,
};

/** The lesson's place. */
export const STEPS = {
  title: "The lesson",
  of: (/** @type {number} */ step, /** @type {number} */ all) => `Step ${step} of ${all}`,
  before: "Step before",
  next: "Next step",
  go: (/** @type {number} */ step) => `Step ${step}`,
  page: "Convolution, step by step",
  pageAbout: "One unit, copied to every position of a small image. Every number can be changed.",
};

/** Saving what moves, and everything. */
export const KEEPING = {
  walk: "Save the walk as a film",
  stop: "Stop",
  walkTitle: (/** @type {string} */ layer, /** @type {string} */ unit) => `${layer}, ${unit}: at every position`,
  value: (/** @type {number} */ value) => `value ${short(value)}`,
  view: "Save this view:",
  answer: (/** @type {string} */ name, /** @type {number} */ probability) => `${name} ${percent(probability)}`,
  image: "image",
  some: (/** @type {number} */ shown, /** @type {number} */ all) => `${shown} of ${counted(all, "map")}`,
  closed: "Without the layers of closed blocks: open a block to save its maps.",
};
