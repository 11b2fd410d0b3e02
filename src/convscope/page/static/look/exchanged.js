// @ts-check
/** The same network with another kind of pooling, and images as another network wants them. */
import { fitImage } from "./preprocessing.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {import("./format.js").Step} Step */
/** @typedef {import("./format.js").Field} Field */

/** The codes of pooling that a network has. @param {Network} network @returns {string[]} */
export function codesOf(network) {
  return [...new Set(network.steps.filter((step) => step.kind === "pooling").map((step) => step.code))];
}

/**
 * All weights stay as they are; every pooling takes another kind of value from its windows. What each value depends on
 * is worked out anew: a blur looks beyond its window, a subset at one place of it.
 * @param {Network} network
 * @param {string} code
 * @returns {Network}
 */
export function withPooling(network, code) {
  /** @type {[Field, Field]} */
  let fields = [{ size: 1, stride: 1, start: 0 }, { size: 1, stride: 1, start: 0 }];
  const steps = network.steps.map((step) => {
    const changed = step.kind === "pooling" ? { ...step, code, name: code + step.name.slice(2) } : step;
    const along = (/** @type {0 | 1} */ side) => {
      const [below, window] = [fields[side], step.window[side]];
      const pooled = step.kind === "pooling";
      const beyond = pooled && code === "BP" && !step.whole ? window - 1 : 0;
      const reach = pooled && code === "SS" ? 1 : window + beyond;
      const apart = step.kind === "connected" ? window : step.stride[side];
      return { size: below.size + (reach - 1) * below.stride, stride: below.stride * apart, start: below.start - (step.before + beyond) * below.stride };
    };
    fields = [along(0), along(1)];
    return { ...changed, field: fields };
  });
  return { ...network, layout: steps.slice(0, -1).map((step) => step.name).join("-"), steps };
}

/**
 * The pixels of an image of one network as another one wants them: of its size, in gray or colour.
 * @param {Network} network
 * @param {Network} other
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @returns {Uint8Array | Uint8ClampedArray}
 */
export function pixelsFor(network, other, pixels) {
  const { height, width, channels } = network;
  if (other.height === height && other.width === width && other.channels === channels) return pixels;
  const data = new Uint8Array(4 * height * width);
  for (let place = 0; place < height * width; place++) {
    for (let channel = 0; channel < 3; channel++) data[4 * place + channel] = pixels[place * channels + (channels === 3 ? channel : 0)];
    data[4 * place + 3] = 255;
  }
  return fitImage({ data, rows: height, columns: width, channels: 4 }, { ...other, fit: "stretch" });
}
