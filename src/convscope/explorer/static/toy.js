// @ts-check
/** A network that fits on a page: units of 3 × 3 weights on an image of 5 × 5 numbers, and a pooling if wanted. */

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */

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

// Images, weights and a network to begin with.
export const IMAGES = {
  line: [0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0],
  faint: [0, 0, 5, 0, 0, 0, 0, 5, 0, 0, 0, 0, 5, 0, 0, 0, 0, 5, 0, 0, 0, 0, 5, 0, 0],
  corner: [0, 0, 0, 0, 0, 0, 9, 9, 9, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0],
  dot: [0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
};
export const PATCHES = {
  upright: [-1, 2, -1, -1, 2, -1, -1, 2, -1],
  level: [-1, -1, -1, 2, 2, 2, -1, -1, -1],
  edge: [-1, 0, 1, -1, 0, 1, -1, 0, 1],
  blur: [1, 1, 1, 1, 1, 1, 1, 1, 1],
  same: [0, 0, 0, 0, 1, 0, 0, 0, 0],
};
export const SECOND_CHANNEL = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/** @type {ToyUnit[]} */
export const UNITS = [
  { weights: [PATCHES.upright, PATCHES.level], bias: 0 },
  { weights: [PATCHES.level, PATCHES.edge], bias: 0 },
];
/** @type {Toy} */
export const FIRST = {
  channels: [IMAGES.line],
  units: [UNITS[0]],
  zeros: 0,
  stride: 1,
  nonlinearity: "linear",
  code: "",
};

/** The same as a network that the engine computes. @param {Toy} toy @returns {Network} */
export function toyNetwork(toy) {
  const channels = toy.channels.length;
  const convolution = toyConvolution(toy);
  const pooling = toyPooling(toy, convolution);
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
    weight_dtype: "float32",
    rounding: null,
    layers: pooling.rows > 0 ? [convolution, pooling] : [convolution],
    sigmoids: false,
    kinds: {},
    poolings: {},
    nonlinearities: {},
    images: [],
  };
}

/** @param {Toy} toy @returns {Layer} */
function toyConvolution({ channels, units, zeros, stride, nonlinearity }) {
  const side = Math.floor((TOY_SIDE + 2 * zeros - TOY_PATCH) / stride) + 1;
  const field = { size: TOY_PATCH, stride, start: -zeros };
  const inputs = TOY_PATCH * TOY_PATCH * channels.length;
  return {
    name: `${units.length}C3${stride > 1 ? `/${stride}` : ""}`,
    path: "convolution",
    notation: `${units.length}C3`,
    kind: "convolution",
    inputs: [-1],
    settings: {},
    maps: units.length,
    rows: side,
    columns: side,
    window: [TOY_PATCH, TOY_PATCH],
    stride: [stride, stride],
    before: [zeros, zeros],
    after: [zeros, zeros],
    dilation: [1, 1],
    groups: 1,
    regions: [1, 1],
    residual: false,
    code: "",
    whole: false,
    nonlinearity,
    weights: Float32Array.from(units.flatMap((unit) => unit.weights.slice(0, channels.length).flat())),
    bias: Float32Array.from(units, (unit) => unit.bias),
    scale: new Float32Array(),
    shift: new Float32Array(),
    field: [field, field],
    gated: false,
    parameters: units.length * (inputs + 1),
    macs: units.length * side * side * inputs,
    reference: null,
  };
}

/**
 * A pooling of windows of 2 × 2; of no rows where there is none.
 * @param {Toy} toy
 * @param {Layer} convolution
 * @returns {Layer}
 */
function toyPooling({ code, zeros, stride }, convolution) {
  const side = code ? Math.floor(convolution.rows / 2) : 0;
  const reach = code === "SS" ? 1 : code === "BP" ? 3 : 2; // values along a side of what is looked at
  const size = TOY_PATCH + (reach - 1) * stride;
  const field = { size, stride: 2 * stride, start: -zeros - (code === "BP" ? stride : 0) };
  return {
    ...convolution,
    name: `${code}2`,
    path: "pooling",
    notation: `${code}2`,
    kind: "pooling",
    inputs: [0],
    rows: side,
    columns: side,
    window: [2, 2],
    stride: [2, 2],
    before: [0, 0],
    after: [0, 0],
    code,
    nonlinearity: "linear",
    weights: new Float32Array(),
    bias: new Float32Array(),
    field: [field, field],
    parameters: 0,
    macs: 0,
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

/**
 * The same list with one thing replaced.
 * @template T
 * @param {T[]} list
 * @param {number} position
 * @param {T} value
 * @returns {T[]}
 */
export function replaced(list, position, value) {
  return list.map((one, at) => (at === position ? value : one));
}
