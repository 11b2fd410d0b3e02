// @ts-check
/**
 * Weighted sums by our own WebAssembly module (tools/page/kernels.mjs; its bytes are in kernels.js): four positions,
 * or
 * units, at a time, in single precision. Everything that does not change from image to image is laid out in the
 * module's memory once: weights, and where each value of a patch and each position stands.
 */
import { bytesOf } from "./base64.js";
import { BLOCK, KERNELS, WIDE } from "./kernels.js";
import { shapeAt } from "./network.js";
import { activate } from "./nonlinearity.js";
import { patchLength, regionOf } from "./regions.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Shape} Shape */

/**
 * @typedef {object} Exports addresses and distances in bytes
 * @property {WebAssembly.Memory} memory
 * @property {(positions: number, vectors: number, offsets: number, inputs: number, weights: number, bias: number,
 *   blocks:
 *   number, out: number, area: number, floor: number) => void} patches
 * @property {(input: number, inputs: number, weights: number, bias: number, blocks: number, out: number, floor: number)
 *   => void} connections
 * @property {(from: number, to: number, maps: number, rows: number, columns: number, row: number, map: number) => void}
 *   frame
 * @property {(from: number, to: number, lines: number, columns: number, row: number, skip: number, factor: number) =>
 *   void} largest of 2 × 2
 * @property {(from: number, to: number, lines: number, columns: number, row: number, skip: number, factor: number) =>
 *   void} mean of 2 × 2
 * @property {(to: number, from: number, bytes: number, floor: number) => void} add
 */

/**
 * The memory while it is laid out.
 * @typedef {{ end: number, filled: [number, Float32Array | Int32Array][], most: { input: number, output: number } }}
 *   Plan
 */

/**
 * The module, its whole memory as numbers, and where maps go in and come out.
 * @typedef {{ exports: Exports, numbers: Float32Array, input: number, output: number }} Room
 */

/** Of a layer laid out: what computes it. @typedef {(room: Room) => import("./engine.js").Compute} Laid */

/**
 * @param {Network} network
 * @returns {{ layers: (import("./engine.js").Compute | null)[], loops: "simd" | "fused" } | null} null for layers that
 *   JavaScript does as well; nothing where the browser cannot do it
 */
export function simdLayers(network) {
  const module = compiled();
  if (!module) return null;
  /** @type {Plan} */
  const plan = { end: 16, filled: [], most: { input: 0, output: 0 } };
  const laid = network.layers.map((layer, index) => layOut(plan, layer, shapeAt(network, index)));
  const input = reserve(plan, plan.most.input);
  const output = reserve(plan, plan.most.output);
  const { memory } = module.exports;
  try {
    memory.grow(Math.ceil(plan.end / 65536));
  } catch {
    return null; // more than the browser gives
  }
  for (const [at, values] of plan.filled) new Uint32Array(memory.buffer).set(new Uint32Array(values.buffer), at / 4);
  const room = { exports: module.exports, numbers: new Float32Array(memory.buffer), input, output };
  return { layers: laid.map((one) => one && one(room)), loops: module.loops };
}

/** @returns {{ exports: Exports, loops: "simd" | "fused" } | null} */
function compiled() {
  if (typeof WebAssembly === "undefined") return null;
  for (const loops of /** @type {const} */ (["fused", "simd"])) {
    try {
      const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (bytesOf(KERNELS[loops]));
      const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
      return { exports: /** @type {any} */ (instance.exports), loops };
    } catch {
      continue; // this browser, or its policy, does not have it
    }
  }
  return null;
}

/**
 * Room for so many bytes, and a little behind, which vectors may reach.
 * @param {Plan} plan
 * @param {number} bytes
 * @returns {number}
 */
function reserve(plan, bytes) {
  const at = plan.end;
  plan.end = (at + bytes + 31) & ~15;
  return at;
}

/** @param {Plan} plan @param {Float32Array | Int32Array} values @returns {number} */
function laidDown(plan, values) {
  const at = reserve(plan, values.byteLength);
  plan.filled.push([at, values]);
  return at;
}

/** @param {Plan} plan @param {Layer} layer @param {Shape} below @returns {Laid | null} */
function layOut(plan, layer, below) {
  if (layer.kind === "pooling") return layOutHalving(plan, layer, below);
  if (layer.kind === "linear") return layOutConnections(plan, layer, below);
  return layer.regions[0] * layer.regions[1] === 1
    ? layOutPatches(plan, layer, below)
    : layOutLocal(plan, layer, below);
}

/**
 * Weights in blocks of so many units, value by value; units are filled up with zeros.
 * @param {Float32Array} weights
 * @param {number} units
 * @param {number} inputs
 * @param {number} block
 * @returns {Float32Array}
 */
function blocked(weights, units, inputs, block) {
  const result = new Float32Array(Math.ceil(units / block) * block * inputs);
  for (let unit = 0, from = 0; unit < units; unit++) {
    const start = Math.floor(unit / block) * block * inputs + (unit % block);
    for (let input = 0; input < inputs; input++) result[start + block * input] = weights[from++];
  }
  return result;
}

/** @param {ArrayLike<number>} values @param {number} block @returns {Float32Array} */
function filledUp(values, block) {
  const result = new Float32Array(Math.ceil(values.length / block) * block);
  result.set(values);
  return result;
}

/**
 * The largest or the mean of 2 × 2 values; other windows are rarer, and left to JavaScript.
 * @param {Plan} plan
 * @param {Layer} layer
 * @param {Shape} below
 * @returns {Laid | null}
 */
function layOutHalving(plan, layer, below) {
  const usual = [...layer.window, ...layer.stride].every((side) => side === 2) && layer.columns >= 4;
  if (!usual || (layer.code !== "MP" && layer.code !== "AP")) return null;
  const area = layer.rows * layer.columns;
  plan.most.input = Math.max(plan.most.input, 4 * below.maps * below.rows * below.columns);
  plan.most.output = Math.max(plan.most.output, 4 * layer.maps * area);
  const [row, map] = [4 * below.columns, 4 * below.columns * below.rows];
  return ({ exports, numbers, input, output }) =>
    (maps) => {
      numbers.set(maps, input / 4);
      const halve = layer.code === "MP" ? exports.largest : exports.mean;
      const factor = layer.code === "MP" ? 1 : 0.25;
      if (below.rows === 2 * layer.rows)
        halve(input, output, layer.maps * layer.rows, layer.columns, row, 2 * row, factor);
      else
        for (let at = 0; at < layer.maps; at++)
          halve(input + at * map, output + 4 * at * area, layer.rows, layer.columns, row, 2 * row, factor);
      return numbers.slice(output / 4, output / 4 + layer.maps * area);
    };
}

/** The least that comes out of a nonlinearity that the module can do. @param {Layer} layer */
function floorOf(layer) {
  return layer.nonlinearity === "relu" ? 0 : -Infinity;
}

/** The same where the sums are all that goes into it. @param {Layer} layer */
function leastOf(layer) {
  return layer.residual ? -Infinity : floorOf(layer);
}

/** What the module has left undone. @param {Layer} layer @param {Float32Array} sums @param {Float32Array} maps */
function finished(layer, sums, maps) {
  return leastOf(layer) === 0 ? sums : activate(layer, sums, maps);
}

/** @param {Plan} plan @param {Layer} layer @param {Shape} below @returns {Laid} */
function layOutConnections(plan, layer, below) {
  const inputs = patchLength(layer, below);
  const weights = laidDown(plan, blocked(layer.weights, layer.maps, inputs, WIDE));
  const bias = laidDown(plan, filledUp(layer.bias, WIDE));
  const blocks = Math.ceil(layer.maps / WIDE);
  plan.most.input = Math.max(plan.most.input, 4 * inputs);
  plan.most.output = Math.max(plan.most.output, 4 * WIDE * blocks);
  return ({ exports, numbers, input, output }) =>
    (maps) => {
      numbers.set(maps, input / 4);
      exports.connections(input, inputs, weights, bias, blocks, output, leastOf(layer));
      return finished(layer, numbers.slice(output / 4, output / 4 + layer.maps), maps);
    };
}

/**
 * Maps with zeros around, of a stride above 1 in one part for each remainder of row and column, so that neighbouring
 * positions are neighbours.
 * @param {Layer} layer
 * @param {Shape} below
 */
function framedShape(layer, below) {
  const [down, across] = layer.stride;
  const rows = Math.ceil((below.rows + layer.before[0] + layer.after[0]) / down);
  const columns = Math.ceil((below.columns + layer.before[1] + layer.after[1]) / across);
  const at = (/** @type {number} */ row, /** @type {number} */ column) =>
    ((row % down) * across + (column % across)) * rows * columns +
    Math.floor(row / down) * columns +
    Math.floor(column / across);
  return { columns, area: down * across * rows * columns, at };
}

/** @param {Plan} plan @param {Layer} layer @param {Shape} below @returns {Laid} */
function layOutPatches(plan, layer, below) {
  const { columns, area, at } = framedShape(layer, below);
  const inputs = patchLength(layer, below);
  const [tall, wide] = layer.window;
  const offsets = new Int32Array(inputs);
  for (let input = 0; input < inputs; input++) {
    const map = Math.floor(input / (tall * wide));
    const cell = input % (tall * wide);
    offsets[input] = 4 * (map * area + at(Math.floor(cell / wide), cell % wide));
  }
  const framed = reserve(plan, 4 * below.maps * area);
  const positions = vectorsOf(layer, framed, columns);
  const blocks = Math.ceil(layer.maps / BLOCK);
  const apart = layer.rows * layer.columns + (layer.columns < 4 ? 4 : 0); // vectors reach beyond narrow maps
  const addresses = {
    positions: laidDown(plan, positions),
    offsets: laidDown(plan, offsets),
    weights: laidDown(plan, blocked(layer.weights, layer.maps, inputs, BLOCK)),
    bias: laidDown(plan, filledUp(layer.bias, BLOCK)),
  };
  plan.most.input = Math.max(plan.most.input, 4 * below.maps * below.rows * below.columns);
  plan.most.output = Math.max(plan.most.output, 4 * BLOCK * blocks * apart);
  const added = layer.residual && layer.columns >= 4; // by the module; in narrow maps by JavaScript
  const left = added ? { ...layer, residual: false } : layer;
  const spread = layer.stride[0] * layer.stride[1] > 1 ? spreadOf(layer, below, at) : null;
  return (room) => (maps) => {
    putIn(room, framed, maps, below, area, spread, layer.before[0] * columns + layer.before[1], columns);
    const { positions: from, offsets: layers, weights, bias } = addresses;
    room.exports.patches(
      from,
      positions.length / 2,
      layers,
      inputs,
      weights,
      bias,
      blocks,
      room.output,
      4 * apart,
      leastOf(layer),
    );
    if (added) room.exports.add(room.output, room.input, 4 * maps.length, floorOf(layer));
    return finished(left, takenOut(room, layer, apart), maps);
  };
}

/**
 * Where each value of a map goes.
 * @param {Layer} layer
 * @param {Shape} below
 * @param {(row: number, column: number) => number} at
 * @returns {Int32Array}
 */
function spreadOf(layer, below, at) {
  const spread = new Int32Array(below.rows * below.columns);
  for (let index = 0; index < spread.length; index++) {
    spread[index] = at(Math.floor(index / below.columns) + layer.before[0], (index % below.columns) + layer.before[1]);
  }
  return spread;
}

/**
 * Copy maps to where there are zeros around them.
 * @param {Room} room
 * @param {number} framed
 * @param {Float32Array} maps
 * @param {Shape} below
 * @param {number} area
 * @param {Int32Array | null} spread
 * @param {number} corner
 * @param {number} columns
 */
function putIn({ exports, numbers, input }, framed, maps, below, area, spread, corner, columns) {
  if (!spread) {
    numbers.set(maps, input / 4);
    exports.frame(input, framed + 4 * corner, below.maps, below.rows, below.columns, 4 * columns, 4 * area);
    return;
  }
  for (let map = 0, from = 0, start = framed / 4; map < below.maps; map++, start += area) {
    for (let index = 0; index < spread.length; index++) numbers[start + spread[index]] = maps[from++];
  }
}

/**
 * @param {Room} room
 * @param {Layer} layer
 * @param {number} apart how many numbers lie between the starts of two maps
 * @returns {Float32Array}
 */
function takenOut({ numbers, output }, layer, apart) {
  const area = layer.rows * layer.columns;
  const start = output / 4;
  if (apart === area) return numbers.slice(start, start + layer.maps * area);
  const result = new Float32Array(layer.maps * area);
  for (let map = 0; map < layer.maps; map++)
    result.set(numbers.subarray(start + map * apart, start + map * apart + area), map * area);
  return result;
}

/**
 * Where each vector of 4 positions takes its first value and where it puts it, an even number of them. The last of a
 * row
 * may overlap the one before; in a narrow row it reaches into the next, which comes later.
 * @param {Layer} layer
 * @param {number} framed
 * @param {number} columns of the framed maps
 * @returns {Int32Array}
 */
function vectorsOf(layer, framed, columns) {
  /** @type {number[]} */
  const vectors = [];
  for (let row = 0; row < layer.rows; row++) {
    for (let column = 0; column < layer.columns; column += 4) {
      const start = Math.max(0, Math.min(column, layer.columns - 4));
      vectors.push(framed + 4 * (row * columns + start), 4 * (row * layer.columns + start));
    }
  }
  if (vectors.length % 4) vectors.push(...vectors.slice(-2));
  return Int32Array.from(vectors);
}

/**
 * Units with weights of their own at each position: each position is a product of a matrix and its patch.
 * @param {Plan} plan
 * @param {Layer} layer
 * @param {Shape} below
 * @returns {Laid}
 */
function layOutLocal(plan, layer, below) {
  const inputs = patchLength(layer, below);
  const size = layer.maps * inputs;
  const count = layer.regions[0] * layer.regions[1];
  const weights = Array.from({ length: count }, (_, region) =>
    laidDown(plan, blocked(layer.weights.subarray(region * size, (region + 1) * size), layer.maps, inputs, WIDE)),
  );
  const bias = laidDown(plan, filledUp(layer.bias, WIDE));
  const blocks = Math.ceil(layer.maps / WIDE);
  plan.most.input = Math.max(plan.most.input, 4 * inputs);
  plan.most.output = Math.max(plan.most.output, 4 * WIDE * blocks);
  const area = layer.rows * layer.columns;
  return ({ exports, numbers, input, output }) =>
    (maps) => {
      const sums = new Float32Array(layer.maps * area);
      for (let index = 0; index < area; index++) {
        const row = Math.floor(index / layer.columns);
        const column = index % layer.columns;
        gatherPatch(layer, below, maps, row, column, numbers, input / 4);
        exports.connections(input, inputs, weights[regionOf(layer, row, column)], bias, blocks, output, leastOf(layer));
        for (let unit = 0; unit < layer.maps; unit++) sums[unit * area + index] = numbers[output / 4 + unit];
      }
      return finished(layer, sums, maps);
    };
}

/**
 * @param {Layer} layer
 * @param {Shape} below
 * @param {Float32Array} maps
 * @param {number} row
 * @param {number} column
 * @param {Float32Array} numbers
 * @param {number} to
 */
function gatherPatch(layer, below, maps, row, column, numbers, to) {
  const [tall, wide] = layer.window;
  const top = row * layer.stride[0] - layer.before[0];
  const left = column * layer.stride[1] - layer.before[1];
  for (let map = 0; map < below.maps; map++) {
    for (let y = top; y < top + tall; y++) {
      for (let x = left; x < left + wide; x++) {
        const inside = y >= 0 && x >= 0 && y < below.rows && x < below.columns;
        numbers[to++] = inside ? maps[(map * below.rows + y) * below.columns + x] : 0;
      }
    }
  }
}
