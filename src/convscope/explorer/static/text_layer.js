// @ts-check
/** What the page says about one layer, in numbers. */
import { capital, counted, grouped, short, sides } from "./format.js";

/** The layer, in numbers. */
export const LAYER = {
  partOfImage: "The image, with the receptive field of the value",
  layer: "layer",
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
  isLogit: ", logit",
  theValue: "The value",
  thisMap: (/** @type {number} */ rows, /** @type {number} */ columns) => `This map, ${sides(rows, columns)}`,
  dependsOnAll: "It can depend on the whole image",
  dependsOn: (/** @type {number} */ rows, /** @type {number} */ columns) =>
    `It depends on these ${sides(rows, columns)} pixels`,
  colors: ["red", "green", "blue"],
  gray: "gray",
  pixel: (/** @type {number} */ black, /** @type {number} */ white) =>
    "A pixel is a number from 0 (black) to 255. It is standardized: minus the mean of the training images, divided " +
    `by their standard deviation, so that 0 becomes ${short(black)} and 255 becomes ${short(white)}.`,
  pixels: (/** @type {number} */ black, /** @type {number} */ white) =>
    `Pixels are standardized: black, 0, is ${short(black)}, and 255 is ${short(white)}.`,
  below: { channel: "channel", value: "value", map: "map" },
  single: (/** @type {number} */ values) =>
    `The unit multiplies each of ${counted(values, "value")} before it by its weight and adds the products and its ` +
    "bias.",
  sees: (/** @type {string} */ part, /** @type {string} */ from) =>
    `The unit sees ${part} ${from} before it. Each value is multiplied by the weight at its position; all products ` +
    "and the bias, which says how much is needed, are added.",
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
  fromColor: (/** @type {string} */ color) => `of ${color}`,
  fromChannel: (/** @type {number} */ number) => `of channel ${number}`,
  fromMap: (/** @type {number} */ number) => `of map ${number}`,
  patch: (/** @type {string} */ from) => `patch ${from}`,
  weights: "weights",
  products: "products",
  sum: "sum ",
  sumOf: (/** @type {string} */ below, /** @type {number} */ number, /** @type {number} */ value) =>
    `${below} ${number}: ${short(value)}`,
  sums: (/** @type {string} */ below) => `The sum for each ${below}`,
  sumsWritten: (/** @type {string} */ below, /** @type {number} */ number) =>
    `The sum for each ${below}; map ${number} is written out below.`,
  sumsMost: (/** @type {string} */ below) =>
    `The sum for each ${below}. The largest are written out below; press another to see it.`,
  others: (/** @type {number} */ count) => counted(count, "other"),
  lines: ["from", "value", "× weight", "= product", ""],
  fromAll: (/** @type {number} */ count, /** @type {string} */ below) => `from all ${counted(count, below)}`,
  bias: "bias",
  added: "the input, added",
  logit: "  the logit",
  then: "Then ",
  leftOut: "The last window ends before this position: its value is dropped.",
  seeValue: "See that value",
  pooled: (/** @type {number} */ values, /** @type {string} */ phrase, /** @type {string} */ formula) =>
    `${capital(phrase)} of the ${counted(values, "value")} of the window: ${formula}.`,
  taken:
    "One value is computed from each window of the map before. Pooling (classic name: subsampling) learns nothing.",
  itIs: " It is the value followed here.",
  asLarge: " The value followed here is as large; the first is marked.",
  allEqual: " All are equal.",
  itIsNot: " The value followed here is another one, and has no effect.",
  saves: (/** @type {number} */ shared, /** @type {number} */ separate, /** @type {number} */ positions) =>
    `Sharing saves here: ${counted(shared, "parameter")} (weights, and one bias a map) instead of ` +
    `${grouped(separate)}, with separate weights at each of ${counted(positions, "position")}. A unit that is useful ` +
    "at one position is useful at every position, and learns from all of them at once.",
  positions: (
    /** @type {number} */ side,
    /** @type {number} */ zeros,
    /** @type {number} */ patch,
    /** @type {number} */ stride,
  ) => {
    const around = zeros ? ` and ${counted(zeros, "zero")} at each end (padding)` : "";
    const sum = `${side}${zeros ? ` + ${2 * zeros}` : ""} − ${patch} + 1`;
    const bare = zeros ? `; without the zeros ${side - patch + 1}` : "";
    const steps =
      stride === 1
        ? "The patch moves by 1 (its stride); with a stride of 2 it would be at every second position, and give " +
          "about a quarter of the values."
        : `With its stride of ${stride}, 1 of ${stride} is computed.`;
    const positions = counted(side + 2 * zeros - patch + 1, "position");
    return `Along ${counted(side, "value")}${around}, a patch of ${patch} has ${sum} = ${positions}${bare}. ${steps}`;
  },
  learned:
    "Its weights began at random. Each step of training changes every weight a little, so that the error " +
    "gets smaller: by Σ error × input, over all positions, times a small step size (gradient descent). The error is " +
    "what a value should be less what it is; it comes back from the classifier (backpropagation).",
  nonlinear: (/** @type {string} */ name) =>
    `Without its nonlinearity, ${name}, this layer and the next would compute no more than one layer can.`,
  grows: (
    /** @type {number} */ values,
    /** @type {number} */ each,
    /** @type {number} */ apart,
    /** @type {number} */ size,
  ) =>
    `Its receptive field is wider than that of the layer before: ${counted(values, "value")} along each side, each ` +
    `depending on ${counted(each, "pixel")}, ${apart} apart: ${each} + ${values - 1} × ${apart} = ${size}.`,
  vector: (/** @type {string} */ maps, /** @type {number} */ values) =>
    `The ${maps} are written one after another into one vector of ${counted(values, "value")} (flatten), map by ` +
    "map, row by row.",
  kinds: (/** @type {number} */ largest, /** @type {number} */ mean, /** @type {number} */ first) =>
    `Of the same window, the largest value (max) is ${short(largest)}, the mean ${short(mean)}, the first (subset) ` +
    `${short(first)}.`,
  window: "window",
  windowWeights: "share of each",
  chances: "chance of each",
  drawn: (/** @type {number[]} */ chances) =>
    `In training one of the values above 0 is drawn, here with the ${chances.length === 1 ? "chance" : "chances"} ` +
    `${chances.map(short).join(" / ")}. Prediction takes the mean, weighted by these chances.`,
  rounded: " (shown rounded)",
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
