// @ts-check
/** Smoothing by a Gaussian. */

/**
 * Smooth values that stand row by row, the channels of a position side by side; beyond the edge, the last value goes
 * on.
 * @param {Float64Array} values
 * @param {number} rows
 * @param {number} columns
 * @param {number} channels
 * @param {number} std in positions
 * @returns {Float64Array}
 */
export function blurred(values, rows, columns, channels, std) {
  const wide = columns * channels;
  const downward = alongLines(values, rows, wide, wide, 1, std, 1);
  return alongLines(downward, columns, channels, channels, rows, std, wide);
}

/**
 * Blur lines of `length` values that lie `apart`; `side` lines lie next to each other, in `groups` groups `between`
 * apart.
 * @param {Float64Array} values
 * @param {number} length
 * @param {number} apart
 * @param {number} side
 * @param {number} groups
 * @param {number} std
 * @param {number} between
 * @returns {Float64Array}
 */
function alongLines(values, length, apart, side, groups, std, between) {
  const reach = Math.ceil(3 * std);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, index) => Math.exp(-0.5 * ((index - reach) / std) ** 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const result = new Float64Array(values.length);
  for (let group = 0; group < groups; group++) {
    for (let line = 0; line < side; line++) {
      const start = group * between + line;
      for (let index = 0; index < length; index++) {
        let sum = 0;
        for (let layer = -reach; layer <= reach; layer++) {
          const near = Math.min(Math.max(index + layer, 0), length - 1);
          sum += weights[layer + reach] * values[start + near * apart];
        }
        result[start + index * apart] = sum / total;
      }
    }
  }
  return result;
}
