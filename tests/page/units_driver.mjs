// What the page makes of units: patches cut out, and the maps below whose weights it shows.
import { readFileSync, writeFileSync } from "node:fs";
import { strongestInputs } from "./look/filters.js";
import { readNetwork } from "./look/reading.js";
import { cutPatch } from "./look/patches.js";

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const [given, made] = process.argv.slice(2);
const result = JSON.parse(readFileSync(given, "utf8")).map((data) => {
  const network = readNetwork(JSON.stringify(data));
  return network.units.layers.map(({ layer, units }) =>
    units.map((unit, place) => ({
      patches: unit.top.map((patch) => {
        if (patch[0] < 0) return { webp: network.units.elsewhere[-1 - patch[0]][1] };
        const { rows, columns, pixels } = cutPatch(network, network.layers[layer - 1], patch);
        return { rows, columns, pixels: base64(pixels) };
      }),
      inputs: strongestInputs(network, layer, place),
    })),
  );
});
writeFileSync(made, JSON.stringify(result));
