// What the page makes of a report: the classes of its matrix, and what layers cost.
import { readFileSync, writeFileSync } from "node:fs";
import { ticksOf } from "./look/curves.js";
import { readNetwork } from "./look/reading.js";
import { costOfLayers, shownClasses } from "./look/evaluation.js";

const [given, made] = process.argv.slice(2);
const result = JSON.parse(readFileSync(given, "utf8")).map((data) => {
  const network = readNetwork(JSON.stringify(data));
  return {
    classes: shownClasses(network, network.evaluation),
    costs: costOfLayers(network),
    ticks: [ticksOf(0.2, 0.97), ticksOf(0.5, 0.5), ticksOf(0.0012, 2.3)],
  };
});
writeFileSync(made, JSON.stringify(result));
