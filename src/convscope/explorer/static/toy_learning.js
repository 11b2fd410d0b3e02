// @ts-check
/**
 * Two hidden layers that learn the same: one unit copied to all nine positions of an image of 5 × 5, and nine units
 * with
 * weights of their own. A teacher, an unseen unit, says what is right at each position.
 */
import { normals, uniforms } from "./random.js";
import { TOY_PATCH, TOY_SIDE } from "./toy.js";

const PLACES = TOY_SIDE - TOY_PATCH + 1; // along a side
const AREA = TOY_PATCH * TOY_PATCH;
const SPEED = 0.7; // part of each error that one image takes away
export const TEACHER = [-1, 2, -1, -1, 2, -1, -1, 2, -1];
const TRIALS = 200; // images that errors are measured on

/**
 * @typedef {object} Learners
 * @property {number[]} copied nine weights
 * @property {number[][]} separate nine weights for each position
 * @property {number} seen images learned from
 * @property {number[] | null} last of them
 * @property {{ image: number[], before: number[] } | null} first of them, and the nine weights before it
 * @property {number[]} before the nine weights, before the last image
 */

/** Both as they begin: weights drawn by chance. @returns {Learners} */
export function beginners() {
  const normal = normals(17);
  const drawn = () => Array.from({ length: AREA }, () => normal());
  const copied = drawn();
  const separate = Array.from({ length: PLACES * PLACES }, drawn);
  return { copied, separate, seen: 0, first: null, last: null, before: copied };
}

/**
 * A stroke of three pixels, upright or level, in an image that is else 0.
 * @param {() => number} next
 * @param {boolean} leftOnly in the three columns at the left
 * @returns {number[]}
 */
export function stroke(next, leftOnly) {
  const upright = next() < 0.5;
  const room = leftOnly ? TOY_PATCH : TOY_SIDE;
  const below = (/** @type {number} */ limit) => Math.min(limit - 1, Math.floor(limit * next()));
  const [row, column] = upright ? [below(TOY_SIDE - 2), below(room)] : [below(TOY_SIDE), below(room - 2)];
  const image = new Array(TOY_SIDE * TOY_SIDE).fill(0);
  for (let step = 0; step < 3; step++)
    image[(row + (upright ? step : 0)) * TOY_SIDE + column + (upright ? 0 : step)] = 1;
  return image;
}

/** @param {number[]} image @returns {number[][]} the patch at each position */
function patchesOf(image) {
  return Array.from({ length: PLACES * PLACES }, (_, index) =>
    Array.from(
      { length: AREA },
      (_value, cell) =>
        image[
          (Math.floor(index / PLACES) + Math.floor(cell / TOY_PATCH)) * TOY_SIDE + (index % PLACES) + (cell % TOY_PATCH)
        ],
    ),
  );
}

/** @param {number[]} weights @param {number[]} patch */
export function sumOf(weights, patch) {
  return patch.reduce((sum, value, cell) => sum + value * weights[cell], 0);
}

/**
 * What an image teaches the copied unit: at each position, what it should give and what it gives; the step size; and
 * the change of each weight, step size × Σ error × input.
 * @param {number[]} weights
 * @param {number[]} image
 */
export function gradientStep(weights, image) {
  const patches = patchesOf(image);
  const right = patches.map((patch) => sumOf(TEACHER, patch));
  const given = patches.map((patch) => sumOf(weights, patch));
  const squares = patches.reduce((sum, patch) => sum + sumOf(patch, patch), 0);
  const rate = squares > 0 ? SPEED / squares : 0;
  const sums = weights.map((_, cell) =>
    patches.reduce((sum, patch, index) => sum + (right[index] - given[index]) * patch[cell], 0),
  );
  return { patches, right, given, rate, sums, changes: sums.map((sum) => rate * sum) };
}

/**
 * Both learn from some images, whose strokes are at the left only.
 * @param {Learners} learners
 * @param {number} images
 * @returns {Learners}
 */
export function learned(learners, images) {
  let { copied, first, last, before } = learners;
  const separate = learners.separate.map((weights) => [...weights]);
  for (let count = 0; count < images; count++) {
    const next = uniforms(26 + (learners.seen + count) * 7919);
    next(); // the first follows the seed
    last = stroke(next, true);
    before = copied;
    first ??= { image: last, before };
    const { patches, right, changes } = gradientStep(before, last);
    copied = before.map((weight, cell) => weight + changes[cell]); // every position teaches the one set of weights
    patches.forEach((patch, index) => {
      const own = right[index] - sumOf(separate[index], patch); // each position its own
      const squares = sumOf(patch, patch);
      for (let cell = 0; cell < AREA && squares > 0; cell++)
        separate[index][cell] += (SPEED * own * patch[cell]) / squares;
    });
  }
  return { copied, separate, seen: learners.seen + images, first, last, before };
}

/**
 * Mean distance from what is right, over strokes anywhere in the image.
 * @param {Learners} learners
 * @returns {{ copied: number, separate: number }}
 */
export function errorsOf(learners) {
  const next = uniforms(99);
  const total = { copied: 0, separate: 0 };
  for (let trial = 0; trial < TRIALS; trial++) {
    patchesOf(stroke(next, false)).forEach((patch, index) => {
      const right = sumOf(TEACHER, patch);
      total.copied += Math.abs(right - sumOf(learners.copied, patch));
      total.separate += Math.abs(right - sumOf(learners.separate[index], patch));
    });
  }
  const count = TRIALS * PLACES * PLACES;
  return { copied: total.copied / count, separate: total.separate / count };
}
