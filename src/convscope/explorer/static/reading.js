// @ts-check
/** Reads the data of the file, as Python wrote them. */
import { bytesOf } from "./base64.js";
import { DAMAGE } from "./text.js";
import { unpackedLayer } from "./unpacking.js";

/** @typedef {import("./network.js").Network} Network */

/** The version of the data that this code reads. */
export const FORMAT_VERSION = 3;

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
  /** @type {import("./network.js").Shape[]} */
  const shapes = [{ maps: data.channels, rows: data.height, columns: data.width }];
  const layers = data.layers.map((/** @type {any} */ layer, /** @type {number} */ index) => {
    const known = layer.inputs.every((/** @type {number} */ input) => input >= -1 && input < index);
    if (!known || !layer.inputs.length) throw new Error(DAMAGE.missing);
    const sources = layer.inputs.map((/** @type {number} */ input) => shapes[input + 1]);
    const made = unpackedLayer(layer, sources, data.weight_dtype);
    shapes.push(made);
    return made;
  });
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
    kinds: texts(data.kinds),
    poolings: texts(data.poolings),
    nonlinearities: texts(data.nonlinearities),
    beside: data.beside ? readNetwork(JSON.stringify(data.beside)) : null,
  };
}
