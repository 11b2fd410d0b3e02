// @ts-check
/**
 * The layers that our own WebAssembly module computes (tools/page/kernels.mjs), in single precision. The values of all
 * layers stay in its memory, where each finds what it reads; weights, and where each value of a patch and each position
 * stands, are laid out there once.
 */
import { WIDE } from "./kernels.js";
import { activate, boundsOf } from "./nonlinearity.js";
import { shapeAt } from "./network.js";
import { patchLength, regionOf } from "./regions.js";
import { blocked, compiled, filledUp, laidDown, needs, reserve } from "./simd_memory.js";
import { layOutPatches } from "./simd_patches.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Shape} Shape */
/** @typedef {import("./simd_memory.js").Laid} Laid */
/** @typedef {import("./simd_memory.js").Plan} Plan */

/** Where the first input of a layer is, what is added (0 for nothing), and where its values go.
 * @typedef {{ from: number, added: number, to: number }} Addresses */

/**
 * @param {Network} network
 * @returns {{ values: Float32Array[], layers: ((() => void) | null)[], loops: "simd" | "fused" } | null} the values of
 *   the image and of every layer; null for layers that JavaScript does as well; nothing where the browser cannot do it
 */
export function simdLayers(network) {
  const module = compiled();
  if (!module) return null;
  /** @type {Plan} */
  const plan = { end: 16, filled: [], most: { input: 0, output: 0 }, at: [] };
  const sizes = Array.from({ length: network.layers.length + 1 }, (_, layer) => sizeOf(shapeAt(network, layer)));
  sizes.forEach((size, layer) => {
    const { maps } = shapeAt(network, layer);
    plan.at.push(reserve(plan, 4 * Math.max(size + (3 * size) / maps, Math.ceil(size / WIDE) * WIDE))); // whole blocks
  });
  const laid = network.layers.map((layer, index) => layOut(plan, network, layer, plan.at[index + 1]));
  const input = reserve(plan, plan.most.input);
  const output = reserve(plan, plan.most.output);
  const { memory } = module.exports;
  try {
    memory.grow(Math.ceil(plan.end / 65536));
  } catch {
    return null; // more than the browser gives
  }
  for (const [at, values] of plan.filled) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    new Uint32Array(memory.buffer).set(words, at / 4);
  }
  const numbers = new Float32Array(memory.buffer);
  const room = { exports: module.exports, numbers, input, output };
  return {
    values: sizes.map((size, layer) => numbers.subarray(plan.at[layer] / 4, plan.at[layer] / 4 + size)),
    layers: laid.map((one) => one && one(room)),
    loops: module.loops,
  };
}

/** How many values there are. @param {Shape} shape */
function sizeOf({ maps, rows, columns }) {
  return maps * rows * columns;
}

/** @param {Plan} plan @param {Network} network @param {Layer} layer @param {number} to @returns {Laid | null} */
function layOut(plan, network, layer, to) {
  const below = shapeAt(network, layer.inputs[0] + 1);
  const from = plan.at[layer.inputs[0] + 1];
  const added = layer.residual ? plan.at[layer.inputs[1] + 1] : 0;
  const addresses = { from, added, to };
  if (layer.kind === "pooling") return layOutHalving(plan, layer, below, addresses);
  if (layer.kind === "add") return layOutAddition(plan, layer, to);
  if (layer.kind === "linear" || seesAll(layer, below)) return layOutConnections(plan, layer, below, addresses);
  if (layer.kind === "convolution") return layOutPatches(plan, layer, below, addresses);
  return layer.kind === "locally-connected" ? layOutLocal(plan, layer, below, addresses) : null;
}

/** Whether a convolution has one position, which sees everything below. @param {Layer} layer @param {Shape} below */
function seesAll({ kind, groups, residual, window, before, after, rows, columns }, below) {
  const zeros = [...before, ...after].some((count) => count > 0);
  const single = kind === "convolution" && groups === 1 && rows * columns === 1 && !zeros && !residual;
  return single && window[0] === below.rows && window[1] === below.columns;
}

/** What the bounds of a nonlinearity are, and what is left to do if it is no bounds. @param {string} nonlinearity */
function bounded(nonlinearity) {
  const bounds = boundsOf(nonlinearity);
  return { bounds: bounds ?? [-Infinity, Infinity], left: bounds ? "linear" : nonlinearity };
}

/**
 * The largest or the mean of 2 × 2 values; other windows are rarer, and left to JavaScript.
 * @param {Plan} plan
 * @param {Layer} layer
 * @param {Shape} below
 * @param {Addresses} addresses
 * @returns {Laid | null}
 */
function layOutHalving(plan, layer, below, { from, to }) {
  const sides = [...layer.window, ...layer.stride].every((side) => side === 2);
  const zeros = [...layer.before, ...layer.after, ...layer.dilation].some(
    (count, index) => count > (index < 4 ? 0 : 1),
  );
  const fits = 2 * layer.rows <= below.rows && 2 * layer.columns <= below.columns; // no last one that reaches beyond
  const usual = sides && !zeros && fits && layer.columns >= 4 && layer.nonlinearity === "linear";
  if (!usual || (layer.code !== "MP" && layer.code !== "AP")) return null;
  const { maps, rows, columns, code } = layer;
  const [row, map] = [4 * below.columns, 4 * below.columns * below.rows];
  const whole = below.rows === 2 * rows;
  return ({ exports }) => {
    const halve = code === "MP" ? exports.largest : exports.mean;
    const factor = code === "MP" ? 1 : 0.25;
    if (whole) return () => halve(from, to, maps * rows, columns, row, 2 * row, factor);
    return () => {
      for (let at = 0; at < maps; at++)
        halve(from + at * map, to + 4 * at * rows * columns, rows, columns, row, 2 * row, factor);
    };
  };
}

/** @param {Plan} plan @param {Layer} layer @param {number} to @returns {Laid} */
function layOutAddition(plan, { inputs, maps, rows, columns, nonlinearity }, to) {
  const [first, ...others] = inputs.map((input) => plan.at[input + 1]);
  const size = maps * rows * columns;
  const { bounds, left } = bounded(nonlinearity);
  return ({ exports, numbers }) => {
    const values = numbers.subarray(to / 4, to / 4 + size);
    return () => {
      numbers.copyWithin(to / 4, first / 4, first / 4 + size);
      others.forEach((other, index) => {
        const [least, most] = index === others.length - 1 ? bounds : [-Infinity, Infinity];
        exports.add(to, other, 4 * size, least, most);
      });
      activate(left, values);
    };
  };
}

/** @param {Plan} plan @param {Layer} layer @param {Shape} below @param {Addresses} addresses @returns {Laid} */
function layOutConnections(plan, layer, below, { from, to }) {
  const inputs = patchLength(layer, below);
  const weights = laidDown(plan, blocked(layer.weights, layer.maps, inputs, WIDE));
  const bias = laidDown(plan, filledUp(layer.bias, WIDE));
  const blocks = Math.ceil(layer.maps / WIDE);
  const { bounds, left } = bounded(layer.nonlinearity);
  const { maps } = layer;
  return ({ exports, numbers }) => {
    const values = numbers.subarray(to / 4, to / 4 + maps);
    return () => {
      exports.connections(from, inputs, weights, bias, blocks, to, bounds[0], bounds[1]);
      activate(left, values);
    };
  };
}

/**
 * Units with weights of their own at each position: each position is a product of a matrix and its patch.
 * @param {Plan} plan
 * @param {Layer} given
 * @param {Shape} below
 * @param {Addresses} addresses
 * @returns {Laid}
 */
function layOutLocal(plan, given, below, { from, added, to }) {
  const inputs = patchLength(given, below);
  const layer = { ...given, weights: new Float32Array() }; // they are in the memory
  const size = layer.maps * inputs;
  const count = layer.regions[0] * layer.regions[1];
  const weights = Array.from({ length: count }, (_, region) =>
    laidDown(plan, blocked(given.weights.subarray(region * size, (region + 1) * size), given.maps, inputs, WIDE)),
  );
  const bias = laidDown(plan, filledUp(layer.bias, WIDE));
  const blocks = Math.ceil(layer.maps / WIDE);
  needs(plan, 4 * inputs, 4 * WIDE * blocks);
  const area = layer.rows * layer.columns;
  const { bounds, left } = bounded(layer.nonlinearity);
  const [least, most] = added ? [-Infinity, Infinity] : bounds;
  return ({ exports, numbers, input, output }) => {
    const maps = numbers.subarray(from / 4, from / 4 + sizeOf(below));
    const sums = numbers.subarray(to / 4, to / 4 + layer.maps * area);
    return () => {
      for (let index = 0; index < area; index++) {
        const row = Math.floor(index / layer.columns);
        const column = index % layer.columns;
        gatherPatch(layer, below, maps, row, column, numbers, input / 4);
        exports.connections(input, inputs, weights[regionOf(layer, row, column)], bias, blocks, output, least, most);
        for (let unit = 0; unit < layer.maps; unit++) sums[unit * area + index] = numbers[output / 4 + unit];
      }
      if (added) exports.add(to, added, 4 * sums.length, bounds[0], bounds[1]);
      activate(left, sums);
    };
  };
}

/**
 * @param {Layer} layer
 * @param {Shape} below
 * @param {Float32Array} maps
 * @param {number} row
 * @param {number} column
 * @param {Float32Array} numbers
 * @param {number} to
 */
function gatherPatch(layer, below, maps, row, column, numbers, to) {
  const [tall, wide] = layer.window;
  const top = row * layer.stride[0] - layer.before[0];
  const left = column * layer.stride[1] - layer.before[1];
  for (let map = 0; map < below.maps; map++) {
    for (let y = top; y < top + tall; y++) {
      for (let x = left; x < left + wide; x++) {
        const inside = y >= 0 && x >= 0 && y < below.rows && x < below.columns;
        numbers[to++] = inside ? maps[(map * below.rows + y) * below.columns + x] : 0;
      }
    }
  }
}
