// @ts-check
/** How one pooled value came about, written out. */
import { largestSize } from "./colours.js";
import { element } from "./dom.js";
import { explain } from "./explain.js";
import { exact, short } from "./format.js";
import { shapeAt } from "./network.js";
import { numberTable } from "./number_table.js";
import { LAYER } from "./text.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./explain.js").Pooled} Pooled */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

/** @param {number} value */
export function strong(value) {
  return element("strong", { text: short(value), title: exact(value) });
}

/**
 * Where the value goes, if that is a pooling.
 * @param {Network} network
 * @param {State} state
 * @param {Go} go
 * @returns {Node[]}
 */
export function goesOn(network, state, go) {
  const { position, all } = state;
  const next = network.layers[position.layer];
  if (!next || next.kind !== "pooling") return [];
  const row = Math.floor(position.row / next.stride[0]);
  const column = Math.floor(position.column / next.stride[1]);
  const above = { layer: position.layer + 1, unit: position.unit, row, column };
  const title = element("h3", {}, LAYER.then, element("code", { text: next.name }));
  if (row >= next.rows || column >= next.columns) return [title, element("p", { text: LAYER.leftOut })];
  const found = explain(network, all, above);
  if (found.kind !== "pooled") return [];
  const own = (position.row - found.top) * found.wide + position.column - found.left;
  const link = element("button", { type: "button", class: "link", text: LAYER.seeValue, onclick: () => go(above) });
  return [title, ...windowNodes(network, { ...state, position: above }, found, go, own), element("p", {}, link)];
}

/** @param {Network} network @param {State} state @param {Pooled} found @param {Go} go @returns {Node[]} */
export function ofPooled(network, state, found, go) {
  return [element("p", { text: LAYER.taken }), ...windowNodes(network, state, found, go, -1)];
}

/**
 * Whether the value that is followed is the one that is taken.
 * @param {Pooled} found
 * @param {number} own
 * @param {number} winner
 */
function followed(found, own, winner) {
  if (own === winner) return LAYER.itIs;
  return found.inputs[own] === found.value ? LAYER.asLarge : LAYER.itIsNot;
}

/**
 * @param {Network} network
 * @param {State} state
 * @param {Pooled} found
 * @param {Go} go
 * @param {number} own the position of the value that is followed
 * @returns {Node[]}
 */
function windowNodes(network, state, found, go, own) {
  const { position, palette } = state;
  const layer = network.layers[position.layer - 1];
  const below = shapeAt(network, position.layer - 1);
  const largest = largestSize(state.all[position.layer - 1]);
  const at = (/** @type {number} */ index) => ({
    row: found.top + Math.floor(index / found.wide),
    column: found.left + (index % found.wide),
  });
  const press = (/** @type {number} */ index) => {
    const { row, column } = at(index);
    if (row >= 0 && column >= 0 && row < below.rows && column < below.columns)
      go({ layer: position.layer - 1, unit: position.unit, row, column });
  };
  const winner = layer.code === "MP" || layer.code === "SS" ? found.weights.indexOf(1) : -1;
  const inputs = numberTable(palette, {
    name: LAYER.window,
    values: found.inputs,
    wide: found.wide,
    largest,
    press,
    marked: (index) => index === winner,
  });
  const weights =
    winner >= 0 || layer.code === "LP"
      ? []
      : [
          element("span", { class: "sign", text: "×" }),
          numberTable(palette, {
            name: LAYER.windowWeights,
            values: found.weights,
            wide: found.wide,
            largest: 1.5 * Math.max(...found.weights),
          }),
        ];
  const { phrase, formula } = network.poolings[layer.code];
  const said = own >= 0 && winner >= 0 ? followed(found, own, winner) : "";
  return [
    element("p", { text: LAYER.pooled(found.inputs.length, phrase, formula) + said }),
    element(
      "div",
      { class: "equation" },
      inputs,
      ...weights,
      element("span", { class: "sign" }, "→ ", strong(found.value)),
    ),
  ];
}
