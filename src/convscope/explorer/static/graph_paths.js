// @ts-check
/** Where values go on a graph of layers: what a block reads, what is read of it, and which paths lead past others. */

/** @typedef {import("./graph_blocks.js").Entry} Entry */
/** @typedef {import("./graph_blocks.js").Placed} Placed */

/**
 * A path from one entry of a list to a later one; -1 is what stands before the list. A path past others ends in a sum,
 * in a concatenation, or in another layer that reads it.
 * @typedef {{ from: number, to: number, past: boolean, joins: "add" | "concatenate" | "read" }} Path
 */

/** @param {Placed} layer @returns {Path["joins"]} */
function joinOf({ kind, inputs }) {
  if (inputs.length < 2) return "read";
  return kind === "add" || kind === "convolution" ? "add" : kind === "concatenate" ? "concatenate" : "read";
}

/**
 * All paths between the entries of a list, each once, in the order of their ends. An entry may be the image, -1.
 * @param {Placed[]} layers
 * @param {Entry[]} entries
 * @returns {Path[]}
 */
export function pathsBetween(layers, entries) {
  return entries.flatMap(({ first, last }, to) => {
    /** @type {Map<number, Path["joins"]>} */
    const sources = new Map();
    for (let index = Math.max(first, 0); index <= last; index++) {
      for (const input of layers[index].inputs) {
        if (input >= first) continue;
        const from = entries.findIndex((entry) => entry.first <= input && input <= entry.last);
        const join = joinOf(layers[index]);
        const known = sources.get(from);
        if (known === undefined || known === "read") sources.set(from, join);
      }
    }
    return [...sources]
      .sort(([one], [other]) => one - other)
      .map(([from, joins]) => ({ from, to, past: from !== to - 1, joins }));
  });
}

/**
 * The layers outside of an entry that it reads, in order; -1 is the image.
 * @param {Placed[]} layers
 * @param {{ first: number, last: number }} entry
 * @returns {number[]}
 */
export function readOutside(layers, { first, last }) {
  const inputs = layers.slice(first, last + 1).flatMap((layer) => layer.inputs.filter((input) => input < first));
  return [...new Set(inputs)].sort((one, other) => one - other);
}

/**
 * The layer whose values go on from an entry: the last that a later one reads, or the last of all.
 * @param {Placed[]} layers
 * @param {{ first: number, last: number }} entry
 */
export function outputOf(layers, { first, last }) {
  let output = first - 1;
  for (const { inputs } of layers.slice(last + 1)) {
    for (const input of inputs) if (input >= first && input <= last && input > output) output = input;
  }
  return output < first ? last : output;
}

/**
 * How a block ends: whether it adds what it read to what it made of it, adds two paths of its own, or concatenates.
 * @param {Placed[]} layers
 * @param {{ first: number, last: number }} entry
 * @returns {{ ownInput: boolean, sums: number, concatenated: number }} the paths that its last concatenation joins
 */
export function joinsIn(layers, { first, last }) {
  const inside = layers.slice(first, last + 1);
  const sums = inside.filter((layer) => joinOf(layer) === "add");
  const joined = inside.filter((layer) => joinOf(layer) === "concatenate");
  return {
    ownInput: sums.some(({ inputs }) => inputs.some((input) => input < first)),
    sums: sums.length,
    concatenated: joined.length ? joined[joined.length - 1].inputs.length : 0,
  };
}

/**
 * The only layer on a path from outside of a block to a sum in it, past a longer path.
 * @param {Placed[]} layers
 * @param {{ first: number, last: number }} entry
 * @returns {number | null}
 */
export function shortcutOf(layers, { first, last }) {
  const sum = layers.findIndex((layer, index) => index > first && index <= last && layer.kind === "add");
  if (sum < 0) return null;
  const short = layers[sum].inputs.filter(
    (input) => input >= first && layers[input].inputs.every((source) => source < first),
  );
  return layers[sum].inputs.length === 2 && short.length === 1 ? short[0] : null;
}
