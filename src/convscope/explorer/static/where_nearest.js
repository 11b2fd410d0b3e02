// @ts-check
/** The training images whose features are nearest to those of an image. */
import { bytesOf } from "./base64.js";
import { bitmapAddress } from "./bitmap.js";
import { element, isolate, write } from "./dom.js";
import { short } from "./format.js";
import { still } from "./image.js";
import { floatsOf } from "./unpacking.js";
import { WHERE } from "./text_where.js";

/** @typedef {import("./network.js").Network} Network */

const NEAR_PX = 64;
const NEAREST = 8;

/**
 * @param {Float32Array} features
 * @param {Float32Array} rows one after another, each as long as the features
 * @param {number} count
 * @returns {{ index: number, distance: number }[]} the nearest first
 */
export function nearestOf(features, rows, count) {
  const wide = features.length;
  const found = Array.from({ length: rows.length / wide }, (_, index) => {
    let sum = 0;
    for (let at = 0, from = index * wide; at < wide; at++) sum += (features[at] - rows[from + at]) ** 2;
    return { index, distance: Math.sqrt(sum) };
  });
  return found.sort((one, other) => one.distance - other.distance).slice(0, count);
}

/** The training images that are most alike. @param {Network} network */
export function makeNearest(network) {
  const training = network.where?.training ?? null;
  const list = element("ol", { class: "where-nearest" });
  const vote = element("p", { class: "caption" });
  const verdict = network.where?.trust?.verdicts.nearest;
  if (!training) return { element: element("div", { hidden: true }), draw: () => {} };
  const count = training.labels.length;
  const layer = training.layer ? network.layers[training.layer - 1].name : WHERE.image;
  const pixels = bytesOf(training.pixels);
  const scales = floatsOf(training.scales, count);
  const wide = bytesOf(training.features).length / count;
  const rows = floatsOf(training.features, count * wide, "int8", scales);
  const size = { rows: training.rows, columns: training.columns };
  const length = training.rows * training.columns * network.channels;
  const card = (/** @type {{ index: number, distance: number }} */ { index, distance }) => {
    const address = bitmapAddress(pixels.subarray(index * length, (index + 1) * length), size, network.channels);
    const image = still(address, size, NEAR_PX);
    return element(
      "li",
      {},
      image,
      isolate(network.classes[training.labels[index]], 16),
      element("span", { class: "hint", text: short(distance) }),
    );
  };
  return {
    element: element(
      "div",
      {},
      element("h3", { text: WHERE.nearest.title }),
      element("p", { class: "hint", text: WHERE.nearest.hint(count, layer) }),
      verdict ? element("p", { class: "verdict", text: verdict }) : null,
      list,
      vote,
    ),
    draw(/** @type {import("./where_maps.js").Quick} */ { features, target }) {
      const near = nearestOf(features, rows, NEAREST);
      list.replaceChildren(...near.map(card));
      const same = near.filter(({ index }) => training.labels[index] === target).length;
      write(vote, WHERE.nearest.vote(same, near.length));
    },
  };
}
