// @ts-check
/** Bending an image: every position is displaced by a smooth random amount, so that neighbors go together. */
import { blurred } from "./blur.js";
import { uniforms } from "./random.js";

const REACH = 1 / 7; // of the shorter side, as in Python: 4 pixels at 28 (Simard, Steinkraus and Platt 2003)
const SEED = 1998;

/**
 * Displacements down and across, row by row.
 * @typedef {{ down: Float64Array, across: Float64Array, rows: number, columns: number }} Field
 */

/** @type {Map<string, Field>} */
const FIELDS = new Map();

/**
 * Smooth displacements with a mean length of 1; the same every time for images of one size.
 * @param {number} rows
 * @param {number} columns
 * @returns {Field}
 */
export function bendField(rows, columns) {
  const name = `${rows}/${columns}`;
  const known = FIELDS.get(name);
  if (known) return known;
  const next = uniforms(SEED);
  const smooth = () => {
    const drawn = Float64Array.from({ length: rows * columns }, () => 2 * next() - 1);
    return blurred(drawn, rows, columns, 1, REACH * Math.min(rows, columns));
  };
  const [down, across] = [smooth(), smooth()];
  let length = 0;
  for (let index = 0; index < down.length; index++) length += Math.hypot(down[index], across[index]) / down.length;
  const field = {
    down: down.map((value) => value / (length || 1)),
    across: across.map((value) => value / (length || 1)),
    rows,
    columns,
  };
  FIELDS.set(name, field);
  return field;
}

/**
 * The displacement at any position, also between pixels; beyond the edge that at the edge.
 * @param {Field} field
 * @param {number} row
 * @param {number} column
 * @returns {[number, number]} down and across
 */
export function displacementAt(field, row, column) {
  const { rows, columns } = field;
  const y = Math.max(0, Math.min(row, rows - 1));
  const x = Math.max(0, Math.min(column, columns - 1));
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [lower, right] = [y - top, x - left];
  const [under, beside] = [Math.min(top + 1, rows - 1), Math.min(left + 1, columns - 1)];
  const at = (/** @type {Float64Array} */ values) =>
    (values[top * columns + left] * (1 - right) + values[top * columns + beside] * right) * (1 - lower) +
    (values[under * columns + left] * (1 - right) + values[under * columns + beside] * right) * lower;
  return [at(field.down), at(field.across)];
}
