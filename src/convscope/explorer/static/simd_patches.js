// @ts-check
/** Convolutions by our WebAssembly module: four positions at a time, in single precision. */
import { ALONE, BLOCK, VECTORS } from "./kernels.js";
import { activate, boundsOf } from "./nonlinearity.js";
import { blocked, filledUp, laidDown, needs, reserve } from "./simd_memory.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */
/** @typedef {import("./simd_memory.js").Laid} Laid */
/** @typedef {import("./simd_memory.js").Plan} Plan */
/** @typedef {import("./simd_memory.js").Room} Room */

/**
 * Maps with zeros around, of a stride above 1 in one part for each remainder of row and column, so that neighboring
 * positions are neighbors.
 * @typedef {object} Frame
 * @property {number} start its address
 * @property {number} columns of a part
 * @property {number} area of a map, all its parts together
 * @property {(row: number, column: number) => number} at where a value with its zeros is
 * @property {(room: Room) => void} fill copies the maps into it
 */

/** Whether all units look at one position only, each at the one below. @param {Layer} layer */
function isPointwise({ window, stride, before, after }) {
  return [...window, ...stride].every((side) => side === 1) && [...before, ...after].every((zeros) => zeros === 0);
}

/**
 * @param {Plan} plan
 * @param {Layer} layer
 * @param {Shape} below
 * @param {number} from where the maps below are
 * @returns {Frame}
 */
function framedMaps(plan, layer, below, from) {
  const [down, across] = layer.stride;
  const rows = Math.ceil((below.rows + layer.before[0] + layer.after[0]) / down);
  const columns = Math.ceil((below.columns + layer.before[1] + layer.after[1]) / across);
  const area = down * across * rows * columns;
  const start = reserve(plan, 4 * below.maps * area);
  const at = (/** @type {number} */ row, /** @type {number} */ column) =>
    ((row % down) * across + (column % across)) * rows * columns +
    Math.floor(row / down) * columns +
    Math.floor(column / across);
  if (down * across > 1) return { start, columns, area, at, fill: spreading(layer, below, from, start, area, at) };
  const corner = start + 4 * (layer.before[0] * columns + layer.before[1]);
  const fill = (/** @type {Room} */ { exports }) =>
    exports.frame(from, corner, below.maps, below.rows, below.columns, 4 * columns, 4 * area);
  return { start, columns, area, at, fill };
}

/**
 * What copies maps to where every part has the positions of one remainder; those that no unit looks at are left out.
 * @param {Layer} layer
 * @param {Shape} below
 * @param {number} from
 * @param {number} start
 * @param {number} area
 * @param {Frame["at"]} at
 * @returns {Frame["fill"]}
 */
function spreading(layer, below, from, start, area, at) {
  const seen = (/** @type {0 | 1} */ side) =>
    new Set(
      Array.from({ length: layer.window[side] }, (_, cell) => (cell * layer.dilation[side]) % layer.stride[side]),
    );
  const [rowsSeen, columnsSeen] = [seen(0), seen(1)];
  /** @type {number[]} */
  const moves = [];
  for (let row = 0; row < below.rows; row++) {
    if (!rowsSeen.has((row + layer.before[0]) % layer.stride[0])) continue;
    for (let column = 0; column < below.columns; column++) {
      if (columnsSeen.has((column + layer.before[1]) % layer.stride[1]))
        moves.push(row * below.columns + column, at(row + layer.before[0], column + layer.before[1]));
    }
  }
  const pairs = Int32Array.from(moves);
  const size = below.rows * below.columns;
  return ({ numbers }) => {
    for (let map = 0, source = from / 4, target = start / 4; map < below.maps; map++, source += size, target += area) {
      for (let index = 0; index < pairs.length; index += 2)
        numbers[target + pairs[index + 1]] = numbers[source + pairs[index]];
    }
  };
}

/**
 * Where each vector of 4 positions takes its first value and where it puts it, as many as are computed at a time. The
 * last of a row may overlap the one before; in a narrow row it reaches into the next, which comes later.
 * @param {number} rows
 * @param {number} columns
 * @param {number} apart how far rows are apart where values are taken
 * @param {number} together
 * @returns {Int32Array}
 */
function vectorsOf(rows, columns, apart, together) {
  /** @type {number[]} */
  const vectors = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += 4) {
      const start = Math.max(0, Math.min(column, columns - 4));
      vectors.push(4 * (row * apart + start), 4 * (row * columns + start));
    }
  }
  while ((vectors.length / 2) % together) vectors.push(...vectors.slice(-2));
  return Int32Array.from(vectors);
}

/**
 * Weights and biases of all groups, each in blocks of its own.
 * @param {Layer} layer
 * @param {number} inputs
 * @param {number} block
 */
function blocksOfGroups({ weights, bias, maps, groups }, inputs, block) {
  const units = maps / groups;
  if (groups === 1 || block === 1)
    return { weights: blocked(weights, maps, inputs, block), bias: filledUp(bias, block), blocks: maps / groups };
  const filled = Math.ceil(units / block) * block;
  const all = { weights: new Float32Array(groups * filled * inputs), bias: new Float32Array(groups * filled) };
  for (let group = 0; group < groups; group++) {
    const own = weights.subarray(group * units * inputs, (group + 1) * units * inputs);
    all.weights.set(blocked(own, units, inputs, block), group * filled * inputs);
    all.bias.set(bias.subarray(group * units, (group + 1) * units), group * filled);
  }
  return all;
}

/**
 * A convolution. Depthwise units are computed one after another, others in blocks, group by group; what a block has
 * too many is overwritten by the next, and the last finds room behind the values.
 * @param {Plan} plan
 * @param {Layer} layer
 * @param {Shape} below
 * @param {{ from: number, added: number, to: number }} addresses
 * @returns {Laid}
 */
export function layOutPatches(plan, layer, below, { from, added, to }) {
  const size = below.rows * below.columns;
  /** @type {Frame} */
  const frame = isPointwise(layer)
    ? { start: from, columns: size, area: size, at: (row, column) => row * below.columns + column, fill: () => {} }
    : framedMaps(plan, layer, below, from);
  const [rows, columns] = isPointwise(layer) ? [1, size] : [layer.rows, layer.columns]; // of one row: fewer vectors
  const { maps, groups } = layer;
  const alone = groups === below.maps && maps === groups; // depthwise
  const block = alone ? 1 : BLOCK;
  const offsets = offsetsOf(layer, below.maps / groups, frame);
  const positions = vectorsOf(rows, columns, frame.columns, alone ? ALONE : VECTORS);
  const { weights, bias } = blocksOfGroups(layer, offsets.length, block);
  const tables = [positions, offsets, weights, bias].map((table) => laidDown(plan, table));
  const narrow = columns < 4; // vectors reach beyond its maps
  const apart = layer.rows * layer.columns + (narrow ? 4 : 0);
  const units = maps / groups;
  const blocks = Math.ceil(units / block);
  if (narrow) needs(plan, 0, 4 * (maps + BLOCK) * apart);
  const small = { maps, groups, apart, narrow, area: layer.rows * layer.columns, nonlinearity: layer.nonlinearity };
  const counts = { vectors: positions.length / 2, inputs: offsets.length, blocks, block, units, alone };
  const map = 4 * frame.area;
  const fill = frame.fill;
  const step = { tables, start: frame.start, map, group: (below.maps / groups) * map, ...counts };
  return (room) => {
    const finish = finishing(room, small, added, to);
    return () => {
      fill(room);
      sumPatches(room.exports, small, step, narrow ? room.output : to, added === 0);
      finish();
    };
  };
}

/**
 * How far each value of a patch is from its first.
 * @param {Layer} layer
 * @param {number} maps that a unit sees
 * @param {Frame} frame
 */
function offsetsOf({ window, dilation }, maps, { area, at }) {
  const [tall, wide] = window;
  const offsets = new Int32Array(maps * tall * wide);
  for (let input = 0; input < offsets.length; input++) {
    const map = Math.floor(input / (tall * wide));
    const cell = input % (tall * wide);
    const origin = at(Math.floor(cell / wide) * dilation[0], (cell % wide) * dilation[1]);
    offsets[input] = 4 * (map * area + origin);
  }
  return offsets;
}

/** What `layOutPatches` keeps of a layer.
 * @typedef {{ maps: number, groups: number, apart: number, narrow: boolean, area: number, nonlinearity: string }}
 *   Small */

/** Where things lie, and how many there are.
 * @typedef {{ tables: number[], start: number, map: number, group: number, vectors: number, inputs: number,
 *   blocks: number, block: number, units: number, alone: boolean }} Step */

/**
 * @param {import("./simd_memory.js").Exports} exports
 * @param {Small} layer
 * @param {Step} step
 * @param {number} out
 * @param {boolean} bounded whether nothing is added to the sums
 */
function sumPatches(exports, layer, step, out, bounded) {
  const [positions, offsets, weights, bias] = step.tables;
  const { vectors, inputs, start, map } = step;
  const [least, most] = (bounded && boundsOf(layer.nonlinearity)) || [-Infinity, Infinity];
  const area = 4 * layer.apart;
  if (step.alone) {
    exports.depthwise(
      positions,
      vectors,
      offsets,
      inputs,
      weights,
      bias,
      layer.maps,
      out,
      area,
      start,
      map,
      least,
      most,
    );
    return;
  }
  const { block, blocks, units, group } = step;
  const filled = 4 * blocks * block;
  for (let index = 0; index < layer.groups; index++) {
    exports.patches(
      positions,
      vectors,
      offsets,
      inputs,
      weights + index * filled * inputs,
      bias + index * filled,
      blocks,
      out + index * units * area,
      area,
      start + index * group,
      0,
      least,
      most,
    );
  }
}

/**
 * What is left to do with the sums: bring narrow maps together, add the second input, apply the nonlinearity.
 * @param {Room} room
 * @param {Small} layer
 * @param {number} added 0 for none
 * @param {number} to
 * @returns {() => void}
 */
function finishing({ exports, numbers, output }, { maps, apart, narrow, area, nonlinearity }, added, to) {
  const values = numbers.subarray(to / 4, to / 4 + maps * area);
  const [least, most] = boundsOf(nonlinearity) ?? [-Infinity, Infinity];
  const left = boundsOf(nonlinearity) ? "linear" : nonlinearity;
  return () => {
    if (narrow) {
      for (let map = 0, from = output / 4; map < maps; map++, from += apart)
        values.set(numbers.subarray(from, from + area), map * area);
    }
    if (added) exports.add(to, added, 4 * maps * area, least, most);
    activate(left, values);
  };
}
