// @ts-check
/** All English text of the maps at a glance and of a layer in numbers. */
import { counted, short, sides } from "./words.js";

/** The network at a glance. */
export const GLANCE = {
  took: (/** @type {number} */ milliseconds) => `Computed here in ${short(milliseconds)} ms.`,
  off: (/** @type {number} */ count) =>
    `${counted(count, "unit")} turned off. Below each layer: how much that changes it.`,
  image: "Image",
  theImage: (/** @type {string} */ name) => `The image ${name}`,
  kinds: { 1: "gray", 3: "red, green and blue" },
  what: (/** @type {number} */ rows, /** @type {number} */ columns, /** @type {string} */ kind) =>
    `${sides(rows, columns)} pixels, ${kind}, standardized before the first layer.`,
  frame: "In the frame: all that the value chosen below can depend on.",
  is: "is ",
  before: "Maps before these",
  after: "Maps after these",
  some: (/** @type {number} */ first, /** @type {number} */ last, /** @type {number} */ all) =>
    `${first}–${last} of ${all}`,
  unit: (/** @type {number} */ number, /** @type {number} */ value) => `unit ${number}: ${short(value)}`,
  map: (/** @type {number} */ number) => `map ${number}`,
  isOff: ", turned off",
  among: (/** @type {string} */ name, /** @type {number} */ number, /** @type {number} */ all) =>
    `${name} (${number} of ${all})`,
  classes: "Classes and probabilities",
  itIsNot: " (it is not)",
  logit: (/** @type {number} */ value) => `logit ${short(value)}`,
  own: "; the image’s own class",
  others: (/** @type {number} */ count) => `and ${counted(count, "other class", "other classes")}`,
};

/** The layer, in numbers. */
export const LAYER = {
  partOfImage: "The image, with the part that the value can depend on",
  layerBefore: "The layer before",
  layerAfter: "The layer after",
  mapBefore: "The map before",
  mapAfter: "The map after",
  image: "Image",
  classNamed: (/** @type {string} */ name) => `class “${name}”`,
  unit: (/** @type {number} */ number) => `unit ${number}`,
  map: (/** @type {number} */ number) => `map ${number}`,
  of: (/** @type {string} */ what, /** @type {number} */ all) => `${what} of ${all}`,
  where: (/** @type {number} */ row, /** @type {number} */ column) => `, row ${row}, column ${column}`,
  theValue: "The value",
  thisMap: (/** @type {number} */ rows, /** @type {number} */ columns) => `This map, ${sides(rows, columns)}`,
  dependsOnAll: "It can depend on the whole image",
  dependsOn: (/** @type {number} */ rows, /** @type {number} */ columns) =>
    `It depends on these ${sides(rows, columns)} pixels`,
  colours: ["red", "green", "blue"],
  gray: "gray",
  pixel:
    "A pixel goes in as a number from 0 to 255. So that all inputs are about as large, it is standardized with " +
    "the mean and the deviation of the training images:",
  below: { channel: "channel", value: "value", map: "map" },
  many: (/** @type {string} */ one) => `${one}s`,
  single: (/** @type {number} */ values) =>
    `The unit multiplies each of ${counted(values, "value")} below with a weight of its own, and adds.`,
  sees: (/** @type {string} */ part, /** @type {string} */ from) =>
    `The unit sees ${part} ${from} below. Each value is multiplied with the weight at its place; all products ` +
    "are added.",
  allOf: "all of",
  patchOf: (/** @type {number} */ rows, /** @type {number} */ columns) => `a patch of ${sides(rows, columns)} of`,
  theOne: (/** @type {string} */ below) => `the one ${below}`,
  eachOf: (/** @type {number} */ count, /** @type {string} */ below) => `each of the ${count} ${below}s`,
  fromImage: "of the image",
  fromColour: (/** @type {string} */ colour) => `of ${colour}`,
  fromChannel: (/** @type {number} */ number) => `of channel ${number}`,
  fromMap: (/** @type {number} */ number) => `of map ${number}`,
  patch: (/** @type {string} */ from) => `patch ${from}`,
  weights: "weights",
  products: "products",
  sum: "sum ",
  sumOf: (/** @type {string} */ below, /** @type {number} */ number, /** @type {number} */ value) =>
    `${below} ${number}: ${short(value)}`,
  sums: (/** @type {string} */ below) => `The sum for each ${below} below`,
  sumsWritten: (/** @type {string} */ below, /** @type {number} */ number) =>
    `The sum for each ${below}; map ${number} is written out below.`,
  sumsMost: (/** @type {string} */ below) =>
    `The sum for each ${below}. The ones that matter most are written out below; press another to see it.`,
  others: (/** @type {number} */ count) => counted(count, "other"),
  lines: ["from", "value", "× weight", "= product", ""],
  fromAll: (/** @type {number} */ count, /** @type {string} */ below) => `from all ${count} ${below}s`,
  bias: "bias",
  added: "the input, added",
  logit: "  the logit; the probability compares it with those of the other classes",
  then: "Then ",
  leftOut: "The last window ends before this place: its value is left out.",
  seeValue: "See that value",
  taken: "One value is made from a window of the map below. Nothing is learned here.",
  itIs: " It is this one.",
  asLarge: " This one is just as large; the first of them is marked.",
  itIsNot: " This one is not it.",
  window: "window",
  shares: "how much each counts",
};
