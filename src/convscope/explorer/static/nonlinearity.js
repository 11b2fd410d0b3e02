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

/**
 * A function from a table of its values and slopes, with cubics between: many times as fast as `Math.exp`, to 1e-9.
 * @param {(value: number) => number} exact
 * @param {(value: number) => number} slope
 * @param {number} reach to both sides of 0; the function itself beyond
 * @param {number} steps in the table between two whole numbers
 * @returns {(value: number) => number}
 */
function fromTable(exact, slope, reach, steps) {
  const count = 2 * reach * steps;
  const table = new Float64Array(2 * count + 2); // each value beside its slope: small enough to stay in the cache
  for (let index = 0; index <= count; index++) {
    table[2 * index] = exact(index / steps - reach);
    table[2 * index + 1] = slope(index / steps - reach) / steps;
  }
  return (value) => {
    const place = (value + reach) * steps;
    if (!(place >= 0 && place < count)) return exact(value);
    const index = place | 0;
    const part = place - index;
    const first = table[2 * index];
    const start = table[2 * index + 1];
    const rise = table[2 * index + 2] - first;
    const end = table[2 * index + 3];
    return first + part * (start + part * (3 * rise - 2 * start - end + part * (start + end - 2 * rise)));
  };
}

const exactSigmoid = (/** @type {number} */ value) => 1 / (1 + Math.exp(-value));
const sigmoid = fromTable(exactSigmoid, (value) => exactSigmoid(value) * exactSigmoid(-value), 24, 32);
const normal = fromTable(normalPart, (value) => Math.exp(-0.5 * value * value) / Math.sqrt(2 * Math.PI), 8, 64);

/** @type {Record<string, (value: number) => number>} */
export const NONLINEARITIES = {
  relu: (value) => (value < 0 ? 0 : value),
  tanh: Math.tanh,
  sigmoid: (value) => sigmoid(value),
  elu: (value) => (value > 0 ? value : Math.expm1(value)),
  gelu: (value) => value * normal(value),
  abs: Math.abs,
  silu: (value) => value * sigmoid(value),
  relu6: (value) => Math.min(6, Math.max(0, value)),
  hardswish: (value) => (value * Math.min(6, Math.max(0, value + 3))) / 6,
  hardsigmoid: (value) => Math.min(6, Math.max(0, value + 3)) / 6,
  leakyrelu: (value) => (value > 0 ? value : value / 100),
  gelutanh: (value) => value * sigmoid(2 * Math.sqrt(2 / Math.PI) * (value + 0.044715 * value * value * value)),
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
