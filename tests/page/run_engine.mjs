// Runs the page's own engine for tests: pages' data and pixels as JSON on standard input, all maps on standard output.
// Of some values it also checks that what the page says about them adds up to them.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { forward, summed, taken, unpacked, weighed } = await import(pathToFileURL(process.argv[2]).href);
let state = 1;
const random = (below) => (state = (state * 48271) % 2147483647) % below;
const results = [];
for (const { data, pixels } of JSON.parse(readFileSync(0, "utf8"))) {
  const network = unpacked(data), all = forward(network, Uint8Array.from(pixels));
  let worst = 0, checked = 0;
  network.steps.forEach((step, place) => {
    const below = all[place], above = all[place + 1];
    for (let turn = 0; turn < 8; turn++, checked++) {
      const map = random(above.maps), row = random(above.rows), column = random(above.columns);
      const value = above.values[(map * above.rows + row) * above.columns + column];
      const found = step.kind === "sums" ? summed(step, below, map, row, column, above)
        : step.kind === "subsampling" ? taken(step, below, map, row, column) : weighed(step, below, map);
      let again = found.value;
      if (step.kind === "sums") {
        const sum = found.channels.reduce((total, one) => total + one.inputs.reduce((part, input, at) => part + input * one.weights[at], 0), found.bias);
        if (Math.abs(sum + (found.added ?? 0) - found.total) > 1e-5 * (1 + Math.abs(sum))) again = NaN;
      }
      const wrong = Math.abs(again - value) / (1 + Math.abs(value));
      worst = Number.isNaN(wrong) ? Infinity : Math.max(worst, wrong);
    }
  });
  results.push({ maps: all.map((one) => ({ shape: [one.maps, one.rows, one.columns], values: Array.from(one.values) })), worst: worst === Infinity ? 1e9 : worst, checked });
}
process.stdout.write(JSON.stringify(results));
