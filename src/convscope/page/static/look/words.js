// @ts-check
/** All English text of the page, in one place. */

/** @typedef {import("./format.js").Layer} Layer */
/** @typedef {import("./format.js").Shape} Shape */

/** A whole number with its thousands apart; the browser's own way takes longer than the network. @param {number} count */
function grouped(count) {
  return String(count).replace(/\B(?=([0-9]{3})+$)/g, ",");
}

/** @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** @param {number} rows @param {number} columns */
export function sides(rows, columns) {
  return `${columns}\u00a0×\u00a0${rows}`; // not to be broken
}

/**
 * A number in about three digits, of one width where possible, with a real minus.
 * @param {number} value
 */
export function short(value) {
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 10000) text = String(size);
  else if (size >= 10000 || size < 0.0005) text = size.toExponential(0).replace("e+", "e");
  else text = size.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.0995 ? 2 : 3);
  return (value < 0 ? "−" : "") + text;
}

/**
 * The same for a narrow cell of a table.
 * @param {number} value
 */
export function narrow(value) {
  const size = Math.abs(value);
  const text = size >= 100 || Number.isInteger(value) ? size.toFixed(0) : size >= 10 ? size.toFixed(1) : size.toFixed(2);
  return size >= 10000 ? short(value) : (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

/** All digits of a 32-bit number. @param {number} value */
export function exact(value) {
  return String(Number(value.toPrecision(9))).replace("-", "−");
}

/** @param {number} probability */
export function percent(probability) {
  const text = (probability * 100).toFixed(1);
  if (text === "100.0") return probability === 1 ? "100 %" : ">99.9 %";
  if (text === "0.0") return probability === 0 ? "0 %" : "<0.1 %";
  return `${text} %`;
}

/** What a pooling makes of a window, and its name. */
export const WINDOWS = {
  MP: ["the largest value", "max"],
  AP: ["the mean", "mean"],
  SS: ["the first value, at the upper left,", "subset"],
  LP: ["the root of the mean square", "root mean square"],
  ST: ["the mean, larger values counting more,", "stochastic"],
  BP: ["a blurred value", "blur, then subset"],
};

/** @param {Layer} layer @param {boolean} last */
export function titleOf(layer, last) {
  if (last) return "Classifier";
  if (layer.kind === "connected") return "Fully connected";
  if (layer.kind === "pooling") return "Pooling";
  return layer.regions[0] * layer.regions[1] > 1 ? "Locally connected units" : "Convolution";
}

/** What a layer does, in one sentence. @param {Layer} layer @param {Shape} below @param {boolean} first @param {boolean} last */
export function describe(layer, below, first, last) {
  const patch = sides(layer.window[0], layer.window[1]);
  const from = below.maps === 1 ? "" : ` of all ${below.maps} ${first ? "channels" : "maps"}`;
  if (layer.kind === "connected") {
    const seen = counted(below.maps * below.rows * below.columns, "value");
    if (last) return `One logit for each class from all ${seen} below; together they become probabilities.`;
    return `${counted(layer.maps, "unit")}, each sees all ${seen} below.`;
  }
  const apart = layer.stride[0] > 1 ? `, ${layer.stride[0]} places apart` : "";
  if (layer.kind === "pooling") {
    const [what] = WINDOWS[/** @type {keyof typeof WINDOWS} */ (layer.code)];
    if (layer.whole) return `Of each whole map: ${what.replace(/,$/, "")}.`;
    const overlap = layer.stride[0] === layer.window[0] ? "" : layer.stride[0] === 1 ? ", at every place" : `, every ${layer.stride[0]} places`;
    return `Of each window of ${patch}${overlap}: ${what.replace(/,$/, "")}.`;
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

/** The nonlinearity in a formula. @param {string} name */
export function formulaOf(name) {
  return {
    relu: "relu: below 0 becomes 0",
    tanh: "tanh: squeezed between −1 and 1",
    sigmoid: "sigmoid: squeezed between 0 and 1",
    elu: "elu: below 0 becomes eˣ − 1",
    gelu: "gelu: × the part of a normal distribution below it",
    abs: "abs: the sign goes",
    linear: "no nonlinearity",
  }[name];
}

/** How a pooling comes to its value. @param {Layer} layer @param {number} count */
export function takingOf(layer, count) {
  return {
    MP: "The largest is taken; the others are forgotten, and so is where it was.",
    AP: `All ${count} are added and divided by ${count}.`,
    SS: "The first is kept; the others are forgotten.",
    LP: `Each is squared; of the mean of the ${count} squares, the root is taken.`,
    ST: "A mean in which each counts as much as it is large (negative ones not at all). While training, one was drawn with that chance.",
    BP: "Each counts by binomial weights, the middle most; beyond the edge the last value goes on.",
  }[layer.code];
}

export const TEXT = {
  lookInside: "A look inside",
  outside: "outside the map: 0",
  sliders: { right: "right", down: "down", turn: "turn", scale: "size", bend: "bend", blur: "blur", noise: "noise" },
  slider: (/** @type {string} */ label) => `Move it: ${label}`,
  intro:
    "An image goes in at the left. Each column is one layer: a convolution moves a small window over everything below it " +
    "and writes one number for each place, so that each of its units makes one map; a pooling makes the maps smaller. " +
    "The classifier reads what is left. Everything here is computed in this page, from the network’s own weights.",
  legend: "Blue is above 0, orange below, and 0 has the colour of the paper; each layer has its own scale. The frames show the chosen value and what it was computed from.",
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
    "The maps of a convolution should move along with the image (equivariance); pooling should make what is left change less " +
    "with where something is (invariance). See how far that is true. Below each layer: how much its values have changed, as a part of " +
    "their size, and how much is left of that when the old maps are moved along.",
  changed: "changed",
  along: "left",
  clear: "Clear",
  pen: "Pen",
  rounded: "Its weights are rounded to about three digits, to keep this file small; all that is shown is computed from those.",
  penWidth: "Width of the pen",
  padKeys: "Drawing pad. Arrow keys move the pen; the space bar puts it down and lifts it",
  padHint: "Draw with a mouse, a pen or a finger; or with the arrow keys: the space bar puts the pen down and lifts it.",
  none: "No image yet: choose one of yours, drop it here, paste it, or draw.",
  glance: "The network at a glance",
  glanceHint: "Press any value of any map to see its numbers below.",
  numbers: "The layer, in numbers",
  play: "Play",
  stop: "Stop",
  keys:
    "Arrow keys move the place, [ and ] change the map, Page Up and Page Down the layer. Numbers are rounded to be read; " +
    "point at one to see all its digits.",
  turnOff: "Turn this unit off",
  turnOn: "Turn this unit on",
  allOn: "Turn all on again",
  isOff: "But this unit is turned off: its map is 0 everywhere, and everything after it goes without it.",
  image: "image",
  saveMap: "Save this:",
  saveMaps: "Save all maps of the layer:",
  near:
    "Your image goes through the same layers as in Python: turned as EXIF says, transparency filled, made gray, scaled. " +
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
export const BESIDE = {
  title: "Another network beside it",
  label: "Beside it",
  nothing: "nothing",
  other: (/** @type {string} */ title, /** @type {string} */ layout) => `${title} ${layout}`,
  same: (/** @type {string} */ kind) => `this network, pooling by ${kind}`,
  about: "It gets the same image, moved by the same sliders. Compare the bars below its layers with those above.",
  exchanged:
    "The weights are those that were learned with the other pooling; only what is taken from each window differs. Move the image: the bars " +
    "say how much of each layer changes with either.",
  numbers: "Its layer, in numbers",
};

/** @param {string} text not to be broken */
function together(text) {
  return text.replaceAll(" ", "\u00a0");
}

/** What the units respond to. */
export const UNIT_TEXT = {
  unit: (/** @type {number} */ number) => `Unit ${number}`,
  some: (/** @type {number} */ first, /** @type {number} */ last, /** @type {string} */ all) => `${first}–${last} of ${all}`,
  title: "Units",
  intro: "What each unit responds to: its weights, the patches that it answers most strongly (press one to go there), how often each value occurs, and the classes that it fires for.",
  onlyFilters: "The weights of each unit.",
  measured: (/** @type {string} */ images) => `Measured on ${images}`,
  thisPage: "this page",
  of: " of ",
  layer: "Layer",
  order: "First",
  orders: { number: "in order", selective: "most selective", silent: "most often silent", strong: "strongest", needed: "most needed" },
  without: (/** @type {string} */ change) => `Without it, accuracy changes by ${change} points`,
  losesMost: "; most for ",
  ablationMeasured: (/** @type {string} */ images) => `What the network loses without a unit was measured on ${images}.`,
  filtersOf: (/** @type {string} */ layer) => `weights of ${layer}`,
  saveFilters: "Save these weights:",
  before: "Units before these",
  after: "Units after these",
  share: (/** @type {string} */ part) => `That is ${part} of the image.`,
  meanSelectivity: (/** @type {string} */ mean) => `Selectivity of its units for classes: ${mean} on average (0: fires for all alike, 1: for one only).`,
  goTo: "Go to its map and its numbers",
  filter: "its weights",
  colourFilter: "its weights, as a colour: gray is 0",
  filterOn: (/** @type {number} */ map) => `its weights on map ${map} below`,
  never: "It is silent everywhere in these images.",
  top: "The patches that it answers most strongly",
  open: "Open",
  histogram: (/** @type {string} */ low, /** @type {string} */ high, /** @type {string} */ largest) => `How often each value occurs, from ${low} to ${high} (0 itself left out); the largest is ${largest}`,
  silent: (/** @type {string} */ places, /** @type {string} */ images) => `Silent at ${together(places)} of all places, and throughout ${together(images)} of the images.`,
  silentImages: (/** @type {string} */ images) => `Silent for ${together(images)} of the images.`,
  firesFor: "Fires most for",
  selectivity: "selectivity",
};

/** How good the network is, and what it costs. */
export const GOOD_TEXT = {
  title: "How good, and at what cost",
  evaluated: (/** @type {string} */ images, /** @type {string} */ split) => `of ${images} recognized (${split}).`,
  splits: { validation: "held out from training", test: "the test set, which training never saw", training: "the images that it learned from: expect less on others" },
  interval: (/** @type {string} */ low, /** @type {string} */ high) => `95 % interval: ${low} to ${high}.`,
  epoch: "epoch",
  training: "training",
  heldOut: "held out",
  accuracy: "Accuracy",
  loss: "Loss",
  confusion: "What was taken for what",
  confusionHint: "A row is what an image is, a column what it was taken for. Press a number to see those of its images that are in this page, above.",
  some: (/** @type {number} */ shown, /** @type {number} */ all) => `Only the ${shown} classes that are confused most often are shown, of ${all}.`,
  corner: "is ↓ taken for →",
  cell: (/** @type {string} */ images, /** @type {string} */ truth, /** @type {string} */ answer) => `${images} of ${truth} taken for ${answer};`,
  inPage: (/** @type {number} */ count) => `${count} in this page.`,
  notInPage: "none in this page.",
  pair: (/** @type {string} */ truth, /** @type {string} */ answer) => `${truth} taken for ${answer}`,
  cost: "What each layer costs",
  costHint: "For one image. While training, the maps of all layers are kept until the gradients have been computed; for prediction, only those that go into a layer and come out of it.",
  costs: ["layer", "learned numbers", "multiplications", "kept in training", "held in prediction", "sees pixels"],
  total: "in all",
};

/** Saving what is drawn. */
export const SAVING = { save: "Save this image:" };

/** How the network takes distorted images, as it was measured. */
export const INVARIANCE = {
  title: "Distorted images",
  intro: (/** @type {string} */ images) => `Accuracy when images are distorted, and what each layer makes of it. Measured on ${images} of`,
  margin: (/** @type {number} */ pixels) => `A margin of ${counted(pixels, "pixel")} was put around each, so that a shift by less loses nothing.`,
  distortion: "Distortion",
  strength: "Strength",
  accuracy: "Accuracy",
  right: "right",
  same: "same answer",
  falls: (/** @type {string} */ places) => `Accuracy falls ${places}.`,
  fall: (/** @type {string} */ part, /** @type {string} */ strength, /** @type {string} */ range) => `below ${part} of the clean accuracy at ${strength}${range}`,
  fallsOn: (/** @type {string} */ part, /** @type {string} */ strength, /** @type {string} */ range) => `${part} at ${strength}${range}`,
  range: (/** @type {string} */ low, /** @type {string} */ high) => ` (${low} to ${high})`,
  beyond: (/** @type {string} */ strength) => `beyond ${strength}`,
  atChance: (/** @type {string} */ chance) => `The clean accuracy is not above chance (${chance}): limits as fractions of it are meaningless.`,
  neverFalls: (/** @type {string} */ part, /** @type {string} */ strength, /** @type {string} */ lower) => `It does not fall below ${part} of the clean accuracy up to ${strength}${lower}.`,
  lowerFalls: (/** @type {string} */ strength) => ` (the lower end of its interval does at ${strength})`,
  sensitivity: "Sensitivity of each layer",
  sensitivityHint:
    "Changed: how far its maps are from what they were, as a part of the distance between two different images. Left: how far they still are " +
    "when the old maps are moved along, as the image was; that much is lost, not moved. Moved: the part of the change, squared, that is movement.",
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
  title: "Comparison of variants",
  about: (/** @type {string} */ learned, /** @type {string} */ evaluated, /** @type {string} */ seeds, /** @type {string} */ budget) =>
    `each learned from the same ${learned}${budget} and was evaluated on the same ${evaluated}; ${seeds} each. The line around a dot is the 95 % interval.`,
  budgets: {
    epochs: (/** @type {number} */ amount) => (amount === 1 ? ", once," : `, ${short(amount)} times over,`),
    seconds: (/** @type {number} */ amount) => ` for ${counted(amount, "second")}`,
  },
  distorted: "And when images are distorted:",
  clean: "clean",
  image: "Accuracy of each variant",
  table: "All variants, as a table",
  sortHint: "Press the head of a column to sort by it.",
  heads: ["kind", "accuracy", "learned numbers", "multiplications", "seconds of learning"],
};
