// @ts-check
/** How one pooled value came about, written out. */
import { largestSize } from "./colors.js";
import { element } from "./dom.js";
import { explain } from "./explain.js";
import { exact, short } from "./format.js";
import { layerFact } from "./layer_facts.js";
import { LAYER } from "./text_layer.js";
import { belowOf, readersOf, shapeAt } from "./network.js";
import { numberTable } from "./number_table.js";

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
  const number = readersOf(network, position.layer).find((reader) => network.layers[reader - 1].kind === "pooling");
  if (number === undefined) return [];
  const next = network.layers[number - 1];
  const row = Math.floor((position.row + next.before[0]) / next.stride[0]);
  const column = Math.floor((position.column + next.before[1]) / next.stride[1]);
  const above = { layer: number, unit: position.unit, row, column };
  const title = element("h3", {}, LAYER.then, element("code", { text: next.name }));
  if (row >= next.rows || column >= next.columns) return [title, element("p", { text: LAYER.leftOut })];
  const explained = explain(network, all, above);
  if (explained.kind !== "pooled") return [];
  const own = explained.rows.indexOf(position.row) * explained.wide + explained.columns.indexOf(position.column);
  const link = element("button", { type: "button", class: "link", text: LAYER.seeValue, onclick: () => go(above) });
  return [title, ...windowNodes(network, { ...state, position: above }, explained, go, own), element("p", {}, link)];
}

/** @param {Network} network @param {State} state @param {Pooled} explained @param {Go} go @returns {Node[]} */
export function ofPooled(network, state, explained, go) {
  return [...windowNodes(network, state, explained, go, -1), element("p", { text: LAYER.taken })];
}

/**
 * Whether the value that is followed is the pooled one.
 * @param {Pooled} explained
 * @param {number} own
 * @param {number} winner
 */
function followed(explained, own, winner) {
  if (explained.inputs.length > 1 && explained.inputs.every((value) => value === explained.value))
    return LAYER.allEqual;
  if (own === winner) return LAYER.itIs;
  return explained.inputs[own] === explained.value ? LAYER.asLarge : LAYER.itIsNot;
}

/**
 * @param {Network} network
 * @param {State} state
 * @param {Pooled} explained
 * @param {Go} go
 * @param {number} own the position of the value that is followed
 * @returns {Node[]}
 */
function windowNodes(network, state, explained, go, own) {
  const { position, palette } = state;
  const layer = network.layers[position.layer - 1];
  const from = belowOf(network, position.layer);
  const below = shapeAt(network, from);
  const largest = largestSize(state.all[from]);
  const at = (/** @type {number} */ index) => ({
    row: explained.rows[Math.floor(index / explained.wide)],
    column: explained.columns[index % explained.wide],
  });
  const press = (/** @type {number} */ index) => {
    const { row, column } = at(index);
    if (row >= 0 && column >= 0 && row < below.rows && column < below.columns)
      go({ layer: from, unit: position.unit, row, column });
  };
  const winner = layer.code === "MP" || layer.code === "SS" ? explained.weights.indexOf(1) : -1;
  const tie = explained.inputs.length > 1 && explained.inputs.every((value) => value === explained.value);
  const inputs = numberTable(palette, {
    name: LAYER.window,
    values: explained.inputs,
    wide: explained.wide,
    largest,
    press,
    marked: (index) => !tie && index === winner,
  });
  const weights =
    winner >= 0 || layer.code === "LP"
      ? []
      : [
          element("span", { class: "sign", text: "×" }),
          numberTable(palette, {
            name: layer.code === "ST" ? LAYER.chances : LAYER.windowWeights,
            values: explained.weights,
            wide: explained.wide,
            largest: 1.5 * Math.max(...explained.weights),
          }),
        ];
  const { phrase, formula } = network.poolings[layer.code];
  const all = explained.inputs;
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const kinds = layer.code === "BP" ? [] : [LAYER.kinds(Math.max(...all), mean, all[0])];
  const chances = explained.weights.filter((weight) => weight > 0);
  const drawn = layer.code === "ST" && Math.max(...all) > 0 ? [LAYER.drawn(chances)] : [];
  const said = own >= 0 && winner >= 0 ? followed(explained, own, winner) : "";
  return [
    element(
      "div",
      { class: "equation" },
      inputs,
      ...weights,
      element("span", { class: "sign" }, "→ ", strong(explained.value)),
    ),
    element("p", { text: LAYER.pooled(explained.inputs.length, phrase, formula) + said }),
    ...[...drawn, ...kinds].map(layerFact),
  ];
}
