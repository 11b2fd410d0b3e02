// @ts-check
/** Patches: the pixels that one value depends on, cut out of an image. */

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */

/**
 * @typedef {{ image: number | null, name: string, row: number, column: number, value: number, pixels: Uint8Array }}
 *   Patch pixels: where the image is not in the page
 */
/** @typedef {{ rows: number, columns: number, pixels: Uint8Array }} Cutting */

/**
 * The receptive field of a value, with the background where it reaches beyond the image; one that covers the whole
 * image is the image.
 * @param {Network} network
 * @param {Layer} layer
 * @param {Patch} patch
 * @returns {Cutting}
 */
export function cutPatch(network, layer, patch) {
  const { height, width, channels, background } = network;
  const [down, across] = layer.field;
  const whole = down.size >= height && across.size >= width;
  const [top, left] = [down.start + patch.row * down.stride, across.start + patch.column * across.stride];
  const box = whole
    ? { top: 0, left: 0, rows: height, columns: width }
    : { top, left, rows: down.size, columns: across.size };
  const given = patch.image === null;
  const from = given
    ? { pixels: patch.pixels, top, left, rows: down.size, columns: across.size }
    : {
        pixels: network.images[/** @type {number} */ (patch.image)].pixels,
        top: 0,
        left: 0,
        rows: height,
        columns: width,
      };
  const pixels = new Uint8Array(box.rows * box.columns * channels);
  for (let row = 0; row < box.rows; row++) {
    for (let column = 0; column < box.columns; column++) {
      const [y, x] = [box.top + row - from.top, box.left + column - from.left];
      const inside = y >= 0 && x >= 0 && y < from.rows && x < from.columns;
      for (let channel = 0; channel < channels; channel++) {
        pixels[(row * box.columns + column) * channels + channel] = inside
          ? from.pixels[(y * from.columns + x) * channels + channel]
          : background[channel];
      }
    }
  }
  return { rows: box.rows, columns: box.columns, pixels };
}
