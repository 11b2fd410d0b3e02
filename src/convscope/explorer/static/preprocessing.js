// @ts-check
/**
 * An image of any size to the size and channels of the network, in the same steps and with the same rounding as in
 * Python (Pillow): transparency, gray, then an antialiased triangle filter, large ones averaged in blocks first. Some
 * versions of Pillow scale the rows before the columns, which may round to the next number.
 */

/**
 * Pixels row by row, channels side by side.
 * @typedef {{ data: Uint8Array | Uint8ClampedArray, rows: number, columns: number, channels: number }} Raster
 */
/** @typedef {{ height: number, width: number, channels: number, fit: string, background: number[] }} Target */
/** left, top, right, lower @typedef {[number, number, number, number]} Box */

const BITS = 22; // of Pillow's fixed point
const GAP = 3; // blocks are averaged down to this many times the wanted size

/**
 * @param {Raster} raster RGBA
 * @param {Target} target
 * @returns {Uint8Array} height × width × channels
 */
export function fitImage(raster, target) {
  const matched = matchChannels(raster, target);
  const { height, width } = target;
  if (matched.rows === height && matched.columns === width) return Uint8Array.from(matched.data);
  const whole = /** @type {Box} */ ([0, 0, matched.columns, matched.rows]);
  if (target.fit === "stretch") return resize(matched, height, width, whole);
  if (target.fit === "crop") {
    const tall = Math.min(matched.rows, (matched.columns * height) / width);
    const wide = Math.min(matched.columns, (matched.rows * width) / height);
    const left = (matched.columns - wide) / 2;
    const top = (matched.rows - tall) / 2;
    return resize(matched, height, width, [
      left,
      top,
      Math.min(left + wide, matched.columns),
      Math.min(top + tall, matched.rows),
    ]);
  }
  const scale = Math.min(height / matched.rows, width / matched.columns);
  const tall = Math.min(height, Math.max(1, roundToEven(matched.rows * scale)));
  const wide = Math.min(width, Math.max(1, roundToEven(matched.columns * scale)));
  const same = tall === matched.rows && wide === matched.columns;
  const inner = same ? matched.data : resize(matched, tall, wide, whole);
  return inBox(inner, tall, wide, target);
}

/** As Python rounds: halves to the even neighbor. @param {number} value */
function roundToEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * @param {Uint8Array | Uint8ClampedArray} inner
 * @param {number} tall
 * @param {number} wide
 * @param {Target} target
 * @returns {Uint8Array}
 */
function inBox(inner, tall, wide, target) {
  const { height, width, channels, background } = target;
  const result = new Uint8Array(height * width * channels);
  for (let index = 0; index < result.length; index++) result[index] = background[index % channels];
  const top = Math.floor((height - tall) / 2);
  const left = Math.floor((width - wide) / 2);
  for (let row = 0; row < tall; row++) {
    const line = inner.subarray(row * wide * channels, (row + 1) * wide * channels);
    result.set(line, ((top + row) * width + left) * channels);
  }
  return result;
}

/**
 * Put what shines through before the background; make gray if the network wants it.
 * @param {Raster} raster
 * @param {Target} target
 * @returns {Raster}
 */
function matchChannels(raster, target) {
  const { data, rows, columns } = raster;
  const gray = target.channels === 1;
  const result = new Uint8Array(rows * columns * target.channels);
  const behind = gray ? [0, 0, 0].fill(target.background[0]) : target.background;
  for (let index = 0; index < rows * columns; index++) {
    const alpha = data[4 * index + 3];
    const [red, green, blue] = [0, 1, 2].map((channel) => blend(behind[channel], data[4 * index + channel], alpha));
    if (gray)
      result[index] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16; // ITU-R 601-2
    else result.set([red, green, blue], 3 * index);
  }
  return { data: result, rows, columns, channels: target.channels };
}

/** @param {number} below @param {number} above @param {number} alpha */
function blend(below, above, alpha) {
  if (alpha === 255) return above;
  const sum = below * (255 - alpha) + above * alpha + 0x80;
  return ((sum >> 8) + sum) >> 8;
}

/**
 * Scale the box to rows × columns.
 * @param {Raster} raster
 * @param {number} rows
 * @param {number} columns
 * @param {Box} box
 * @returns {Uint8Array}
 */
function resize(raster, rows, columns, box) {
  const across = Math.floor((box[2] - box[0]) / columns / GAP) || 1;
  const down = Math.floor((box[3] - box[1]) / rows / GAP) || 1;
  let from = raster;
  let inside = box;
  if (across > 1 || down > 1) {
    const reach = [(box[2] - box[0]) / columns / 2, (box[3] - box[1]) / rows / 2];
    const safe = /** @type {Box} */ ([
      Math.max(0, Math.trunc(box[0] - reach[0])),
      Math.max(0, Math.trunc(box[1] - reach[1])),
      Math.min(raster.columns, Math.ceil(box[2] + reach[0])),
      Math.min(raster.rows, Math.ceil(box[3] + reach[1])),
    ]);
    from = inBlocksOf(raster, across, down, safe);
    inside = [
      (box[0] - safe[0]) / across,
      (box[1] - safe[1]) / down,
      (box[2] - safe[0]) / across,
      (box[3] - safe[1]) / down,
    ];
  }
  if (columns !== from.columns || inside[0] || inside[2] !== columns)
    from = alongRows(from, columns, inside[0], inside[2]);
  if (rows !== from.rows || inside[1] || inside[3] !== rows) {
    from = turned(alongRows(turned(from), rows, inside[1], inside[3]));
  }
  return Uint8Array.from(from.data);
}

/**
 * Means of blocks; those at the edges may be smaller.
 * @param {Raster} raster
 * @param {number} across
 * @param {number} down
 * @param {Box} box
 * @returns {Raster}
 */
function inBlocksOf(raster, across, down, box) {
  const { data, channels } = raster;
  const columns = Math.ceil((box[2] - box[0]) / across);
  const rows = Math.ceil((box[3] - box[1]) / down);
  const result = new Uint8Array(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    const top = box[1] + row * down;
    const tall = Math.min(down, box[3] - top);
    for (let column = 0; column < columns; column++) {
      const left = box[0] + column * across;
      const wide = Math.min(across, box[2] - left);
      const multiplier = Math.trunc(Math.fround(2 ** 32 / Math.fround(256 * tall * wide)));
      for (let channel = 0; channel < channels; channel++) {
        let sum = Math.floor((tall * wide) / 2);
        for (let y = top; y < top + tall; y++) {
          for (let x = left; x < left + wide; x++) sum += data[(y * raster.columns + x) * channels + channel];
        }
        result[(row * columns + column) * channels + channel] = Math.floor((sum * multiplier) / 2 ** 24);
      }
    }
  }
  return { data: result, rows, columns, channels };
}

/**
 * Weights of the triangle filter for each new position, in fixed point.
 * @param {number} size
 * @param {number} start
 * @param {number} end
 * @param {number} positions
 */
function triangle(size, start, end, positions) {
  const scale = (end - start) / positions;
  const support = Math.max(scale, 1);
  return Array.from({ length: positions }, (_, index) => {
    const center = start + (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const last = Math.min(size, Math.trunc(center + support + 0.5));
    const weights = [];
    for (let at = first; at < last; at++) weights.push(Math.max(0, 1 - Math.abs((at - center + 0.5) / support)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => Math.trunc(0.5 + (weight / total) * 2 ** BITS)) };
  });
}

/** @param {Raster} raster @param {number} columns @param {number} start @param {number} end @returns {Raster} */
function alongRows(raster, columns, start, end) {
  const { data, rows, channels } = raster;
  const result = new Uint8Array(rows * columns * channels);
  triangle(raster.columns, start, end, columns).forEach(({ first, weights }, column) => {
    for (let row = 0; row < rows; row++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 2 ** (BITS - 1);
        let from = (row * raster.columns + first) * channels + channel;
        for (let at = 0; at < weights.length; at++, from += channels) sum += data[from] * weights[at];
        result[(row * columns + column) * channels + channel] = Math.min(255, Math.floor(sum / 2 ** BITS));
      }
    }
  });
  return { data: result, rows, columns, channels };
}

/** Rows become columns. @param {Raster} raster @returns {Raster} */
function turned(raster) {
  const { data, rows, columns, channels } = raster;
  const result = new Uint8Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let channel = 0; channel < channels; channel++) {
        result[(column * rows + row) * channels + channel] = data[(row * columns + column) * channels + channel];
      }
    }
  }
  return { data: result, rows: columns, columns: rows, channels };
}
