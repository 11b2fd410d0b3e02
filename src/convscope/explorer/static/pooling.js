// @ts-check
/** One value for each window of a map. Each kind says its value and which positions of the map it was made from. */

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/**
 * What a value is made from: the rows and columns of the map, in order, and a weight for each (how much of that value
 * is in the result). Places may repeat at the edge, where a blur goes on with the last value.
 * @typedef {object} View
 * @property {number[]} rows
 * @property {number[]} columns
 */

/**
 * Binomial weights of sum 1.
 * @param {number} length
 * @returns {number[]}
 */
export function binomial(length) {
  const weights = new Array(length).fill(0);
  weights[0] = 1;
  for (let last = 1; last < length; last++) {
    for (let index = last; index >= 0; index--)
      weights[index] = (weights[index] + (index ? weights[index - 1] : 0)) / 2;
  }
  return weights;
}

/**
 * @param {number} start
 * @param {number} count
 * @param {number} side
 * @returns {number[]}
 */
function span(start, count, side) {
  return Array.from({ length: count }, (_, index) => Math.min(Math.max(start + index, 0), side - 1));
}

/**
 * Positions of a window that lie on the map; padding has no values.
 * @param {Layer} layer
 * @param {0 | 1} side
 * @param {number} place
 * @param {number} size of the side
 * @returns {number[]}
 */
function onMap(layer, side, place, size) {
  const start = place * layer.stride[side] - layer.before[side];
  const all = Array.from({ length: layer.window[side] }, (_, index) => start + index * layer.dilation[side]);
  return all.filter((at) => at >= 0 && at < size);
}

/**
 * The positions of the map below that one value is made from.
 * @param {Layer} layer
 * @param {Shape} below
 * @param {number} row
 * @param {number} column
 * @returns {View}
 */
export function windowOf(layer, below, row, column) {
  const blurred = layer.code === "BP" && !layer.whole;
  if (!blurred) return { rows: onMap(layer, 0, row, below.rows), columns: onMap(layer, 1, column, below.columns) };
  const [tall, wide] = layer.window;
  const top = row * layer.stride[0];
  const left = column * layer.stride[1];
  return {
    rows: span(top - tall + 1, 2 * tall - 1, below.rows),
    columns: span(left - wide + 1, 2 * wide - 1, below.columns),
  };
}

/**
 * What the sum of a window is divided by for its mean: its values, with those of the padding where these count. What
 * lies beyond the padding, in a last window that reaches beyond, never counts.
 * @param {Layer} layer
 * @param {Shape} below
 * @param {number} row
 * @param {number} column
 * @returns {number}
 */
export function countedValues(layer, below, row, column) {
  const along = (/** @type {0 | 1} */ side, /** @type {number} */ place, /** @type {number} */ size) => {
    const start = place * layer.stride[side] - layer.before[side];
    const [first, end] = layer.settings.count_padding ? [-layer.before[side], size + layer.after[side]] : [0, size];
    return Math.min(start + layer.window[side], end) - Math.max(start, first);
  };
  return along(0, row, below.rows) * along(1, column, below.columns);
}

/**
 * How much each value of a view counts in the result; for a maximum, 1 for the winner (the first of equals).
 * @param {Layer} layer
 * @param {number[]} values row by row
 * @param {number} tall
 * @param {number} wide
 * @param {number} [count] what the sum is divided by for the mean
 * @returns {number[]}
 */
export function windowWeights(layer, values, tall, wide, count = values.length) {
  if (layer.code === "AP") return values.map(() => 1 / count);
  if (layer.code === "SS") return values.map((_, index) => (index === 0 ? 1 : 0));
  if (layer.code === "BP") {
    const [down, across] = [binomial(tall), binomial(wide)];
    return values.map((_, index) => down[Math.floor(index / wide)] * across[index % wide]);
  }
  if (layer.code === "ST") {
    const total = values.reduce((sum, value) => sum + Math.max(value, 0), 0);
    return values.map((value) => (total > 0 ? Math.max(value, 0) / total : 1 / count));
  }
  if (layer.code === "LP") {
    const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / count);
    // Σ share × value is the root of the mean square
    return values.map((value) => (size > 0 ? value / (count * size) : 0));
  }
  const winner = values.indexOf(Math.max(...values));
  return values.map((_, index) => (index === winner ? 1 : 0));
}

/** Pools maps C H W. @type {import("./operations.js").Operation} */
export function pooledMaps(layer, [below]) {
  const compute = layer.code === "BP" ? blurredSubset : reachesBeyond(layer, below) ? poolPadded : pool;
  return ([maps], result) => compute(layer, maps, below, result);
}

/**
 * Whether a window may have values beyond the map, or between those of the window.
 * @param {Layer} layer
 * @param {Shape} below
 */
function reachesBeyond({ window, stride, before, after, dilation, rows, columns }, below) {
  const last = [(rows - 1) * stride[0] + window[0], (columns - 1) * stride[1] + window[1]];
  const zeros = [...before, ...after].some((count) => count > 0);
  return zeros || dilation.some((apart) => apart > 1) || last[0] > below.rows || last[1] > below.columns;
}

/** @param {Layer} layer @param {Float32Array} maps @param {Shape} below @param {Float32Array} result */
function pool(layer, maps, below, result) {
  const take = TAKES[layer.code];
  const [tall, wide] = layer.window;
  let index = 0;
  for (let map = 0; map < layer.maps; map++) {
    for (let row = 0; row < layer.rows; row++) {
      const start = (map * below.rows + row * layer.stride[0]) * below.columns;
      for (let column = 0; column < layer.columns; column++) {
        result[index++] = take(maps, start + column * layer.stride[1], below.columns, tall, wide);
      }
    }
  }
}

/**
 * The largest or the mean of windows that reach beyond the map.
 * @param {Layer} layer
 * @param {Float32Array} maps
 * @param {Shape} below
 * @param {Float32Array} result
 */
function poolPadded(layer, maps, below, result) {
  const { rows: tall, columns: wide, code } = layer;
  const down = Array.from({ length: tall }, (_, row) => onMap(layer, 0, row, below.rows));
  const across = Array.from({ length: wide }, (_, column) => onMap(layer, 1, column, below.columns));
  const counts =
    code === "MP" ? [] : down.map((_, row) => across.map((_, column) => countedValues(layer, below, row, column)));
  let index = 0;
  for (let map = 0; map < layer.maps; map++) {
    const start = map * below.rows * below.columns;
    for (let row = 0; row < tall; row++) {
      for (let column = 0; column < wide; column++) {
        let [largest, sum] = [-Infinity, 0];
        for (const y of down[row]) {
          for (const x of across[column]) {
            const value = maps[start + y * below.columns + x];
            if (value > largest) largest = value;
            sum += value;
          }
        }
        result[index++] = code === "MP" ? largest : sum / counts[row][column];
      }
    }
  }
}

/** Whether this page can compute such a pooling. @param {string} code */
export function canPool(code) {
  return code in TAKES || code === "BP";
}

/**
 * Each takes one value from the window of tall × wide values that begins at `start`; rows are `next` apart.
 * @type {Record<string, (maps: Float32Array, start: number, next: number, tall: number, wide: number) => number>}
 */
const TAKES = {
  MP(maps, start, next, tall, wide) {
    let largest = maps[start];
    for (let row = 0; row < tall; row++) {
      for (let at = start + row * next, end = at + wide; at < end; at++) if (maps[at] > largest) largest = maps[at];
    }
    return largest;
  },
  AP(maps, start, next, tall, wide) {
    let sum = 0;
    for (let row = 0; row < tall; row++) {
      for (let at = start + row * next, end = at + wide; at < end; at++) sum += maps[at];
    }
    return sum / (tall * wide);
  },
  SS: (maps, start) => maps[start],
  LP(maps, start, next, tall, wide) {
    let sum = 0;
    for (let row = 0; row < tall; row++) {
      for (let at = start + row * next, end = at + wide; at < end; at++) sum += maps[at] * maps[at];
    }
    return Math.sqrt(sum / (tall * wide));
  },
  ST(maps, start, next, tall, wide) {
    let sum = 0;
    let positive = 0;
    let squares = 0;
    for (let row = 0; row < tall; row++) {
      for (let at = start + row * next, end = at + wide; at < end; at++) {
        const value = maps[at];
        sum += value;
        if (value > 0) {
          positive += value;
          squares += value * value;
        }
      }
    }
    return positive > 0 ? squares / positive : sum / (tall * wide);
  },
};

/**
 * Blur with binomial weights, first along the rows, then along the columns, at the output positions only.
 * @param {Layer} layer
 * @param {Float32Array} maps
 * @param {Shape} below
 * @param {Float32Array} result
 */
function blurredSubset(layer, maps, below, result) {
  const sides = layer.whole ? layer.window : [2 * layer.window[0] - 1, 2 * layer.window[1] - 1];
  const [down, across] = [binomial(sides[0]), binomial(sides[1])];
  const views = { rows: /** @type {number[][]} */ ([]), columns: /** @type {number[][]} */ ([]) };
  for (let row = 0; row < layer.rows; row++) views.rows.push(windowOf(layer, below, row, 0).rows);
  for (let column = 0; column < layer.columns; column++) views.columns.push(windowOf(layer, below, 0, column).columns);
  const line = new Float64Array(below.columns);
  let out = 0;
  for (let map = 0; map < layer.maps; map++) {
    for (const rows of views.rows) {
      line.fill(0);
      rows.forEach((row, index) => {
        const start = (map * below.rows + row) * below.columns;
        for (let column = 0; column < below.columns; column++) line[column] += down[index] * maps[start + column];
      });
      for (const columns of views.columns) {
        let sum = 0;
        for (let index = 0; index < columns.length; index++) sum += across[index] * line[columns[index]];
        result[out++] = sum;
      }
    }
  }
}
