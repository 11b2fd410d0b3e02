// @ts-check
/** An opened block of the map: a column for each of its layers, or the map of what is in it; and the way back. */
import { button, element, isolate } from "./dom.js";
import { opensIntoColumns, pathTo } from "./graph_blocks.js";
import { pathsBetween, readOutside } from "./graph_paths.js";
import { makeNetworkMap, nameOf } from "./network_map.js";
import { imageColumn, layerColumn } from "./overview.js";
import { summaryOf } from "./block_words.js";
import { makeLines } from "./path_lines.js";
import { TEXT } from "./text.js";
import { MAP } from "./text_map.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./graph_blocks.js").Entry} Entry */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./overview.js").Column} Column */
/** @typedef {import("./session.js").State} State */

const MOST_COMING = 3; // that stand before the columns of a block

/**
 * @param {Network} network
 * @param {Entry[]} entries of the whole network
 * @param {import("./graph_blocks.js").Range} range of the block
 * @param {{ go: Go, open: (range: import("./graph_blocks.js").Range | null) => void }} acts
 * @returns {Column}
 */
export function makeBlockView(network, entries, range, { go, open }) {
  const way = pathTo(entries, range.first, range.last);
  const entry = way.find(({ first, last }) => first === range.first && last === range.last) ?? way[way.length - 1];
  const outer = way.slice(0, way.indexOf(entry));
  /** @type {Column} */
  const body = opensIntoColumns(entry)
    ? makeColumns(network, entry, go)
    : makeNetworkMap(network, entry.entries, open, entry.name);
  return {
    element: element(
      "div",
      { class: "open-block" },
      wayTo(network, entries, [...outer, entry], open),
      element("p", { class: "block-summary", text: summaryOf(network, entry) }),
      element("p", { class: "hint", text: opensIntoColumns(entry) ? `${TEXT.glanceHint} ${TEXT.legend}` : MAP.hint }),
      body.element,
    ),
    look: body.look,
    draw: body.draw,
  };
}

/**
 * Buttons to the map, to the blocks around this one, and to its neighbors.
 * @param {Network} network
 * @param {Entry[]} entries
 * @param {Entry[]} way
 * @param {(range: import("./graph_blocks.js").Range | null) => void} open
 */
function wayTo(network, entries, way, open) {
  const inside = (/** @type {number} */ depth) => (depth ? way[depth - 1].name : "");
  const [here, depth] = [way[way.length - 1], way.length - 1];
  const beside = depth ? way[depth - 1].entries : entries;
  const neighbor = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ title) => {
    const other = beside[beside.indexOf(here) + by];
    const attributes = { "aria-label": title, title, disabled: !other };
    return button(sign, () => open(other), attributes);
  };
  const steps = way
    .slice(0, -1)
    .map((entry, index) =>
      element(
        "li",
        {},
        element(
          "button",
          { type: "button", class: "link", onclick: () => open(entry) },
          isolate(nameOf(network, entry, inside(index))),
        ),
      ),
    );
  return element(
    "nav",
    { class: "way", "aria-label": MAP.way },
    button(`← ${MAP.back}`, () => open(null), { class: "back" }),
    element(
      "ol",
      {},
      ...steps,
      element("li", { "aria-current": "true" }, element("strong", {}, isolate(nameOf(network, here, inside(depth))))),
    ),
    neighbor(-1, "‹", MAP.before),
    neighbor(1, "›", MAP.after),
  );
}

/**
 * What comes into a block, then a column for each of its layers.
 * @param {Network} network
 * @param {Entry} entry
 * @param {Go} go
 * @returns {Column}
 */
function makeColumns(network, entry, go) {
  const outside = readOutside(network.layers, entry).slice(-MOST_COMING);
  /** @type {Go} */
  const goInside = (position) => go(position, true); // what comes in is of another block, which stays closed
  const inner = Array.from({ length: entry.last - entry.first + 1 }, (_, index) => entry.first + index);
  const shown = [...outside, ...inner];
  const columns = shown.map((index) => {
    const how = outside.includes(index)
      ? { comesIn: true }
      : { inside: entry.name, previous: shown[shown.indexOf(index) - 1] };
    if (index < 0) return imageColumn(network, go);
    return layerColumn(network, index + 1, outside.includes(index) ? goInside : go, how);
  });
  const list = element("ol", { class: "layers in-block", "aria-label": MAP.layersOf(nameOf(network, entry)) });
  const singles = shown.map((index) => ({ name: "", first: index, last: index, entries: [] }));
  const paths = pathsBetween(network.layers, singles).filter(({ from, to }) => from >= 0 && to >= outside.length);
  columns.forEach(({ element: column }, index) => {
    const goesOn = paths.some(({ from, to, past }) => from === index && !past && to === index + 1);
    column.classList.toggle("apart", index + 1 < columns.length && !goesOn);
  });
  const past = paths.filter((path) => path.past);
  if (past.length) list.classList.add("with-past");
  const lines = makeLines(list, (number) => columns[number]?.element ?? null, past);
  list.append(
    ...columns.map((column) => column.element),
    element("li", { class: "path-row", "aria-hidden": "true" }, lines.element),
  );
  return {
    element: list,
    look: () => columns.forEach((column) => column.look?.()),
    draw: (state) => columns.forEach((column) => column.draw(state)),
  };
}
