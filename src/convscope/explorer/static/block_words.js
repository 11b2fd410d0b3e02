// @ts-check
/** What the layers of a network do, in a few words each: what a block of the map says of itself. */
import { joinsIn, shortcutOf } from "./graph_paths.js";
import { belowOf, shapeAt } from "./network.js";
import { MAP } from "./text_map.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Shape} Shape */

const MOST_NAMED = 3; // of those that something reads

/**
 * What a layer does, as far as its place in the network is not needed to tell.
 * @typedef {"convolution" | "grouped" | "depthwise" | "pointwise" | "pooling" | "whole" | "linear" | "add" |
 *   "concatenate" | "multiply" | "transposed-convolution" | "resize" | "other"} Doing
 */

/**
 * @param {Layer} layer
 * @param {Shape} below that it reads
 * @returns {Doing}
 */
export function doingOf(layer, below) {
  const { kind } = layer;
  if (kind === "pooling") return layer.whole ? "whole" : "pooling";
  if (kind !== "convolution") return /** @type {Doing} */ (NAMED.find((name) => name === kind) ?? "other");
  if (layer.groups > 1) return layer.groups === below.maps ? "depthwise" : "grouped";
  if (layer.window[0] * layer.window[1] > 1) return "convolution";
  return layer.rows * layer.columns === 1 && below.rows * below.columns === 1 ? "linear" : "pointwise";
}

const NAMED = ["linear", "add", "concatenate", "multiply", "transposed-convolution", "resize"];

/** @param {Network} network @param {number} index of a layer, from 0 @returns {Doing} */
export function doingAt(network, index) {
  return doingOf(network.layers[index], shapeAt(network, belowOf(network, index + 1)));
}

/**
 * What an entry of the map does, in short: its operations in order, and how it ends.
 * @param {Network} network
 * @param {{ first: number, last: number }} entry
 * @returns {string}
 */
export function summaryOf(network, { first, last }) {
  const { layers } = network;
  const gated = layers.slice(first, last + 1).some(({ kind }) => kind === "multiply");
  const shortcut = shortcutOf(layers, { first, last });
  /** @type {Map<string, number[]>} */
  const alike = new Map();
  for (let index = first; index <= last; index++) {
    const { rows, columns } = layers[index];
    if (index === shortcut || (gated && rows * columns === 1)) continue; // or a part of a gate
    const operation = doingAt(network, index);
    if (operation === "add" || operation === "concatenate") continue;
    const words = MAP.operation(network, layers[index], operation, 1);
    alike.set(words, [...(alike.get(words) ?? []), index]);
  }
  const said = (/** @type {number[]} */ group) =>
    MAP.operation(network, layers[group[0]], doingAt(network, group[0]), group.length);
  const done = [...alike.values()].map(said);
  const through = shortcut === null ? null : MAP.addsInputBy(said([shortcut]));
  const { ownInput, sums, concatenated } = joinsIn(layers, { first, last });
  const sum = through ?? (ownInput ? MAP.addsInput : sums ? MAP.addsPaths : null);
  const joined = concatenated ? MAP.concatenates(concatenated) : null;
  return MAP.summary([...done, sum, joined].filter((words) => words !== null));
}

/** The kinds of convolution that a network has and that few readers know. @param {Network} network */
export function kindsToExplain(network) {
  const there = new Set(network.layers.map((_, index) => doingAt(network, index)));
  return MAP.explained.filter(([operation]) => there.has(/** @type {Doing} */ (operation))).map(([, text]) => text);
}

/**
 * A path without the name of the block that it is in.
 * @param {string} path
 * @param {string} block
 */
export function shortPath(path, block) {
  return block && path.startsWith(`${block}.`) ? path.slice(block.length + 1) : path;
}

/**
 * The block that all layers are in, as where one module holds the network: the map need not repeat it.
 * @param {{ path: string }[]} layers
 */
export function commonBlock(layers) {
  const [first, ...others] = layers.map(({ path }) => path.split(".").slice(0, -1));
  const end = first.findIndex((part, index) => others.some((parts) => parts[index] !== part));
  return first.slice(0, end < 0 ? undefined : end).join(".");
}

/**
 * Paths in words, the last ones only as a number where they are many.
 * @param {string[]} paths
 */
export function namedShortly(paths) {
  const shown = paths.length > MOST_NAMED ? paths.slice(0, MOST_NAMED - 1) : paths;
  return MAP.named(shown.length < paths.length ? [...shown, MAP.others(paths.length - shown.length)] : shown);
}

/**
 * What a layer reads, where that is not only the layer whose column stands before its own.
 * @param {Network} network
 * @param {number} index of the layer, from 0
 * @param {number} previous
 * @param {string} inside the block that both are in
 * @returns {string} empty where nothing is to be said
 */
export function readsWords({ layers }, index, previous, inside) {
  const others = [...new Set(layers[index].inputs)].filter((input) => input !== previous);
  if (!others.length) return "";
  const names = others.map((input) => (input < 0 ? MAP.theImage : shortPath(layers[input].name, inside)));
  const join = layers[index].residual ? "add" : layers[index].kind;
  return MAP.sentence((MAP.reads[/** @type {keyof typeof MAP.reads} */ (join)] ?? MAP.reads.read)(namedShortly(names)));
}

/** The kind of a convolution that few readers know, in one sentence. @param {Network} network @param {number} index */
export function kindWords(network, index) {
  return MAP.explained.find(([operation]) => operation === doingAt(network, index))?.[1] ?? "";
}
