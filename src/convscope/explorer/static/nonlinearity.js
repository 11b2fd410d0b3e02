// @ts-check
/** Nonlinearities by the names that layouts use. To add one, add one line to `NONLINEARITIES`. */

/**
 * The part of a normal distribution that lies below `x`: (1 + erf(x / √2)) / 2, to about 1e-15.
 * @param {number} x
 * @returns {number}
 */
export function normalPart(x) {
  const size = Math.abs(x);
  const density = Math.exp(-0.5 * size * size) / Math.sqrt(2 * Math.PI);
  if (size > 5) {
    let fraction = 0; // Laplace's continued fraction of the tail
    for (let depth = 30; depth > 0; depth--) fraction = depth / (size + fraction);
    const tail = density / (size + fraction);
    return x > 0 ? 1 - tail : tail;
  }
  let term = size;
  let sum = size; // x + x³/3 + x⁵/(3·5) + …: all terms have one sign, nothing cancels
  for (let odd = 3; term > sum * 1e-17; odd += 2) {
    term *= (size * size) / odd;
    sum += term;
  }
  return x > 0 ? 0.5 + density * sum : 0.5 - density * sum;
}

/** @type {Record<string, (value: number) => number>} */
export const NONLINEARITIES = {
  relu: (value) => (value < 0 ? 0 : value),
  tanh: Math.tanh,
  sigmoid: (value) => 1 / (1 + Math.exp(-value)),
  elu: (value) => (value > 0 ? value : Math.expm1(value)),
  gelu: (value) => value * normalPart(value),
  abs: Math.abs,
  silu: (value) => value / (1 + Math.exp(-value)),
  relu6: (value) => Math.min(6, Math.max(0, value)),
  hardswish: (value) => (value * Math.min(6, Math.max(0, value + 3))) / 6,
  hardsigmoid: (value) => Math.min(6, Math.max(0, value + 3)) / 6,
  leakyrelu: (value) => (value > 0 ? value : value / 100),
  gelutanh: (value) => 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3))),
  mish: (value) => value * Math.tanh(softplus(value)),
  softplus: (value) => softplus(value),
  linear: (value) => value,
};

/**
 * ln(1 + eˣ), without overflow.
 * @param {number} value
 * @returns {number}
 */
function softplus(value) {
  return Math.max(0, value) + Math.log1p(Math.exp(-Math.abs(value)));
}

/**
 * The function that a text names, with the slope of leakyrelu behind a colon where it is not the usual one.
 * @param {string} text
 * @returns {(value: number) => number}
 */
export function functionOf(text) {
  const [name, parameter] = text.split(":");
  if (parameter === undefined) return NONLINEARITIES[name];
  const slope = Number(parameter);
  return (value) => (value > 0 ? value : slope * value);
}

/**
 * Between which numbers a nonlinearity keeps its input, which is all that it does to it.
 * @param {string} text
 * @returns {[number, number] | null} null where it does something else
 */
export function boundsOf(text) {
  if (text === "linear") return [-Infinity, Infinity];
  if (text === "relu") return [0, Infinity];
  return text === "relu6" ? [0, 6] : null;
}

/**
 * Apply a nonlinearity to every value, in place.
 * @param {string} text
 * @param {Float32Array} values
 */
export function activate(text, values) {
  if (text === "linear") return;
  const bounds = boundsOf(text);
  if (bounds) {
    const [least, most] = bounds; // no call for each value
    for (let index = 0; index < values.length; index++) {
      if (values[index] < least) values[index] = least;
      else if (values[index] > most) values[index] = most;
    }
    return;
  }
  const apply = functionOf(text);
  for (let index = 0; index < values.length; index++) values[index] = apply(values[index]);
}
