// @ts-check
/** Numbers and choices that the reader can change. */
import { largestSize } from "./colors.js";
import { element } from "./dom.js";
import { LESSON } from "./text_lesson.js";

/**
 * Numbers that can be changed.
 * @param {string} name
 * @param {number} side
 * @param {number} least
 * @param {number} most
 * @param {(values: number[]) => void} notify
 */
export function numbers(name, side, least, most, notify) {
  const inputs = Array.from({ length: side * side }, () =>
    element("input", { type: "number", min: least, max: most, step: "any" }),
  );
  const value = (/** @type {HTMLInputElement} */ input) => Math.max(least, Math.min(most, Number(input.value) || 0));
  /** @type {number[]} */
  let used = [];
  inputs.forEach((input, index) => {
    input.addEventListener("input", () => notify(inputs.map(value)));
    // the number that it was read as
    input.addEventListener("change", () => (input.value = String(used[index] ?? value(input))));
  });
  const zeros = Array.from({ length: 4 * side + 4 }, () => element("td", { class: "zero", text: "0", hidden: true }));
  const rows = Array.from({ length: side }, (_, row) => {
    const cells = inputs.slice(row * side, (row + 1) * side).map((input) => element("td", {}, input));
    return element("tr", {}, zeros[2 * row], ...cells, zeros[2 * row + 1]);
  });
  const edges = [zeros.slice(2 * side, 3 * side + 2), zeros.slice(3 * side + 2)].map((cells) =>
    element("tr", { hidden: true }, ...cells),
  );
  const caption = element("caption");
  const rename = (/** @type {string} */ text) => {
    if (caption.textContent === text) return;
    caption.textContent = text;
    inputs.forEach((input, index) =>
      input.setAttribute(
        "aria-label",
        side > 1 ? text + LESSON.where(Math.floor(index / side) + 1, (index % side) + 1) : text,
      ),
    );
  };
  rename(name);
  return {
    element: element("table", { class: "editable" }, caption, element("tbody", {}, edges[0], ...rows, edges[1])),
    name: rename,
    /** Show the zeros around the numbers, if there are any. @param {number} count */
    frame(count) {
      for (const cell of [...zeros, ...edges]) cell.hidden = !count;
    },
    /**
     * @param {number[]} values
     * @param {import("./colors.js").Palette} palette
     * @param {(row: number, column: number) => boolean} marked
     */
    draw(values, palette, marked) {
      used = values;
      const largest = largestSize(values);
      inputs.forEach((input, index) => {
        if (value(input) !== values[index] || input.value === "")
          if (input !== document.activeElement) input.value = String(values[index]);
        input.style.backgroundColor = palette.css(largest > 0 ? values[index] / largest : 0);
        input.style.color = palette.ink(largest > 0 ? values[index] / largest : 0);
        input.classList.toggle("marked", marked(Math.floor(index / side), index % side));
      });
      zeros.forEach((cell, index) => cell.classList.toggle("marked", marked(...besides(index, side))));
    },
  };
}

/**
 * Row and column of a zero beside the numbers: two for each row, then those above, then those below.
 * @param {number} index
 * @param {number} side
 * @returns {[number, number]}
 */
function besides(index, side) {
  if (index < 2 * side) return [Math.floor(index / 2), index % 2 ? side : -1];
  const along = index - 2 * side;
  return along < side + 2 ? [-1, along - 1] : [side, along - side - 3];
}

/**
 * @param {string} name
 * @param {Record<string, string>} options
 * @param {(value: string) => void} notify
 * @param {string} [other] is shown for "" and cannot be chosen
 */
export function select(name, options, notify, other) {
  const made = element(
    "select",
    {},
    ...Object.entries(options).map(([value, text]) => element("option", { value, text })),
    other ? element("option", { value: "", text: other, hidden: true }) : null,
  );
  made.addEventListener("change", () => notify(made.value));
  const label = element("span", { text: name });
  return {
    element: element("label", {}, label, " ", made),
    name: (/** @type {string} */ text) => (label.textContent = text),
    set: (/** @type {string} */ value) => (made.value = value),
  };
}
