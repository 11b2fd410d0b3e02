// @ts-check
/** What the page says on the map of a large network. */
import { capital, counted, inMillions, sides } from "./format.js";
import { lastMaps } from "./text_overview.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/** The map of a large network. */
export const MAP = {
  title: "Map of the network",
  intro: (/** @type {boolean} */ dense) =>
    "Each card is a block of layers, in rows of one size of maps; lines show where values go on. A convolution " +
    "slides the few weights of a unit (its filter or kernel) over the maps before it and computes one value (an " +
    `activation) at each position: the unit’s feature map. ${lastMaps(dense)} This page computes everything itself, ` +
    "with the network’s own weights.",
  hint:
    "Press a block to see its layers. Each preview is the map with the largest value of the block for this image; " +
    "the bar is its share of MACs. Blue lines lead past layers: solid to where their values are added, dashed to " +
    "where they are concatenated or read.",
  /**
   * In short.
   * @param {import("./network.js").Network} network
   * @param {Layer} layer
   * @param {string} operation
   * @param {number} count of such layers
   */
  operation: ({ kinds, poolings }, layer, operation, count) => {
    const patch = sides(layer.window[0], layer.window[1]);
    const pooling = poolings[layer.code]?.name ?? "";
    const [before, after] = /** @type {Record<string, [string, string]>} */ ({
      convolution: ["convolution", ` of ${patch}`],
      grouped: ["convolution", ` of ${patch} in ${layer.groups} groups`],
      depthwise: ["depthwise convolution", ` of ${patch}`],
      pointwise: ["pointwise convolution", ""],
      "transposed-convolution": ["transposed convolution", ` of ${patch}`],
      pooling: [`${pooling} pooling`.trim(), ` of ${patch}`],
      whole: [`${pooling} pooling`.trim(), " of each whole map"],
      linear: ["fully connected layer", ""],
      multiply: ["gate", " for each map"],
      resize: [`resizing`, ` to ${sides(layer.rows, layer.columns)}`],
    })[operation] ?? [kinds[layer.kind]?.name ?? layer.kind.replaceAll("-", " "), ""];
    return `${count === 1 ? before : counted(count, before).replace(" ", "\u00a0")}${after}`;
  },
  summary: (/** @type {string[]} */ parts) => `${capital(parts.join(", "))}.`,
  addsInput: "adds its input",
  addsInputBy: (/** @type {string} */ operation) => `adds its input through a ${operation}`,
  addsPaths: "adds two paths",
  concatenates: (/** @type {number} */ paths) => `concatenates ${paths} paths`,
  explained: /** @type {[string, string][]} */ ([
    ["depthwise", "Depthwise convolution: each unit sees one map only, and the maps stay apart."],
    ["pointwise", "Pointwise convolution (1 × 1): each unit mixes all maps at one position and sees no neighbors."],
    ["grouped", "Convolution in groups: each unit sees the maps of its group only."],
    ["multiply", "A gate multiplies each map by one number, computed from the means of all maps."],
  ]),
  range: (/** @type {string} */ first, /** @type {string} */ last) => `${first} to ${last}`,
  image: "Image",
  layers: (/** @type {number} */ count) => counted(count, "layer"),
  size: (/** @type {Shape} */ shape) =>
    shape.rows * shape.columns === 1 ? "Single values" : sides(shape.rows, shape.columns),
  cost: (/** @type {number} */ parameters, /** @type {string} */ share) =>
    `${inMillions(parameters)}\u00a0${parameters === 1 ? "parameter" : "parameters"}, ${share} of MACs`,
  free: "no parameters",
  open: (/** @type {string} */ name) => `Open ${name}`,
  reads: {
    add: (/** @type {string} */ names) => `adds ${names}`,
    concatenate: (/** @type {string} */ names) => `concatenates ${names}`,
    multiply: (/** @type {string} */ names) => `multiplies ${names}`,
    read: (/** @type {string} */ names) => `reads ${names}`,
    also: (/** @type {string} */ names) => `also reads ${names}`,
  },
  named: (/** @type {string[]} */ names) =>
    names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : (names[0] ?? ""),
  others: (/** @type {number} */ count) => counted(count, "other"),
  theImage: "the image",
  sentence: (/** @type {string} */ words) => `${capital(words)}.`,
  found: "Layers and blocks found",
  layersOf: (/** @type {string} */ block) => `Layers of ${block}`,
  outside: (/** @type {string} */ block) => (block ? "what comes in" : "the image"),
  search: "Find a layer",
  searchHint: "part of a name",
  nothing: "No layer has this in its name.",
  more: (/** @type {number} */ count) => `and ${counted(count, "more", "more")}`,
  back: "Back to the map",
  before: "The block before",
  after: "The block after",
  way: "The way to this block",
  comesIn: "Comes in",
  answer: "Says",
};
