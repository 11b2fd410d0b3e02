// @ts-check
/** What the file holds, as Python wrote it, and the same with its numbers unpacked. */

import { DAMAGE } from "./damage_words.js";

/** The version of the data that this code reads. */
export const FORMAT_VERSION = 2;

/** @typedef {{ maps: number, rows: number, columns: number }} Shape */

/** Along one side of the image: a value at place p depends on pixels start + p × stride … + size - 1.
 * @typedef {{ size: number, stride: number, start: number }} Field */

/**
 * @typedef {object} Layer
 * @property {string} name the notation, for example 8C3
 * @property {"convolution" | "pooling" | "connected"} kind
 * @property {number} maps
 * @property {number} rows
 * @property {number} columns
 * @property {[number, number]} window patch or window, down and across
 * @property {[number, number]} stride
 * @property {number} before zeros before each side
 * @property {number} after zeros behind each side
 * @property {[number, number]} regions with weights of their own, down and across
 * @property {boolean} residual whether the input is added
 * @property {string} code of the pooling
 * @property {boolean} whole whether the window is the whole map
 * @property {string} nonlinearity
 * @property {Float32Array} weights regions, units, maps below, rows, columns of the patch
 * @property {Float32Array} bias
 * @property {[Field, Field]} field down and across
 * @property {number} parameters
 * @property {number} macs
 */

/** Its class, if that is known, and the class that the network takes it for.
 * @typedef {{ name: string, truth: number | null, answer: number, pixels: Uint8Array }} ShownImage */

/**
 * @typedef {object} Network
 * @property {string} title
 * @property {string} layout
 * @property {string} version of the convscope that wrote the file
 * @property {string[]} classes
 * @property {number} height
 * @property {number} width
 * @property {number} channels
 * @property {number[]} mean
 * @property {number[]} std
 * @property {"letterbox" | "stretch" | "crop"} fit
 * @property {number[]} background
 * @property {import("./values.js").Ranges} ranges which values of a file are black and white
 * @property {"float32" | "float24" | "float16"} numbers what weights were kept as
 * @property {Layer[]} layers
 * @property {boolean} sigmoids whether logits become probabilities by sigmoids, each divided by their sum; by softmax
 *   if not
 * @property {ShownImage[]} images
 * @property {import("./units.js").Units | null} [units] what the units respond to, where that was measured
 * @property {import("./good.js").Good | null} [good] how good the network was, where that is known
 * @property {import("./invariance.js").Invariance | null} [invariance] how it takes distorted images, where that was
 *   measured
 * @property {import("./comparison.js").Comparison | null} [comparison] it among other kinds of networks, where they
 *   were compared
 * @property {Network | null} [beside] a second network for the same images
 */

/**
 * @param {string} text base64
 * @returns {Uint8Array}
 */
export function bytesOf(text) {
  const native = /** @type {any} */ (Uint8Array).fromBase64; // where the browser has it, several times as fast
  if (native) return native.call(Uint8Array, text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  return bytes;
}

/**
 * @param {string} text base64 of floats, the lowest byte first
 * @param {number} count
 * @param {Network["numbers"]} [kind]
 * @returns {Float32Array}
 */
export function floatsOf(text, count, kind = "float32") {
  const bytes = bytesOf(text);
  const needed = count * { float32: 4, float24: 3, float16: 2 }[kind];
  if (bytes.length !== needed) throw new Error(DAMAGE.weights(needed, bytes.length));
  if (kind === "float16") return fromHalves(bytes, count);
  if (kind === "float24") {
    const words = new Uint32Array(count);
    for (let place = 0, at = 0; place < count; place++, at += 3)
      words[place] = (bytes[at] << 8) | (bytes[at + 1] << 16) | (bytes[at + 2] << 24);
    return new Float32Array(words.buffer);
  }
  const numbers = new Float32Array(bytes.buffer);
  // this machine, too, keeps the lowest byte first
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return numbers;
  const view = new DataView(bytes.buffer);
  return numbers.map((_, place) => view.getFloat32(4 * place, true));
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
  for (let place = 0; place < count; place++) {
    const high = bytes[2 * place + 1];
    const exponent = (high >> 2) & 31;
    const size = powers[exponent] * ((exponent ? 1024 : 0) + ((high & 3) << 8) + bytes[2 * place]);
    result[place] = high & 128 ? -size : size;
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
  const layers = data.layers.map((/** @type {any} */ layer) => {
    const sizes = [...layer.window, ...layer.stride, ...layer.regions, layer.maps, layer.rows, layer.columns];
    if (!sizes.every((size) => Number.isInteger(size) && size >= 1))
      throw new Error(DAMAGE.sizes(String(layer.name).slice(0, 40)));
    const values = layer.kind === "connected" ? below.rows * below.columns : layer.window[0] * layer.window[1];
    const inputs = layer.kind === "pooling" ? 0 : below.maps * values;
    const { macs: macs, ...rest } = layer;
    below = layer;
    return {
      ...rest,
      macs,
      weights: floatsOf(layer.weights, layer.regions[0] * layer.regions[1] * layer.maps * inputs, data.numbers),
      bias: floatsOf(layer.bias, layer.kind === "pooling" ? 0 : layer.maps),
    };
  });
  const size = data.height * data.width * data.channels;
  const images = data.images.map((/** @type {any} */ image) => {
    const pixels = bytesOf(image.pixels);
    if (pixels.length !== size) throw new Error(DAMAGE.image);
    return { ...image, pixels };
  });
  return {
    ...data,
    layers,
    images,
    units: unpackedUnits(data.units ?? null),
    good: data.good ?? null,
    beside: data.beside ? readNetwork(JSON.stringify(data.beside)) : null,
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

/**
 * @param {Network} network
 * @param {number} layer 0 is the image, 1 the first layer
 * @returns {Shape}
 */
export function shapeAt(network, layer) {
  return layer === 0
    ? { maps: network.channels, rows: network.height, columns: network.width }
    : network.layers[layer - 1];
}
