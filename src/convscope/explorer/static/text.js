// @ts-check
/** All English text of the page, ready for translation. */
import { counted, grouped, inMillions, short, sides, wholePercent } from "./format.js";
import { belowOf, separateParameters, shapeAt } from "./network.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/** @param {string} text */
export function capital(text) {
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
    const vector = below.rows * below.columns > 1 ? `: ${outcome(below)}, written as one vector` : "";
    if (number < network.layers.length) return `${counted(layer.maps, "unit")}, each sees all ${seen}${vector}.`;
    return (
      `One logit for each class from all ${seen}${vector}; ${network.sigmoids ? "sigmoids make" : "softmax makes"} ` +
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

/** What the last maps are for. @param {boolean} dense whether the output is a map for each class */
const lastMaps = (dense) =>
  dense ? "The last layer has one map for each class." : "The classifier reads the last maps.";

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
    "The image is at the left. Each column is one layer. A unit of a convolution has a few weights (its filter or " +
    "kernel), slides them over all maps of the layer before, and computes one value (an activation) at each " +
    "position: its feature map. Pooling (classic name: subsampling) makes the maps smaller. The part of the image " +
    `that a value depends on is its receptive field. ${lastMaps(dense)} This page computes everything itself, with ` +
    "the network’s own weights, which were learned from the classifier’s errors (backpropagation).",
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
    "position (invariance). Two bars stand under each layer. Moved along: how much of the change of its maps is " +
    "movement; at 100 % they only moved, less where a window of pooling is wider than the movement. Really changed: " +
    "how far they are from the old maps moved along; at 100 % as far as those of another image, at 0 % nothing " +
    "changed.",
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
  about:
    "It sees the same image, moved by the same sliders. Compare the bars under its layers with those of the first.",
  exchanged:
    "The weights are those learned with the original pooling; only the pooling differs. Move the image: the bars " +
    "show the change of each layer with either.",
  numbers: "Its layer, in numbers",
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

/** The result of a comparison in one sentence. */
export const MOVED = {
  shipped: "Measured on smaller networks that come with convscope, not on this one: ",
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
  frame: "The frame is the receptive field of the chosen value.",
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
    "slides the few weights of a unit (its filter or kernel) over the maps before it and computes one value (an " +
    `activation) at each position: the unit’s feature map. ${lastMaps(dense)} This page computes everything itself, ` +
    "with the network’s own weights.",
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

/** What a layer does, in words. @param {import("./network.js").Network} network @param {Layer} layer */
export function phraseOf(network, layer) {
  return `${capital(network.kinds[layer.kind].phrase)}.`;
}

/** @param {import("./network.js").Network} network @param {Layer} layer */
export function formulaOf(network, layer) {
  return `${network.kinds[layer.kind].formula}.`;
}

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
