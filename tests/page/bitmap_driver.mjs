// Writes images as the page's thumbnails do. Called by test_bitmap.py.
import { readFileSync, writeFileSync } from "node:fs";
import { bitmapAddress } from "./look/bitmap.js";

const [source, target] = process.argv.slice(2);
const made = JSON.parse(readFileSync(source, "utf8")).flatMap(({ rows, columns, channels, pixels }) => {
  const bytes = new Uint8Array(Buffer.from(pixels, "base64"));
  const native = bitmapAddress(bytes, { rows, columns }, channels);
  delete Uint8Array.prototype.toBase64; // as in an older browser
  return [native, bitmapAddress(bytes, { rows, columns }, channels)];
});
writeFileSync(target, JSON.stringify(made));
