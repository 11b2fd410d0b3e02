// Builds the page's WebAssembly modules from kernels.mjs with wabt, and writes them as base64 into kernels.js.
// `node build.mjs` writes it; `node build.mjs --print` prints what it would write, which a test compares.
import { writeFileSync } from "node:fs";
import makeWabt from "wabt";
import { moduleText } from "./kernels.mjs";

const TARGET = new URL("../../src/convscope/explorer/static/kernels.js", import.meta.url);
// Eight sums: with more, V8 runs out of registers (docs/decisions/0009-page-engine.md).
const BLOCK = { units: 4, vectors: 2, alone: 4, wide: 8 };

const wabt = await makeWabt();

/** @param {boolean} fused @returns {string} base64 as strings that are added, one a line */
function built(fused) {
  const features = { simd: true, relaxed_simd: fused };
  const module = wabt.parseWat("kernels.wat", moduleText({ ...BLOCK, fused }), features);
  module.validate(features);
  const bytes = Buffer.from(module.toBinary({ log: false, write_debug_names: false }).buffer).toString("base64");
  return (bytes.match(/.{1,112}/g) ?? []).map((line) => `"${line}"`).join(" +\n    ");
}

const text = `// @ts-check
/** The bytes of our WebAssembly modules as base64: made by tools/page/build.mjs from tools/page/kernels.mjs. */

/** How many units the sums over patches, and over everything below, are computed for at a time. */
export const BLOCK = ${BLOCK.units};
export const WIDE = ${4 * BLOCK.wide};
/** At how many times 4 places sums over patches are computed at a time, and those of depthwise units. */
export const VECTORS = ${BLOCK.vectors};
export const ALONE = ${BLOCK.alone};

/** Sums that round once for each product (relaxed SIMD), and those that round twice. */
export const KERNELS = {
  fused:
    ${built(true)},
  simd:
    ${built(false)},
};
`;
if (process.argv.includes("--print")) process.stdout.write(text);
else writeFileSync(TARGET, text);
