// @ts-check
/** Transposed convolution: every value below paints its weights onto a larger map. */

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Shape} Shape */

/**
 * The positions below whose window covers a place along a side, and which of their weights lies there.
 * @param {Layer} layer
 * @param {0 | 1} side
 * @param {number} place
 * @param {number} below size of the side below
 * @returns {{ at: number, cell: number }[]}
 */
export function coveringOf(layer, side, place, below) {
  const [kernel, stride, dilation] = [layer.window[side], layer.stride[side], layer.dilation[side]];
  const found = [];
  for (let cell = kernel - 1; cell >= 0; cell--) {
    const from = place + layer.before[side] - cell * dilation;
    if (from % stride === 0 && from >= 0 && from / stride < below) found.push({ at: from / stride, cell });
  }
  return found;
}

/** @param {Layer} layer @param {Shape} below @returns {import("./engine.js").Compute} */
export function paintedMaps(layer, below) {
  const { maps, rows, columns, groups, window, weights, bias } = layer;
  const units = maps / groups;
  const seen = below.maps / groups;
  const cells = window[0] * window[1];
  const down = Array.from({ length: rows }, (_, row) => coveringOf(layer, 0, row, below.rows));
  const across = Array.from({ length: columns }, (_, column) => coveringOf(layer, 1, column, below.columns));
  return ([values], output) => {
    const line = new Float64Array(columns);
    for (let unit = 0; unit < maps; unit++) {
      const first = Math.floor(unit / units) * seen;
      for (let row = 0; row < rows; row++) {
        line.fill(bias[unit]);
        for (let map = first; map < first + seen; map++) {
          const start = (map * units + (unit % units)) * cells;
          for (const upper of down[row]) {
            const from = (map * below.rows + upper.at) * below.columns;
            const cell = start + upper.cell * window[1];
            for (let column = 0; column < columns; column++) {
              for (const left of across[column]) line[column] += weights[cell + left.cell] * values[from + left.at];
            }
          }
        }
        output.set(line, (unit * rows + row) * columns);
      }
    }
  };
}
