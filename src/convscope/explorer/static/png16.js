// @ts-check
/** The pixels of a PNG with 16 bits a channel, all of them: a canvas keeps the upper 8. */

/**
 * Red, green, blue and opacity, row by row, and the greatest value that the file says to use.
 * @typedef {{ data: Uint16Array, rows: number, columns: number, most: number }} Wide
 */

const LARGEST_WIDE = 24_000_000;
// by the color type of the header
const COLOR_TYPES = /** @type {Record<number, number>} */ ({ 0: 1, 2: 3, 4: 2, 6: 4 });

/** Whether the header of a file says that it is a PNG with 16 bits a channel. @param {Uint8Array} bytes */
export function isWidePng(bytes) {
  return (
    bytes.length >= 33 && [0x89, 0x50, 0x4e, 0x47].every((byte, index) => bytes[index] === byte) && bytes[24] === 16
  );
}

/**
 * @param {Uint8Array} bytes of a file that `isWidePng`
 * @returns {Promise<Wide | null>} null where it is turned, comes in passes or is too large, which is left to a canvas
 */
export async function widePng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[28] !== 0) return null;
  const [columns, rows, channels] = [view.getUint32(16), view.getUint32(20), COLOR_TYPES[bytes[25]]];
  if (!channels || columns * rows > LARGEST_WIDE || columns * rows === 0) return null;
  /** @type {BlobPart[]} */
  const packed = [];
  /** @type {number[] | null} */
  let clear = null; // the color that is transparent
  let most = 65535;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.slice(at + 8, at + 8 + length);
    if (kind === "eXIf") return null;
    if (kind === "IDAT") packed.push(body);
    if (kind === "sBIT" && most === 65535) most = used(body);
    if (kind === "tRNS")
      clear = Array.from({ length: length >> 1 }, (_, index) => (body[2 * index] << 8) | body[2 * index + 1]);
    at += 12 + length;
  }
  const width = 2 * channels * columns;
  const lines = await inflated(new Blob(packed), rows * (width + 1));
  if (!lines) return null;
  unfilter(lines, rows, width, 2 * channels);
  return { data: colors(lines, rows, columns, channels, clear), rows, columns, most };
}

/** The greatest value of the bits in use. @param {Uint8Array} body of the chunk sBIT */
function used(body) {
  const bits = Math.max(...body);
  return bits > 8 && bits < 16 ? 2 ** bits - 1 : 65535;
}

/**
 * Unpack as many bytes as are needed, and no more.
 * @param {Blob} packed
 * @param {number} length
 * @returns {Promise<Uint8Array | null>}
 */
async function inflated(packed, length) {
  const result = new Uint8Array(length);
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let filled = 0;
  while (filled < length) {
    const { value, done } = await reader.read();
    if (done) return null;
    const part = value.subarray(0, length - filled);
    result.set(part, filled);
    filled += part.length;
  }
  reader.cancel().catch(() => {}); // what follows is not needed, and may be damaged
  return result;
}

/**
 * Undo the filter of each line, in place.
 * @param {Uint8Array} lines
 * @param {number} rows
 * @param {number} width
 * @param {number} apart bytes of a pixel
 */
function unfilter(lines, rows, width, apart) {
  for (let row = 0; row < rows; row++) {
    const start = row * (width + 1) + 1;
    const filter = lines[start - 1];
    for (let index = 0; index < width; index++) {
      const at = start + index;
      const left = index >= apart ? lines[at - apart] : 0;
      const above = row > 0 ? lines[at - width - 1] : 0;
      const corner = row > 0 && index >= apart ? lines[at - width - 1 - apart] : 0;
      lines[at] += [0, left, above, (left + above) >> 1, filter === 4 ? nearest(left, above, corner) : 0][filter] ?? 0;
    }
  }
}

/** Paeth's predictor. @param {number} left @param {number} above @param {number} corner */
function nearest(left, above, corner) {
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/**
 * @param {Uint8Array} lines
 * @param {number} rows
 * @param {number} columns
 * @param {number} channels
 * @param {number[] | null} clear
 * @returns {Uint16Array}
 */
function colors(lines, rows, columns, channels, clear) {
  const result = new Uint16Array(4 * rows * columns);
  for (let index = 0; index < rows * columns; index++) {
    const at = 2 * channels * index + Math.floor(index / columns) + 1;
    const values = Array.from(
      { length: channels },
      (_, channel) => (lines[at + 2 * channel] << 8) | lines[at + 2 * channel + 1],
    );
    const color = channels < 3 ? [values[0], values[0], values[0]] : values.slice(0, 3);
    const matches = clear !== null && clear.every((value, channel) => value === values[channel]);
    result.set([...color, channels % 2 ? (matches ? 0 : 65535) : values[channels - 1]], 4 * index);
  }
  return result;
}
