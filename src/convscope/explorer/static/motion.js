// @ts-check
/** Moving an image, moving maps along with it, and how much two sets of maps differ. */
import { blurred } from "./blur.js";
import { bendField, displacementAt } from "./elastic.js";
import { normals } from "./random.js";

/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */

/**
 * @typedef {object} Motion
 * @property {number} right pixels
 * @property {number} down pixels
 * @property {number} turn degrees, clockwise
 * @property {number} scale 1 leaves the size
 * @property {number} bend mean displacement of a pixel, in pixels
 * @property {number} blur standard deviation in pixels
 * @property {number} noise standard deviation, of 255
 */

/** @type {Motion} */
export const STILL = { right: 0, down: 0, turn: 0, scale: 1, bend: 0, blur: 0, noise: 0 };

/** @param {Motion} motion */
export function isStill(motion) {
  return Object.entries(STILL).every(([name, value]) => motion[/** @type {keyof Motion} */ (name)] === value);
}

/**
 * The same motion of an image of another size.
 * @param {Motion} motion
 * @param {number} wider ratio of the widths
 * @param {number} taller
 * @returns {Motion}
 */
export function scaledMotion(motion, wider, taller) {
  return {
    ...motion,
    right: motion.right * wider,
    down: motion.down * taller,
    bend: motion.bend * Math.sqrt(wider * taller),
    blur: motion.blur * Math.sqrt(wider * taller),
  };
}

/**
 * Where in the old image that lies which is now at (row, column).
 * @param {Network} network
 * @param {Motion} motion
 * @returns {(row: number, column: number) => [number, number]}
 */
export function origin(network, motion) {
  const center = [(network.height - 1) / 2, (network.width - 1) / 2];
  const angle = (motion.turn * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle) / motion.scale, Math.sin(angle) / motion.scale];
  const field = motion.bend > 0 ? bendField(network.height, network.width) : null;
  return (row, column) => {
    const [bentDown, bentAcross] = field ? displacementAt(field, row, column) : [0, 0];
    const y = row - center[0] - motion.down;
    const x = column - center[1] - motion.right;
    return [
      center[0] + cosine * y - sine * x + motion.bend * bentDown,
      center[1] + sine * y + cosine * x + motion.bend * bentAcross,
    ];
  };
}

/**
 * The image moved, activate, blurred, and with noise; what comes in from outside is the background.
 * @param {Network} network
 * @param {Uint8Array | Uint8ClampedArray} pixels
 * @param {Motion} motion
 * @returns {Uint8ClampedArray}
 */
export function moved(network, pixels, motion) {
  const { height, width, channels, background } = network;
  const from = origin(network, motion);
  /** @type {Float64Array} */
  let values = new Float64Array(pixels.length);
  const at = (/** @type {number} */ row, /** @type {number} */ column, /** @type {number} */ channel) =>
    row < 0 || column < 0 || row >= height || column >= width
      ? background[channel]
      : pixels[(row * width + column) * channels + channel];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [y, x] = from(row, column);
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const [lower, right] = [y - top, x - left];
      for (let channel = 0; channel < channels; channel++) {
        const above = at(top, left, channel) * (1 - right) + at(top, left + 1, channel) * right;
        const under = at(top + 1, left, channel) * (1 - right) + at(top + 1, left + 1, channel) * right;
        values[(row * width + column) * channels + channel] = above * (1 - lower) + under * lower;
      }
    }
  }
  if (motion.blur > 0) values = blurred(values, height, width, channels, motion.blur);
  const noise = normals(20220101);
  return Uint8ClampedArray.from(values, (value) => value + (motion.noise > 0 ? 255 * motion.noise * noise() : 0));
}

/**
 * What a motion of the image did to the maps of a layer, as `convscope measure` defines it: the part of the squared
 * change that is movement (null where the image did not move, or the layer has no positions); and the distance from the
 * old maps moved along, as a fraction of that between two different images (null where that is unknown).
 * @typedef {{ moved: number | null, really: number | null }} Change
 */

/** Whether pixels change their position. @param {Motion} motion */
function movesPixels({ right, down, turn, scale, bend }) {
  return right !== 0 || down !== 0 || turn !== 0 || scale !== 1 || bend !== 0;
}

/**
 * @param {Network} network
 * @param {Layer} layer
 * @param {Float32Array} before
 * @param {Float32Array} after
 * @param {Motion} motion
 * @returns {Change}
 */
export function change(network, layer, before, after, motion) {
  const { reference } = layer;
  const relative = (/** @type {number} */ squares) => (reference ? Math.sqrt(squares) / reference.between : null);
  let changed = 0;
  for (let index = 0; index < before.length; index++) changed += (after[index] - before[index]) ** 2;
  if (layer.rows * layer.columns === 1 || !movesPixels(motion)) return { moved: null, really: relative(changed) };
  const along = movedAlong(network, layer, before, motion);
  let left = 0;
  for (let index = 0; index < along.length; index++) left += (after[index] - along[index]) ** 2;
  return { moved: changed > 0 ? Math.max(0, 1 - left / changed) : null, really: relative(left) };
}

/**
 * How many pixels apart the positions of a layer are, where a shift ends between them: its maps do not move so.
 * @param {Layer} layer
 * @param {Motion} motion
 * @returns {number | null} null where it is a whole number of positions, or the image is not only shifted
 */
export function fallsBetween({ field }, { right, down, turn, scale, bend }) {
  if (turn !== 0 || scale !== 1 || bend !== 0) return null;
  const found = [down, right].findIndex((shift, side) => shift % field[side].stride !== 0);
  return found < 0 ? null : field[found].stride;
}

/**
 * The old maps, moved like the image; what comes in from outside is their value on an image of background.
 * @param {Network} network
 * @param {Layer} layer
 * @param {Float32Array} before
 * @param {Motion} motion
 * @returns {Float32Array}
 */
function movedAlong(network, layer, before, motion) {
  const { rows, columns, maps, reference } = layer;
  const [down, across] = layer.field;
  const from = origin(network, motion);
  const center = [down.start + (down.size - 1) / 2, across.start + (across.size - 1) / 2];
  const result = new Float32Array(before.length);
  const at = (/** @type {number} */ map, /** @type {number} */ row, /** @type {number} */ column) =>
    row < 0 || column < 0 || row >= rows || column >= columns
      ? (reference?.background[map] ?? 0)
      : before[(map * rows + row) * columns + column];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [y, x] = from(center[0] + row * down.stride, center[1] + column * across.stride);
      const [oldRow, oldColumn] = [clean((y - center[0]) / down.stride), clean((x - center[1]) / across.stride)];
      const [top, left] = [Math.floor(oldRow), Math.floor(oldColumn)];
      const [lower, right] = [oldRow - top, oldColumn - left];
      for (let map = 0; map < maps; map++) {
        const above = right ? at(map, top, left) * (1 - right) + at(map, top, left + 1) * right : at(map, top, left);
        const under = lower ? at(map, top + 1, left) * (1 - right) + at(map, top + 1, left + 1) * right : 0;
        result[(map * rows + row) * columns + column] = above * (1 - lower) + under * lower;
      }
    }
  }
  return result;
}

/** A position without the last digits' noise, so that whole layers stay whole. @param {number} value */
function clean(value) {
  const near = Math.round(value);
  return Math.abs(value - near) < 1e-9 ? near : value;
}
