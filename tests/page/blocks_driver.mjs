// Finds the blocks of networks and the paths between them, as the page does. Called by test_blocks.py.
import { readFileSync, writeFileSync } from "node:fs";
import { blocksOf, knownRange, mapOf, openAt, opensIntoColumns, pathTo } from "./look/graph_blocks.js";
import { outputOf, pathsBetween, readOutside, shortcutOf } from "./look/graph_paths.js";
import { layersShown } from "./look/layers_shown.js";
import { findable, matches } from "./look/map_search.js";
import { nameOf } from "./look/network_map.js";
import { route } from "./look/path_lines.js";

const [source, target] = process.argv.slice(2);
const made = {};
for (const [name, { layers, searches }] of Object.entries(JSON.parse(readFileSync(source, "utf8")))) {
  const entries = blocksOf(layers);
  const facts = (entry) => ({
    ...entry,
    called: nameOf({ layers }, entry),
    columns: opensIntoColumns(entry),
    reads: readOutside(layers, entry),
    output: outputOf(layers, entry),
    shortcut: shortcutOf(layers, entry),
    entries: entry.entries.map(facts),
    paths: pathsBetween(layers, entry.entries),
  });
  const network = { layers };
  const found = findable(network, entries);
  const opened = layers.map((_, index) => openAt(entries, { first: -1, last: -1 }, index + 1));
  made[name] = {
    needsMap: mapOf(layers).length > 0,
    entries: entries.map(facts),
    paths: pathsBetween(layers, entries),
    opened,
    known: opened.map((range) => knownRange(entries, range) !== null),
    depths: layers.map((_, index) => pathTo(entries, index).length),
    shown: layersShown(network, entries, null, 1),
    shownOpen: layersShown(network, entries, opened.at(-1), layers.length),
    found: Object.fromEntries((searches ?? []).map((text) => [text, matches(found, text).map((one) => one.name)])),
  };
}
const box = (left, top) => ({ left, top, right: left + 100, bottom: top + 50 });
const room = { right: 400, rows: [50, 150, 250] };
made.routes = {
  beside: route(box(0, 0), box(150, 0), false, 0, room),
  over: route(box(0, 0), box(300, 0), true, 0, room),
  down: route(box(0, 0), box(0, 100), false, 0, room),
  far: route(box(0, 0), box(0, 200), true, 0, room),
};
writeFileSync(target, JSON.stringify(made));
