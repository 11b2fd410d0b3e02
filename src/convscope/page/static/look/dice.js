// @ts-check
/** In the first lesson: the sum of two dice is a convolution. */
import { makePalette } from "./colours.js";
import { element } from "./dom.js";
import { narrow, percent } from "./format.js";
import { DICE } from "./text.js";

const FACES = 6;

/** How often each face comes, of 1, from any numbers. @param {number[]} counts @returns {number[]} */
export function fractionsOf(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total > 0 ? count / total : 1 / counts.length));
}

/**
 * What lies under each of the first die's numbers, with zeros around, when the second lies there backwards for one sum.
 * @param {number[]} first
 * @param {number[]} second
 * @param {number} sum from 2 on
 * @returns {{ values: number[], weights: (number | null)[], products: number[], total: number }} along first.length + 2
 *   (second.length − 1) positions; null where the second die does not lie
 */
export function laidFor(first, second, sum) {
  const zeros = second.length - 1;
  const values = Array.from({ length: first.length + 2 * zeros }, (_, index) => first[index - zeros] ?? 0);
  // faces position − zeros + 1 and sum − that
  const weights = values.map((_, index) => second[sum - 2 - (index - zeros)] ?? null);
  const products = values.map((value, index) => value * (weights[index] ?? 0));
  return { values, weights, products, total: products.reduce((all, product) => all + product, 0) };
}

/** The chance of each sum, from 2 on. @param {number[]} first @param {number[]} second @returns {number[]} */
export function sumOfDice(first, second) {
  return Array.from(
    { length: first.length + second.length - 1 },
    (_, index) => laidFor(first, second, index + 2).total,
  );
}

/** @returns {{ element: HTMLElement, draw: () => void }} */
export function makeDice() {
  const dice = [new Array(FACES).fill(1), new Array(FACES).fill(1)];
  let sum = 5;
  const editors = dice.map((die, which) => {
    const inputs = die.map((_, face) =>
      element("input", {
        type: "number",
        min: 0,
        max: 99,
        step: "any",
        value: 1,
        "aria-label": DICE.face(which + 1, face + 1),
      }),
    );
    inputs.forEach((input, face) =>
      input.addEventListener(
        "input",
        () => ((die[face] = Math.max(0, Math.min(99, Number(input.value) || 0))), draw()),
      ),
    );
    const heads = inputs.map((_, face) => element("th", { scope: "col", text: String(face + 1) }));
    const table = element(
      "table",
      { class: "editable" },
      element("caption", { text: DICE.names[which] }),
      element("thead", {}, element("tr", {}, ...heads)),
      element("tbody", {}, element("tr", {}, ...inputs.map((input) => element("td", {}, input)))),
    );
    return { table, inputs };
  });
  const load = (/** @type {number[]} */ counts) => {
    counts.forEach((count, face) => {
      dice[0][face] = count;
      editors[0].inputs[face].value = String(count);
    });
    draw();
  };
  const bars = Array.from({ length: 2 * FACES - 1 }, (_, index) => {
    const bar = element("span", { class: "column" });
    const value = element("span", { class: "caption" });
    const button = element(
      "button",
      { type: "button", class: "sum-of-dice", onclick: () => ((sum = index + 2), draw()) },
      value,
      element("span", { class: "well" }, bar),
      element("span", { text: String(index + 2) }),
    );
    return { bar, value, button };
  });
  const laid = element("div", { class: "wide", role: "region", tabindex: 0, "aria-label": DICE.laid });
  const step = (/** @type {number} */ by) => ((sum = Math.max(2, Math.min(2 * FACES, sum + by))), draw());
  const made = element(
    "div",
    { class: "experiment" },
    element("div", { class: "toy" }, ...editors.map((editor) => editor.table)),
    element(
      "div",
      { class: "tools" },
      element("button", { type: "button", text: DICE.fair, onclick: () => load(new Array(FACES).fill(1)) }),
      element("button", { type: "button", text: DICE.loaded, onclick: () => load([1, 1, 1, 1, 1, 5]) }),
    ),
    element("p", { class: "caption", text: DICE.sums }),
    element("div", { class: "sums-of-dice", role: "group", "aria-label": DICE.sums }, ...bars.map((bar) => bar.button)),
    element(
      "div",
      { class: "tools" },
      element("button", { type: "button", text: DICE.before, onclick: () => step(-1) }),
      element("button", { type: "button", text: DICE.after, onclick: () => step(1) }),
    ),
    laid,
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function draw() {
    const palette = makePalette(dark.matches);
    const [first, second] = dice.map(fractionsOf);
    const chances = sumOfDice(first, second);
    const most = Math.max(...chances);
    bars.forEach(({ bar, value, button }, index) => {
      bar.style.height = `${(100 * chances[index]) / most}%`;
      value.textContent = percent(chances[index]);
      button.setAttribute("aria-pressed", String(index + 2 === sum));
    });
    const { values, weights, products, total } = laidFor(first, second, sum);
    const row = (/** @type {string} */ name, /** @type {(number | null)[]} */ numbers) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", text: name }),
        ...numbers.map((number, index) => {
          const outside = index < FACES - 1 || index >= 2 * FACES - 1;
          const cell = element("td", {
            text: number === null ? "" : narrow(100 * number),
            class: outside && number === null ? "outside" : null,
          });
          if (number !== null) {
            cell.style.backgroundColor = palette.css(number / 0.6);
            cell.style.color = palette.ink(number / 0.6);
          }
          return cell;
        }),
      );
    const rows = [
      row(DICE.rows[0], values),
      row(DICE.rows[1], weights),
      row(
        DICE.rows[2],
        products.map((product, index) => (weights[index] === null ? null : product)),
      ),
    ];
    laid.replaceChildren(
      element(
        "table",
        { class: "numbers small" },
        element("caption", { text: DICE.caption }),
        element("tbody", {}, ...rows),
      ),
      element("p", { class: "sum" }, DICE.chance(sum), element("strong", { text: percent(total) })),
    );
  }
  draw();
  return { element: made, draw };
}
