// @ts-check
/**
 * The layers of a large network in blocks, so that it fits on a screen: folded by the names of their modules, and where
 * names say nothing, by the graph: everything between two layers that all paths pass.
 */

/** A layer in its place: inputs are numbers of layers before it, -1 is the image.
 * @typedef {{ path: string, kind: string, inputs: number[], rows: number, columns: number }} Placed */

/** The layers of a block. @typedef {{ first: number, last: number }} Range */

/**
 * A layer, or a block of those from first to last, from 0; a layer has no entries, and a block that only the graph
 * shows has no name.
 * @typedef {{ name: string, first: number, last: number, entries: Entry[] }} Entry
 */

/** More columns than these are a row of some four screens. */
const MOST_COLUMNS = 24;
/** A network of more layers begins with the map, even where it has no blocks but runs of layers of one size. */
const FEWEST_LAYERS = 40;
const MOST_ENTRIES = 30; // of one map: as many as a reader sees on one screen or two
const MOST_TOGETHER = 12; // layers of a block whose only reason is that they follow each other
const LONG_PIECE = 3; // layers before a concatenation that begins something new

/**
 * The blocks of a network, in the order in which they are computed.
 * @param {Placed[]} layers
 * @returns {Entry[]}
 */
export function blocksOf(layers) {
  let entries = byNames(layers, 0, layers.length - 1, 0);
  while (entries.length === 1 && entries[0].entries.length) entries = entries[0].entries;
  const crossed = crossings(layers);
  entries = entries.map((entry) => withFound(layers, entry, crossed));
  entries = foundInGraph(layers, widened(layers, entries), crossed);
  if (layers.length > FEWEST_LAYERS || entries.some(isBlock)) entries = shortened(layers, entries);
  return entries.length === 1 && isBlock(entries[0]) ? entries[0].entries : entries;
}

/**
 * The blocks of a network that begins with its map, because a reader does not find the way in so many columns.
 * @param {Placed[]} layers
 * @returns {Entry[]} none for a smaller one
 */
export function mapOf(layers) {
  const entries = blocksOf(layers);
  const folded = layers.length > MOST_COLUMNS && 2 * entries.length <= layers.length;
  return folded || layers.length > FEWEST_LAYERS ? entries : [];
}

/** Whether all layers of an entry stand side by side when it is open. @param {Range} entry */
export function opensIntoColumns({ first, last }) {
  return last - first < MOST_COLUMNS;
}

/** @param {Entry} entry */
export function isBlock({ entries }) {
  return entries.length > 0;
}

/**
 * The entries that hold a layer or a range of layers, from the outermost to the innermost.
 * @param {Entry[]} entries
 * @param {number} first
 * @param {number} [last]
 * @returns {Entry[]}
 */
export function pathTo(entries, first, last = first) {
  const next = entries.find((entry) => entry.first <= first && last <= entry.last);
  return next ? [next, ...pathTo(next.entries, first, last)] : [];
}

/**
 * The block that is open when the reader goes to a layer: the same, if it has that layer, or the largest
 * that has it and stands side by side.
 * @param {Entry[]} entries
 * @param {Range | null} open null for the map, which stays
 * @param {number} layer from 1; 0 is the image
 * @returns {Range | null}
 */
export function openAt(entries, open, layer) {
  if (!open || !layer || (open.first < layer && layer <= open.last + 1)) return open;
  return pathTo(entries, layer - 1).find(opensIntoColumns) ?? null;
}

/**
 * The range of an entry, if there is such a one.
 * @param {Entry[]} entries
 * @param {Range} range
 * @returns {Range | null}
 */
export function knownRange(entries, { first, last }) {
  const way = pathTo(entries, first, last);
  return way.find((entry) => entry.first === first && entry.last === last) ?? null;
}

/** @param {number} index @param {Placed[]} layers @returns {Entry} */
function single(index, layers) {
  return { name: layers[index].path, first: index, last: index, entries: [] };
}

/** @param {string} name @param {Entry[]} entries @returns {Entry} one of several, or the only one itself */
function asBlock(name, entries) {
  if (entries.length === 1) return entries[0];
  return { name, first: entries[0].first, last: entries[entries.length - 1].last, entries };
}

/**
 * Layers that follow each other and whose names begin alike are a block, and so on inside it.
 * @param {Placed[]} layers
 * @param {number} first
 * @param {number} last
 * @param {number} depth parts of the names that are alike
 * @returns {Entry[]}
 */
function byNames(layers, first, last, depth) {
  const part = (/** @type {number} */ index) => layers[index].path.split(".").slice(0, -1)[depth];
  /** @type {Entry[]} */
  const entries = [];
  for (let from = first, to = first; from <= last; from = to = to + 1) {
    const name = part(from);
    while (to < last && name !== undefined && part(to + 1) === name) to += 1;
    const inside = to > from ? byNames(layers, from, to, depth + 1) : [single(from, layers)];
    const prefix = layers[from].path.split(".").slice(0, depth + 1);
    const only = inside.length === 1 && isBlock(inside[0]) ? inside[0].entries : inside;
    entries.push(asBlock(prefix.join("."), only)); // the shorter name of a block in a block
  }
  return entries;
}

/**
 * Blocks that are nothing but a row of blocks give way to these while there is room: layer1 to layer1.0, layer1.1.
 * @param {Placed[]} layers
 * @param {Entry[]} entries
 * @returns {Entry[]}
 */
function widened(layers, entries) {
  let result = entries;
  for (;;) {
    const rows = result.filter(({ entries: inside }) => 2 * inside.filter(isBlock).length > inside.length);
    const inRow = rows.filter((entry) => isSequence(layers, entry.entries));
    const next = inRow.sort((one, other) => one.entries.length - other.entries.length)[0];
    if (!next || result.length + next.entries.length - 1 > MOST_ENTRIES) return result;
    result = result.flatMap((entry) => (entry === next ? entry.entries : [entry]));
  }
}

/** Whether each reads only itself and the one before. @param {Placed[]} layers @param {Entry[]} entries */
function isSequence(layers, entries) {
  return entries.every(({ first, last }, index) => {
    if (index === 0) return true;
    const before = entries[index - 1].first;
    return layers.slice(first, last + 1).every(({ inputs }) => inputs.every((input) => input >= before));
  });
}

/**
 * For each layer, whether a path leads past it. All paths lead through the others.
 * @param {Placed[]} layers
 * @returns {boolean[]}
 */
export function crossings(layers) {
  const change = new Int32Array(layers.length + 1);
  layers.forEach(({ inputs }, index) => {
    for (const input of inputs) {
      if (input + 1 >= index) continue;
      change[input + 1] += 1;
      change[index] -= 1;
    }
  });
  let open = 0;
  return layers.map((_, index) => (open += change[index]) > 0);
}

/**
 * Layers without a block of their own, in blocks that end where all paths meet.
 * @param {Placed[]} layers
 * @param {Entry[]} entries
 * @param {boolean[]} crossed
 * @returns {Entry[]}
 */
function foundInGraph(layers, entries, crossed) {
  return cutWhere(entries, (one, other) => !isBlock(one) && !isBlock(other)).flatMap((run) => {
    if (isBlock(run[0])) return run;
    const ends = cutWhere(run, (one) => crossed[one.first]);
    const large = ends.find((piece) => piece.length > MOST_TOGETHER && 2 * piece.length > layers.length);
    if (!large) return ends.map((piece) => asBlock("", piece.length > MOST_TOGETHER ? pieces(layers, piece) : piece));
    return ends.flatMap((piece) => (piece === large ? pieces(layers, piece) : [asBlock("", piece)]));
  });
}

/**
 * The same inside a block, if it has more layers than a reader can look through.
 * @param {Placed[]} layers
 * @param {Entry} entry
 * @param {boolean[]} crossed
 * @returns {Entry}
 */
function withFound(layers, entry, crossed) {
  const inside = entry.entries.map((one) => withFound(layers, one, crossed));
  const many = inside.filter((one) => !isBlock(one)).length > MOST_COLUMNS;
  return { ...entry, entries: many ? foundInGraph(layers, inside, crossed) : inside };
}

/**
 * Layers between which no path ends: a piece ends with a sum, before a concatenation and where maps change
 * their size.
 * @param {Placed[]} layers
 * @param {Entry[]} entries single layers
 * @returns {Entry[]}
 */
function pieces(layers, entries) {
  const size = (/** @type {Entry} */ { first }) => layers[first].rows * layers[first].columns;
  const adds = (/** @type {Entry} */ { first }) => layers[first].kind === "add";
  const joins = (/** @type {Entry} */ { first }) => layers[first].inputs.length > 1;
  let began = entries[0].first;
  const stay = (/** @type {Entry} */ one, /** @type {Entry} */ other) => {
    const gate = size(one) === 1 || size(other) === 1;
    const begins = joins(other) && !adds(other) && other.first - began >= LONG_PIECE;
    const follows = (gate || size(one) === size(other)) && !begins && !adds(one);
    if (!follows) began = other.first;
    return follows;
  };
  return cutWhere(entries, stay).map((piece) => asBlock("", piece));
}

/**
 * No list is longer than a screen or two: single layers of one size are folded first, then whatever has one size, the
 * longest run first.
 * @param {Placed[]} layers
 * @param {Entry[]} entries
 * @returns {Entry[]}
 */
function shortened(layers, entries) {
  const inside = (/** @type {Entry} */ entry) => ({ ...entry, entries: shortened(layers, entry.entries) });
  if (entries.length <= MOST_ENTRIES) return entries.map((entry) => (isBlock(entry) ? inside(entry) : entry));
  const sameSize = (/** @type {Entry} */ { last: one }, /** @type {Entry} */ { last: other }) =>
    layers[one].rows === layers[other].rows && layers[one].columns === layers[other].columns;
  const rows = cutWhere(entries, (one, other) => sameSize(one, other) && !isBlock(one) && !isBlock(other));
  let result = rows.map((run) => asBlock("", run));
  while (result.length > MOST_ENTRIES) {
    const ofSize = cutWhere(result, sameSize).filter((run) => run.length > 1);
    if (!ofSize.length) break;
    const longest = ofSize.reduce((one, other) => (other.length > one.length ? other : one));
    result = result.flatMap((entry) =>
      !longest.includes(entry) ? [entry] : entry === longest[0] ? [asBlock("", longest)] : [],
    );
  }
  while (result.length > MOST_ENTRIES) result = chunks(result).map((chunk) => asBlock("", chunk));
  return result.map((entry) => (isBlock(entry) ? inside(inParts(entry)) : entry));
}

/** A block that only holds more than one screen does. @param {Entry} entry @returns {Entry} */
function inParts(entry) {
  let { entries } = entry;
  while (entries.length > MOST_ENTRIES) entries = chunks(entries).map((chunk) => asBlock("", chunk));
  return { ...entry, entries };
}

/**
 * A list in equal parts.
 * @param {Entry[]} entries
 * @returns {Entry[][]}
 */
function chunks(entries) {
  const count = Math.ceil(entries.length / MOST_TOGETHER);
  const start = (/** @type {number} */ part) => Math.round((part * entries.length) / count);
  return Array.from({ length: count }, (_, part) => entries.slice(start(part), start(part + 1)));
}

/**
 * A list cut wherever a neighbor does not belong to the one before.
 * @template T
 * @param {T[]} list
 * @param {(one: T, other: T) => boolean} belongs
 * @returns {T[][]}
 */
export function cutWhere(list, belongs) {
  /** @type {T[][]} */
  const result = [];
  list.forEach((one, index) => {
    if (index && belongs(list[index - 1], one)) result[result.length - 1].push(one);
    else result.push([one]);
  });
  return result;
}
