// @ts-check
/** A layer as the file holds it becomes one with its numbers unpacked, and with what all kinds have in common. */
import { bytesOf } from "./base64.js";
import { DAMAGE } from "./text.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Shape} Shape */
/** @typedef {{ kernel: number, stride: number, before: number, after: number, dilation: number }} Side a window */

const BYTES_OF = { float32: 4, float24: 3, float16: 2, int8: 1 };

/**
 * @param {string} text base64 of numbers, the lowest byte first
 * @param {number} count
 * @param {Network["weight_dtype"]} [kind]
 * @param {Float32Array} [scales] of numbers of 8 bits: what 1 is worth in each row
 * @returns {Float32Array}
 */
export function floatsOf(text, count, kind = "float32", scales = new Float32Array()) {
  const bytes = bytesOf(text);
  const needed = count * BYTES_OF[kind];
  if (bytes.length !== needed) throw new Error(DAMAGE.weights(needed, bytes.length));
  if (kind === "int8") return byScales(new Int8Array(bytes.buffer), scales);
  if (kind === "float16") return fromHalves(bytes, count);
  if (kind === "float24") {
    const words = new Uint32Array(count);
    for (let index = 0, at = 0; index < count; index++, at += 3)
      words[index] = (bytes[at] << 8) | (bytes[at + 1] << 16) | (bytes[at + 2] << 24);
    return new Float32Array(words.buffer);
  }
  const numbers = new Float32Array(bytes.buffer);
  // this machine, too, keeps the lowest byte first
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return numbers;
  const view = new DataView(bytes.buffer);
  return numbers.map((_, index) => view.getFloat32(4 * index, true));
}

/** @param {Int8Array} numbers @param {Float32Array} scales one a row @returns {Float32Array} */
function byScales(numbers, scales) {
  const result = new Float32Array(numbers.length);
  const wide = numbers.length / scales.length;
  for (let row = 0, at = 0; row < scales.length; row++) {
    for (const end = at + wide; at < end; at++) result[at] = numbers[at] * scales[row];
  }
  return result;
}

/**
 * Numbers of 1 bit for the sign, 5 for the exponent, 10 for the fraction; none is infinite.
 * @param {Uint8Array} bytes
 * @param {number} count
 * @returns {Float32Array}
 */
function fromHalves(bytes, count) {
  const result = new Float32Array(count);
  const powers = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));
  for (let index = 0; index < count; index++) {
    const high = bytes[2 * index + 1];
    const exponent = (high >> 2) & 31;
    const size = powers[exponent] * ((exponent ? 1024 : 0) + ((high & 3) << 8) + bytes[2 * index]);
    result[index] = high & 128 ? -size : size;
  }
  return result;
}

/**
 * Its window down and across: one of its own, all that is below, or one value.
 * @param {string} kind
 * @param {any} settings
 * @param {Shape} below
 * @returns {[Side, Side]}
 */
function windowsOf(kind, settings, below) {
  const side = (/** @type {number} */ kernel, stride = 1) => ({ kernel, stride, before: 0, after: 0, dilation: 1 });
  if (kind === "locally-connected") return [settings.window, settings.window];
  if (kind === "linear") return [side(below.rows), side(below.columns)];
  if (kind === "pooling" && !settings.rows) return [side(below.rows, below.rows), side(below.columns, below.columns)];
  const windowed = kind === "convolution" || kind === "transposed-convolution" || kind === "pooling";
  return windowed ? [settings.rows, settings.columns] : [side(1), side(1)];
}

/**
 * How many numbers each tensor has.
 * @param {Omit<Layer, "weights" | "bias" | "scale" | "shift">} layer
 * @param {Shape} below
 */
function countsOf({ kind, maps, groups, window, regions }, below) {
  const patch = window[0] * window[1];
  /** @type {Partial<Record<string, number>>} */
  const sizes = {
    convolution: maps * (below.maps / groups) * patch,
    "transposed-convolution": below.maps * (maps / groups) * patch,
    "locally-connected": regions[0] * regions[1] * maps * below.maps * patch,
    linear: maps * below.maps * patch,
  };
  const weight = sizes[kind];
  const each = kind === "scale-and-shift" || kind === "channel-normalization" ? maps : 0;
  return { weights: weight ?? 0, bias: weight === undefined ? 0 : maps, scale: each, shift: each };
}

/**
 * Whether a layer multiplies maps by one number each, or reads what such a layer gave.
 * @param {string} kind
 * @param {(Shape & { gated?: boolean })[]} sources
 */
function isGated(kind, sources) {
  const gate = kind === "multiply" && sources.some(({ rows, columns }) => rows * columns === 1);
  return sources.some(({ gated }) => gated) || (gate && sources.some(({ rows, columns }) => rows * columns > 1));
}

/**
 * @param {any} data
 * @param {(Shape & { gated?: boolean })[]} sources the layers that it reads, or the shape of the image
 * @param {Network["weight_dtype"]} dtype
 * @returns {Layer}
 */
export function unpackedLayer({ planned, name: path, settings, tensors, ...data }, sources, dtype) {
  const [below] = sources;
  const { field_rows, field_columns, ...shape } = planned;
  const sides = windowsOf(data.kind, settings, below);
  const both = (/** @type {keyof Side} */ what) => /** @type {[number, number]} */ (sides.map((side) => side[what]));
  const layer = {
    ...data,
    ...shape,
    path,
    settings,
    field: [field_rows, field_columns],
    window: both("kernel"),
    stride: both("stride"),
    before: both("before"),
    after: both("after"),
    dilation: both("dilation"),
    groups: settings.groups ?? 1,
    regions: settings.regions ?? [1, 1],
    residual: data.inputs.length === 2 && (data.kind === "convolution" || data.kind === "locally-connected"),
    code: settings.code ?? "",
    gated: isGated(data.kind, sources),
    whole: data.kind === "pooling" && !settings.rows,
  };
  const { maps, rows, columns, groups, window, stride, dilation, regions } = layer;
  const sizes = [...window, ...stride, ...dilation, ...regions, groups, maps, rows, columns];
  if (!sizes.every((size) => Number.isInteger(size) && size >= 1))
    throw new Error(DAMAGE.sizes(String(layer.name).slice(0, 40)));
  const counts = countsOf(layer, below);
  const scales =
    tensors.weight_scale === undefined ? undefined : new Float32Array(bytesOf(tensors.weight_scale).buffer);
  const numbers = (/** @type {string} */ tensor, /** @type {number} */ count) => floatsOf(tensors[tensor] ?? "", count);
  return {
    ...layer,
    weights: floatsOf(tensors.weight ?? "", counts.weights, dtype, scales),
    bias: numbers("bias", counts.bias),
    scale: numbers("scale", counts.scale),
    shift: numbers("shift", counts.shift),
  };
}
