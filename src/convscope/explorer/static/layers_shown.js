// @ts-check
/** Which values of a large network are needed for what is drawn; the others stay where they were computed. */
import { opensIntoColumns, pathTo } from "./graph_blocks.js";
import { outputOf, readOutside } from "./graph_paths.js";
import { inputsOf } from "./network.js";

/** @typedef {import("./graph_blocks.js").Entry} Entry */
/** @typedef {import("./graph_blocks.js").Range} Range */
/** @typedef {import("./network.js").Network} Network */

/**
 * The layers that are drawn, 0 for the image: what goes on from each block of the map, or what is open; the layer of
 * the chosen value, and what that is computed from.
 * @param {Network} network
 * @param {Entry[]} entries of the map; none where all layers are drawn
 * @param {Range | null} open
 * @param {number} layer of the chosen value
 * @returns {number[] | null} null for all
 */
export function layersShown(network, entries, open, layer) {
  if (!entries.length) return null;
  const chosen = layer ? [layer, ...inputsOf(network, layer)] : [];
  return [...new Set([0, ...drawnIn(network, entries, open), ...chosen])].sort((one, other) => one - other);
}

/** @param {Network} network @param {Entry[]} entries @param {Range | null} open @returns {number[]} */
function drawnIn({ layers }, entries, open) {
  const outputs = (/** @type {Entry[]} */ list) => list.map((entry) => outputOf(layers, entry) + 1);
  if (!open) return outputs(entries);
  const entry = pathTo(entries, open.first, open.last).find(
    ({ first, last }) => first === open.first && last === open.last,
  );
  if (!entry) return outputs(entries);
  if (!opensIntoColumns(entry)) return outputs(entry.entries);
  const inner = Array.from({ length: entry.last - entry.first + 1 }, (_, index) => entry.first + index + 1);
  return [...readOutside(layers, entry).map((input) => input + 1), ...inner];
}

/**
 * Whether values are there.
 * @param {Float32Array[] | null} all
 * @param {number[] | null} shown
 */
export function hasValues(all, shown) {
  return all === null || shown === null || shown.every((layer) => all[layer].length > 0);
}
