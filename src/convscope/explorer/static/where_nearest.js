// @ts-check
/** The rows of a table that are nearest to a row of features. */

/**
 * @param {Float32Array} features
 * @param {Float32Array} rows one after another, each as long as the features
 * @param {number} count
 * @returns {{ index: number, distance: number }[]} the nearest first
 */
export function nearestOf(features, rows, count) {
  const wide = features.length;
  const found = Array.from({ length: rows.length / wide }, (_, index) => {
    let sum = 0;
    for (let at = 0, from = index * wide; at < wide; at++) sum += (features[at] - rows[from + at]) ** 2;
    return { index, distance: Math.sqrt(sum) };
  });
  return found.sort((one, other) => one.distance - other.distance).slice(0, count);
}
