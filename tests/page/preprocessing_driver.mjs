// Fits images as the page does. Called by test_preprocessing_in_page.py.
import { readFileSync, writeFileSync } from "node:fs";
import { fitImage } from "./look/preprocessing.js";

const [source, target] = process.argv.slice(2);
const made = JSON.parse(readFileSync(source, "utf8")).map(({ raster, target: wanted }) => {
  const data = new Uint8Array(Buffer.from(raster.data, "base64"));
  return Buffer.from(fitImage({ ...raster, data, channels: 4 }, wanted)).toString("base64");
});
writeFileSync(target, JSON.stringify(made));
