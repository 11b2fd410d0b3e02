// @ts-check
/** Values of a file as gray levels, by the ranges of the dataset that the network was trained on. */

/** @typedef {import("./preprocessing.js").Raster} Raster */

/** @typedef {{ low: number, high: number }} Range */
/**
 * Which values of 8 bits and of more are black and white, null by their type; or each image by itself.
 * @typedef {{ byte: Range | null, integer: Range | null, each: boolean }} Ranges
 */

/**
 * @param {{ data: Uint8Array | Uint8ClampedArray | Uint16Array, rows: number, columns: number, most?: number }} raster
 *   RGBA
 * @param {Ranges} ranges
 * @returns {Raster} RGBA
 */
export function inLevels(raster, ranges) {
  const { data, rows, columns } = raster;
  const top = data instanceof Uint16Array ? 65535 : 255;
  const range = (top === 255 ? ranges.byte : ranges.integer) ?? { low: 0, high: raster.most ?? top };
  const { low, high } = ranges.each ? ends(data) : range;
  if (top === 255 && low === 0 && high === 255)
    return { data: /** @type {Uint8Array} */ (data), rows, columns, channels: 4 };
  const table = Uint8Array.from({ length: top + 1 }, (_, value) => level(value, low, high));
  const result = new Uint8Array(data.length);
  for (let index = 0; index < data.length; index++) {
    result[index] = index % 4 === 3 ? level(data[index], 0, top) : table[data[index]];
  }
  return { data: result, rows, columns, channels: 4 };
}

/**
 * The least and the greatest value of the colors.
 * @param {Uint8Array | Uint8ClampedArray | Uint16Array} data
 * @returns {Range}
 */
function ends(data) {
  let [low, high] = [Infinity, -Infinity];
  for (let index = 0; index < data.length; index++) {
    if (index % 4 === 3) continue;
    low = Math.min(low, data[index]);
    high = Math.max(high, data[index]);
  }
  return { low, high };
}

/** As Python rounds. @param {number} value @param {number} low @param {number} high */
function level(value, low, high) {
  const half = high / 2 - low / 2;
  if (half <= 0) return 0;
  const exact = ((Math.min(high, Math.max(low, value)) / 2 - low / 2) / half) * 255;
  const below = Math.floor(exact);
  return exact - below === 0.5 ? below + (below % 2) : Math.round(exact);
}
