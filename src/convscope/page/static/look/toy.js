// @ts-check
/** A network that fits on a page: units of 3 × 3 weights on an image of 5 × 5 numbers, and a pooling if wanted. */

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Layer} Layer */

export const TOY_SIDE = 5;
export const TOY_PATCH = 3;
export const MOST_CHANNELS = 2;
export const MOST_UNITS = 2;

/** Weights on each channel, row by row. @typedef {{ weights: number[][], bias: number }} ToyUnit */

/**
 * @typedef {object} Toy
 * @property {number[][]} channels of the image, each row by row, whole numbers from 0 to 255
 * @property {ToyUnit[]} units
 * @property {number} zeros around the image
 * @property {number} stride
 * @property {string} nonlinearity
 * @property {string} code of the pooling of windows of 2 × 2; empty for none
 */

/** The same as a network that the engine computes. @param {Toy} toy @returns {Network} */
export function toyNetwork(toy) {
  const { zeros, stride } = toy;
  const [channels, maps] = [toy.channels.length, toy.units.length];
  const positions = Math.floor((TOY_SIDE + 2 * zeros - TOY_PATCH) / stride) + 1;
  const field = { size: TOY_PATCH, stride, start: -zeros };
  const inputs = TOY_PATCH * TOY_PATCH * channels;
  /** @type {Layer} */
  const convolution = {
    name: `${maps}C3${stride > 1 ? `/${stride}` : ""}`,
    kind: "convolution",
    maps,
    rows: positions,
    columns: positions,
    window: [TOY_PATCH, TOY_PATCH],
    stride: [stride, stride],
    before: zeros,
    after: zeros,
    regions: [1, 1],
    residual: false,
    code: "",
    whole: false,
    nonlinearity: toy.nonlinearity,
    weights: Float32Array.from(toy.units.flatMap((unit) => unit.weights.slice(0, channels).flat())),
    bias: Float32Array.from(toy.units, (unit) => unit.bias),
    field: [field, field],
    parameters: maps * (inputs + 1),
    macs: maps * positions * positions * inputs,
  };
  const kept = Math.floor(positions / 2);
  // values along a side of the window and what is around it
  const sees = toy.code === "SS" ? 1 : toy.code === "BP" ? 3 : 2;
  const wide = {
    size: TOY_PATCH + (sees - 1) * stride,
    stride: 2 * stride,
    start: -zeros - (toy.code === "BP" ? stride : 0),
  };
  /** @type {Layer} */
  const pooling = {
    ...convolution,
    name: `${toy.code}2`,
    kind: "pooling",
    rows: kept,
    columns: kept,
    window: [2, 2],
    stride: [2, 2],
    before: 0,
    after: 0,
    code: toy.code,
    nonlinearity: "linear",
    weights: new Float32Array(),
    bias: new Float32Array(),
    field: [wide, wide],
    parameters: 0,
    macs: 0,
  };
  const layers = toy.code && kept > 0 ? [convolution, pooling] : [convolution];
  const each = (/** @type {number} */ value) => Array.from({ length: channels }, () => value);
  return {
    title: "",
    layout: "",
    version: "",
    classes: [],
    height: TOY_SIDE,
    width: TOY_SIDE,
    channels,
    mean: each(0),
    std: each(1 / 255), // so that a pixel is what it says
    fit: "stretch",
    background: each(0),
    ranges: { byte: null, integer: null, each: false },
    numbers: "float32",
    layers,
    sigmoids: false,
    images: [],
  };
}

/** The image as pixels, the channels of each side by side. @param {Toy} toy @returns {Uint8Array} */
export function toyPixels(toy) {
  const { channels } = toy;
  return Uint8Array.from(
    { length: channels.length * TOY_SIDE * TOY_SIDE },
    (_, at) => channels[at % channels.length][Math.floor(at / channels.length)],
  );
}

/** A channel one column to the right; zeros come in. @param {number[]} channel @returns {number[]} */
export function movedRight(channel) {
  return channel.map((_, index) => (index % TOY_SIDE ? channel[index - 1] : 0));
}
