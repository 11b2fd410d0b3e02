// The network itself: maps from a picture, and where each of their numbers comes from. No document is needed here:
// the same functions run in the page, in its worker and in tests.

/**
 * @typedef {{maps: number, rows: number, columns: number, values: Float32Array}} Maps  map after map, row after row
 * @typedef {{kind: "sums", units: number, below: number, patch: number, regions: number[], stride: number,
 *   before: number, after: number, residual: boolean, nonlinearity: string, weights: Float32Array,
 *   biases: Float32Array}} Sums
 * @typedef {{kind: "subsampling", code: string, window: number | null, stride: number}} Subsampling
 * @typedef {{kind: "connections", units: number, nonlinearity: string, weights: Float32Array,
 *   biases: Float32Array}} Connections
 * @typedef {Sums | Subsampling | Connections} Step
 * @typedef {{height: number, width: number, channels: number, mean: number[], std: number[], steps: Step[]}} Network
 */

/** @type {Record<string, (value: number) => number>} */
export const NONLINEARITIES = {
  relu: (value) => (value > 0 ? value : 0),
  tanh: Math.tanh,
  sigmoid: (value) => 1 / (1 + Math.exp(-value)),
  elu: (value) => (value > 0 ? value : Math.expm1(value)),
  gelu: (value) => 0.5 * value * erfc(-value / Math.SQRT2),
  abs: Math.abs,
  linear: (value) => value,
};

/** The complementary error function to 1.2e-7 of its value (Numerical Recipes, 3rd edition, section 6.2.2). */
function erfc(/** @type {number} */ x) {
  const z = Math.abs(x), t = 2 / (2 + z), y = 4 * t - 2;
  const terms = [
    -1.3026537197817094, 6.4196979235649026e-1, 1.9476473204185836e-2, -9.561514786808631e-3, -9.46595344482036e-4,
    3.66839497852761e-4, 4.2523324806907e-5, -2.0278578112534e-5, -1.624290004647e-6, 1.30365583558e-6,
    1.5626441722e-8, -8.5238095915e-8, 6.529054439e-9, 5.059343495e-9, -9.91364156e-10, -2.27365122e-10,
  ];
  let d = 0, dd = 0;
  for (let place = terms.length - 1; place > 0; place--) [d, dd] = [y * d - dd + terms[place], d];
  const result = t * Math.exp(-z * z + 0.5 * (terms[0] + y * d) - dd);
  return x >= 0 ? result : 2 - result;
}

/**
 * Return the standardized picture and the maps of every step, in order.
 * @param {Network} network
 * @param {Uint8Array} pixels row after row, channels together
 */
export function forward(network, pixels) {
  const all = [standardized(network, pixels)];
  for (const step of network.steps) all.push(stepped(step, all[all.length - 1]));
  return all;
}

/** @param {Step} step @param {Maps} below @returns {Maps} */
export function stepped(step, below) {
  if (step.kind === "sums") return sums(step, below);
  return step.kind === "subsampling" ? subsampled(step, below) : connected(step, below);
}

/** @param {Network} network @param {Uint8Array} pixels @returns {Maps} */
export function standardized(network, pixels) {
  const { height, width, channels, mean, std } = network, area = height * width;
  const values = new Float32Array(channels * area);
  for (let channel = 0; channel < channels; channel++)
    for (let place = 0; place < area; place++)
      values[channel * area + place] = (pixels[place * channels + channel] / 255 - mean[channel]) / std[channel];
  return { maps: channels, rows: height, columns: width, values };
}

/** @param {Float32Array} scores @returns {number[]} the probabilities of the classes */
export function softmax(scores) {
  const most = Math.max(...scores), powers = Array.from(scores, (score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Weighted sums of patches at every place. @param {Sums} step @param {Maps} below @returns {Maps} */
function sums(step, below) {
  const { patch, stride, before, after, units } = step;
  const rows = Math.floor((below.rows + before + after - patch) / stride) + 1;
  const columns = Math.floor((below.columns + before + after - patch) / stride) + 1;
  const values = new Float32Array(units * rows * columns);
  const wide = below.columns + before + after, area = wide * (below.rows + before + after);
  const padded = withZeros(below, before, wide, area);
  if (step.regions[0] === 1 && step.regions[1] === 1) copied(step, padded, wide, area, rows, columns, values);
  else untied(step, padded, wide, area, rows, columns, values);
  const apply = NONLINEARITIES[step.nonlinearity];
  for (let place = 0; place < values.length; place++)
    values[place] = apply(step.residual ? values[place] + below.values[place] : values[place]);
  return { maps: units, rows, columns, values };
}

/** Return the maps with zeros around, in double precision. */
function withZeros(/** @type {Maps} */ below, /** @type {number} */ before, /** @type {number} */ wide, /** @type {number} */ area) {
  const padded = new Float64Array(below.maps * area);
  for (let map = 0; map < below.maps; map++)
    for (let row = 0; row < below.rows; row++) {
      const from = (map * below.rows + row) * below.columns;
      padded.set(below.values.subarray(from, from + below.columns), map * area + (row + before) * wide + before);
    }
  return padded;
}

/** @type {WeakMap<Sums, Float64Array>} */
const ARRANGED = new WeakMap();

/** Return the weights of four units beside each other, for each value of the patch: read in the order of use. */
function arranged(/** @type {Sums} */ step) {
  let result = ARRANGED.get(step);
  if (!result) {
    const inputs = step.below * step.patch * step.patch, groups = Math.ceil(step.units / 4);
    result = new Float64Array(groups * 4 * inputs);
    for (let unit = 0; unit < step.units; unit++)
      for (let input = 0; input < inputs; input++)
        result[((unit >> 2) * inputs + input) * 4 + (unit & 3)] = step.weights[unit * inputs + input];
    ARRANGED.set(step, result);
  }
  return result;
}

/** Four units at once, so that each input is read once for the four. */
function copied(/** @type {Sums} */ step, /** @type {Float64Array} */ padded, /** @type {number} */ wide,
  /** @type {number} */ area, /** @type {number} */ rows, /** @type {number} */ columns, /** @type {Float32Array} */ values) {
  const { patch, stride, units, below, biases } = step, weights = arranged(step), places = rows * columns;
  for (let unit = 0; unit < units; unit += 4) {
    const first = unit * below * patch * patch;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        let a = 0, b = 0, c = 0, d = 0, w = first;
        for (let map = 0; map < below; map++) {
          let from = map * area + row * stride * wide + column * stride;
          for (let down = 0; down < patch; down++, from += wide)
            for (let x = from; x < from + patch; x++, w += 4) {
              const value = padded[x];
              a += value * weights[w];
              b += value * weights[w + 1];
              c += value * weights[w + 2];
              d += value * weights[w + 3];
            }
        }
        const place = unit * places + row * columns + column;
        values[place] = a + biases[unit];
        if (unit + 1 < units) values[place + places] = b + biases[unit + 1];
        if (unit + 2 < units) values[place + 2 * places] = c + biases[unit + 2];
        if (unit + 3 < units) values[place + 3 * places] = d + biases[unit + 3];
      }
  }
}

/** Units with weights of their own in each region. */
function untied(/** @type {Sums} */ step, /** @type {Float64Array} */ padded, /** @type {number} */ wide,
  /** @type {number} */ area, /** @type {number} */ rows, /** @type {number} */ columns, /** @type {Float32Array} */ values) {
  const { patch, stride, units, below, weights, biases } = step;
  for (let unit = 0, place = 0; unit < units; unit++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++, place++) {
        let sum = biases[unit], w = weightsAt(step, unit, row, column, rows, columns);
        for (let map = 0; map < below; map++)
          for (let down = 0; down < patch; down++) {
            const from = map * area + (row * stride + down) * wide + column * stride;
            for (let x = from; x < from + patch; x++, w++) sum += padded[x] * weights[w];
          }
        values[place] = sum;
      }
}

/** Return where the weights of a unit begin, for one place. */
function weightsAt(/** @type {Sums} */ step, /** @type {number} */ unit, /** @type {number} */ row,
  /** @type {number} */ column, /** @type {number} */ rows, /** @type {number} */ columns) {
  const [down, across] = step.regions;
  const region = Math.floor((row * down) / rows) * across + Math.floor((column * across) / columns);
  return (region * step.units + unit) * step.below * step.patch * step.patch;
}

/** @param {Connections} step @param {Maps} below @returns {Maps} */
function connected(step, below) {
  const values = new Float32Array(step.units), inputs = below.values, apply = NONLINEARITIES[step.nonlinearity];
  for (let unit = 0, w = 0; unit < step.units; unit++) {
    let sum = step.biases[unit];
    for (let input = 0; input < inputs.length; input++, w++) sum += inputs[input] * step.weights[w];
    values[unit] = apply(sum);
  }
  return { maps: step.units, rows: 1, columns: 1, values };
}

/** @param {Subsampling} step @param {Maps} below @returns {Maps} */
function subsampled(step, below) {
  const [rows, columns] = [below.rows, below.columns].map((side) => places(step, side));
  const values = new Float32Array(below.maps * rows * columns);
  if (["MP", "AP", "SS"].includes(step.code)) return { maps: below.maps, rows, columns, values: windows(step, below, rows, columns, values) };
  for (let map = 0, place = 0; map < below.maps; map++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++, place++) values[place] = taken(step, below, map, row, column).value;
  return { maps: below.maps, rows, columns, values };
}

/** What is most often asked for, without a list for each window: the largest value, the mean, or the first. */
function windows(/** @type {Subsampling} */ step, /** @type {Maps} */ below, /** @type {number} */ rows,
  /** @type {number} */ columns, /** @type {Float32Array} */ values) {
  const tall = step.code === "SS" ? 1 : step.window ?? below.rows, wide = step.code === "SS" ? 1 : step.window ?? below.columns;
  const most = step.code === "MP", part = most ? 1 : 1 / (tall * wide), input = below.values;
  for (let map = 0, place = 0; map < below.maps; map++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++, place++) {
        const first = (map * below.rows + row * step.stride) * below.columns + column * step.stride;
        let result = most ? -Infinity : 0;
        for (let down = 0; down < tall; down++)
          for (let x = first + down * below.columns, end = x + wide; x < end; x++)
            if (!most) result += input[x];
            else if (input[x] > result) result = input[x];
        values[place] = result * part;
      }
  return values;
}

/** Return how many windows there are along a side. */
function places(/** @type {Subsampling} */ step, /** @type {number} */ side) {
  return step.window === null ? 1 : Math.floor((side - step.window) / step.stride) + 1;
}

/** Return the part of a side that one value sees, start and length (it may begin before the map), with weights of a blur. */
function span(/** @type {Subsampling} */ step, /** @type {number} */ side, /** @type {number} */ place) {
  if (step.window === null) return { start: 0, length: side, weights: binomial(side) };
  if (step.code !== "BP") return { start: place * step.stride, length: step.window, weights: [] };
  const length = 2 * step.window - 1;
  return { start: place * step.stride - step.window + 1, length, weights: binomial(length) };
}

/** Return binomial weights of sum 1. */
function binomial(/** @type {number} */ length) {
  const ways = [1];
  for (let place = 1; place < length; place++) ways.push((ways[place - 1] * (length - place)) / place);
  return ways.map((way) => way / 2 ** (length - 1));
}

/**
 * Return what a window is made into: its values, the part that each takes in the result, and the result.
 * @param {Subsampling} step @param {Maps} below @param {number} map @param {number} row @param {number} column
 */
export function taken(step, below, map, row, column) {
  const down = span(step, below.rows, row), across = span(step, below.columns, column);
  const base = map * below.rows * below.columns, values = [], inside = [];
  for (let y = down.start; y < down.start + down.length; y++)
    for (let x = across.start; x < across.start + across.length; x++) {
      const [yy, xx] = [Math.min(Math.max(y, 0), below.rows - 1), Math.min(Math.max(x, 0), below.columns - 1)];
      values.push(below.values[base + yy * below.columns + xx]);
      inside.push(yy === y && xx === x);
    }
  const { parts, value } = combined(step.code, values, down.weights, across.weights);
  return { values, inside, parts, value: Math.fround(value), top: down.start, left: across.start, rows: down.length, columns: across.length };
}

/** Return the part of each value in the result, and the result; of a root mean square the parts are of the squares. */
function combined(/** @type {string} */ code, /** @type {number[]} */ values, /** @type {number[]} */ down, /** @type {number[]} */ across) {
  const count = values.length, even = values.map(() => 1 / count);
  const sum = (/** @type {number[]} */ parts) => values.reduce((total, value, place) => total + value * parts[place], 0);
  if (code === "MP") {
    const winner = values.indexOf(Math.max(...values));
    return { parts: values.map((_, place) => (place === winner ? 1 : 0)), value: values[winner] };
  }
  if (code === "SS") return { parts: values.map((_, place) => (place === 0 ? 1 : 0)), value: values[0] };
  if (code === "LP") return { parts: even, value: Math.sqrt(values.reduce((total, value) => total + value * value, 0) / count) };
  if (code === "BP") {
    const parts = values.map((_, place) => down[Math.floor(place / across.length)] * across[place % across.length]);
    return { parts, value: sum(parts) };
  }
  if (code === "ST") {
    const total = values.reduce((all, value) => all + Math.max(value, 0), 0);
    const parts = total > 0 ? values.map((value) => Math.max(value, 0) / total) : even;
    return { parts, value: sum(parts) };
  }
  return { parts: even, value: sum(even) };
}

/**
 * Return what one value of a convolution is made of: for each map below the patch, the weights and the sum of their
 * products; then bias, what is added, the sum of all, and the value after the nonlinearity.
 * @param {Sums} step @param {Maps} below @param {number} unit @param {number} row @param {number} column
 * @param {Maps} above the maps that the step has given
 */
export function summed(step, below, unit, row, column, above) {
  const { patch, stride, before } = step, area = patch * patch;
  const start = weightsAt(step, unit, row, column, above.rows, above.columns), channels = [];
  let sum = step.biases[unit];
  for (let map = 0; map < below.maps; map++) {
    const inputs = [], inside = [];
    for (let y = row * stride - before; y < row * stride - before + patch; y++)
      for (let x = column * stride - before; x < column * stride - before + patch; x++) {
        const within = y >= 0 && x >= 0 && y < below.rows && x < below.columns;
        inputs.push(within ? below.values[(map * below.rows + y) * below.columns + x] : 0);
        inside.push(within);
      }
    const weights = Array.from(step.weights.subarray(start + map * area, start + (map + 1) * area));
    const part = inputs.reduce((total, input, place) => total + input * weights[place], 0);
    channels.push({ map, inputs, inside, weights, sum: part });
    sum += part;
  }
  const place = (unit * above.rows + row) * above.columns + column;
  const added = step.residual ? below.values[place] : null;
  const total = added === null ? sum : Math.fround(sum) + added;
  const value = Math.fround(NONLINEARITIES[step.nonlinearity](total));
  return { channels, bias: step.biases[unit], added, total, value, top: row * stride - before, left: column * stride - before };
}

/** Return what a connected unit's value is made of. @param {Connections} step @param {Maps} below @param {number} unit */
export function weighed(step, below, unit) {
  const count = below.values.length, weights = step.weights.subarray(unit * count, (unit + 1) * count);
  const products = Array.from(below.values, (value, place) => value * weights[place]);
  const total = products.reduce((sum, product) => sum + product, 0) + step.biases[unit];
  const value = Math.fround(NONLINEARITIES[step.nonlinearity](total));
  return { inputs: below.values, weights, products, bias: step.biases[unit], total, value };
}

/** Return a network whose weights are read out of the page's data. @param {any} data @returns {Network} */
export function unpacked(data) {
  const text = atob(data.weights), bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  const numbers = new Float32Array(bytes.buffer);
  let used = 0;
  const next = (/** @type {number} */ count) => numbers.subarray(used, (used += count));
  const steps = data.steps.map((/** @type {any} */ step) =>
    step.kind === "subsampling" ? step : { ...step, weights: next(step.weights), biases: next(step.units) });
  return { ...data.picture, mean: data.mean, std: data.std, steps };
}
