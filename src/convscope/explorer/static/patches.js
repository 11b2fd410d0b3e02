// @ts-check
/** Patches: the pixels that one value depends on, cut out of an image. */

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */

/** Which image: one of the page, or -1 - a number of the patches that are from elsewhere; row, column and value.
 * @typedef {[number, number, number, number]} Patch */

/** @typedef {{ rows: number, columns: number }} Size */

/**
 * The size of the patches of a layer: one that covers the whole image is the image.
 * @param {Network} network
 * @param {Layer} layer
 */
export function patchSize({ height, width }, { field: [down, across] }) {
  const whole = down.size >= height && across.size >= width;
  return whole ? { rows: height, columns: width } : { rows: down.size, columns: across.size };
}

/**
 * The receptive field of a value, with the background where it reaches beyond the image.
 * @param {Network} network
 * @param {Layer} layer
 * @param {Patch} patch of an image of the page
 * @returns {Size & { pixels: Uint8Array }}
 */
export function cutPatch(network, layer, [image, downThere, acrossThere]) {
  const { height, width, channels, background } = network;
  const [down, across] = layer.field;
  const { rows, columns } = patchSize(network, layer);
  const whole = rows === height && columns === width;
  const top = whole ? 0 : down.start + downThere * down.stride;
  const left = whole ? 0 : across.start + acrossThere * across.stride;
  const from = network.images[image].pixels;
  const pixels = new Uint8Array(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [y, x] = [top + row, left + column];
      const inside = y >= 0 && x >= 0 && y < height && x < width;
      for (let channel = 0; channel < channels; channel++) {
        pixels[(row * columns + column) * channels + channel] = inside
          ? from[(y * width + x) * channels + channel]
          : background[channel];
      }
    }
  }
  return { rows, columns, pixels };
}
