// @ts-check
/** Where the network looked, for one class of one image: by occlusion, by the last maps, and by every pixel. */
import { machineOf, probabilitiesOf } from "./engine.js";
import { shapeAt } from "./network.js";
import { resized } from "./resizing.js";
import { gradientsOf, hasGradients } from "./where_backward.js";

/** @typedef {import("./engine.js").Pixels} Pixels */
/** @typedef {import("./network.js").Network} Network */

/** A map: what each pixel adds to the logit, row by row. @typedef {Float32Array} Where */

/**
 * What does not take long.
 * @typedef {object} Quick
 * @property {number} target the class
 * @property {number} logit
 * @property {number} probability
 * @property {Where | null} camera of the last maps (Grad-CAM); null where their gradients cannot be computed here
 * @property {Where | null} pixels contributions
 * @property {number} biases what they add
 * @property {Float32Array} features that training images are compared by; empty where there are none
 */

/**
 * The losses of one step of occlusion: of logit and of probability, and whether more will follow.
 * @typedef {{ values: Where, largest: number, done: boolean }} Occluded */

/** @param {Network} network */
export function makeWhereMaps(network) {
  const machine = machineOf(network);
  const run = () => machine.layers.forEach((compute) => compute());
  const { values } = machine;
  const last = values.length - 1;
  return {
    /** Show the network an image, and say what is known at once. @param {Pixels} image @param {number | null} wanted */
    look(image, wanted) {
      machine.enter(image);
      run();
      const probabilities = probabilitiesOf(network, values[last]);
      const target = wanted ?? probabilities.indexOf(Math.max(...probabilities));
      return { ...quick(network, values, target), probability: probabilities[target] };
    },
    /**
     * Leave out patch after patch of the image that was shown: first every second one, then all.
     * @param {number} target
     * @returns {Generator<Occluded | null, void>} null between two maps
     */
    *occlude(target) {
      const image = values[0].slice();
      const whole = { logit: values[last][target], probability: probabilitiesOf(network, values[last])[target] };
      const patches = patchGrid(network);
      const first = patches.filter(({ even }) => even);
      for (const some of first.length < patches.length ? [first, patches] : [patches]) {
        const losses = [];
        for (const patch of some) {
          patch.logit ??= whole.logit - without(patch, image);
          losses.push(patch);
          yield null;
        }
        const largest = Math.max(...losses.map(({ chance }) => whole.probability - (chance ?? 0)));
        yield { values: spread(network, losses), largest, done: some === patches };
      }
      values[0].set(image);
      run();

      /** @param {PatchAt} patch @param {Float32Array} before */
      function without(patch, before) {
        values[0].set(before);
        clear(network, values[0], patch);
        run();
        patch.chance = probabilitiesOf(network, values[last])[target];
        return values[last][target];
      }
    },
  };
}

/**
 * @param {Network} network
 * @param {Float32Array[]} values
 * @param {number} target
 * @returns {Omit<Quick, "probability">}
 */
function quick(network, values, target) {
  const { where } = network;
  const layer = where?.layer ?? 0;
  const whole = hasGradients(network, 0);
  const until = whole ? 0 : layer;
  const some = whole || (layer > 0 && hasGradients(network, layer));
  const { gradients, biases } = some ? gradientsOf(network, values, target, until) : { gradients: [], biases: 0 };
  return {
    target,
    logit: values[values.length - 1][target],
    camera: some && layer ? cameraOf(network, layer, values[layer], gradients[layer]) : null,
    pixels: whole ? contributionsOf(network, values[0], gradients[0]) : null,
    biases,
    features: where?.training ? values[where.training.layer].slice() : new Float32Array(),
  };
}

/**
 * Σ weight × map, enlarged to the image; the weight of a map is the mean of its gradient, or of the classifier.
 * @param {Network} network
 * @param {number} layer
 * @param {Float32Array} maps
 * @param {Float32Array} gradient
 * @returns {Where}
 */
function cameraOf(network, layer, maps, gradient) {
  const shape = shapeAt(network, layer);
  const area = shape.rows * shape.columns;
  const sum = new Float32Array(area);
  for (let map = 0, start = 0; map < shape.maps; map++, start += area) {
    let weight = 0;
    for (let at = 0; at < area; at++) weight += gradient[start + at];
    if (!network.where?.is_mean) weight /= area;
    for (let at = 0; at < area; at++) sum[at] += weight * maps[start + at];
  }
  const { height: rows, width: columns } = network;
  const large = /** @type {any} */ ({ maps: 1, rows, columns, settings: { mode: "bilinear", corners: false } });
  const result = new Float32Array(rows * columns);
  resized(large, { ...shape, maps: 1 })([sum], result);
  return result;
}

/** Gradient × pixel, the channels together.
 * @param {Network} network @param {Float32Array} image @param {Float32Array} gradient @returns {Where} */
function contributionsOf({ height, width }, image, gradient) {
  const result = new Float32Array(height * width);
  for (let index = 0; index < image.length; index++) result[index % result.length] += image[index] * gradient[index];
  return result;
}

/** A patch: where it begins, whether it is among the first, and what is left of the class without it.
 * @typedef {{ row: number, column: number, even: boolean, logit?: number, chance?: number }} PatchAt */

/** Patches half a side apart. @param {Network} network @returns {PatchAt[]} */
function patchGrid({ height, width, where }) {
  const side = where?.patch ?? 1;
  const along = (/** @type {number} */ size) => {
    const firsts = [];
    for (let first = 0; first < size - side; first += Math.max(1, side >> 1)) firsts.push(first);
    return [...firsts, size - side];
  };
  return along(height).flatMap((row, down) =>
    along(width).map((column, across) => ({ row, column, even: down % 2 === 0 && across % 2 === 0 })),
  );
}

/** Give the pixels of a patch the mean of the training images. @param {Network} network
 * @param {Float32Array} image @param {PatchAt} patch */
function clear({ height, width, channels, where }, image, { row, column }) {
  const side = where?.patch ?? 1;
  for (let channel = 0; channel < channels; channel++)
    for (let y = row; y < row + side; y++)
      image.fill(0, (channel * height + y) * width + column, (channel * height + y) * width + column + side);
}

/** The mean loss of the patches that hold each pixel; of one that none holds, that of the nearest.
 * @param {Network} network @param {PatchAt[]} patches @returns {Where} */
function spread({ height, width, where }, patches) {
  const side = where?.patch ?? 1;
  const [sums, counts] = [new Float32Array(height * width), new Uint16Array(height * width)];
  for (const { row, column, logit = 0 } of patches) {
    for (let y = row; y < row + side; y++) {
      for (let at = y * width + column; at < y * width + column + side; at++) {
        sums[at] += logit;
        counts[at]++;
      }
    }
  }
  return sums.map((sum, at) => (counts[at] ? sum / counts[at] : 0));
}
