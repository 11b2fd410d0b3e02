// @ts-check
/** From logits to probabilities, in a table: every number of softmax. */
import { numberCell } from "./account_derivation.js";
import { element, isolate, wide } from "./dom.js";
import { percent, short } from "./format.js";
import { SOFTMAX } from "./text_lesson.js";

const MOST_ROWS = 10;
const LARGEST_LOGIT = 50;

/** What stands before a probability: a class, its logit, and what is divided by the sum.
 * @typedef {{ name: Node | string, logit: Node | number, part: number, chosen?: boolean }} Row */

/**
 * What is divided by the sum of all. A common factor changes no probability: e^logit becomes e^(logit − largest) where
 * it would be too large for a table.
 * @param {number[]} logits
 * @param {boolean} sigmoids
 */
export function partsOf(logits, sigmoids) {
  const largest = Math.max(...logits);
  const shift = !sigmoids && largest > LARGEST_LOGIT ? largest : 0;
  const parts = logits.map((logit) => (sigmoids ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit - shift)));
  return { parts, heads: sigmoids ? SOFTMAX.sigmoidHeads : shift ? SOFTMAX.shiftedHeads : SOFTMAX.heads };
}

/**
 * The largest parts, and the chosen one, in the order of `rows`; the others in one line; the sum.
 * @param {Row[]} rows
 * @param {string[]} heads
 * @returns {HTMLElement}
 */
export function softmaxTable(rows, heads) {
  const sum = rows.reduce((all, { part }) => all + part, 0);
  const least = rows.map(({ part }) => part).sort((a, b) => b - a)[MOST_ROWS - 1] ?? -1;
  const shown = rows.filter(({ part, chosen }) => chosen || part >= least);
  const line = (/** @type {Row} */ { name, logit, part, chosen }) =>
    element(
      "tr",
      { class: chosen ? "followed" : null },
      element("th", { scope: "row" }, name),
      typeof logit === "number" ? numberCell(logit) : element("td", {}, logit),
      numberCell(part),
      element("td", { class: "number", text: `÷ ${short(sum)}` }),
      element("td", { class: "number", text: percent(part / sum) }),
    );
  const others = rows.length - shown.length;
  const rest = sum - shown.reduce((all, { part }) => all + part, 0);
  const foot = (/** @type {string} */ name, /** @type {number} */ part) =>
    element(
      "tr",
      { class: "rest" },
      element("th", { scope: "row", text: name }),
      element("td"),
      numberCell(part),
      element("td"),
      element("td", { class: "number", text: percent(part / sum) }),
    );
  return element(
    "table",
    { class: "lines softmax" },
    element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col", text })))),
    element("tbody", {}, ...shown.map(line), ...(others ? [foot(SOFTMAX.others(others), rest)] : [])),
    element("tfoot", {}, foot(SOFTMAX.sum, sum)),
  );
}

/**
 * The probabilities of all classes for this image, where the value is the logit of one.
 * @param {import("./network.js").Network} network
 * @param {import("./session.js").State} state
 * @returns {Node[]}
 */
export function ofClasses(network, { all, position }) {
  const layer = network.layers[network.layers.length - 1];
  if (position.layer !== network.layers.length || layer.rows * layer.columns > 1) return [];
  if (network.classes.length !== layer.maps || layer.maps < 2) return [];
  const logits = Array.from(all[position.layer]);
  const { parts, heads } = partsOf(logits, network.sigmoids);
  const rows = logits.map((logit, unit) => ({
    name: isolate(network.classes[unit], 24),
    logit,
    part: parts[unit],
    chosen: unit === position.unit,
  }));
  const table = softmaxTable(rows, heads);
  return [
    element("h3", { text: SOFTMAX.title }),
    element("p", { text: network.sigmoids ? SOFTMAX.sigmoid : SOFTMAX.hint }),
    wide(SOFTMAX.title, table),
  ];
}

/** In the first lesson: three logits that can be changed. @returns {HTMLElement} */
export function makeSoftmax() {
  const inputs = [3, 1, -1].map((value, index) =>
    element("input", {
      type: "number",
      value,
      min: -20,
      max: 20,
      step: "any",
      "aria-label": SOFTMAX.logitOf(SOFTMAX.className(index + 1)),
    }),
  );
  const logitOf = (/** @type {HTMLInputElement} */ input) => Math.max(-20, Math.min(20, Number(input.value) || 0));
  const table = element("div", { class: "wide editable", role: "region", tabindex: 0, "aria-label": SOFTMAX.title });
  const draw = () => {
    const focused = inputs.find((input) => input === document.activeElement);
    const { parts, heads } = partsOf(inputs.map(logitOf), false);
    const rows = inputs.map((input, index) => ({
      name: SOFTMAX.className(index + 1),
      logit: input,
      part: parts[index],
    }));
    table.replaceChildren(softmaxTable(rows, heads));
    focused?.focus();
  };
  for (const input of inputs) input.addEventListener("input", draw);
  draw();
  return element("div", { class: "experiment" }, table);
}
