// @ts-check
/** In the first lesson: the sum of two dice is a convolution. */
import { makePalette } from "./colors.js";
import { button, element, tools } from "./dom.js";
import { narrow, percent } from "./format.js";
import { DICE } from "./text_lesson.js";
import { makeStore } from "./store.js";

const FACES = 6;
const FAIR = new Array(FACES).fill(1);
const LOADED = [1, 1, 1, 1, 1, 5];
const RISING = [1, 2, 3, 4, 5, 6]; // backwards it is another

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
  const store = makeStore({ dice: [FAIR, RISING], sum: 5 });
  const set = (/** @type {number} */ which, /** @type {number[]} */ counts) =>
    store.set({ dice: store.get().dice.map((die, index) => (index === which ? counts : die)) });
  const editors = [0, 1].map((which) => dieEditor(which, (counts) => set(which, counts)));
  const load = (/** @type {number} */ which, /** @type {number[]} */ counts) => {
    editors[which].load(counts);
    set(which, counts);
  };
  editors[1].load(RISING);
  const go = (/** @type {number} */ sum) => store.set({ sum: Math.max(2, Math.min(2 * FACES, sum)) });
  const chart = sumChart(go);
  const laid = element("div", { class: "wide", role: "region", tabindex: 0, "aria-label": DICE.laid });
  const made = element(
    "div",
    { class: "experiment" },
    element("div", { class: "toy" }, ...editors.map((editor) => editor.table)),
    tools(
      button(DICE.fair, () => [0, 1].forEach((which) => load(which, FAIR))),
      button(DICE.loaded, () => load(0, LOADED)),
      button(DICE.rising, () => load(1, RISING)),
    ),
    element("p", { class: "caption", text: DICE.sums }),
    chart.element,
    tools(
      button(DICE.before, () => go(store.get().sum - 1)),
      button(DICE.after, () => go(store.get().sum + 1)),
    ),
    laid,
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    const { dice, sum } = store.get();
    const [first, second] = dice.map(fractionsOf);
    chart.draw(sumOfDice(first, second), sum);
    laid.replaceChildren(...laidTable(laidFor(first, second, sum), sum, makePalette(dark.matches)));
  };
  store.subscribe(draw);
  draw();
  return { element: made, draw };
}

/**
 * How often each face of a die comes, to be changed.
 * @param {number} which
 * @param {(counts: number[]) => void} change
 */
function dieEditor(which, change) {
  const limits = { type: "number", min: 0, max: 99, step: "any", value: 1 };
  const inputs = Array.from({ length: FACES }, (_, face) =>
    element("input", { ...limits, "aria-label": DICE.face(which + 1, face + 1) }),
  );
  const read = () => change(inputs.map((input) => Math.max(0, Math.min(99, Number(input.value) || 0))));
  for (const input of inputs) input.addEventListener("input", read);
  const heads = inputs.map((_, face) => element("th", { scope: "col", text: String(face + 1) }));
  const table = element(
    "table",
    { class: "editable" },
    element("caption", { text: DICE.names[which] }),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, element("tr", {}, ...inputs.map((input) => element("td", {}, input)))),
  );
  const load = (/** @type {number[]} */ counts) =>
    inputs.forEach((input, face) => (input.value = String(counts[face])));
  return { table, load };
}

/** The chance of each sum, as columns to press. @param {(sum: number) => void} go */
function sumChart(go) {
  const columns = Array.from({ length: 2 * FACES - 1 }, (_, index) => {
    const bar = element("span", { class: "column" });
    const value = element("span", { class: "caption" });
    const name = element("span", { text: String(index + 2) });
    const onclick = () => go(index + 2);
    const well = element("span", { class: "well" }, bar);
    return {
      bar,
      value,
      made: element("button", { type: "button", class: "sum-of-dice", onclick }, value, well, name),
    };
  });
  const names = { class: "sums-of-dice", role: "group", "aria-label": DICE.sums };
  return {
    element: element("div", names, ...columns.map(({ made }) => made)),
    draw(/** @type {number[]} */ chances, /** @type {number} */ sum) {
      const most = Math.max(...chances);
      columns.forEach(({ bar, value, made }, index) => {
        bar.style.height = `${(100 * chances[index]) / most}%`;
        value.textContent = narrow(100 * chances[index]);
        made.setAttribute("aria-pressed", String(index + 2 === sum));
      });
    },
  };
}

/**
 * The second die, laid backwards along the first, and the products.
 * @param {ReturnType<typeof laidFor>} laid
 * @param {number} sum
 * @param {import("./colors.js").Palette} palette
 * @returns {Node[]}
 */
function laidTable({ values, weights, products, total }, sum, palette) {
  const cell = (/** @type {number | null} */ number, /** @type {number} */ index) => {
    const outside = index < FACES - 1 || index >= 2 * FACES - 1;
    if (number === null) return element("td", { class: outside ? "outside" : null });
    const made = element("td", { text: narrow(100 * number) });
    made.style.backgroundColor = palette.css(number / 0.6);
    made.style.color = palette.ink(number / 0.6);
    return made;
  };
  const shown = [values, weights, products.map((product, index) => (weights[index] === null ? null : product))];
  const rows = shown.map((numbers, index) =>
    element("tr", {}, element("th", { scope: "row", text: DICE.rows[index] }), ...numbers.map(cell)),
  );
  const caption = element("caption", { text: DICE.caption });
  return [
    element("table", { class: "numbers laid" }, caption, element("tbody", {}, ...rows)),
    element("p", { class: "sum" }, DICE.chance(sum), element("strong", { text: percent(total) })),
  ];
}
