// @ts-check
/** View 1 of a large network: its map, with a search by name, or the block that is open. */
import { element, write } from "./dom.js";
import { makeBlockView } from "./block_view.js";
import { isBlock, openAt, pathTo } from "./graph_blocks.js";
import { makeSearch } from "./map_search.js";
import { makeNetworkMap } from "./network_map.js";
import { kindsToExplain } from "./block_words.js";
import { TEXT } from "./text.js";
import { MAP } from "./text_map.js";
import { OVERVIEW } from "./text_overview.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./graph_blocks.js").Entry} Entry */
/** @typedef {import("./graph_blocks.js").Range} Range */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./overview.js").Column} Column */
/** @typedef {import("./session.js").State} State */

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Entry[]} entries
 * @param {{ go: Go, open: (range: Range | null) => void, allOn: () => void }} acts
 * @returns {(state: State) => void}
 */
export function makeMapView(parent, network, entries, { go, open, allOn }) {
  const map = makeNetworkMap(network, entries, open);
  const [off, took, place] = [makeOff(allOn), element("span"), element("div")];
  const search = makeSearch(network, entries, ({ entry, layer }) => {
    open(isBlock(entry) ? entry : openAt(entries, { first: -1, last: -1 }, layer));
    go({ layer });
  });
  const about = element(
    "div",
    {},
    element("p", { class: "hint", text: `${MAP.hint} ${TEXT.legend}` }),
    ...explanations(network),
  );
  parent.append(about, search, off.element, place, element("p", { class: "hint" }, took));
  place.addEventListener("keydown", (/** @type {KeyboardEvent} */ { key }) => key === "Escape" && open(null));
  /** @type {Range | null | undefined} */
  let shown;
  /** @type {Column} */
  let body = map;
  return (state) => {
    if (shown === undefined || !sameRange(shown, state.open)) {
      const inside = place.contains(document.activeElement);
      const left = shown;
      shown = state.open;
      body = shown ? makeBlockView(network, entries, shown, { go, open }) : map;
      place.replaceChildren(body.element);
      about.hidden = shown !== null;
      if (inside) focusIn(body.element, shown ? null : (left ?? null), entries);
    }
    body.look?.();
    body.draw(state);
    off.draw(state);
    write(took, OVERVIEW.took(state.milliseconds));
  };
}

/** @param {Range | null} one @param {Range | null} other */
function sameRange(one, other) {
  return one?.first === other?.first && one?.last === other?.last;
}

/**
 * The key that opened a block finds the way back, and the way back leads to the block that was left.
 * @param {HTMLElement} body
 * @param {Range | null} left
 * @param {Entry[]} entries
 */
function focusIn(body, left, entries) {
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll(left ? ".block-open" : ".back"));
  const index = left ? entries.indexOf(pathTo(entries, left.first, left.last)[0]) : 0;
  buttons[Math.max(0, index)]?.focus({ preventScroll: left === null });
}

/** The kinds of layers that few readers know. @param {Network} network */
function explanations(network) {
  const texts = kindsToExplain(network);
  return texts.length ? [element("ul", { class: "hint kinds" }, ...texts.map((text) => element("li", { text })))] : [];
}

/** How many units are off. @param {() => void} allOn */
function makeOff(allOn) {
  const count = element("span");
  const turnOn = element("button", { type: "button", text: TEXT.allOn, onclick: allOn });
  const made = element("p", { class: "off", hidden: true }, count, " ", turnOn);
  return {
    element: made,
    draw(/** @type {State} */ { off }) {
      made.hidden = off.length === 0;
      write(count, OVERVIEW.off(off.length));
    },
  };
}
