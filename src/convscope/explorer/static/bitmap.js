// @ts-check
/**
 * Small images as files in their own address. A browser keeps a layer for every canvas, and moves two hundred layers
 * for
 * every frame; an image is painted with what stands around it.
 */

import { base64Of } from "./base64.js";

const HEAD = 54; // bytes before the pixels: the file's head and that of the bitmap

/**
 * A bitmap file (24 bits a pixel, not compressed, the lowest row first), which takes less time to write than a packed
 * one.
 * @param {Uint8Array | Uint8ClampedArray} pixels row by row, the channels of a pixel side by side
 * @param {{ rows: number, columns: number }} size
 * @param {number} channels 1 or 3
 * @returns {string} a data: address
 */
export function bitmapAddress(pixels, { rows, columns }, channels) {
  const line = (3 * columns + 3) & ~3;
  const file = new Uint8Array(HEAD + line * rows);
  const view = new DataView(file.buffer);
  view.setUint16(0, 0x424d); // BM
  view.setUint32(2, file.length, true);
  view.setUint32(10, HEAD, true);
  view.setUint32(14, HEAD - 14, true);
  view.setInt32(18, columns, true);
  view.setInt32(22, rows, true);
  view.setUint16(26, 1, true); // plane
  view.setUint16(28, 24, true);
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
  for (let row = 0, from = 0; row < rows; row++) {
    for (let column = 0, to = HEAD + (rows - 1 - row) * line; column < columns; column++, from += channels, to += 3) {
      file[to] = pixels[from + blue];
      file[to + 1] = pixels[from + green];
      file[to + 2] = pixels[from];
    }
  }
  return `data:image/bmp;base64,${base64Of(file)}`;
}
