// What the page makes of images and records: groups, choices, orders, sentences. Called by test_records_on_page.py.
import { readFileSync, writeFileSync } from "node:fs";
import { belonging, groupsOf } from "./look/chooser.js";
import { inOrder, medianColumns, shownColumns } from "./look/comparison.js";
import { readNetwork } from "./look/reading.js";
import { limitsOf, medianOf, movedPart } from "./look/invariance.js";
import { unitRecord } from "./look/units.js";

const [given, made] = process.argv.slice(2);
const { data, choices, which } = JSON.parse(readFileSync(given, "utf8"));
const network = readNetwork(JSON.stringify(data));
const { invariance, comparison } = network;
const keys = { name: (kind) => kind.name, accuracy: (kind) => kind.accuracy, parameters: (kind) => kind.parameters };
const result = {
  groups: groupsOf(network),
  kept: choices.map((choice) => belonging(network, choice)),
  ablation: unitRecord(network, which)?.ablation ?? null,
  limits: invariance?.distortions.map((kind) => [null, 0.1].map((chance) => limitsOf(kind, chance))) ?? null,
  middles: invariance?.distortions.map((kind) => medianOf(kind).strength) ?? null,
  moved:
    invariance?.distortions.map((kind) => medianOf(kind).layers.map(([changed, left]) => movedPart(changed, left))) ??
    null,
  columns: comparison && medianColumns(comparison.columns),
  shown: comparison && shownColumns({ ...comparison, moved: { ...comparison.moved, pixels: 1 } }),
  orders:
    comparison &&
    Object.entries(keys).flatMap(([, of]) =>
      [false, true].map((down) => inOrder(comparison.variants, of, down).map((kind) => kind.name)),
    ),
};
writeFileSync(made, JSON.stringify(result));
