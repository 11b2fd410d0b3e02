// @ts-check
/**
 * Gradients of one logit: each layer passes back to what it reads how much that moves the logit. To add a kind, add one
 * line to `BACKWARD`; to add a nonlinearity whose slope follows from its value, one to `SLOPES`.
 */
import { shapeAt } from "./network.js";
import { countedValues, windowOf, windowWeights } from "./pooling.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./network.js").Shape} Shape */

/** Adds to the gradients of the inputs what that of the output gives.
 * @typedef {(layer: Layer, gradient: Float32Array, below: Float32Array[], shapes: Shape[], values: Float32Array[]) =>
 *   void} Backward */

/** What changes with the input of a nonlinearity, from its value. @type {Record<string, (value: number) => number>} */
const SLOPES = {
  linear: () => 1,
  relu: (value) => (value > 0 ? 1 : 0),
  relu6: (value) => (value > 0 && value < 6 ? 1 : 0),
  leakyrelu: (value) => (value > 0 ? 1 : 0.01),
  tanh: (value) => 1 - value * value,
  sigmoid: (value) => value * (1 - value),
};

/** @type {Record<string, Backward>} */
const BACKWARD = {
  convolution: throughConvolution,
  linear: throughLinear,
  pooling: throughPooling,
  flatten: (_, gradient, [below]) => addTo(below, gradient),
  add: (_, gradient, below) => below.forEach((one) => addTo(one, gradient)),
  concatenate(_, gradient, below) {
    let from = 0;
    for (const one of below) addTo(one, gradient.subarray(from, (from += one.length)));
  },
  "scale-and-shift"({ scale, rows, columns }, gradient, [below]) {
    const area = rows * columns;
    for (let index = 0; index < below.length; index++) below[index] += gradient[index] * scale[(index / area) | 0];
  },
};

/**
 * Whether the gradients of all layers above one can be computed here.
 * @param {Network} network
 * @param {number} layer 0 for the image
 */
export function hasGradients(network, layer) {
  return network.layers.slice(layer).every(({ kind, code, nonlinearity }) => {
    const known = kind in BACKWARD && nonlinearity in SLOPES;
    return known && (kind !== "pooling" || ["MP", "AP", "SS", "BP", "LP"].includes(code));
  });
}

/**
 * The gradients of a logit, down to one layer.
 * @param {Network} network
 * @param {Float32Array[]} values of the image and of every layer
 * @param {number} target the class
 * @param {number} until 0 for the image
 * @returns {{ gradients: Float32Array[], biases: number }} one for each of `values`; empty below `until`. What the
 *   biases of these layers add to the logit.
 */
export function gradientsOf(network, values, target, until) {
  const gradients = values.map((one, index) => new Float32Array(index < until ? 0 : one.length));
  gradients[values.length - 1][target] = 1;
  let biases = 0;
  for (let index = network.layers.length; index > until; index--) {
    const layer = network.layers[index - 1];
    const [slope, after] = [SLOPES[layer.nonlinearity], gradients[index]];
    const straight = layer.nonlinearity === "linear";
    const gradient = straight ? after : after.map((one, at) => (one ? one * slope(values[index][at]) : 0));
    const added = layer.bias.length ? layer.bias : layer.shift;
    const area = layer.rows * layer.columns;
    if (added.length) for (let at = 0; at < gradient.length; at++) biases += gradient[at] * added[(at / area) | 0];
    const inputs = layer.inputs.map((input) => input + 1);
    const below = inputs.map((input) => (input < until ? new Float32Array(values[input].length) : gradients[input]));
    const shapes = inputs.map((input) => shapeAt(network, input));
    BACKWARD[layer.kind](
      layer,
      gradient,
      below,
      shapes,
      inputs.map((input) => values[input]),
    );
  }
  return { gradients, biases };
}

/** @param {Float32Array} sum @param {Float32Array} other */
function addTo(sum, other) {
  for (let index = 0; index < sum.length; index++) sum[index] += other[index];
}

/** @type {Backward} */
function throughLinear({ weights }, gradient, [below]) {
  const wide = below.length;
  for (let unit = 0; unit < gradient.length; unit++) {
    const factor = gradient[unit];
    if (factor) for (let at = 0, from = unit * wide; at < wide; at++) below[at] += factor * weights[from + at];
  }
}

/** @type {Backward} */
function throughConvolution(layer, gradient, [below, added], [shape]) {
  if (added) addTo(added, gradient);
  const { weights, window, stride, before, dilation, groups, maps, rows, columns } = layer;
  const [tall, wide] = window;
  const [seen, units] = [shape.maps / groups, maps / groups];
  const area = shape.rows * shape.columns;
  for (let unit = 0, index = 0; unit < maps; unit++) {
    const start = Math.floor(unit / units) * seen * area;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, index++) {
        const factor = gradient[index];
        if (!factor) continue; // most, where ReLU or a maximum follows
        const [top, left] = [row * stride[0] - before[0], column * stride[1] - before[1]];
        for (let map = 0; map < seen; map++) {
          for (let y = 0, down = top; y < tall; y++, down += dilation[0]) {
            if (down < 0 || down >= shape.rows) continue;
            const line = start + map * area + down * shape.columns;
            let from = ((unit * seen + map) * tall + y) * wide;
            for (let x = 0, across = left; x < wide; x++, across += dilation[1], from++)
              if (across >= 0 && across < shape.columns) below[line + across] += factor * weights[from];
          }
        }
      }
    }
  }
}

/** @type {Backward} */
function throughPooling(layer, gradient, [below], [shape], [values]) {
  const { maps, rows, columns } = layer;
  for (let map = 0, index = 0; map < maps; map++) {
    const start = map * shape.rows * shape.columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, index++) {
        if (!gradient[index]) continue;
        const view = windowOf(layer, shape, row, column);
        const places = view.rows.flatMap((down) => view.columns.map((across) => start + down * shape.columns + across));
        const counted = layer.code === "AP" ? countedValues(layer, shape, row, column) : places.length;
        const inside = places.map((place) => values[place]);
        const weights = windowWeights(layer, inside, view.rows.length, view.columns.length, counted);
        places.forEach((place, at) => (below[place] += gradient[index] * weights[at]));
      }
    }
  }
}
