// @ts-check
/** The words of where the network looked. */

export const WHERE = {
  title: "Where it looked",
  intro:
    "What the answer is due to, pixel by pixel. Blue speaks for the class: without it, the logit of the class " +
    "would be lower. Orange speaks against it: without it, the logit would be higher; the class may win all the " +
    "same, since only the differences of logits count. Three ways to ask, and " +
    "how far each can be trusted, where that was measured.",
  target: "Class",
  predicted: "the predicted one",
  image: "The image",
  /** What is explained. @param {string} probability @param {string} logit */
  said: (probability, logit) => `: probability ${probability}, logit ${logit}`,
  working: "computing …",
  occlusion: {
    title: "Occlusion",
    hint: (/** @type {number} */ side) =>
      `What the class loses without each patch of ${side}\u00a0×\u00a0${side} pixels, which becomes the mean of the ` +
      "training images.",
    said: (/** @type {string} */ logit, /** @type {string} */ chance) =>
      `Without the most important patch, ${logit} less logit and ${chance} less probability.`,
  },
  camera: {
    title: "Grad-CAM",
    hint: (/** @type {string} */ layer, /** @type {string} */ size) =>
      `The maps of ${layer} (${size}), each weighted by how much it moves the logit, added up.`,
    against:
      "Mostly below 0, though this class won: the method weights a whole map by one number, and the layers after it " +
      "weigh each position on its own. Occlusion is exact. (Many programs leave out what is below 0.)",
    exact: "Only a mean and weighted sums follow: the mean of this map and a bias are the logit.",
  },
  pixels: {
    title: "Contributions",
    hint: "Gradient × pixel: what each pixel adds to the logit.",
    sum: (/** @type {string} */ pixels, /** @type {string} */ biases, /** @type {string} */ logit) =>
      `Pixels ${pixels} + biases ${biases} = logit ${logit}.`,
    open: (/** @type {string} */ pixels, /** @type {string} */ biases, /** @type {string} */ rest) =>
      `Pixels ${pixels}, biases ${biases}; ${rest} of the logit is not accounted for: the network is not piecewise ` +
      "linear.",
  },
  strongest: (/** @type {string} */ value) => `strongest color: ${value}`,
  nearest: {
    title: "Nearest training images",
    hint: (/** @type {number} */ count, /** @type {string} */ layer) =>
      `The most similar of ${count} training images, by what the classifier reads (${layer}), with the distance.`,
    vote: (/** @type {number} */ same, /** @type {number} */ count) => `${same} of ${count} are of this class.`,
  },
  trust: {
    title: "How far to trust them",
    measured: (/** @type {string} */ images, /** @type {string} */ where) =>
      `Measured on ${images} of ${where}. Deletion: mean probability of the predicted class as pixels go, the ` +
      "highest first (small is good). Insertion: as they come back (large is good). Random weights: rank " +
      "correlation with the map of a network that learned nothing (near 0 is good).",
    missing: "How far these maps can be trusted was not measured. convscope explain RUN IMAGES does.",
  },
};
