// @ts-check
/** Find a layer or a block of a large network by a part of its name. */
import { element, isolate } from "./dom.js";
import { isBlock } from "./graph_blocks.js";
import { MAP } from "./text_map.js";

/** @typedef {import("./graph_blocks.js").Entry} Entry */
/** @typedef {import("./network.js").Network} Network */

const MOST_FOUND = 8; // shown

let searches = 0; // so that each field has its own name for its label

/** Something with a name; of a layer, layer is its number from 1, of a block that of its first.
 * @typedef {{ name: string, entry: Entry, layer: number }} Found */

/** @param {Entry[]} entries @returns {Entry[]} they and all in them */
function withInner(entries) {
  return entries.flatMap((entry) => [entry, ...withInner(entry.entries)]);
}

/**
 * Everything that can be found: blocks, then layers, in order.
 * @param {Network} network
 * @param {Entry[]} entries
 * @returns {Found[]}
 */
export function findable({ layers }, entries) {
  const named = withInner(entries).filter((entry) => isBlock(entry) && entry.name);
  return [
    ...named.map((entry) => ({ name: entry.name, entry, layer: entry.first + 1 })),
    ...layers.map(({ path }, index) => ({
      name: path,
      entry: { name: path, first: index, last: index, entries: [] },
      layer: index + 1,
    })),
  ];
}

/**
 * Names that contain all words of a text; those that begin with it, or are it, come first.
 * @param {Found[]} all
 * @param {string} text
 * @returns {Found[]}
 */
export function matches(all, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const rank = (/** @type {Found} */ { name }) =>
    name.toLowerCase() === words[0] ? 0 : name.toLowerCase().startsWith(words[0]) ? 1 : 2;
  const found = all.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  return found
    .map((one, order) => ({ one, order, rank: rank(one) }))
    .sort((one, other) => one.rank - other.rank || one.order - other.order)
    .map(({ one }) => one);
}

/**
 * A field with what is found below it; Enter opens the first.
 * @param {Network} network
 * @param {Entry[]} entries
 * @param {(found: Found) => void} open
 * @returns {HTMLElement}
 */
export function makeSearch(network, entries, open) {
  const all = findable(network, entries);
  const id = `search-${(searches += 1)}`;
  const list = element("ul", { class: "found", "aria-label": MAP.found });
  const said = element("span", { class: "hint", role: "status" });
  const close = (/** @type {Found} */ found) => {
    field.value = "";
    show();
    open(found);
  };
  const show = () => {
    const found = matches(all, field.value);
    const shown = found.slice(0, MOST_FOUND);
    list.hidden = !shown.length;
    list.replaceChildren(
      ...shown.map((one) =>
        element(
          "li",
          {},
          element(
            "button",
            { type: "button", class: "link", onclick: () => close(one) },
            isolate(one.name),
            isBlock(one.entry) ? ` (${MAP.layers(one.entry.last - one.entry.first + 1)})` : "",
          ),
        ),
      ),
    );
    const rest = found.length - shown.length;
    said.textContent = !field.value.trim() ? "" : !found.length ? MAP.nothing : rest ? MAP.more(rest) : "";
  };
  const field = element("input", {
    type: "search",
    id,
    placeholder: MAP.searchHint,
    autocomplete: "off",
    oninput: show,
  });
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const [first] = matches(all, field.value);
    if (event.key !== "Enter" || !first) return;
    event.preventDefault();
    close(first);
  });
  list.hidden = true;
  const label = element("label", { for: id, text: MAP.search });
  return element("div", { class: "map-search", role: "search" }, label, " ", field, " ", said, list);
}
