// Nonlinearities of numbers, as the page computes them. Called by test_graphs.py.
import { readFileSync, writeFileSync } from "node:fs";
import { functionOf } from "./look/nonlinearity.js";

const [source, target] = process.argv.slice(2);
const { names, values } = JSON.parse(readFileSync(source, "utf8"));
writeFileSync(target, JSON.stringify(names.map((name) => values.map(functionOf(name)))));
