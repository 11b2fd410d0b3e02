// Makes images of a reader's own what the network is given, as the page does. Called by test_own_images.py.
import { readFileSync, writeFileSync } from "node:fs";
import { drawingOf, textOfDrawing } from "./look/address.js";
import { inked, stepsFor } from "./look/ink.js";
import { readNetwork } from "./look/reading.js";

const [source, target] = process.argv.slice(2);
const { data, rasters } = JSON.parse(readFileSync(source, "utf8"));
const network = readNetwork(JSON.stringify(data));
const { ink } = network;
const size = { rows: network.height, columns: network.width };
const made = rasters.map((/** @type {any} */ given) => {
  const raster = { ...given, data: new Uint8Array(Buffer.from(given.data, "base64")), channels: 4 };
  if (!ink) return null;
  const steps = { ...stepsFor(raster, ink, size), ...given.steps };
  const pixels = inked(raster, network, ink, steps);
  const address = textOfDrawing(pixels, network.background[0]);
  const back = drawingOf(network, address);
  const same = back !== null && pixels.every((value, index) => value === back[index]);
  return { pixels: Buffer.from(pixels).toString("base64"), steps, address, same };
});
writeFileSync(target, JSON.stringify({ ink, made }));
