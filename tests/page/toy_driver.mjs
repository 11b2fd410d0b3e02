// Computes the first lesson as the page does, and says what each value is made from. Called by test_lesson.py.
import { readFileSync, writeFileSync } from "node:fs";
import { prepare, run } from "./look/engine.js";
import { boxBelow, explain, receptiveField } from "./look/explain.js";
import { movedRight, toyNetwork, toyPixels } from "./look/toy.js";

const [source, target] = process.argv.slice(2);
const made = JSON.parse(readFileSync(source, "utf8")).map((toy) => {
  const network = toyNetwork(toy);
  const all = run(prepare(network), toyPixels(toy));
  const moved = run(prepare(network), toyPixels({ ...toy, picture: movedRight(toy.picture) }));
  const steps = network.steps.map(({ rows, columns }, index) => {
    const values = Array.from(all[index + 1]);
    const taken = values.map((_, at) => {
      const place = { step: index + 1, unit: 0, row: Math.floor(at / columns), column: at % columns };
      return { value: explain(network, all, place).value, box: boxBelow(network, place), field: receptiveField(network, place) };
    });
    return { rows, columns, values, taken, moved: Array.from(moved[index + 1]) };
  });
  return { picture: Array.from(all[0]), steps };
});
writeFileSync(target, JSON.stringify(made));
