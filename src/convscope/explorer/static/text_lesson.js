// @ts-check
/** What the first lesson says. */
import { counted, grouped, short } from "./format.js";

/** The first lesson. */
export const LESSON = {
  intro:
    "An image of 5 × 5 numbers, and one hidden unit that sees 3 × 3 of them. Change any number. Press a feature " +
    "to see how it is computed; its patch is marked in the image. Each step has something to try. The lesson takes " +
    "fifteen minutes.",
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
  dropped: "The last row and column fill no window of 2 × 2 and are dropped.",
  keys: "Arrow keys change the position",
  where: (/** @type {number} */ row, /** @type {number} */ column) => `, row ${row}, column ${column}`,
  images: "Image",
  imageNames: { line: "a line", faint: "a faint line", corner: "a corner", dot: "a dot" },
  weights: (/** @type {number} */ units, /** @type {number} */ channels) =>
    ["Weights", ...(units > 1 ? ["of unit 1"] : []), ...(channels > 1 ? ["on channel 1"] : [])].join(" "),
  unitNames: { upright: "upright lines", level: "level lines", edge: "edges", blur: "the sum", same: "the center" },
  changed: "changed",
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
  putBack: "Put it back",
  again: "Reset",
  pad: "Add zeros",
  unpad: "Remove the zeros",
  strideTwo: "Every other position",
  strideOne: "Every position",
  second: "Add a second channel",
  secondUnit: "Add a second unit",
  oneUnit: "One unit",
  back: "One channel, one unit",
  toUnits: "See what this network has learned",
  turnOff:
    "Turn off units of this network and see the prediction change. Most single ones can be spared, as others see " +
    "similar things: their cards say what is lost without each. With several off, the effect adds up.",
  saves: (/** @type {string} */ layer, /** @type {number} */ shared, /** @type {number} */ separate) =>
    `In this network, ${layer} has ${counted(shared, "parameter")}; with separate weights at each position it would ` +
    `have ${grouped(separate)}.`,
  steps: {
    patch: {
      title: "One feature",
      text:
        "A unit multiplies each number of its patch by the weight at that position and adds the products and a " +
        "bias. Its weights are also called its filter or kernel. An image of 5 × 5 has 3 × 3 positions for a patch " +
        "of 3 × 3: nine features (one feature map), all from the same nine weights and one bias. That is the whole " +
        "convolution. The bias says how much is needed. Choose “a faint line” below the image: it gives 30 (its " +
        "pixels are 5, not 9), a clear one 54: with a bias of 0 both are above 0, with −40 only the clear one is: " +
        "a bias of −40 asks for more than 40.",
    },
    along: {
      title: "What moves, moves along",
      text:
        "A unit that is useful at one position is useful at every position. When the image moves, the features " +
        "move along (equivariance): a line is found wherever it is.",
    },
    shared: {
      title: "Why the weights are shared",
      text:
        "The nine features are nine hidden units with the same weights: one unit, copied. The copies have 9 + 1 = " +
        "10 parameters (weights, and one bias for the map), learned from all positions at once; with separate " +
        "weights there are 9 × 9 + 1 = 82 (still one bias for the map), and nine ordinary units, which see the " +
        "whole image and have a bias each, have 9 × (25 + 1) = 234. Try it: both layers begin with random weights " +
        "and see strokes in the three columns at the left only. The copies then detect strokes everywhere; the " +
        "separate units only where they saw some. The price: copies cannot look for different things at different " +
        "positions.",
    },
    padding: {
      title: "Padding",
      text:
        "Zeros around the image give the unit a position at every pixel: 25 features instead of 9. The price: at " +
        "the edge it sees zeros that are not in the image.",
    },
    stride: {
      title: "Stride",
      text:
        "Press “Every other position”: with a stride of 2 there are 4 features instead of 9, less than half the " +
        "computation. The line falls between the positions, and all four are −27: it is missed (aliasing). Then " +
        "press “Move the image to the right”, and it is found. A shift by one pixel no longer moves the features " +
        "by one.",
    },
    channels: {
      title: "Several channels",
      text:
        "Color images have three numbers for each pixel, and a later layer sees many maps. The unit then has " +
        "weights for each channel, adds all products, and still gives one feature for each position: twice the " +
        "weights, but no more features.",
    },
    units: {
      title: "Several units",
      text:
        "One unit detects one pattern. Several units see the same image, each with its own weights, and each " +
        "produces a feature map. Press “Add a second unit”: the first finds the upright line of the corner, the " +
        "second the level one. The next layer sees these maps as its channels.",
    },
    nonlinearity: {
      title: "What a nonlinearity is for",
      text:
        "Sums of sums are sums: without a nonlinearity between them, two layers do no more than one. Below, two " +
        "units detect the two kinds of edges, and a third adds their values. Without a nonlinearity, one unit can " +
        "replace the two layers (its weights are the sums of theirs: here all 0). ReLU replaces what is below 0 by " +
        "0: then the third unit finds an edge of either kind. No single unit can, whatever its weights and bias: " +
        "the last column of the table is what the closest one gives (smallest squared error). The value after the " +
        "nonlinearity is called the activation.",
    },
    pooling: {
      title: "Pooling",
      text:
        "Pooling (its classic name: subsampling) computes one value from each window: the largest, the mean, the " +
        "first, or another. Nothing in it is learned. Press each and see its value in the window with the largest " +
        "feature. (Zeros are put around the image, so that there are 5 × 5 features; four windows of 2 × 2 fit " +
        "into them, without the last row and column.) A pooled value depends on 4 × 4 pixels, where a feature " +
        "depends on 3 × 3. This receptive field grows with each layer, because a value sees several values before " +
        "it, and each of those its own part of the image; after pooling it grows twice as fast.",
    },
    buys: {
      title: "What pooling gains and costs",
      text:
        "It makes the maps smaller, so later layers need less computation and fewer parameters, and predictions " +
        "depend less on position (invariance). Here the line is at the left edge, with zeros around the image and " +
        "max pooling. Move the image: the first move changes no pooled value, the second moves them by one. The " +
        "price: the position in the window is lost.",
      after:
        "Could pooling be left out? Yes: such networks learn, and are often as accurate on clean images. But they " +
        "compute more, their classifier has more parameters, and a small shift costs more accuracy.",
    },
    classifier: {
      title: "From maps to probabilities",
      text:
        "The values of the last maps are written one after another into one vector (flatten). The classifier is a " +
        "unit for each class: bias + Σ weight × value, its logit. Softmax makes probabilities of the logits: " +
        "e^logit is above 0 for any logit, also a negative one, and each is divided by the sum of all, so that " +
        "together they are 1. A logit that is larger by 1 counts 2.72 times as much. Change one.",
    },
    dice: {
      title: "Two dice",
      text:
        "Convolution is older than networks. The probability that two dice sum to 5 is that of 1 and 4, 2 and 3, 3 " +
        "and 2, 4 and 1: place the second die backwards along the first, multiply, add; for the next sum, move by " +
        "one. The second die below is loaded, so that one sees it lie backwards; both can be made fair. It is the " +
        "same operation: a unit of 6 weights on a line of 6 numbers with zeros around it. One set of " +
        "weights serves every sum, because the second die is the same beside every face of the first; a unit is " +
        "copied to every position for this reason: what it detects does not depend on where it is. Networks leave " +
        "out the reversal: as the weights are learned, they come out in the order that is needed.",
    },
    preprocessing: {
      title: "It is no preprocessing",
      text:
        "What is done to an image before the network, such as scaling, is chosen by people: that is preprocessing. " +
        "Convolution stands before the classifier, but nobody chooses its weights. They belong to hidden units like " +
        "any others, begin at random and are learned: errors come back from the classifier, and each weight takes " +
        "steps as in step 3.",
    },
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

/** One step of gradient descent. */
export const GRADIENT = {
  about: (/** @type {number} */ row, /** @type {number} */ column) =>
    `What the first image did to the copied weight in row ${row}, column ${column} (gradient descent): at each ` +
    "position the error is multiplied by the input that the weight saw there.",
  heads: ["row, column", "should be", "is", "error", "input", "error × input"],
  position: (/** @type {number} */ row, /** @type {number} */ column) => `${row}, ${column}`,
  others: "The weight saw 0 at the other positions: nothing to learn there.",
  sum: (/** @type {number} */ sum, /** @type {number} */ rate, /** @type {number} */ change) =>
    `Together ${short(sum)}, times a small step size of ${short(rate)}: ${short(change)}.`,
  weight: (/** @type {number} */ before, /** @type {number} */ change) =>
    `old weight ${short(before)} ${change < 0 ? "−" : "+"} ${short(Math.abs(change))} = new weight `,
  later: (/** @type {number} */ seen, /** @type {number} */ change) =>
    `The last of ${counted(seen, "image")} changed no weight by more than ${short(change)}: the smaller the errors, ` +
    "the smaller the steps.",
  whole:
    "In a network nobody says what a hidden unit should give. Its error is computed backwards from those of the " +
    "classifier, through the weights between them (backpropagation); then its weights change in the same way.",
  press: "Show them 1 image to see its step in numbers.",
};

/** What a nonlinearity is for. */
export const TWO_LAYERS = {
  linear: "Without nonlinearity",
  relu: "With ReLU",
  images: "Image",
  imageNames: ["bright at the right", "bright at the left", "bright at both sides", "dark"],
  image: "image",
  unit: (/** @type {number} */ number) => `unit ${number}`,
  third: "weights of the third unit",
  thirdWeight: (/** @type {number} */ number) => `weight of the third unit for unit ${number}`,
  both: "the two layers as one unit",
  first: (/** @type {number} */ number) => `Unit ${number}: `,
  after: "Third unit: ",
  single: "The one unit: ",
  all: "For all four images",
  heads: ["image", "two layers", "closest single unit"],
  same: "The two layers give what the one unit gives, for every image and any weights.",
  differs: "The two layers give what no single unit gives, not even the closest.",
  matched: "With these two weights, one unit gives the same.",
};

/** Probabilities of logits. */
export const SOFTMAX = {
  heads: ["class", "logit", "e^logit", "÷ sum", "probability"],
  className: (/** @type {number} */ number) => `class ${number}`,
  logitOf: (/** @type {string} */ name) => `logit of ${name}`,
  sum: "sum",
  others: (/** @type {number} */ count) => counted(count, "other"),
  title: "From logits to probabilities",
  hint:
    "Softmax: e (2.718…) to the power of the logit, divided by the sum of these for all classes. So every " +
    "probability is above 0, and together they are 1.",
  sigmoid:
    "Each logit becomes 1 ÷ (1 + e^−logit), a number from 0 to 1 (sigmoid); divided by their sum, these are the " +
    "probabilities.",
  shiftedHeads: ["class", "logit", "e^(logit − largest)", "÷ sum", "probability"],
  sigmoidHeads: ["class", "logit", "sigmoid", "÷ sum", "probability"],
};

/** Two dice. */
export const DICE = {
  names: ["first die: how often each face", "second die: how often each face"],
  face: (/** @type {number} */ die, /** @type {number} */ face) => `die ${die}, face ${face}`,
  fair: "Make both dice fair",
  loaded: "Load the first die: mostly 6",
  rising: "Load the second die: higher faces more often",
  sums: "The probability of each sum, in percent; press one to see its computation below",
  laid: "The second die, backwards along the first",
  before: "The sum before",
  after: "The next sum",
  caption: "in percent",
  rows: ["first die", "second, backwards", "products"],
  chance: (/** @type {number} */ sum) => `The probability of the sum ${sum}: `,
};
