// Any picture to the size and channels of the network: the same steps as in training, in JavaScript.

/**
 * @typedef {{height: number, width: number, channels: number}} Size
 * @typedef {{size: Size, fit: string, background: number[]}} Preprocessing
 */

/**
 * Return pixels of the network's size, row after row, channels together.
 *
 * Equal to the training's but for rounding, and where a picture is more than three times too large: there training first
 * averages whole blocks, for speed.
 * @param {Preprocessing} step
 * @param {Uint8ClampedArray} rgba @param {number} height @param {number} width
 */
export function fitted(step, rgba, height, width) {
  const { size, fit, background } = step, channels = size.channels;
  const own = flattened(rgba, height * width, channels, background);
  if (height === size.height && width === size.width) return own;
  const picture = { pixels: own, height, width, channels };
  if (fit === "stretch") return resized(picture, size.height, size.width, [0, 0, width, height]);
  if (fit === "crop") {
    const tall = Math.min(height, (width * size.height) / size.width);
    const wide = Math.min(width, (height * size.width) / size.height);
    const left = (width - wide) / 2, top = (height - tall) / 2;
    return resized(picture, size.height, size.width, [left, top, left + wide, top + tall]);
  }
  const scale = Math.min(size.height / height, size.width / width);
  const tall = Math.min(size.height, Math.max(1, even(height * scale)));
  const wide = Math.min(size.width, Math.max(1, even(width * scale)));
  const inner = resized(picture, tall, wide, [0, 0, width, height]);
  const result = new Uint8Array(size.height * size.width * channels);
  for (let place = 0; place < result.length; place++) result[place] = background[place % channels];
  const top = Math.floor((size.height - tall) / 2), left = Math.floor((size.width - wide) / 2);
  for (let row = 0; row < tall; row++)
    result.set(inner.subarray(row * wide * channels, (row + 1) * wide * channels), ((top + row) * size.width + left) * channels);
  return result;
}

/** Round half to even, as Python does. */
function even(/** @type {number} */ value) {
  const whole = Math.floor(value), rest = value - whole;
  return rest === 0.5 ? whole + (whole % 2) : Math.round(value);
}

/** Lay the picture over the background and take gray or colour. */
function flattened(/** @type {Uint8ClampedArray} */ rgba, /** @type {number} */ count, /** @type {number} */ channels, /** @type {number[]} */ background) {
  const result = new Uint8Array(count * channels), behind = channels === 3 ? background : [background[0], background[0], background[0]];
  for (let place = 0; place < count; place++) {
    const alpha = rgba[4 * place + 3] / 255;
    const [red, green, blue] = behind.map((value, channel) => Math.round(rgba[4 * place + channel] * alpha + value * (1 - alpha)));
    if (channels === 1) result[place] = (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16; // ITU-R 601-2
    else result.set([red, green, blue], 3 * place);
  }
  return result;
}

/** Scale a box of a picture, antialiased: the triangle that weighs pixels is as wide as the scale asks. */
function resized(/** @type {{pixels: Uint8Array, height: number, width: number, channels: number}} */ picture,
  /** @type {number} */ tall, /** @type {number} */ wide, /** @type {number[]} */ [left, top, right, bottom]) {
  const { pixels, height, width, channels } = picture;
  const across = weighings(left, right, width, wide), down = weighings(top, bottom, height, tall);
  const narrow = new Uint8ClampedArray(height * wide * channels);
  for (let row = 0; row < height; row++)
    for (let x = 0; x < wide; x++)
      for (let channel = 0; channel < channels; channel++) {
        const { start, weights } = across[x];
        let sum = 0;
        for (let near = 0; near < weights.length; near++) sum += weights[near] * pixels[(row * width + start + near) * channels + channel];
        narrow[(row * wide + x) * channels + channel] = Math.floor(sum + 0.5);
      }
  const result = new Uint8Array(tall * wide * channels), line = wide * channels;
  for (let row = 0; row < tall; row++)
    for (let place = 0; place < line; place++) {
      const { start, weights } = down[row];
      let sum = 0;
      for (let near = 0; near < weights.length; near++) sum += weights[near] * narrow[(start + near) * line + place];
      result[row * line + place] = Math.max(0, Math.min(255, Math.floor(sum + 0.5)));
    }
  return result;
}

/** Return, for each pixel of a scaled side, which pixels are weighed, and how. */
function weighings(/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ side, /** @type {number} */ scaled) {
  const scale = (to - from) / scaled, reach = Math.max(scale, 1), result = [];
  for (let place = 0; place < scaled; place++) {
    const middle = from + (place + 0.5) * scale;
    const start = Math.max(0, Math.floor(middle - reach + 0.5)), end = Math.min(side, Math.floor(middle + reach + 0.5));
    const weights = [];
    for (let pixel = start; pixel < end; pixel++) weights.push(Math.max(0, 1 - Math.abs((pixel - middle + 0.5) / reach)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    result.push({ start, weights: weights.map((weight) => weight / sum) });
  }
  return result;
}
