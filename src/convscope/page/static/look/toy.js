// @ts-check
/** A network that fits on a page: one unit of 3 × 3 weights on a picture of 5 × 5 numbers, and a subsampling if wanted. */

/** @typedef {import("./format.js").Network} Network */
/** @typedef {import("./format.js").Step} Step */

export const TOY_SIDE = 5;
export const TOY_PATCH = 3;

/**
 * @typedef {object} Toy
 * @property {number[]} picture row by row, whole numbers from 0 to 255
 * @property {number[]} weights row by row
 * @property {number} bias
 * @property {number} zeros around the picture
 * @property {number} stride
 * @property {string} nonlinearity
 * @property {string} code of the subsampling of windows of 2 × 2; empty for none
 */

/** The same as a network that the engine computes. @param {Toy} toy @returns {Network} */
export function toyNetwork(toy) {
  const { zeros, stride } = toy;
  const places = Math.floor((TOY_SIDE + 2 * zeros - TOY_PATCH) / stride) + 1;
  const field = { size: TOY_PATCH, stride, start: -zeros };
  /** @type {Step} */
  const convolution = {
    name: `1C3${stride > 1 ? `/${stride}` : ""}`, kind: "convolution", maps: 1, rows: places, columns: places, window: [TOY_PATCH, TOY_PATCH], stride: [stride, stride],
    before: zeros, after: zeros, regions: [1, 1], residual: false, code: "", whole: false, nonlinearity: toy.nonlinearity,
    weights: Float32Array.from(toy.weights), bias: Float32Array.of(toy.bias), field: [field, field], parameters: TOY_PATCH * TOY_PATCH + 1, multiplyAdds: (places * TOY_PATCH) ** 2,
  };
  const kept = Math.floor(places / 2);
  const wide = { size: TOY_PATCH + stride, stride: 2 * stride, start: -zeros };
  /** @type {Step} */
  const subsampling = {
    ...convolution, name: `${toy.code}2`, kind: "subsampling", rows: kept, columns: kept, window: [2, 2], stride: [2, 2], before: 0, after: 0, code: toy.code,
    nonlinearity: "linear", weights: new Float32Array(), bias: new Float32Array(), field: [wide, wide], parameters: 0, multiplyAdds: 0,
  };
  const steps = toy.code && kept > 0 ? [convolution, subsampling] : [convolution];
  return {
    title: "", layout: "", version: "", classes: [], height: TOY_SIDE, width: TOY_SIDE, channels: 1, mean: [0], std: [1 / 255], // so that a pixel is what it says
    fit: "stretch", background: [0], steps, sigmoids: false, pictures: [],
  };
}

/** The picture as pixels. @param {Toy} toy @returns {Uint8Array} */
export function toyPixels(toy) {
  return Uint8Array.from(toy.picture);
}

/** The picture one column to the right; zeros come in. @param {number[]} picture @returns {number[]} */
export function movedRight(picture) {
  return picture.map((_, place) => (place % TOY_SIDE ? picture[place - 1] : 0));
}
