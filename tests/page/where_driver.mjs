// Says where networks given as JSON looked, as the page does. Called by test_where.py.
import { readFileSync, writeFileSync } from "node:fs";
import { readNetwork } from "./look/reading.js";
import { hasGradients } from "./look/where_backward.js";
import { makeWhereMaps } from "./look/where_maps.js";
import { nearestOf } from "./look/where_nearest.js";

const [source, target] = process.argv.slice(2);

const results = JSON.parse(readFileSync(source, "utf8")).map(({ data, classes, rows }) => {
  const network = readNetwork(JSON.stringify(data));
  const maps = makeWhereMaps(network);
  return network.images.map(({ pixels }, index) => {
    const quick = maps.look(pixels, classes?.[index] ?? null);
    const occluded = [...maps.occlude(quick.target)].filter((one) => one);
    const again = maps.look(pixels, quick.target);
    if (again.logit !== quick.logit) throw new Error("the image is not what it was");
    const near = rows ? nearestOf(Float32Array.from(rows[0]), Float32Array.from(rows.flat()), 3) : [];
    return {
      ...quick,
      camera: quick.camera && [...quick.camera],
      pixels: quick.pixels && [...quick.pixels],
      features: quick.features.length,
      occluded: occluded.map(({ values, largest, done }) => ({ values: [...values], largest, done })),
      whole: hasGradients(network, 0),
      near,
    };
  });
});
writeFileSync(target, JSON.stringify(results));
