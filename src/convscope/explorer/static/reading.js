// @ts-check
/** Reads the data of the file, as Python wrote them. */
import { bytesOf } from "./base64.js";
import { DAMAGE } from "./text.js";

/** @typedef {import("./network.js").Network} Network */

/** The version of the data that this code reads. */
export const FORMAT_VERSION = 2;

/**
 * @param {string} text base64 of floats, the lowest byte first
 * @param {number} count
 * @param {Network["weight_dtype"]} [kind]
 * @returns {Float32Array}
 */
export function floatsOf(text, count, kind = "float32") {
  const bytes = bytesOf(text);
  const needed = count * { float32: 4, float24: 3, float16: 2 }[kind];
  if (bytes.length !== needed) throw new Error(DAMAGE.weights(needed, bytes.length));
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
 * Read the data of the file.
 * @param {string} text JSON
 * @returns {Network}
 */
export function readNetwork(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error(DAMAGE.unreadable);
  }
  if (data?.format_version !== FORMAT_VERSION) {
    throw new Error(DAMAGE.version(String(data?.format_version), FORMAT_VERSION));
  }
  try {
    return unpacked(data);
  } catch (error) {
    if (error instanceof Error && error.constructor === Error) throw error;
    throw new Error(DAMAGE.missing); // a part that is not there, or no base64
  }
}

/** @param {any} data @returns {Network} */
function unpacked(data) {
  let below = { maps: data.channels, rows: data.height, columns: data.width };
  const layers = data.layers.map(
    (/** @type {any} */ layer) => (below = unpackedLayer(layer, below, data.weight_dtype)),
  );
  const size = data.height * data.width * data.channels;
  const images = data.images.map((/** @type {any} */ image) => {
    const pixels = bytesOf(image.pixels);
    if (pixels.length !== size) throw new Error(DAMAGE.image);
    return { ...image, pixels };
  });
  const texts = (/** @type {any[]} */ kinds) => Object.fromEntries(kinds.map((kind) => [kind.code, kind]));
  return {
    ...data,
    layers,
    images,
    poolings: texts(data.poolings),
    nonlinearities: texts(data.nonlinearities),
    units: unpackedUnits(data.units ?? null),
    beside: data.beside ? readNetwork(JSON.stringify(data.beside)) : null,
  };
}

/**
 * @param {any} data
 * @param {import("./network.js").Shape} below
 * @param {Network["weight_dtype"]} dtype
 * @returns {import("./network.js").Layer}
 */
function unpackedLayer({ planned, ...data }, below, dtype) {
  const { field_rows, field_columns, ...shape } = planned;
  const layer = { ...data, ...shape, field: [field_rows, field_columns] };
  const sizes = [...layer.window, ...layer.stride, ...layer.regions, layer.maps, layer.rows, layer.columns];
  if (!sizes.every((size) => Number.isInteger(size) && size >= 1))
    throw new Error(DAMAGE.sizes(String(layer.name).slice(0, 40)));
  const values = layer.kind === "connected" ? below.rows * below.columns : layer.window[0] * layer.window[1];
  const inputs = layer.kind === "pooling" ? 0 : below.maps * values;
  return {
    ...layer,
    weights: floatsOf(layer.weights, layer.regions[0] * layer.regions[1] * layer.maps * inputs, dtype),
    bias: floatsOf(layer.bias, layer.kind === "pooling" ? 0 : layer.maps),
  };
}

/** Unpack the pixels of patches. @param {any} units @returns {import("./units.js").Units | null} */
function unpackedUnits(units) {
  const patch = (/** @type {any} */ one) => ({ ...one, pixels: bytesOf(one.pixels) });
  const unit = (/** @type {any} */ one) => ({ ...one, top: one.top.map(patch) });
  return (
    units && {
      ...units,
      layers: units.layers.map((/** @type {any} */ layer) => ({ ...layer, units: layer.units.map(unit) })),
    }
  );
}
