// @ts-check
/** All English text of the page, ready for translation. */
import { counted, grouped, inMillions, short, sides, wholePercent } from "./format.js";
import { belowOf, shapeAt } from "./network.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

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
    if (number < network.layers.length) return `${counted(layer.maps, "unit")}, each sees all ${seen} below.`;
    return (
      `One logit for each class from all ${seen} below; ${network.sigmoids ? "sigmoids make" : "softmax makes"} ` +
      "them probabilities."
    );
  }
  const patch = sides(layer.window[0], layer.window[1]);
  if (layer.kind === "pooling") {
    const phrase = capital(network.poolings[layer.code].phrase);
    if (layer.whole) return `${phrase} of each whole map.`;
    return (
      `${phrase} of each window of ` +
      `${patch}${layer.stride[0] === layer.window[0] ? "" : `, stride ${layer.stride[0]}`}.`
    );
  }
  return layer.weights.length ? describeSums(layer, below, belowOf(network, number) === 0) : phraseOf(network, layer);
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
  const shared = regions === 1 ? "shared weights" : `own weights in each of ${regions} regions`;
  const plus = layer.residual ? " The input is added (residual connection)." : "";
  const on = layer.kind === "transposed-convolution" ? "each painting" : "on";
  return `${counted(layer.maps, "unit")} ${on} patches of ${patch}${from}${apart}${spread}, ${shared}.${plus}`;
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

/** What the last maps are for. @param {boolean} dense whether the output is a map for each class */
const lastMaps = (dense) =>
  dense ? "The last layer has one map for each class." : "The classifier reads the last ones.";

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
    "The image is at the left. Each column is one layer: a convolution slides a small window over all maps below " +
    "and computes one value at each position, so each of its units produces one feature map; pooling makes the " +
    `maps smaller. ${lastMaps(dense)} This page computes everything itself, with the network’s own weights.`,
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
  moveHint:
    "The maps of a convolution move along with the image (equivariance); after pooling, values change less with " +
    "position (invariance). Bars below each layer show the change of its values relative to their size, and the " +
    "change that remains when the old maps are moved along.",
  changed: "changed",
  along: "remains",
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
    "gray, scaled. The same pixels give the same result, up to a rounding of 1 in 255. Browsers may decode a " +
    "JPEG slightly differently (by 1 or 2), and Python reads very large ones at a reduced scale.",
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
  about: "It sees the same image, moved by the same sliders. Compare the bars below its layers with those above.",
  exchanged:
    "The weights are those learned with the original pooling; only the pooling differs. Move the image: the bars " +
    "show the change of each layer with either.",
  numbers: "Its layer, in numbers",
};

/** @param {string} text not to be broken */
function together(text) {
  return text.replaceAll(" ", "\u00a0");
}

/** The units of a layer. */
export const UNITS_TEXT = {
  unit: (/** @type {number} */ number) => `Unit ${number}`,
  some: (/** @type {number} */ first, /** @type {number} */ last, /** @type {string} */ all) =>
    `${first}–${last} of ${all}`,
  title: "Units",
  intro:
    "Each unit with its weights, the patches with its largest activations (press one to go there), the histogram " +
    "of its activations, and the classes that activate it most.",
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
  without: (/** @type {string} */ change) => `Without it, accuracy changes by ${change} points`,
  losesMost: "; most for ",
  ablationMeasured: (/** @type {string} */ images) => `Ablation was measured on ${images}.`,
  filtersOf: (/** @type {string} */ layer) => `weights of ${layer}`,
  saveFilters: "Save these weights:",
  before: "Units before these",
  after: "Units after these",
  fraction: (/** @type {string} */ fraction) => `That is ${fraction} of the image.`,
  meanSelectivity: (/** @type {string} */ mean) =>
    `Mean class selectivity of its units: ${mean} (0: the same for all classes, 1: for one class only).`,
  goTo: "Go to its map and its computation",
  filter: "its weights",
  colourFilter: "its weights, as a colour: gray is 0",
  filterOn: (/** @type {number} */ map) => `its weights on map ${map} below`,
  never: "It is not above 0 anywhere in these images.",
  top: "Patches with the largest activations",
  open: "Open",
  histogram: (/** @type {string} */ low, /** @type {string} */ high, /** @type {string} */ largest) =>
    `Histogram of activations from ${low} to ${high} (without 0); the largest is ${largest}`,
  silent: (/** @type {string} */ positions, /** @type {string} */ images) =>
    `Silent (not above 0) at ${together(positions)} of all positions, and everywhere in ${together(images)} of ` +
    "the images.",
  silentImages: (/** @type {string} */ images) => `Silent for ${together(images)} of the images.`,
  firesFor: "Most active for",
  selectivity: "selectivity",
};

/** Accuracy and cost. */
export const EVALUATION = {
  title: "Accuracy and cost",
  evaluated: (/** @type {string} */ images, /** @type {string} */ split) => `of ${images} correct (${split}).`,
  splits: {
    validation: "the validation split, not used for training",
    test: "the test split, not used for training",
    training: "the training split itself: expect less on new images",
  },
  interval: (/** @type {string} */ low, /** @type {string} */ high) => `95 % interval: ${low} to ${high}.`,
  epoch: "epoch",
  training: "training",
  validation: "validation",
  accuracy: "Accuracy",
  loss: "Loss",
  confusion: "Confusion matrix",
  confusionHint:
    "Rows are true classes, columns are predicted classes. Press a number to see its images among those of this " +
    "page, above.",
  some: (/** @type {number} */ shown, /** @type {number} */ all) =>
    `The ${shown} classes confused most often, of ${all}.`,
  corner: "true ↓ predicted →",
  cell: (/** @type {string} */ images, /** @type {string} */ truth, /** @type {string} */ predicted) =>
    `${images} of ${truth} predicted as ${predicted};`,
  inPage: (/** @type {number} */ count) => `${count} in this page.`,
  notInPage: "none in this page.",
  pair: (/** @type {string} */ truth, /** @type {string} */ predicted) => `${truth} predicted as ${predicted}`,
  cost: "Cost of each layer",
  costHint:
    "For one image. Training stores the maps of all layers until the gradients are computed; prediction stores " +
    "only the input and output of the current layer.",
  costs: ["layer", "parameters", "MACs", "training memory", "prediction memory", "receptive field"],
  total: "total",
};

/** Saving figures. */
export const SAVING = { save: "Save this figure:" };

/** Robustness to distortions, as measured. */
export const INVARIANCE = {
  title: "Robustness to distortions",
  intro: (/** @type {string} */ images) =>
    `Accuracy on distorted images, and the effect on each layer. Measured on ${images} of`,
  margin: (/** @type {number} */ pixels) =>
    `Each image has a margin of ${counted(pixels, "pixel")}, so that smaller shifts lose nothing.`,
  distortion: "Distortion",
  strength: "Strength",
  accuracy: "Accuracy",
  correct: "correct",
  same: "same prediction",
  falls: (/** @type {string} */ limits) => `Accuracy falls ${limits}.`,
  fall: (/** @type {string} */ fraction, /** @type {string} */ strength, /** @type {string} */ range) =>
    `below ${fraction} of clean accuracy at ${strength}${range}`,
  fallsOn: (/** @type {string} */ fraction, /** @type {string} */ strength, /** @type {string} */ range) =>
    `${fraction} at ${strength}${range}`,
  range: (/** @type {string} */ low, /** @type {string} */ high) => ` (${low} to ${high})`,
  beyond: (/** @type {string} */ strength) => `beyond ${strength}`,
  atChance: (/** @type {string} */ chance) =>
    `Clean accuracy is not above chance (${chance}), so relative accuracy has no meaning.`,
  neverFalls: (/** @type {string} */ fraction, /** @type {string} */ strength, /** @type {string} */ lower) =>
    `Accuracy stays above ${fraction} of clean accuracy up to ${strength}${lower}.`,
  lowerFalls: (/** @type {string} */ strength) => ` (the lower end of its interval falls below at ${strength})`,
  sensitivity: "Effect on each layer",
  sensitivityHint:
    "Changed: distance of its maps from the clean ones, relative to the distance between two different images. " +
    "Remains: the distance from the clean maps moved along with the image. Moved: the fraction of the squared " +
    "change that is movement.",
  heads: ["layer", "changed", "remains", "moved", "its maps are"],
  verdicts: {
    invariant: "unchanged (invariant)",
    equivariant: "moved along (equivariant)",
    "equivariant inside": "moved along, except at the edge",
    "in part": "partly moved along",
    changed: "changed",
  },
  beside: "also show it below the layers at the top",
  measured: (/** @type {string} */ what) => `measured, ${what}:`,
};

/** The result of a comparison in one sentence. */
export const MOVED = {
  shipped: "Measured before, and not on your images: ",
  about: (/** @type {string} */ trained, /** @type {string} */ seeds, /** @type {string} */ evaluated) =>
    `, trained on ${trained}; ${seeds} each, ${evaluated} moved left, right, up and down. Each with its interval:`,
  interval: (
    /** @type {string} */ name,
    /** @type {string} */ low,
    /** @type {string} */ high,
    /** @type {string} */ clean,
  ) => `${name}: 95 % interval ${low} to ${high}; not moved, ${clean}`,
};

/** Variants trained on the same images. */
export const COMPARISON = {
  title: "Comparison of variants",
  shipped:
    "These networks come with convscope and are not trained on your images. “convscope compare DATA”, and then look " +
    "again, shows yours.",
  about: (
    /** @type {string} */ learned,
    /** @type {string} */ evaluated,
    /** @type {string} */ seeds,
    /** @type {string} */ budget,
  ) =>
    `each variant was trained on the same ${learned}${budget} and evaluated on the same ${evaluated}; ${seeds} ` +
    "each. The line around a dot is the 95 % interval.",
  budgets: {
    epochs: (/** @type {number} */ amount) => ` for ${short(amount)} ${amount === 1 ? "epoch" : "epochs"}`,
    seconds: (/** @type {number} */ amount) => ` for ${counted(amount, "second")}`,
  },
  distorted: "Distortion:",
  clean: "none (clean)",
  image: "Accuracy of each variant",
  table: "Table of all variants",
  sortHint: "Press the head of a column to sort by it.",
  heads: ["variant", "accuracy", "parameters", "MACs", "training time (s)"],
};

/** The overview of all layers. */
export const OVERVIEW = {
  took: (/** @type {number} */ milliseconds) => `Computed here in ${short(milliseconds)} ms.`,
  off: (/** @type {number} */ count) => `${counted(count, "unit")} turned off. Bars below each layer show the change.`,
  image: "Image",
  theImage: (/** @type {string} */ name) => `The image ${name}`,
  kinds: { 1: "gray", 3: "red, green and blue" },
  what: (/** @type {number} */ rows, /** @type {number} */ columns, /** @type {string} */ kind) =>
    `${sides(rows, columns)} pixels, ${kind}, standardized before the first layer.`,
  frame: "The frame is the receptive field of the value chosen below.",
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

/** The map of a large network. */
export const MAP = {
  title: "Map of the network",
  intro: (/** @type {boolean} */ dense) =>
    "Each card is a block of layers, in rows of one size of maps; lines show where values go on. A convolution " +
    "slides a small window over the maps below and computes one value at each position, so each of its units " +
    `produces one feature map. ${lastMaps(dense)} This page computes everything itself, with the network’s own ` +
    "weights.",
  hint:
    "Press a block to see its layers. Each preview is the map with the largest value of the block for this image; " +
    "the bar is its share of MACs. Blue lines lead past layers: solid to where their values are added, dashed to " +
    "where they are concatenated or read.",
  /**
   * In short.
   * @param {import("./network.js").Network} network
   * @param {Layer} layer
   * @param {string} operation
   * @param {number} count of such layers
   */
  operation: ({ kinds, poolings }, layer, operation, count) => {
    const patch = sides(layer.window[0], layer.window[1]);
    const pooling = poolings[layer.code]?.name ?? "";
    const [before, after] = /** @type {Record<string, [string, string]>} */ ({
      convolution: ["convolution", ` of ${patch}`],
      grouped: ["convolution", ` of ${patch} in ${layer.groups} groups`],
      depthwise: ["depthwise convolution", ` of ${patch}`],
      pointwise: ["pointwise convolution", ""],
      "transposed-convolution": ["transposed convolution", ` of ${patch}`],
      pooling: [`${pooling} pooling`.trim(), ` of ${patch}`],
      whole: [`${pooling} pooling`.trim(), " of each whole map"],
      linear: ["fully connected layer", ""],
      multiply: ["gate", " for each map"],
      resize: [`resizing`, ` to ${sides(layer.rows, layer.columns)}`],
    })[operation] ?? [kinds[layer.kind]?.name ?? layer.kind.replaceAll("-", " "), ""];
    return `${count === 1 ? before : counted(count, before).replace(" ", "\u00a0")}${after}`;
  },
  summary: (/** @type {string[]} */ parts) => `${capital(parts.join(", "))}.`,
  addsInput: "adds its input",
  addsInputBy: (/** @type {string} */ operation) => `adds its input through a ${operation}`,
  addsPaths: "adds two paths",
  concatenates: (/** @type {number} */ paths) => `concatenates ${paths} paths`,
  explained: /** @type {[string, string][]} */ ([
    ["depthwise", "Depthwise convolution: each unit sees one map only, and the maps stay apart."],
    ["pointwise", "Pointwise convolution (1 × 1): each unit mixes all maps at one position and sees no neighbours."],
    ["grouped", "Convolution in groups: each unit sees the maps of its group only."],
    ["multiply", "A gate multiplies each map by one number, computed from the means of all maps."],
  ]),
  range: (/** @type {string} */ first, /** @type {string} */ last) => `${first} to ${last}`,
  image: "Image",
  layers: (/** @type {number} */ count) => counted(count, "layer"),
  size: (/** @type {Shape} */ shape) =>
    shape.rows * shape.columns === 1 ? "Single values" : sides(shape.rows, shape.columns),
  cost: (/** @type {number} */ parameters, /** @type {string} */ share) =>
    `${inMillions(parameters)}\u00a0${parameters === 1 ? "parameter" : "parameters"}, ${share} of MACs`,
  free: "no parameters",
  open: (/** @type {string} */ name) => `Open ${name}`,
  reads: {
    add: (/** @type {string} */ names) => `adds ${names}`,
    concatenate: (/** @type {string} */ names) => `concatenates ${names}`,
    multiply: (/** @type {string} */ names) => `multiplies ${names}`,
    read: (/** @type {string} */ names) => `reads ${names}`,
    also: (/** @type {string} */ names) => `also reads ${names}`,
  },
  named: (/** @type {string[]} */ names) =>
    names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : (names[0] ?? ""),
  others: (/** @type {number} */ count) => counted(count, "other"),
  theImage: "the image",
  sentence: (/** @type {string} */ words) => `${capital(words)}.`,
  found: "Layers and blocks found",
  layersOf: (/** @type {string} */ block) => `Layers of ${block}`,
  outside: (/** @type {string} */ block) => (block ? "what comes in" : "the image"),
  search: "Find a layer",
  searchHint: "part of a name",
  nothing: "No layer has this in its name.",
  more: (/** @type {number} */ count) => `and ${counted(count, "more", "more")}`,
  back: "Back to the map",
  before: "The block before",
  after: "The block after",
  way: "The way to this block",
  comesIn: "Comes in",
  answer: "Says",
};

/** The layer, in numbers. */
export const LAYER = {
  partOfImage: "The image, with the receptive field of the value",
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
    "A pixel is a number from 0 to 255. It is standardized with the mean and the standard deviation of the " +
    "training images:",
  below: { channel: "channel", value: "value", map: "map" },
  single: (/** @type {number} */ values) =>
    `The unit multiplies each of ${counted(values, "value")} below by its weight and adds the products.`,
  sees: (/** @type {string} */ part, /** @type {string} */ from) =>
    `The unit sees ${part} ${from} below. Each value is multiplied by the weight at its position; all products ` +
    "are added.",
  allOf: "all of",
  patchOf: (/** @type {number} */ rows, /** @type {number} */ columns) => `a patch of ${sides(rows, columns)} of`,
  theOne: (/** @type {string} */ below) => `the one ${below}`,
  someOf: (
    /** @type {string} */ below,
    /** @type {number} */ first,
    /** @type {number} */ count,
    /** @type {number} */ all,
  ) => (count === 1 ? `${below} ${first} only` : `${below}s ${first} to ${first + count - 1}, of ${all}`),
  eachOf: (/** @type {number} */ count, /** @type {string} */ below) => `each of the ${counted(count, below)}`,
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
    `The sum for each ${below}. The largest are written out below; press another to see it.`,
  others: (/** @type {number} */ count) => counted(count, "other"),
  lines: ["from", "value", "× weight", "= product", ""],
  fromAll: (/** @type {number} */ count, /** @type {string} */ below) => `from all ${counted(count, below)}`,
  bias: "bias",
  added: "the input, added",
  logit: "  the logit; its probability follows from the logits of all classes",
  then: "Then ",
  leftOut: "The last window ends before this position: its value is dropped.",
  seeValue: "See that value",
  pooled: (/** @type {number} */ values, /** @type {string} */ phrase, /** @type {string} */ formula) =>
    `${capital(phrase)} of the ${counted(values, "value")} of the window: ${formula}.`,
  taken: "One value is computed from each window of the map below. Pooling has no weights.",
  itIs: " It is the value followed here.",
  asLarge: " The value followed here is equal to it; the first is marked.",
  itIsNot: " The value followed here is dropped.",
  window: "window",
  windowWeights: "weights in the mean",
};

/** Values that no weights over patches and no pooling made. */
export const ACCOUNT = {
  frame: "The position lies in the frame, which holds one number.",
  channel: (/** @type {number} */ number) => `channel ${number}`,
  fraction: (/** @type {number} */ value, /** @type {number} */ largest, /** @type {number} */ sum) =>
    `exp(${short(value)} ${largest < 0 ? "+" : "−"} ${short(Math.abs(largest))}) ÷ ${short(sum)}`,
  slope: (/** @type {number} */ slope) => `x if x > 0, else ${slope} x`,
  slopePhrase: (/** @type {number} */ slope) => `negative values are multiplied by ${slope}`,
  facts: /** @type {Record<string, string>} */ ({
    mean: "mean of all maps at this position",
    deviation: "standard deviation of all maps at this position, √(variance + ε)",
    scale: "scale of this map",
    shift: "shift of this map",
    divisor: "divisor, from the maps around this one",
    largest: "largest value at this position, which is subtracted from all so that no exponential is too large",
    exponentials: "sum of the exponentials of all maps at this position",
  }),
};

/** What a layer does, in words. @param {import("./network.js").Network} network @param {Layer} layer */
export function phraseOf(network, layer) {
  return `${capital(network.kinds[layer.kind].phrase)}.`;
}

/** @param {import("./network.js").Network} network @param {Layer} layer */
export function formulaOf(network, layer) {
  return `${network.kinds[layer.kind].formula}.`;
}

/** The first lesson. */
export const LESSON = {
  title: "The first lesson: one unit, nine positions",
  intro:
    "An image of 5 × 5 numbers, and one hidden unit that sees 3 × 3 of them. Change any number. Press a feature " +
    "to see how it is computed; its patch is marked in the image. Then read on below; each paragraph has " +
    "something to try. It takes ten minutes.",
  image: "image",
  channel: (/** @type {number} */ number) => `image, channel ${number}`,
  unit: "weights of the unit",
  unitNumber: (/** @type {number} */ unit) => `weights of unit ${unit}`,
  onChannel: (/** @type {number} */ unit, /** @type {number} */ channel) => `unit ${unit}, on channel ${channel}`,
  bias: "bias",
  features: "features",
  featuresOf: (/** @type {number} */ unit) => `features of unit ${unit}`,
  pooled: "pooled",
  pooledOf: (/** @type {number} */ unit) => `pooled, unit ${unit}`,
  keys: "Arrow keys change the position",
  where: (/** @type {number} */ row, /** @type {number} */ column) => `, row ${row}, column ${column}`,
  images: "Image",
  imageNames: { line: "a line", corner: "a corner", dot: "a dot" },
  units: "Unit",
  unitNames: { upright: "upright lines", level: "level lines", edge: "edges", blur: "the sum", same: "the center" },
  channelCount: "Channels",
  unitCount: "Units",
  zeros: "Padding",
  zeroNames: { 0: "none", 1: "zeros around the image" },
  stride: "Stride",
  strideNames: { 1: "1, every position", 2: "2, every other position" },
  nonlinearity: "Nonlinearity",
  pooling: "Pooling of each 2 × 2",
  none: "none",
  marked: "The marked value, in numbers",
  walk: "Visit all positions",
  move: "Move the image to the right",
  again: "Reset",
  pad: "Add zeros",
  unpad: "Remove the zeros",
  strideTwo: "Every other position",
  strideOne: "Every position",
  second: "Add a second channel",
  secondUnit: "Add a second unit",
  back: "One channel, one unit",
  toUnits: "See what this network has learned",
  claims: {
    patch:
      "A unit multiplies each number of its patch by the weight at that position and adds the products. An image " +
      "of 5 × 5 has 3 × 3 positions for a patch of 3 × 3: nine features, all from the same nine weights and one " +
      "bias. That is the whole convolution.",
    along:
      "A unit that is useful at one position is useful at every position. When the image moves, the features " +
      "move along (equivariance).",
    shared:
      "That is why the weights are shared: one hidden unit, copied. Nine locally connected units have 9 × (9 + " +
      "1) = 90 parameters, nine that each see the whole image 9 × (25 + 1) = 234; the copies have 10, learned " +
      "from all positions at once. Try it: both layers begin with random weights and see strokes in the left " +
      "part of the image only. The copies then detect strokes everywhere; the separate units only where they saw some.",
    padding:
      "Zeros around the image (padding) give the unit a position at every pixel: 25 features. The price: at the " +
      "edge it sees zeros that are not in the image.",
    stride:
      "With a stride of 2 the unit is computed at every other position: fewer features, less computation, and a " +
      "shift by one pixel no longer moves them by one.",
    channels:
      "Colour images have three numbers for each pixel, and a later stage sees many maps. The unit then has a " +
      "filter of weights for each, adds all products, and still gives one feature for each position: twice the " +
      "weights, as many features.",
    units:
      "One unit detects one pattern. Several units see the same image, each with its own weights, and each " +
      "produces a feature map. The next stage sees these maps as its channels.",
    pooling:
      "Pooling (its classic name: subsampling) computes one value from each window: the largest, the mean, the " +
      "first, or another. It has no weights. Press each and see its value.",
    buys:
      "The benefit: less computation and fewer parameters afterwards, and predictions that depend less on " +
      "position. A small shift may change nothing: move the image and see when it does. The price: the position " +
      "in the window is lost.",
    dice:
      "Convolution is older than networks. The probability that two dice sum to 5 is that of 1 and 4, 2 and 3, 3 " +
      "and 2, 4 and 1: place the second die backwards along the first, multiply, add; for the next sum, move by " +
      "one. It is the same operation: a unit of 6 weights on a line of 6 numbers with zero padding. Networks " +
      "leave out the reversal: the weights are learned, so their order does not matter.",
    preprocessing:
      "Convolution is not preprocessing: nobody chooses the weights. They belong to hidden units like any " +
      "others, begin at random and are learned from the classifier’s errors, as in the two layers above. Turn " +
      "off one of this network’s units and see the prediction change.",
  },
};

/** Shared weights against separate ones. */
export const SHARING = {
  teacher: "to be learned",
  copiedWeights: "copied: 9 weights",
  separateWeights: "separate: 9 × 9 weights",
  last: "image shown last",
  copied: "copied",
  separate: "separate",
  show: (/** @type {string} */ images) => `Show them ${images}`,
  forget: "Start again",
  nothing: "No image seen yet; the weights are random.",
  seen: (/** @type {string} */ images) => `Trained on ${images}.`,
  errors: "Mean error of their features, for strokes anywhere in the image:",
};

/** Two dice. */
export const DICE = {
  names: ["first die: how often each face", "second die: how often each face"],
  face: (/** @type {number} */ die, /** @type {number} */ face) => `die ${die}, face ${face}`,
  fair: "A fair die",
  loaded: "A loaded die",
  sums: "The probability of each sum; press one to see its computation",
  laid: "The second die, backwards along the first",
  before: "The sum before",
  after: "The next sum",
  caption: "in percent",
  rows: ["first die", "second, backwards", "products"],
  chance: (/** @type {number} */ sum) => `The probability of the sum ${sum}: `,
};

/** Files that cannot be read. */
export const DAMAGE = {
  unreadable: "The file is damaged: its data cannot be read.",
  missing: "The file is damaged: a part of its data is missing.",
  weights: (/** @type {number} */ needed, /** @type {number} */ there) =>
    `The file is damaged: it needs ${needed} bytes of weights, and has ${there}.`,
  sizes: (/** @type {string} */ name) =>
    `The file is damaged: the sizes of the layer ${name} must be whole numbers from 1.`,
  image: "The file is damaged: an image has the wrong size.",
  version: (/** @type {string} */ found, /** @type {number} */ known) =>
    `The data have version ${found}; this page reads version ${known}.`,
};
