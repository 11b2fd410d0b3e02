// @ts-check
/** What the page says about records: accuracy, cost, comparisons. */
import { counted, short } from "./format.js";

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
    "only the input and output of the current layer. So the total of training is the image and all maps, that of " +
    "prediction the layer that needs most.",
  costs: ["layer", "parameters", "MACs", "training memory", "prediction memory", "receptive field"],
  total: "total",
};

/** The result of a comparison in one sentence. */
export const MOVED = {
  why: "What sharing weights and pooling are for, in correct answers of other networks, not this one, trained on ",
  clean: (/** @type {string[]} */ accuracies) => ` Not moved: ${accuracies.join(", ")}. `,
  more: "The comparison",
  shipped: "Measured on networks that come with convscope, not on this one: ",
  about: (/** @type {string} */ trained, /** @type {string} */ seeds, /** @type {string} */ evaluated) =>
    `, trained on ${trained}; ${seeds} each, mean over ${evaluated} moved left, right, up and down; each with its ` +
    "interval:",
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
    "each. The ends of the line through a dot are the 95 % interval of its clean accuracy.",
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
