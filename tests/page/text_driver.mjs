// Sentences of the page's header. Called by test_words.py.
import { readFileSync, writeFileSync } from "node:fs";
import { TEXT } from "./look/text.js";
import { MAP } from "./look/text_map.js";

const [source, target] = process.argv.slice(2);
const headers = JSON.parse(readFileSync(source, "utf8"));
const made = headers.map(({ rounding, dense }) => [
  TEXT.rounded(rounding, "8 bits", dense),
  TEXT.intro(dense),
  MAP.intro(dense),
]);
writeFileSync(target, JSON.stringify(made));
