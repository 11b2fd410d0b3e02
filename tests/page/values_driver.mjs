// Reads PNG files of 16 bits, and brings pixels to gray levels, as the page does. Called by test_preprocessing.py.
import { readFileSync, writeFileSync } from "node:fs";
import { inLevels } from "./look/levels.js";
import { isWidePng, widePng } from "./look/png16.js";

const [source, target] = process.argv.slice(2);
const made = [];
for (const { file, ranges } of JSON.parse(readFileSync(source, "utf8"))) {
  const bytes = new Uint8Array(Buffer.from(file, "base64"));
  const raster = isWidePng(bytes) ? await widePng(bytes) : null;
  made.push(raster && { ...raster, data: Array.from(raster.data), levels: Array.from(inLevels(raster, ranges).data) });
}
writeFileSync(target, JSON.stringify(made));
