// @ts-check
/** The same network with another kind of pooling, and images as another network wants them. */
import { fitImage } from "./preprocessing.js";

/** @typedef {import("./network.js").Field} Field */
/** @typedef {import("./network.js").Network} Network */

/**
 * The codes of pooling that a network has; none where other kinds of pooling do not fit.
 * @param {Network} network
 * @returns {string[]}
 */
export function codesOf(network) {
  const kinds = ["convolution", "locally-connected", "linear", "pooling"];
  const exchangeable = network.layers.every(({ kind, inputs, groups, dilation, before, after, settings }, index) => {
    const framed = kind === "pooling" && (settings.ceil || [...before, ...after].some((zeros) => zeros > 0));
    const usual = groups === 1 && dilation.every((apart) => apart === 1) && !framed;
    return usual && kinds.includes(kind) && inputs.every((input) => input === index - 1);
  });
  if (!exchangeable) return [];
  return [...new Set(network.layers.filter((layer) => layer.kind === "pooling").map((layer) => layer.code))];
}

/**
 * All weights stay as they are; every pooling takes another kind of value from its windows. What each value depends on
 * is worked out anew: a blur looks beyond its window, a subset at one position of it.
 * @param {Network} network
 * @param {string} code
 * @returns {Network}
 */
export function withPooling(network, code) {
  const { sees } = network.poolings[code];
  /** @type {[Field, Field]} */
  let fields = [
    { size: 1, stride: 1, start: 0 },
    { size: 1, stride: 1, start: 0 },
  ];
  const layers = network.layers.map((layer) => {
    const changed = layer.kind === "pooling" ? { ...layer, code, name: code + layer.name.slice(2) } : layer;
    const along = (/** @type {0 | 1} */ side) => {
      const [below, window] = [fields[side], layer.window[side]];
      const pooled = layer.kind === "pooling";
      const beyond = pooled && sees === "around" && !layer.whole ? window - 1 : 0;
      const reach = pooled && sees === "first" ? 1 : window + beyond;
      const apart = layer.kind === "linear" ? window : layer.stride[side];
      return {
        size: below.size + (reach - 1) * below.stride,
        stride: below.stride * apart,
        start: below.start - (layer.before[side] + beyond) * below.stride,
      };
    };
    fields = [along(0), along(1)];
    return { ...changed, field: fields };
  });
  return {
    ...network,
    layout: layers
      .slice(0, -1)
      .map((layer) => layer.name)
      .join("-"),
    layers,
  };
}

/**
 * The pixels of an image of one network as another one wants them: of its size, in gray or color.
 * @param {Network} network
 * @param {Network} other
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @returns {Uint8Array | Uint8ClampedArray}
 */
export function pixelsFor(network, other, pixels) {
  const { height, width, channels } = network;
  if (other.height === height && other.width === width && other.channels === channels) return pixels;
  const data = new Uint8Array(4 * height * width);
  for (let index = 0; index < height * width; index++) {
    for (let channel = 0; channel < 3; channel++)
      data[4 * index + channel] = pixels[index * channels + (channels === 3 ? channel : 0)];
    data[4 * index + 3] = 255;
  }
  return fitImage({ data, rows: height, columns: width, channels: 4 }, { ...other, fit: "stretch" });
}
