// @ts-check
/** Numbers in small colored tables. */
import { element } from "./dom.js";
import { exact, narrow } from "./format.js";
import { TEXT } from "./text.js";

/** @typedef {import("./colors.js").Palette} Palette */

/**
 * @typedef {object} Table
 * @property {string} name what the numbers are
 * @property {number[]} values row by row
 * @property {number} wide columns
 * @property {number} largest gets the strongest color
 * @property {(index: number) => boolean} [outside] beyond the edge of the map
 * @property {(index: number) => boolean} [marked]
 * @property {(index: number) => void} [press]
 */

const MOST_NUMBERS = 7; // a side of more shows colors only

/** @param {Palette} palette @param {Table} table @returns {HTMLElement} */
export function numberTable(palette, table) {
  const tall = table.values.length / table.wide;
  const side = Math.max(tall, table.wide);
  const written = side <= MOST_NUMBERS;
  const size = side <= 3 ? "large" : side <= 5 ? "medium" : written ? "small" : "tiny";
  const body = element("tbody");
  for (let row = 0; row < tall; row++) {
    const line = element("tr");
    for (let column = 0; column < table.wide; column++)
      line.append(cell(palette, table, row * table.wide + column, written));
    body.append(line);
  }
  const made = element("table", { class: `numbers ${size}` }, element("caption", { text: table.name }), body);
  if (!written) made.style.setProperty("--cell", `${Math.max(3, Math.floor(168 / side))}px`);
  const { press } = table;
  if (press) {
    made.classList.add("pressable");
    made.addEventListener("click", (/** @type {Event} */ event) => {
      const index = /** @type {HTMLElement} */ (event.target).closest("td")?.dataset.index;
      if (index !== undefined) press(Number(index));
    });
  }
  return made;
}

/** @param {Palette} palette @param {Table} table @param {number} index @param {boolean} written */
function cell(palette, table, index, written) {
  const value = table.values[index];
  const outside = table.outside?.(index) ?? false;
  const part = table.largest > 0 ? value / table.largest : 0;
  const made = element("td", {
    "data-index": outside ? null : index,
    title: outside ? TEXT.outside : exact(value),
    text: written ? narrow(value) : "",
  });
  if (outside) made.className = "outside";
  else {
    made.style.backgroundColor = palette.css(part);
    made.style.color = palette.ink(part);
  }
  if (table.marked?.(index)) made.classList.add("marked");
  return made;
}
