// @ts-check
/**
 * What layers compute, in plain JavaScript. To add a kind, add one line to `OPERATIONS` and, for the account of one
 * value, one to `ACCOUNTS` in accounts.js.
 */
import { shapeAt } from "./network.js";
import { activate } from "./nonlinearity.js";
import { weightedSums } from "./plain.js";
import { pooledMaps } from "./pooling.js";
import { resized } from "./resizing.js";
import { paintedMaps } from "./transposed.js";

/** @typedef {import("./engine.js").Compute} Compute */
/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Shape} Shape */

/** Makes what computes a layer, without its nonlinearity, from the shapes of its inputs.
 * @typedef {(layer: Layer, shapes: Shape[]) => Compute} Operation */

/**
 * @param {Network} network
 * @param {Layer} layer
 * @returns {Compute}
 */
export function operationOf(network, layer) {
  const shapes = layer.inputs.map((input) => shapeAt(network, input + 1));
  const compute = OPERATIONS[layer.kind](layer, shapes);
  const { nonlinearity } = layer;
  return (inputs, output) => {
    compute(inputs, output);
    activate(nonlinearity, output);
  };
}

/**
 * The maps below that the maps of a selection or a shuffle are.
 * @param {Layer} layer
 * @returns {number[]} from 0
 */
export function chosenMaps({ kind, maps, settings }) {
  if (kind === "channel-selection")
    return Array.from({ length: maps }, (_, map) => settings.start + map * settings.step);
  const { groups } = settings;
  return Array.from({ length: maps }, (_, map) => (map % groups) * (maps / groups) + Math.floor(map / groups));
}

/** Copies whole maps in another order. @type {Operation} */
function rearrangedMaps(layer) {
  const maps = chosenMaps(layer);
  const area = layer.rows * layer.columns;
  return ([below], output) => {
    maps.forEach((map, at) => output.set(below.subarray(map * area, (map + 1) * area), at * area));
  };
}

/**
 * Where along a side of a map in its frame a value comes from.
 * @param {number} at counted from the first value that is no frame
 * @param {number} size of the side
 * @param {"constant" | "reflect" | "edge" | "wrap"} mode
 * @returns {number} -1 for the constant
 */
export function framePosition(at, size, mode) {
  if (at >= 0 && at < size) return at;
  if (mode === "constant") return -1;
  if (mode === "edge") return at < 0 ? 0 : size - 1;
  if (mode === "wrap") return (at + size) % size;
  return at < 0 ? -at : 2 * (size - 1) - at;
}

/** @type {Operation} */
function framedByPadding({ rows, columns, maps, settings }, [below]) {
  const { top, left, mode } = settings;
  const value = Number(settings.value); // infinite ones are texts
  const across = Array.from({ length: columns }, (_, column) => framePosition(column - left, below.columns, mode));
  const down = Array.from({ length: rows }, (_, row) => framePosition(row - top, below.rows, mode));
  return ([values], output) => {
    let to = 0;
    for (let map = 0; map < maps; map++) {
      for (const row of down) {
        const from = (map * below.rows + row) * below.columns;
        for (const column of across) output[to++] = row < 0 || column < 0 ? value : values[from + column];
      }
    }
  };
}

/** @type {Operation} */
function multiplied(layer, shapes) {
  const { maps, rows, columns } = layer;
  const apart = shapes.map((shape) => ({
    map: shape.maps === 1 ? 0 : shape.rows * shape.columns,
    row: shape.rows === 1 ? 0 : shape.columns,
    column: shape.columns === 1 ? 0 : 1,
  }));
  return ([first, second], output) => {
    let to = 0;
    for (let map = 0; map < maps; map++) {
      for (let row = 0; row < rows; row++) {
        let one = map * apart[0].map + row * apart[0].row;
        let other = map * apart[1].map + row * apart[1].row;
        for (let column = 0; column < columns; column++, one += apart[0].column, other += apart[1].column)
          output[to++] = first[one] * second[other];
      }
    }
  };
}

/** @type {Operation} */
function scaledMaps({ maps, rows, columns, scale, shift }) {
  const area = rows * columns;
  return ([below], output) => {
    for (let map = 0, at = 0; map < maps; map++) {
      const [factor, added] = [scale[map], shift[map]];
      for (const end = at + area; at < end; at++) output[at] = below[at] * factor + added;
    }
  };
}

/**
 * Mean and standard deviation of all maps at one position.
 * @param {Float32Array} values
 * @param {number} at the position
 * @param {number} maps
 * @param {number} area
 * @param {number} epsilon
 */
export function momentsAt(values, at, maps, area, epsilon) {
  let sum = 0;
  for (let map = 0, index = at; map < maps; map++, index += area) sum += values[index];
  const mean = sum / maps;
  let squares = 0;
  for (let map = 0, index = at; map < maps; map++, index += area) squares += (values[index] - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / maps + epsilon) };
}

/** @type {Operation} */
function normalizedMaps({ maps, rows, columns, scale, shift, settings }) {
  const area = rows * columns;
  return ([below], output) => {
    for (let at = 0; at < area; at++) {
      const { mean, deviation } = momentsAt(below, at, maps, area, settings.epsilon);
      for (let map = 0, index = at; map < maps; map++, index += area)
        output[index] = ((below[index] - mean) / deviation) * scale[map] + shift[map];
    }
  };
}

/**
 * What a value of local response normalization is divided by.
 * @param {Layer} layer
 * @param {Float32Array} values
 * @param {number} map
 * @param {number} at the position
 */
export function responseAround({ maps, rows, columns, settings }, values, map, at) {
  const { size, alpha, beta, bias } = settings;
  const first = map - Math.floor(size / 2);
  let squares = 0;
  for (let other = Math.max(0, first); other < Math.min(maps, first + size); other++)
    squares += values[other * rows * columns + at] ** 2;
  return (bias + (alpha * squares) / size) ** beta;
}

/** @type {Operation} */
function respondingMaps(layer) {
  const area = layer.rows * layer.columns;
  return ([below], output) => {
    for (let map = 0, index = 0; map < layer.maps; map++) {
      for (let at = 0; at < area; at++, index++) output[index] = below[index] / responseAround(layer, below, map, at);
    }
  };
}

/**
 * The largest value of all maps at one position, and the sum of their exponentials less that.
 * @param {Float32Array} values
 * @param {number} at
 * @param {number} maps
 * @param {number} area
 */
export function exponentialsAt(values, at, maps, area) {
  let largest = -Infinity;
  for (let map = 0, index = at; map < maps; map++, index += area) largest = Math.max(largest, values[index]);
  let sum = 0;
  for (let map = 0, index = at; map < maps; map++, index += area) sum += Math.exp(values[index] - largest);
  return { largest, sum };
}

/** @type {Operation} */
function softmaxMaps({ maps, rows, columns }) {
  const area = rows * columns;
  return ([below], output) => {
    for (let at = 0; at < area; at++) {
      const { largest, sum } = exponentialsAt(below, at, maps, area);
      for (let map = 0, index = at; map < maps; map++, index += area)
        output[index] = Math.exp(below[index] - largest) / sum;
    }
  };
}

/** @type {Record<string, Operation>} */
const OPERATIONS = {
  convolution: weightedSums,
  "locally-connected": weightedSums,
  linear: weightedSums,
  pooling: pooledMaps,
  add: () => (inputs, output) => {
    output.set(inputs[0]);
    for (const other of inputs.slice(1)) for (let at = 0; at < output.length; at++) output[at] += other[at];
  },
  multiply: multiplied,
  concatenate: () => (inputs, output) => {
    let to = 0;
    for (const maps of inputs) {
      output.set(maps, to);
      to += maps.length;
    }
  },
  flatten: () => (inputs, output) => output.set(inputs[0]),
  nonlinearity: ({ settings }) => {
    const { function: text } = settings;
    return ([below], output) => {
      output.set(below);
      activate(text, output);
    };
  },
  padding: framedByPadding,
  "channel-selection": rearrangedMaps,
  "channel-shuffle": rearrangedMaps,
  "scale-and-shift": scaledMaps,
  "channel-normalization": normalizedMaps,
  "local-response": respondingMaps,
  softmax: softmaxMaps,
  resize: (layer, [below]) => resized(layer, below),
  "transposed-convolution": (layer, [below]) => paintedMaps(layer, below),
};
