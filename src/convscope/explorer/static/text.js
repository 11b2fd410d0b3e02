// @ts-check
/** All English text of the page, ready for translation. */
import { counted, short, sides } from "./format.js";
import { shapeAt } from "./network.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {Layer} layer @param {boolean} last */
export function titleOf(layer, last) {
  if (last) return "Classifier";
  if (layer.kind === "connected") return "Fully connected";
  if (layer.kind === "pooling") return "Pooling";
  return layer.regions[0] * layer.regions[1] > 1 ? "Locally connected units" : "Convolution";
}

/**
 * What a layer does, in one sentence.
 * @param {import("./network.js").Network} network
 * @param {number} number from 1
 */
export function describe(network, number) {
  const layer = network.layers[number - 1];
  const below = shapeAt(network, number - 1);
  const patch = sides(layer.window[0], layer.window[1]);
  const from = below.maps === 1 ? "" : ` of all ${below.maps} ${number === 1 ? "channels" : "maps"}`;
  if (layer.kind === "connected") {
    const seen = counted(below.maps * below.rows * below.columns, "value");
    if (number < network.layers.length) return `${counted(layer.maps, "unit")}, each sees all ${seen} below.`;
    return (
      `One logit for each class from all ${seen} below; ${network.sigmoids ? "sigmoids make" : "softmax makes"} ` +
      "them probabilities."
    );
  }
  const apart = layer.stride[0] > 1 ? `, stride ${layer.stride[0]}` : "";
  if (layer.kind === "pooling") {
    const phrase = capital(network.poolings[layer.code].phrase);
    if (layer.whole) return `${phrase} of each whole map.`;
    return (
      `${phrase} of each window of ` +
      `${patch}${layer.stride[0] === layer.window[0] ? "" : `, stride ${layer.stride[0]}`}.`
    );
  }
  const weights = layer.regions[0] * layer.regions[1];
  const shared = weights === 1 ? "the same weights everywhere" : `weights of their own in each of ${weights} parts`;
  const plus = layer.residual ? " The input is added." : "";
  return `${counted(layer.maps, "unit")} on patches of ${patch}${from}${apart}, ${shared}.${plus}`;
}

/** What comes out. @param {Shape} shape */
export function outcome(shape) {
  if (shape.rows * shape.columns === 1) return counted(shape.maps, "value");
  return `${counted(shape.maps, "map")} of ${sides(shape.rows, shape.columns)}`;
}

/** @param {Layer} layer @param {number} height @param {number} width */
export function sight(layer, height, width) {
  const [down, across] = layer.field;
  if (down.size >= height && across.size >= width) return "A value can depend on the whole image.";
  return `A value depends on ${sides(Math.min(down.size, height), Math.min(across.size, width))} pixels.`;
}

export const TEXT = {
  lookInside: "A look inside",
  facts: (/** @type {number} */ parameters, /** @type {number} */ macs, /** @type {number} */ classes) =>
    `${counted(parameters, "parameter")}, ${counted(macs, "MAC")} an image, ${counted(classes, "class", "classes")}.`,
  outside: "outside the map: 0",
  sliders: { right: "right", down: "down", turn: "turn", scale: "size", bend: "bend", blur: "blur", noise: "noise" },
  slider: (/** @type {string} */ label) => `Move it: ${label}`,
  intro:
    "An image goes in at the left. Each column is one layer: a convolution moves a small window over everything " +
    "below it " +
    "and writes one number for each place, so that each of its units makes one map; a pooling makes the maps " +
    "smaller. " +
    "The classifier reads what is left. Everything here is computed in this page, from the network’s own weights.",
  legend:
    "Blue is above 0, orange below, and 0 has the colour of the paper; each layer has its own scale. The frames " +
    "show the chosen value and what it was computed from.",
  choose: "Images",
  show: "Show",
  shown: "Images shown",
  all: "all",
  right: "right answers",
  wrong: "wrong answers",
  ofClass: "one class",
  confused: "taken for another class",
  isClass: (/** @type {string} */ name) => `, is ${name}`,
  imageNumber: (/** @type {number} */ number) => `Image ${number}`,
  mapNumber: (/** @type {number} */ number) => `map ${number}`,
  own: "Your own image…",
  ownHint: "or drop one anywhere, or paste it",
  draw: "Draw",
  drawing: "your drawing",
  move: "Move it",
  back: "Back",
  moveHint:
    "The maps of a convolution should move along with the image (equivariance); pooling should make what is left " +
    "change less " +
    "with where something is (invariance). See how far that is true. Below each layer: how much its values have " +
    "changed, as a part of " +
    "their size, and how much is left of that when the old maps are moved along.",
  changed: "changed",
  along: "left",
  clear: "Clear",
  pen: "Pen",
  rounded:
    "Its weights are rounded to about three digits, to keep this file small; all that is shown is computed from those.",
  penWidth: "Width of the pen",
  padKeys: "Drawing pad. Arrow keys move the pen; the space bar puts it down and lifts it",
  padHint:
    "Draw with a mouse, a pen or a finger; or with the arrow keys: the space bar puts the pen down and lifts it.",
  none: "No image yet: choose one of yours, drop it here, paste it, or draw.",
  glance: "The network at a glance",
  glanceHint: "Press any value of any map to see its numbers below.",
  numbers: "The layer, in numbers",
  play: "Play",
  stop: "Stop",
  keys:
    "Arrow keys move the place, [ and ] change the map, Page Up and Page Down the layer. Numbers are rounded to " +
    "be read; " +
    "point at one to see all its digits.",
  turnOff: "Turn this unit off",
  turnOn: "Turn this unit on",
  allOn: "Turn all on again",
  isOff: "But this unit is turned off: its map is 0 everywhere, and everything after it goes without it.",
  image: "image",
  saveMap: "Save this:",
  saveMaps: "Save all maps of the layer:",
  near:
    "Your image goes through the same layers as in Python: turned as EXIF says, transparency filled, made gray, " +
    "scaled. " +
    "From the same pixels both come to the same, but for a rounding of 1 in 255. Browsers may decode a JPEG a little " +
    "differently (again by 1 or 2), and very large ones Python reads at a reduced scale.",
  unreadable: "This browser cannot read that file as an image.",
};

/** An image from the camera. */
export const CAMERA = {
  open: "Camera",
  name: "from your camera",
  view: "What the camera sees",
  take: "Take this image",
  look: "look on",
  close: "Close the camera",
  fails: "The camera cannot be used here. Take an image with it and give the file instead.",
  why: {
    NotAllowedError: "The camera was not allowed to this page. Allow it in the browser, or give the image as a file.",
    NotFoundError: "No camera was found. Connect one, or give the image as a file.",
    NotReadableError: "The camera is used by another program. Close that, or give the image as a file.",
  },
};

/** A second network under the same image. */
export const SECOND = {
  title: "Another network beside it",
  label: "Beside it",
  nothing: "nothing",
  other: (/** @type {string} */ title, /** @type {string} */ layout) => `${title} ${layout}`,
  same: (/** @type {string} */ kind) => `this network, pooling by ${kind}`,
  about: "It gets the same image, moved by the same sliders. Compare the bars below its layers with those above.",
  exchanged:
    "The weights are those that were learned with the other pooling; only what is taken from each window " +
    "differs. Move the image: the bars " +
    "say how much of each layer changes with either.",
  numbers: "Its layer, in numbers",
};

/** @param {string} text not to be broken */
function together(text) {
  return text.replaceAll(" ", "\u00a0");
}

/** What the units respond to. */
export const UNITS_TEXT = {
  unit: (/** @type {number} */ number) => `Unit ${number}`,
  some: (/** @type {number} */ first, /** @type {number} */ last, /** @type {string} */ all) =>
    `${first}–${last} of ${all}`,
  title: "Units",
  intro:
    "What each unit responds to: its weights, the patches that it answers most strongly (press one to go there), " +
    "how often each value occurs, and the classes that it fires for.",
  onlyFilters: "The weights of each unit.",
  measured: (/** @type {string} */ images) => `Measured on ${images}`,
  thisPage: "this page",
  of: " of ",
  layer: "Layer",
  order: "First",
  orders: {
    number: "in order",
    selective: "most selective",
    silent: "most often silent",
    strong: "strongest",
    needed: "most needed",
  },
  without: (/** @type {string} */ change) => `Without it, accuracy changes by ${change} points`,
  losesMost: "; most for ",
  ablationMeasured: (/** @type {string} */ images) =>
    `What the network loses without a unit was measured on ${images}.`,
  filtersOf: (/** @type {string} */ layer) => `weights of ${layer}`,
  saveFilters: "Save these weights:",
  before: "Units before these",
  after: "Units after these",
  share: (/** @type {string} */ part) => `That is ${part} of the image.`,
  meanSelectivity: (/** @type {string} */ mean) =>
    `Selectivity of its units for classes: ${mean} on average (0: fires for all alike, 1: for one only).`,
  goTo: "Go to its map and its numbers",
  filter: "its weights",
  colourFilter: "its weights, as a colour: gray is 0",
  filterOn: (/** @type {number} */ map) => `its weights on map ${map} below`,
  never: "It is silent everywhere in these images.",
  top: "The patches that it answers most strongly",
  open: "Open",
  histogram: (/** @type {string} */ low, /** @type {string} */ high, /** @type {string} */ largest) =>
    `How often each value occurs, from ${low} to ${high} (0 itself left out); the largest is ${largest}`,
  silent: (/** @type {string} */ places, /** @type {string} */ images) =>
    `Silent at ${together(places)} of all places, and throughout ${together(images)} of the images.`,
  silentImages: (/** @type {string} */ images) => `Silent for ${together(images)} of the images.`,
  firesFor: "Fires most for",
  selectivity: "selectivity",
};

/** How good the network is, and what it costs. */
export const EVALUATION = {
  title: "How good, and at what cost",
  evaluated: (/** @type {string} */ images, /** @type {string} */ split) => `of ${images} recognized (${split}).`,
  splits: {
    validation: "held out from training",
    test: "the test set, which training never saw",
    training: "the images that it learned from: expect less on others",
  },
  interval: (/** @type {string} */ low, /** @type {string} */ high) => `95 % interval: ${low} to ${high}.`,
  epoch: "epoch",
  training: "training",
  validation: "validation",
  accuracy: "Accuracy",
  loss: "Loss",
  confusion: "What was taken for what",
  confusionHint:
    "A row is what an image is, a column what it was taken for. Press a number to see those of its images that " +
    "are in this page, above.",
  some: (/** @type {number} */ shown, /** @type {number} */ all) =>
    `Only the ${shown} classes that are confused most often are shown, of ${all}.`,
  corner: "is ↓ taken for →",
  cell: (/** @type {string} */ images, /** @type {string} */ truth, /** @type {string} */ answer) =>
    `${images} of ${truth} taken for ${answer};`,
  inPage: (/** @type {number} */ count) => `${count} in this page.`,
  notInPage: "none in this page.",
  pair: (/** @type {string} */ truth, /** @type {string} */ answer) => `${truth} taken for ${answer}`,
  cost: "What each layer costs",
  costHint:
    "For one image. While training, the maps of all layers are kept until the gradients have been computed; for " +
    "prediction, only those that go into a layer and come out of it.",
  costs: ["layer", "learned numbers", "multiplications", "kept in training", "held in prediction", "sees pixels"],
  total: "in all",
};

/** Saving what is drawn. */
export const SAVING = { save: "Save this image:" };

/** How the network takes distorted images, as it was measured. */
export const INVARIANCE = {
  title: "Distorted images",
  intro: (/** @type {string} */ images) =>
    `Accuracy when images are distorted, and what each layer makes of it. Measured on ${images} of`,
  margin: (/** @type {number} */ pixels) =>
    `A margin of ${counted(pixels, "pixel")} was put around each, so that a shift by less loses nothing.`,
  distortion: "Distortion",
  strength: "Strength",
  accuracy: "Accuracy",
  right: "right",
  same: "same answer",
  falls: (/** @type {string} */ places) => `Accuracy falls ${places}.`,
  fall: (/** @type {string} */ part, /** @type {string} */ strength, /** @type {string} */ range) =>
    `below ${part} of what it is undistorted at ${strength}${range}`,
  fallsOn: (/** @type {string} */ part, /** @type {string} */ strength, /** @type {string} */ range) =>
    `${part} at ${strength}${range}`,
  range: (/** @type {string} */ low, /** @type {string} */ high) => ` (${low} to ${high})`,
  beyond: (/** @type {string} */ strength) => `beyond ${strength}`,
  atChance: (/** @type {string} */ chance) =>
    `The accuracy undistorted is not above chance (${chance}): where it falls below a part of it means nothing.`,
  neverFalls: (/** @type {string} */ part, /** @type {string} */ strength, /** @type {string} */ lower) =>
    `It does not fall below ${part} of what it is undistorted up to ${strength}${lower}.`,
  lowerFalls: (/** @type {string} */ strength) => ` (the lower end of its interval does at ${strength})`,
  ledger: "What each layer makes of it",
  ledgerHint:
    "Changed: how far its maps are from what they were, as a part of the distance between two different images. " +
    "Left: how far they still are " +
    "when the old maps are moved along, as the image was; that much is lost, not moved. Moved: the part of the " +
    "change, squared, that is movement.",
  heads: ["layer", "changed", "left", "moved", "its maps are"],
  verdicts: {
    invariant: "as they were (invariant)",
    equivariant: "moved along (equivariant)",
    "equivariant inside": "moved along, but at the edge",
    "in part": "moved along in part",
    changed: "changed",
  },
  beside: "show it below the layers at the top, too",
  measured: (/** @type {string} */ what) => `measured, ${what}:`,
};

/** Kinds of networks that learned the same images. */
export const COMPARISON = {
  title: "CompareResult with other kinds",
  about: (
    /** @type {string} */ learned,
    /** @type {string} */ evaluated,
    /** @type {string} */ seeds,
    /** @type {string} */ budget,
  ) =>
    `each learned from the same ${learned}${budget} and was evaluated on the same ${evaluated}; ${seeds} each. ` +
    "The line around a dot is the 95 % interval.",
  budgets: {
    epochs: (/** @type {number} */ amount) => (amount === 1 ? ", once," : `, ${short(amount)} times over,`),
    seconds: (/** @type {number} */ amount) => ` for ${counted(amount, "second")}`,
  },
  distorted: "And when images are distorted:",
  undisturbed: "as they are",
  image: "Accuracy of each kind",
  table: "All kinds, as a table",
  sortHint: "Press the head of a column to sort by it.",
  heads: ["kind", "accuracy", "learned numbers", "multiplications", "seconds of learning"],
};

/** The network at a glance. */
export const OVERVIEW = {
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
    "the mean and the std of the training images:",
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
  pooled: (/** @type {number} */ values, /** @type {string} */ phrase, /** @type {string} */ formula) =>
    `${capital(phrase)} of the ${counted(values, "value")} of the window: ${formula}.`,
  taken: "One value is made from a window of the map below. Nothing is learned here.",
  itIs: " It is this one.",
  asLarge: " This one is just as large; the first of them is marked.",
  itIsNot: " This one is not it.",
  window: "window",
  windowWeights: "how much each counts",
};

/** The first lesson. */
export const LESSON = {
  title: "The first lesson: one unit, nine places",
  intro:
    "An image of 5 × 5 numbers, and one hidden unit that sees 3 × 3 of them. Change any number. Press a feature " +
    "to see where it " +
    "comes from; its patch is marked in the image. Then read on below; beside each sentence is something to try. " +
    "Ten minutes are enough.",
  image: "image",
  channel: (/** @type {number} */ number) => `image, channel ${number}`,
  unit: "weights of the unit",
  unitNumber: (/** @type {number} */ unit) => `weights of unit ${unit}`,
  onChannel: (/** @type {number} */ unit, /** @type {number} */ channel) => `unit ${unit}, on channel ${channel}`,
  bias: "bias",
  features: "features",
  featuresOf: (/** @type {number} */ unit) => `features of unit ${unit}`,
  kept: "pooled",
  keptOf: (/** @type {number} */ unit) => `pooled, unit ${unit}`,
  keys: "Arrow keys move the place",
  where: (/** @type {number} */ row, /** @type {number} */ column) => `, row ${row}, column ${column}`,
  images: "Image",
  imageNames: { line: "a line", corner: "a corner", dot: "a dot" },
  units: "Unit",
  unitNames: { upright: "upright lines", level: "level lines", edge: "edges", blur: "the sum", same: "the middle" },
  channelCount: "Channels",
  unitCount: "Units",
  zeros: "Padding",
  zeroNames: { 0: "none", 1: "zeros around the image" },
  stride: "Stride",
  strideNames: { 1: "1, every place", 2: "2, every other place" },
  nonlinearity: "Nonlinearity",
  pooling: "Pooling of each 2 × 2",
  none: "none",
  marked: "The marked value, in numbers",
  walk: "Walk over all places",
  move: "Move the image to the right",
  again: "All as at first",
  pad: "Put zeros around",
  unpad: "Take the zeros away",
  strideTwo: "Every other place",
  strideOne: "Every place",
  second: "Add a second channel",
  secondUnit: "Add a second unit",
  back: "One channel, one unit",
  toUnits: "See what this network has learned",
  claims: {
    patch:
      "A unit multiplies each number of its patch with the weight at that place, and adds. An image of 5 × 5 has " +
      "3 × 3 places for a patch " +
      "of 3 × 3: nine features, all from the same nine weights and one bias. That is the whole convolution step.",
    along:
      "A unit that is good for something at one place is good for it at every place. So when the image moves, " +
      "the features move along.",
    shared:
      "That is why the weights are shared: one hidden unit, copied. Nine units with weights of their own would " +
      "have 9 × (9 + 1) = 90 numbers to " +
      "learn, nine that each see the whole image 9 × (25 + 1) = 234; the copies have 10, and learn them from all " +
      "places at once. Try it: both " +
      "layers begin with weights drawn by chance and are shown strokes in the left part of the image only. The " +
      "copies then know " +
      "strokes everywhere; the separate units know what happened to lie before them.",
    padding:
      "Zeros around the image (padding) give the unit a place at every pixel: 25 features. The price: at the " +
      "edge it sees zeros that were never there.",
    stride:
      "With a stride of 2 the unit looks at every other place only: fewer features, less to compute, and a shift " +
      "by one pixel no longer moves them by one.",
    channels:
      "Colour images have three numbers for each pixel, and a later stage sees many maps. The unit then has a " +
      "patch of weights for each, adds the products of " +
      "all, and still gives one feature for each place: twice the weights, as many features.",
    units:
      "One unit finds one thing. Several see the same image, each with weights of its own, and each makes a map. " +
      "The next stage sees these maps as its channels.",
    pooling:
      "Pooling takes one value from each window: the largest, the mean, just the first, or another. Nothing is " +
      "learned there. Press each, and see what is taken.",
    buys:
      "What that buys: less to compute and to learn afterwards, and an answer that depends less on where " +
      "something is. A small shift may change nothing: " +
      "move the image and see when it does. What it costs: where in the window it was is forgotten.",
    dice:
      "The name is older than networks. The chance that two dice sum to 5 is that of 1 and 4, 2 and 3, 3 and 2, " +
      "4 and 1: lay the second die backwards along the " +
      "first, multiply, add; for the next sum, move on by one. It is the same operation, a unit of 6 weights on " +
      "a line of 6 numbers with zeros around. Only the backwards is missing " +
      "in networks: as the weights are learned, they may as well be learned the other way round.",
    preprocessing:
      "The usual image calls all this pre-processing, a treatment before the network. That is wrong: nobody " +
      "chooses the weights. They are hidden units like any others, begin " +
      "by chance and learn from the classifier’s errors, as the two layers above did from theirs. Turn off one " +
      "of this network’s units and see the answer change.",
  },
};

/** A copied hidden layer against a separate one. */
export const SHARING = {
  teacher: "to be learned",
  copiedWeights: "copied: 9 weights",
  separateWeights: "separate: 9 × 9 weights",
  last: "image shown last",
  copied: "copied",
  separate: "separate",
  show: (/** @type {string} */ images) => `Show them ${images}`,
  forget: "Forget all",
  nothing: "They have not seen an image yet; the weights are drawn by chance.",
  seen: (/** @type {string} */ images) => `They have learned from ${images}.`,
  errors: "How far their features are from right, on average, for strokes anywhere in the image:",
};

/** Two dice. */
export const DICE = {
  names: ["first die: how often each face", "second die: how often each face"],
  face: (/** @type {number} */ die, /** @type {number} */ face) => `die ${die}, face ${face}`,
  fair: "A fair die",
  loaded: "A loaded die",
  sums: "The chance of each sum; press one to see where it comes from",
  laid: "The second die, laid backwards along the first",
  before: "The sum before",
  after: "The next sum",
  caption: "in per cent",
  rows: ["first die", "second, backwards", "products"],
  chance: (/** @type {number} */ sum) => `The chance of ${sum}, their sum: `,
};

/** Files that cannot be read. */
export const DAMAGE = {
  unreadable: "The file is damaged: its data cannot be read.",
  missing: "The file is damaged: a part of its data is missing.",
  weights: (/** @type {number} */ needed, /** @type {number} */ there) =>
    `The file is damaged: it needs ${needed} bytes of weights, and has ${there}.`,
  sizes: (/** @type {string} */ name) =>
    `The file is damaged: the sizes of the layer ${name} are no whole numbers from 1.`,
  image: "The file is damaged: an image has not its size.",
  version: (/** @type {string} */ found, /** @type {number} */ known) =>
    `The data have version ${found}; this page reads version ${known}.`,
};
