// @ts-check
/** Maps made larger or smaller between their values, as PyTorch does it. */

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/** Values along a side, and how much of each is taken; the weights sum to 1.
 * @typedef {{ at: number, weight: number }[]} Neighbors */

/**
 * The values below that one along a side lies between.
 * @param {number} index
 * @param {number} size of the side
 * @param {number} below size of the side below
 * @param {{ mode: "nearest" | "bilinear", corners: boolean }} settings
 * @returns {Neighbors} one or two
 */
export function neighborsOf(index, size, below, { mode, corners }) {
  if (mode === "nearest") {
    const at = Math.floor(Math.fround(index * Math.fround(below / size))); // in single precision, as there
    return [{ at: Math.min(at, below - 1), weight: 1 }];
  }
  const apart = corners ? (size > 1 ? (below - 1) / (size - 1) : 0) : below / size;
  const place = corners ? index * apart : Math.max(0, (index + 0.5) * apart - 0.5);
  const first = Math.min(Math.floor(place), below - 1);
  if (first === below - 1 || place === first) return [{ at: first, weight: 1 }];
  return [
    { at: first, weight: 1 - (place - first) },
    { at: first + 1, weight: place - first },
  ];
}

/** @param {Layer} layer @param {Shape} below @returns {import("./engine.js").Compute} */
export function resized({ maps, rows, columns, settings }, below) {
  const along = (/** @type {number} */ size, /** @type {number} */ from) =>
    Array.from({ length: size }, (_, index) => {
      const [first, second = { ...first, weight: 0 }] = neighborsOf(index, size, from, settings);
      return { first: first.at, second: second.at, weight: second.weight };
    });
  const [down, across] = [along(rows, below.rows), along(columns, below.columns)];
  return ([values], output) => {
    let to = 0;
    for (let map = 0; map < maps; map++) {
      const start = map * below.rows * below.columns;
      for (const row of down) {
        const upper = start + row.first * below.columns;
        const lower = start + row.second * below.columns;
        for (const { first, second, weight } of across) {
          const above = values[upper + first] * (1 - weight) + values[upper + second] * weight;
          const under = values[lower + first] * (1 - weight) + values[lower + second] * weight;
          output[to++] = above * (1 - row.weight) + under * row.weight;
        }
      }
    }
  };
}
