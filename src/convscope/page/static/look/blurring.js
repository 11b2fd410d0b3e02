// @ts-check
/** Smoothing by a Gaussian. */

/**
 * Smooth values that stand row by row, the channels of a place side by side; beyond the edge, the last value goes on.
 * @param {Float64Array} values
 * @param {number} rows
 * @param {number} columns
 * @param {number} channels
 * @param {number} deviation in places
 * @returns {Float64Array}
 */
export function blurred(values, rows, columns, channels, deviation) {
  const wide = columns * channels;
  const downward = alongLines(values, rows, wide, wide, 1, deviation, 1);
  return alongLines(downward, columns, channels, channels, rows, deviation, wide);
}

/**
 * Blur lines of `length` values that lie `apart`; `side` lines lie next to each other, in `groups` groups `between`
 * apart.
 * @param {Float64Array} values
 * @param {number} length
 * @param {number} apart
 * @param {number} side
 * @param {number} groups
 * @param {number} deviation
 * @param {number} between
 * @returns {Float64Array}
 */
function alongLines(values, length, apart, side, groups, deviation, between) {
  const reach = Math.ceil(3 * deviation);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, place) =>
    Math.exp(-0.5 * ((place - reach) / deviation) ** 2),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const result = new Float64Array(values.length);
  for (let group = 0; group < groups; group++) {
    for (let line = 0; line < side; line++) {
      const start = group * between + line;
      for (let place = 0; place < length; place++) {
        let sum = 0;
        for (let layer = -reach; layer <= reach; layer++) {
          const near = Math.min(Math.max(place + layer, 0), length - 1);
          sum += weights[layer + reach] * values[start + near * apart];
        }
        result[start + place * apart] = sum / total;
      }
    }
  }
  return result;
}
