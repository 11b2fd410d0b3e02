// @ts-check
/** All English text of the first lesson. */

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
  nonlinearityNames: {
    linear: "none",
    relu: "relu",
    tanh: "tanh",
    sigmoid: "sigmoid",
    elu: "elu",
    gelu: "gelu",
    abs: "abs",
  },
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
