// @ts-check
/** How one value came about, written out. */
import { nonlinearityNodes, numberCell, ofAccount } from "./account_derivation.js";
import { largestSize } from "./colors.js";
import { element, moveWithArrows } from "./dom.js";
import { explain, valueAt } from "./explain.js";
import { exact, short } from "./format.js";
import { layerFacts } from "./layer_facts.js";
import { belowOf, shapeAt, standardized } from "./network.js";
import { numberTable } from "./number_table.js";
import { goesOn, ofPooled, strong } from "./pooling_derivation.js";
import { ofClasses } from "./softmax_table.js";
import { isOff } from "./switches.js";
import { TEXT } from "./text.js";
import { LAYER } from "./text_layer.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./explain.js").Part} Part */
/** @typedef {import("./explain.js").Sum} Sum */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

const MOST_PARTS = 3; // written out at once
const MOST_LINES = 12;
const MOST_TERMS = 6;

/** @param {Network} network @param {Go} go @returns {(state: State) => Node[]} */
export function makeDerivation(network, go) {
  /** the map below that the reader asked to see */
  let pinned = -1;
  /** @type {State | null} */
  let latest = null;
  return (state) => {
    if (latest && latest.position.layer !== state.position.layer) pinned = -1;
    latest = state;
    if (state.position.layer === 0) return ofPixel(network, state);
    const pin = (/** @type {number} */ map) => {
      pinned = map;
      go({ ...state.position });
    };
    return [...ofLayer(network, state, go, pinned, pin), ...layerFacts(network, state.position.layer)];
  };
}

/**
 * @param {Network} network
 * @param {State} state
 * @param {Go} go
 * @param {number} pinned
 * @param {(map: number) => void} pin
 * @returns {Node[]}
 */
function ofLayer(network, state, go, pinned, pin) {
  const explained = explain(network, state.all, state.position);
  if (explained.kind === "pooled") return ofPooled(network, state, explained, go);
  if (explained.kind === "account")
    return [...ofAccount(network, state, explained, go), ...offNodes(state), ...goesOn(network, state, go)];
  return ofSum(network, state, explained, go, pinned, pin);
}

/** @param {Network} network @param {State} state @returns {Node[]} */
function ofPixel(network, state) {
  const { unit, row, column } = state.position;
  const pixel = state.pixels[(row * network.width + column) * network.channels + unit];
  const value = valueAt(network, state.all, state.position);
  return [
    element("p", { text: LAYER.pixel(standardized(network, unit, 0), standardized(network, unit, 255)) }),
    element(
      "p",
      { class: "sum" },
      `(${pixel} ÷ 255 − ${short(network.mean[unit])}) ÷ ${short(network.std[unit])} = `,
      strong(value),
    ),
  ];
}

/**
 * @param {Network} network
 * @param {State} state
 * @param {Sum} explained
 * @param {Go} go
 * @param {number} pinned
 * @param {(map: number) => void} pin
 * @returns {Node[]}
 */
function ofSum(network, state, explained, go, pinned, pin) {
  const layer = network.layers[state.position.layer - 1];
  const from = belowOf(network, state.position.layer);
  const single = explained.tall * explained.wide === 1;
  const below = LAYER.below[from === 0 ? "channel" : single ? "value" : "map"];
  const { parts } = explained;
  const { maps } = shapeAt(network, from);
  const what = single
    ? LAYER.single(parts.length)
    : LAYER.sees(
        layer.kind === "linear" ? LAYER.allOf : LAYER.patchOf(explained.tall, explained.wide),
        parts.length < maps
          ? LAYER.someOf(below, parts[0].map + 1, parts.length, maps)
          : parts.length === 1
            ? LAYER.theOne(below)
            : LAYER.eachOf(parts.length, below),
      );
  const shown = single
    ? [lines(state, explained, from, go)]
    : tablesOf(network, state, explained, go, chosenParts(parts, pinned));
  const strip = !single && parts.length > MOST_PARTS ? [stripOf(state, parts, pinned, pin, below)] : [];
  return [
    element("p", { text: what }),
    ...(from === 0 ? pixelNodes(network) : []),
    ...strip,
    ...shown,
    total(network, state, explained, below),
    ...ofClasses(network, state),
    ...offNodes(state),
    ...goesOn(network, state, go),
  ];
}

/** What black and white have become, if they are others. @param {Network} network @returns {Node[]} */
function pixelNodes(network) {
  const [black, white] = [standardized(network, 0, 0), standardized(network, 0, 255)];
  return white === 255 ? [] : [element("p", { class: "hint", text: LAYER.pixels(black, white) })];
}

/** That the unit is turned off, where it is. @param {State} state @returns {Node[]} */
function offNodes({ off, position }) {
  return isOff(off, position) ? [element("p", { class: "off", text: TEXT.isOff })] : [];
}

/**
 * @param {Part[]} parts
 * @param {number} pinned
 * @returns {Part[]} those written out: few, or the one asked for, or those that matter most
 */
function chosenParts(parts, pinned) {
  if (parts.length <= MOST_PARTS) return parts;
  const chosen = parts.find((part) => part.map === pinned);
  if (chosen) return [chosen];
  const largest = [...parts].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum)).slice(0, MOST_PARTS - 1);
  return largest.sort((a, b) => a.map - b.map);
}

/**
 * @param {Network} network
 * @param {State} state
 * @param {Sum} explained
 * @param {Go} go
 * @param {Part[]} parts
 * @returns {Node[]}
 */
function tablesOf(network, state, explained, go, parts) {
  const { palette, position } = state;
  const source = belowOf(network, position.layer);
  const below = shapeAt(network, source);
  const at = (/** @type {number} */ index) => ({
    row: explained.rows[Math.floor(index / explained.wide)],
    column: explained.columns[index % explained.wide],
  });
  const outside = (/** @type {number} */ index) => {
    const { row, column } = at(index);
    return row < 0 || column < 0 || row >= below.rows || column >= below.columns;
  };
  const largest = {
    inputs: largestSize(state.all[source]),
    weights: Math.max(...explained.parts.map((part) => largestSize(part.weights))),
    products: Math.max(...explained.parts.map((part) => largestSize(part.products))),
  };
  const names = network.channels === 3 && source === 0 ? LAYER.colors : null;
  return parts.map((part) => {
    const from =
      source === 0
        ? names
          ? LAYER.fromColor(names[part.map])
          : network.channels > 1
            ? LAYER.fromChannel(part.map + 1)
            : LAYER.fromImage
        : LAYER.fromMap(part.map + 1);
    const press = (/** @type {number} */ index) => go({ layer: source, unit: part.map, ...at(index) });
    return element(
      "div",
      { class: "equation" },
      numberTable(palette, {
        name: LAYER.patch(from),
        values: part.inputs,
        wide: explained.wide,
        largest: largest.inputs,
        outside,
        press,
      }),
      element("span", { class: "sign", text: "×" }),
      numberTable(palette, {
        name: LAYER.weights,
        values: part.weights,
        wide: explained.wide,
        largest: largest.weights,
      }),
      element("span", { class: "sign", text: "=" }),
      numberTable(palette, {
        name: LAYER.products,
        values: part.products,
        wide: explained.wide,
        largest: largest.products,
        outside,
      }),
      element("span", { class: "sign" }, LAYER.sum, strong(part.sum)),
    );
  });
}

/**
 * The sums of all maps below, to choose from.
 * @param {State} state
 * @param {Part[]} parts
 * @param {number} pinned
 * @param {(map: number) => void} pin
 * @param {string} below
 */
function stripOf(state, parts, pinned, pin, below) {
  const largest = Math.max(...parts.map((part) => Math.abs(part.sum)));
  const written = parts.length <= 32;
  const buttons = parts.map((part, index) => {
    const share = largest > 0 ? part.sum / largest : 0;
    const name = LAYER.sumOf(below, part.map + 1, part.sum);
    const button = element("button", {
      type: "button",
      title: name,
      "aria-label": name,
      "aria-pressed": String(pinned === part.map),
      tabindex: index ? -1 : 0,
      text: written ? short(part.sum) : "",
      onclick: () => pin(pinned === part.map ? -1 : part.map),
    });
    button.style.backgroundColor = state.palette.css(share);
    button.style.color = state.palette.ink(share);
    return button;
  });
  const strip = element(
    "div",
    { class: written ? "sums" : "sums many", role: "group", "aria-label": LAYER.sums(below) },
    ...buttons,
  );
  moveWithArrows(strip, buttons, 8);
  const words = pinned >= 0 ? LAYER.sumsWritten(below, pinned + 1) : LAYER.sumsMost(below);
  return element("div", {}, element("p", { class: "caption", text: words }), strip);
}

/**
 * Values with one weight each, those that matter most first.
 * @param {State} state
 * @param {Sum} explained
 * @param {number} from the layer that they are of
 * @param {Go} go
 */
function lines(state, { parts, rows: [row], columns: [column] }, from, go) {
  const sorted = [...parts].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const shown = sorted.slice(0, MOST_LINES);
  const largest = Math.max(...parts.map((part) => Math.abs(part.sum)));
  const rows = shown.map((part) => {
    const bar = element("span", { class: "amount" });
    bar.style.width = `${largest > 0 ? (100 * Math.abs(part.sum)) / largest : 0}%`;
    bar.style.backgroundColor = state.palette.css(part.sum < 0 ? -0.5 : 0.5);
    const position = { layer: from, unit: part.map, row, column };
    const name = element("button", {
      type: "button",
      class: "link",
      text: LAYER.unit(part.map + 1),
      onclick: () => go(position),
    });
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      numberCell(part.inputs[0]),
      numberCell(part.weights[0]),
      numberCell(part.sum),
      element("td", { class: "amounts" }, bar),
    );
  });
  const rest = sorted.slice(MOST_LINES);
  if (rest.length) {
    const sum = rest.reduce((all, part) => all + part.sum, 0);
    rows.push(
      element(
        "tr",
        { class: "rest" },
        element("th", { scope: "row", text: LAYER.others(rest.length) }),
        element("td"),
        element("td"),
        numberCell(sum),
        element("td"),
      ),
    );
  }
  const head = LAYER.lines.map((text) => (text ? element("th", { scope: "col", text }) : element("td")));
  return element(
    "table",
    { class: "lines" },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}

/**
 * The sum of sums, the bias, the nonlinearity.
 * @param {Network} network
 * @param {State} state
 * @param {Sum} explained
 * @param {string} below
 */
function total(network, state, explained, below) {
  const layer = network.layers[state.position.layer - 1];
  const terms = /** @type {[number, string][]} */ ([]);
  const few = explained.parts.length <= MOST_TERMS && explained.tall * explained.wide > 1;
  if (few) for (const part of explained.parts) terms.push([part.sum, ""]);
  else
    terms.push([
      explained.parts.reduce((sum, part) => sum + part.sum, 0),
      explained.parts.length === 1 ? "" : LAYER.fromAll(explained.parts.length, below),
    ]);
  terms.push([explained.bias, LAYER.bias]);
  if (explained.added !== null) terms.push([explained.added, LAYER.added]);
  const line = element("p", { class: "sum" });
  terms.forEach(([value, name], index) => {
    const sign = value < 0 ? "− " : "+ ";
    line.append(
      index ? ` ${sign}` : "",
      element(
        "span",
        { class: "term", title: exact(value) },
        short(index ? Math.abs(value) : value),
        name ? element("small", { text: ` ${name}` }) : "",
      ),
    );
  });
  const last = state.position.layer === network.layers.length && layer.kind === "linear";
  line.append(
    " = ",
    last
      ? strong(explained.total)
      : element("span", { class: "term", text: short(explained.total), title: exact(explained.total) }),
  );
  if (last) line.append(element("small", { text: LAYER.logit }));
  else if (layer.nonlinearity !== "linear") {
    line.append(...nonlinearityNodes(network, [layer.nonlinearity], explained.value));
  }
  if (!terms.every(([value]) => Number.isInteger(value))) line.append(element("small", { text: LAYER.rounded }));
  return element("div", { class: "total" }, line);
}
