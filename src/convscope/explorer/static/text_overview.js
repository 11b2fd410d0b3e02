// @ts-check
/** What the page says about each layer at a glance. */
import { capital, counted, grouped, short, sides } from "./format.js";
import { belowOf, separateParameters, shapeAt } from "./network.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/** @param {Layer} layer @param {boolean} last */
export function titleOf(layer, last) {
  if (last && layer.rows * layer.columns === 1) return "Classifier";
  if (layer.kind === "linear") return "Fully connected";
  return capital(layer.kind.replace(/-/g, " "));
}

/**
 * What a layer does, in one sentence.
 * @param {import("./network.js").Network} network
 * @param {number} number from 1
 */
export function describe(network, number) {
  const layer = network.layers[number - 1];
  const below = shapeAt(network, belowOf(network, number));
  if (layer.kind === "linear") {
    const seen = counted(below.maps * below.rows * below.columns, "value");
    const vector = below.rows * below.columns > 1 ? `: ${outcome(below)}, written as one vector` : "";
    if (number < network.layers.length) return `${counted(layer.maps, "unit")}, each sees all ${seen}${vector}.`;
    return (
      `One logit (score) for each class from all ${seen}${vector}. ` +
      (network.sigmoids
        ? "Sigmoids make them probabilities."
        : "Softmax makes them probabilities: e^logit, divided by the sum of these for all classes.")
    );
  }
  const patch = sides(layer.window[0], layer.window[1]);
  if (layer.kind === "pooling") {
    const phrase = capital(network.poolings[layer.code].phrase);
    if (layer.whole) return `${phrase} of each whole map.`;
    return `${phrase} of each window of ${patch}, stride ${layer.stride[0]}. ${OVERVIEW.pooling}`;
  }
  if (!layer.weights.length) return phraseOf(network, layer);
  const nonlinear = layer.nonlinearity === "linear" ? "" : ` ${nonlinearOf(network, layer)}`;
  return describeSums(layer, below, belowOf(network, number) === 0) + nonlinear;
}

/** What its nonlinearity does. @param {import("./network.js").Network} network @param {Layer} layer */
export function nonlinearOf({ nonlinearities }, { nonlinearity }) {
  return `Then ${nonlinearity}: ${nonlinearities[nonlinearity].phrase}.`;
}

/**
 * What units on patches do, in one sentence.
 * @param {Layer} layer
 * @param {Shape} below
 * @param {boolean} first whether they see the image
 */
function describeSums(layer, below, first) {
  const patch = sides(layer.window[0], layer.window[1]);
  const seen = below.maps / layer.groups;
  const what = first ? "channels" : "maps";
  const all = below.maps === 1 ? "" : ` of all ${grouped(below.maps)} ${what}`;
  const from =
    layer.groups === 1 ? all : seen === 1 ? " of one map each" : ` of ${seen} of ${grouped(below.maps)} ${what}`;
  const apart = layer.stride[0] > 1 ? `, stride ${layer.stride[0]}` : "";
  const spread = layer.dilation[0] > 1 ? `, dilation ${layer.dilation[0]}` : "";
  const regions = layer.regions[0] * layer.regions[1];
  const shared = regions === 1 ? sharingOf(layer) : `own weights in each of ${regions} regions`;
  const plus = layer.residual ? " The input is added (residual connection)." : "";
  const on = layer.kind === "transposed-convolution" ? "each painting" : "on";
  return `${counted(layer.maps, "unit")} ${on} patches of ${patch}${from}${apart}${spread}, ${shared}.${plus}`;
}

/** What sharing saves. @param {Layer} layer */
function sharingOf(layer) {
  if (layer.kind !== "convolution" || layer.rows * layer.columns === 1) return "shared weights";
  return `shared weights: ${counted(layer.parameters, "parameter")} instead of ${grouped(separateParameters(layer))}`;
}

/** The output of a layer. @param {Shape} shape */
export function outcome(shape) {
  if (shape.rows * shape.columns === 1) return counted(shape.maps, "value");
  return `${counted(shape.maps, "map")} of ${sides(shape.rows, shape.columns)}`;
}

/** @param {Layer} layer @param {number} height @param {number} width */
export function sight(layer, height, width) {
  const [down, across] = layer.field;
  if (down.size >= height && across.size >= width) return "A value can depend on the whole image.";
  const pixels = sides(Math.min(down.size, height), Math.min(across.size, width));
  return `A value depends on ${pixels} pixels${layer.gated ? " and, through a gate, on the whole image" : ""}.`;
}

/** What a layer does, in words. @param {import("./network.js").Network} network @param {Layer} layer */
export function phraseOf(network, layer) {
  return `${capital(network.kinds[layer.kind].phrase)}.`;
}

/** @param {import("./network.js").Network} network @param {Layer} layer */
export function formulaOf(network, layer) {
  return `${network.kinds[layer.kind].formula}.`;
}

/** The overview of all layers. */
export const OVERVIEW = {
  pooling: "Less to compute, and a small shift changes the answer less; the exact position is lost.",
  took: (/** @type {number} */ milliseconds) => `Computed here in ${short(milliseconds)} ms.`,
  off: (/** @type {number} */ count) => `${counted(count, "unit")} turned off. Bars under each layer show the change.`,
  image: "Image",
  theImage: (/** @type {string} */ name) => `The image ${name}`,
  kinds: { 1: "gray", 3: "red, green and blue" },
  what: (
    /** @type {number} */ rows,
    /** @type {number} */ columns,
    /** @type {string} */ kind,
    /** @type {[number, number]} */ ends,
  ) =>
    `${sides(rows, columns)} pixels, ${kind}, standardized: black is ${short(ends[0])}, ` +
    `${kind === OVERVIEW.kinds[1] ? "white" : "full"} ${short(ends[1])}.`,
  frame: "The frame is the receptive field of the chosen value: all that it can depend on.",
  is: "true class ",
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
  itIsNot: " (wrong)",
  logit: (/** @type {number} */ value) => `logit ${short(value)}`,
  own: "; the true class",
  others: (/** @type {number} */ count) => `and ${counted(count, "other class", "other classes")}`,
};

/** What the last maps are for. @param {boolean} dense whether the output is a map for each class */
export const lastMaps = (dense) =>
  dense
    ? "The last layer has one map for each class."
    : "The classifier reads the last maps, directly or through the layers after them.";
