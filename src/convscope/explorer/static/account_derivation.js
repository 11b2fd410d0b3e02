// @ts-check
/** How one value came about that no weights over patches and no pooling made, written out. */
import { element } from "./dom.js";
import { exact, short } from "./format.js";
import { ACCOUNT, LAYER } from "./text_layer.js";
import { shapeAt } from "./network.js";
import { strong } from "./pooling_derivation.js";
import { formulaOf, phraseOf } from "./text_overview.js";

/** @typedef {import("./accounts.js").Account} Account */
/** @typedef {import("./accounts.js").Term} Term */
/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

/**
 * @param {Network} network
 * @param {State} state
 * @param {Account} account
 * @param {Go} go
 * @returns {Node[]}
 */
export function ofAccount(network, state, account, go) {
  const layer = network.layers[state.position.layer - 1];
  const facts = Object.entries(account.facts).map(([name, value]) =>
    element("li", { title: exact(value), text: `${ACCOUNT.facts[name]}: ${short(value)}` }),
  );
  return [
    element("p", { text: `${phraseOf(network, layer)} ${formulaOf(network, layer)}` }),
    ...(account.terms.length ? [termTable(network, account, go)] : [element("p", { text: ACCOUNT.frame })]),
    ...(facts.length ? [element("ul", { class: "facts" }, ...facts)] : []),
    totalOf(network, account),
  ];
}

/** Where a value comes from, in words. @param {Network} network @param {Term} term */
function sourceOf(network, { layer, unit, row, column }) {
  const { rows, columns } = shapeAt(network, layer);
  const name = layer ? network.layers[layer - 1].name : LAYER.image;
  const single = rows * columns === 1;
  const map = layer ? (single ? LAYER.unit : LAYER.map)(unit + 1) : ACCOUNT.channel(unit + 1);
  return `${name}, ${map}${single ? "" : LAYER.where(row + 1, column + 1)}`;
}

/** @param {Network} network @param {Account} account @param {Go} go */
function termTable(network, { terms, form }, go) {
  const weighted = form === "sum" && terms.some(({ weight }) => weight !== 1);
  const rows = terms.map((term) => {
    const name = element("button", {
      type: "button",
      class: "link",
      text: sourceOf(network, term),
      onclick: () => go({ layer: term.layer, unit: term.unit, row: term.row, column: term.column }),
    });
    const numbers = weighted ? [term.input, term.weight, term.input * term.weight] : [term.input];
    return element("tr", {}, element("th", { scope: "row" }, name), ...numbers.map(numberCell));
  });
  const names = weighted ? LAYER.lines.slice(0, 4) : LAYER.lines.slice(0, 2);
  const head = names.map((text) => element("th", { scope: "col", text }));
  return element(
    "table",
    { class: "lines" },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}

/** @param {number} value */
export function numberCell(value) {
  return element("td", { class: "number", text: short(value), title: exact(value) });
}

/** @param {Network} network @param {Account} account */
function totalOf(network, { terms, form, constant, facts, through, total, value }) {
  const line = element("p", { class: "sum" });
  if (form === "fraction") line.append(ACCOUNT.fraction(terms[0].input, facts.largest, facts.exponentials));
  else if (form === "product") line.append(terms.map(({ input }) => short(input)).join(" × "));
  else {
    const numbers = terms.map(({ input, weight }) => input * weight);
    if (constant !== 0 || !numbers.length) numbers.push(constant);
    numbers.forEach((number, index) => {
      const sign = number < 0 ? " − " : " + ";
      line.append(index ? `${sign}${short(Math.abs(number))}` : short(number));
    });
  }
  line.append(" = ", through.length ? short(total) : strong(value));
  if (through.length) line.append(...nonlinearityNodes(network, through, value));
  return element("div", { class: "total" }, line);
}

/**
 * Nonlinearities, and what comes of them.
 * @param {Network} network
 * @param {string[]} names
 * @param {number} value
 * @returns {Node[]}
 */
export function nonlinearityNodes(network, names, value) {
  const each = names.flatMap((text) => {
    const { formula, phrase } = network.nonlinearities[text.split(":")[0]];
    const [name, slope] = text.split(":");
    const said = slope === undefined ? `${name}: ${formula} ` : `${name}: ${ACCOUNT.slope(Number(slope))} `;
    return [
      element("span", { class: "arrow", text: " → " }),
      element("small", { text: said, title: slope === undefined ? phrase : ACCOUNT.slopePhrase(Number(slope)) }),
    ];
  });
  return [...each, element("span", { class: "arrow", text: "→ " }), strong(value)];
}
