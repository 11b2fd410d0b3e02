// Networks with another pooling, and images for another network, as the page makes them. Called by test_beside.py.
import { readFileSync, writeFileSync } from "node:fs";
import { makeEngine } from "./look/engine.js";
import { codesOf, pixelsFor, withPooling } from "./look/pooling_swap.js";
import { readNetwork } from "./look/reading.js";

const [source, target] = process.argv.slice(2);
const base64 = (/** @type {any} */ values) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
const made = JSON.parse(readFileSync(source, "utf8")).map(({ data, code }) => {
  const network = readNetwork(JSON.stringify(data));
  const other = withPooling(network, code);
  const { pixels } = network.images[0];
  const all = makeEngine(other)({ pixels, off: [] }).all;
  const plain = other.layers.map(({ name, rows, columns, field }) => ({ name, rows, columns, field }));
  const beside = network.beside ? base64(Uint8Array.from(pixelsFor(network, network.beside, pixels))) : null;
  return {
    codes: codesOf(network),
    layout: other.layout,
    layers: plain,
    logits: Array.from(all[all.length - 1]),
    beside,
  };
});
writeFileSync(target, JSON.stringify(made));
