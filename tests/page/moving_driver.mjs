// Moves images as the page does, and says how much every layer changes. Called by test_moving.py.
import { readFileSync, writeFileSync } from "node:fs";
import { makeEngine } from "./look/engine.js";
import { readNetwork } from "./look/reading.js";
import { bendField, displacementAt } from "./look/elastic.js";
import { STILL, change, isStill, moved } from "./look/motion.js";

const [source, target] = process.argv.slice(2);
const made = JSON.parse(readFileSync(source, "utf8")).map(({ data, motion: given }) => {
  const network = readNetwork(JSON.stringify(data));
  const motion = { ...STILL, ...given };
  const engine = makeEngine(network);
  const { pixels } = network.images[0];
  const after = moved(network, pixels, motion);
  const [old, now] = [pixels, after].map((image) => engine({ pixels: image, off: [] }).all);
  const changes = network.layers.map((layer, index) => change(network, layer, old[index + 1], now[index + 1], motion));
  const field = bendField(network.height, network.width);
  const lengths = field.down.map((down, place) => Math.hypot(down, field.across[place]));
  const rough = field.down.map((down, place) =>
    Math.abs(down - displacementAt(field, Math.floor(place / field.columns), (place % field.columns) + 1)[0]),
  );
  const mean = (/** @type {Float64Array} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const bend = { mean: mean(lengths), roughness: mean(rough) };
  const references = network.layers.map(({ reference }) => reference);
  return { bend, pixels: Buffer.from(after).toString("base64"), changes, references, still: isStill(motion) };
});
writeFileSync(target, JSON.stringify(made));
