// @ts-check
/** The memory of our WebAssembly module (tools/page/kernels.mjs; its bytes are in kernels.js): what lies where. */
import { bytesOf } from "./base64.js";
import { KERNELS } from "./kernels.js";

/**
 * Sums over patches: of each unit at each position, which is where to read and where to write; `base` is added to the
 * former, and `next` to that after each block of units.
 * @typedef {(positions: number, vectors: number, offsets: number, inputs: number, weights: number, bias: number,
 *   blocks: number, out: number, area: number, base: number, next: number, floor: number, ceiling: number) => void}
 *   Patches
 */

/** One value for each 2 × 2 values. @typedef {(from: number, to: number, lines: number, columns: number, row: number,
 *   skip: number, factor: number) => void} Halving */

/**
 * @typedef {object} Exports addresses and distances in bytes
 * @property {WebAssembly.Memory} memory
 * @property {Patches} patches of several units at a time
 * @property {Patches} depthwise of one unit at a time
 * @property {(input: number, inputs: number, weights: number, bias: number, blocks: number, out: number, floor: number,
 *   ceiling: number) => void} connections
 * @property {(from: number, to: number, maps: number, rows: number, columns: number, row: number, map: number) => void}
 *   frame
 * @property {Halving} largest
 * @property {Halving} mean
 * @property {(to: number, from: number, bytes: number, floor: number, ceiling: number) => void} add
 */

/**
 * The memory while it is laid out.
 * @typedef {object} Plan
 * @property {number} end
 * @property {[number, Float32Array | Int32Array][]} filled
 * @property {{ input: number, output: number }} most that a layer needs beside the values, in bytes
 * @property {number[]} at where the values of the image and of every layer are
 */

/**
 * The module, its whole memory as numbers, and room for what a layer reads and writes beside the values.
 * @typedef {{ exports: Exports, numbers: Float32Array, input: number, output: number }} Room
 */

/** Of a layer laid out: what computes its values in the memory. @typedef {(room: Room) => () => void} Laid */

/** @returns {{ exports: Exports, loops: "simd" | "fused" } | null} */
export function compiled() {
  if (typeof WebAssembly === "undefined") return null;
  for (const loops of /** @type {const} */ (["fused", "simd"])) {
    try {
      const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (bytesOf(KERNELS[loops]));
      const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
      return { exports: /** @type {any} */ (instance.exports), loops };
    } catch {
      continue; // this browser, or its policy, does not have it
    }
  }
  return null;
}

/**
 * Room for so many bytes, and a little behind, which vectors may reach.
 * @param {Plan} plan
 * @param {number} bytes
 * @returns {number}
 */
export function reserve(plan, bytes) {
  const at = plan.end;
  plan.end = (at + bytes + 31) & ~15;
  return at;
}

/** @param {Plan} plan @param {Float32Array | Int32Array} values @returns {number} */
export function laidDown(plan, values) {
  const at = reserve(plan, values.byteLength);
  plan.filled.push([at, values]);
  return at;
}

/** Room beside the values. @param {Plan} plan @param {number} input @param {number} output both in bytes */
export function needs(plan, input, output) {
  plan.most.input = Math.max(plan.most.input, input);
  plan.most.output = Math.max(plan.most.output, output);
}

/**
 * Weights in blocks of so many units, value by value; units are filled up with zeros.
 * @param {Float32Array} weights
 * @param {number} units
 * @param {number} inputs
 * @param {number} block
 * @returns {Float32Array}
 */
export function blocked(weights, units, inputs, block) {
  const result = new Float32Array(Math.ceil(units / block) * block * inputs);
  for (let unit = 0, from = 0; unit < units; unit++) {
    const start = Math.floor(unit / block) * block * inputs + (unit % block);
    for (let input = 0; input < inputs; input++) result[start + block * input] = weights[from++];
  }
  return result;
}

/** @param {ArrayLike<number>} values @param {number} block @returns {Float32Array} */
export function filledUp(values, block) {
  const result = new Float32Array(Math.ceil(values.length / block) * block);
  result.set(values);
  return result;
}
