// @ts-check
/** The map of a large network: its blocks in stages of one size, each a button, and the paths between them. */
import { element, isolate } from "./dom.js";
import { percent } from "./format.js";
import { cutWhere, isBlock } from "./graph_blocks.js";
import { joinsIn, outputOf, pathsBetween } from "./graph_paths.js";
import { cells, drawPixels, setSize, shownSize } from "./image.js";
import { makePreview } from "./map_preview.js";
import { commonBlock, namedShortly, shortPath, summaryOf } from "./block_words.js";
import { makeLines } from "./path_lines.js";
import { MAP } from "./text_map.js";
import { outcome } from "./text_overview.js";

/** @typedef {import("./graph_blocks.js").Entry} Entry */
/** @typedef {import("./graph_paths.js").Path} Path */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

const IMAGE_PX = 72;
const MOST_ENDS = 4; // to one block; where more end, only words say so

/** A card of the map. @typedef {{ element: HTMLElement, entry: Entry, draw: (state: State) => void }} Card */

/**
 * What an entry is called: by its module, or by its first and last layer.
 * @param {Network} network
 * @param {Entry} entry
 * @param {string} [inside] the name of the block that it is in, which its own need not repeat
 */
export function nameOf({ layers }, { name, first, last }, inside = "") {
  const short = (/** @type {string} */ path) => shortPath(path, inside || commonBlock(layers));
  return name ? short(name) : MAP.range(short(layers[first].path), short(layers[last].path));
}

/**
 * The map of some entries.
 * @param {Network} network
 * @param {Entry[]} entries
 * @param {(entry: Entry) => void} open
 * @param {string} [inside] the block that they are in; none: they are the whole network
 * @returns {{ element: HTMLElement, draw: (state: State) => void }}
 */
export function makeNetworkMap(network, entries, open, inside) {
  const whole = inside === undefined;
  const paths = pathsBetween(network.layers, entries);
  const cards = entries.map((entry, index) => makeCard(network, entry, () => open(entry), inside ?? ""));
  cards.forEach(({ element: card }, index) => {
    const words = blockReads(network, entries, index, paths, inside ?? "");
    if (words) card.querySelector("button")?.append(element("span", { class: "block-reads", text: words }));
  });
  const image = whole ? imageCard(network) : null;
  const holder = element("div", { class: "network-map" });
  const nodeOf = (/** @type {number} */ number) => (number < 0 ? image?.element : cards[number].element) ?? null;
  const lines = makeLines(holder, nodeOf, [...paths.filter(drawn), ...pathsInside(network, entries, paths)]);
  holder.append(lines.element, stagesOf(network, cards, image?.element ?? null));
  return {
    element: holder,
    draw(state) {
      image?.draw(state);
      for (const card of cards) card.draw(state);
    },
  };
}

/**
 * A path past the other layers of a block, for each block that adds or concatenates inside what came from one before.
 * @param {Network} network
 * @param {Entry[]} entries
 * @param {Path[]} paths between them
 * @returns {Path[]}
 */
function pathsInside({ layers }, entries, paths) {
  return entries.flatMap((entry, index) => {
    const { sums, concatenated } = isBlock(entry) ? joinsIn(layers, entry) : { sums: 0, concatenated: 0 };
    const joins = sums ? /** @type {const} */ ("add") : /** @type {const} */ ("concatenate");
    const known = paths.some((path) => path.to === index && path.past && path.joins === joins);
    return (sums || concatenated) && !known ? [{ from: index, to: index, past: true, joins }] : [];
  });
}

/** Whether a path is drawn: not where too many end. @param {Path} path @param {number} index @param {Path[]} paths */
function drawn({ past, to }, index, paths) {
  return !past || paths.filter((other) => other.to === to).length <= MOST_ENDS;
}

/**
 * Rows of cards, one for each size of maps.
 * @param {Network} network
 * @param {Card[]} cards
 * @param {HTMLElement | null} image
 */
function stagesOf({ layers }, cards, image) {
  const shapeOf = (/** @type {Card} */ { entry }) => layers[outputOf(layers, entry)];
  const same = (/** @type {Card} */ one, /** @type {Card} */ other) =>
    shapeOf(one).rows === shapeOf(other).rows && shapeOf(one).columns === shapeOf(other).columns;
  const stage = (/** @type {string} */ title, /** @type {HTMLElement[]} */ inside) =>
    element(
      "li",
      { class: "stage" },
      element("h3", { text: title }),
      element("ol", { class: "blocks", "aria-label": title }, ...inside),
    );
  const stages = cutWhere(cards, same).map((row, index) => {
    const inside = row.map((card) => card.element);
    return stage(MAP.size(shapeOf(row[0])), index === 0 && image ? [image, ...inside] : inside);
  });
  return element("ol", { class: "stages" }, ...stages);
}

/**
 * @param {Network} network
 * @param {Entry} entry
 * @param {() => void} open
 * @param {string} inside
 * @returns {Card}
 */
function makeCard(network, entry, open, inside) {
  const inner = network.layers.slice(entry.first, entry.last + 1);
  const output = outputOf(network.layers, entry);
  const preview = makePreview(network.layers[output], output + 1);
  const total = network.layers.reduce((sum, layer) => sum + layer.macs, 0);
  const [parameters, macs] = [
    inner.reduce((sum, layer) => sum + layer.parameters, 0),
    inner.reduce((sum, layer) => sum + layer.macs, 0),
  ];
  const count = isBlock(entry) ? `${MAP.layers(inner.length)}, ` : "";
  const share = total ? macs / total : 0;
  const bar = element("span", { class: "bar" });
  bar.style.transform = `scaleX(${share})`;
  const button = element(
    "button",
    { type: "button", class: "block-open", onclick: open },
    element("span", { class: "block-name" }, isolate(nameOf(network, entry, inside), 44)),
    preview.element,
    element("span", { class: "block-what", text: summaryOf(network, entry) }),
    element("span", { class: "block-facts", text: `${count}${outcome(network.layers[output])}` }),
    element("span", { class: "block-facts", text: parameters ? MAP.cost(parameters, percent(share)) : MAP.free }),
    element("span", { class: "track", "aria-hidden": "true" }, bar),
  );
  const card = element("li", { class: isBlock(entry) ? "block" : "block one" }, button);
  return {
    element: card,
    entry,
    draw(state) {
      preview.draw(state);
      const { layer } = state.position;
      card.classList.toggle("chosen", layer > entry.first && layer <= entry.last + 1);
    },
  };
}

/** The image that the network sees. @param {Network} network */
function imageCard(network) {
  const size = { rows: network.height, columns: network.width };
  const canvas = cells(size);
  setSize(canvas, shownSize(size, IMAGE_PX));
  const name = element("span", { class: "block-facts" });
  return {
    element: element(
      "li",
      { class: "block image-block" },
      element("span", { class: "block-name", text: MAP.image }),
      canvas,
      element("span", { class: "block-facts", text: MAP.size({ maps: network.channels, ...size }) }),
      name,
    ),
    draw(/** @type {State} */ state) {
      drawPixels(canvas, state.pixels, network.channels);
      if (name.textContent !== state.name) name.replaceChildren(isolate(state.name, 30));
    },
  };
}

/**
 * What an entry reads besides the one before it, in words.
 * @param {Network} network
 * @param {Entry[]} entries
 * @param {number} index
 * @param {Path[]} paths
 * @param {string} inside
 */
function blockReads(network, entries, index, paths, inside) {
  const here = paths.filter(({ to }) => to === index);
  const past = here.filter((path) => path.past && (path.from >= 0 || index > 0));
  if (!past.length) return "";
  const names = past.map(({ from }) => (from < 0 ? MAP.outside(inside) : nameOf(network, entries[from], inside)));
  const join = past.find(({ joins }) => joins !== "read")?.joins ?? (here.length > past.length ? "also" : "read");
  return MAP.sentence(MAP.reads[join](namedShortly(names)));
}
