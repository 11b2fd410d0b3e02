// Computes the first lesson as the page does, and says what each value is made from. Called by test_lesson.py.
import { readFileSync, writeFileSync } from "node:fs";
import { laidFor, fractionsOf, sumOfDice } from "./look/dice.js";
import { makeEngine } from "./look/engine.js";
import { LESSON } from "./look/text_lesson.js";
import { partsOf } from "./look/softmax_table.js";
import { EDGE_IMAGES, closestUnit, twoLayers } from "./look/two_layers.js";
import { boxBelow, explain, receptiveField } from "./look/explain.js";
import { separateParameters } from "./look/network.js";
import { TEACHER, beginners, errorsOf, gradientStep, learned } from "./look/toy_learning.js";
import { movedRight, toyNetwork, toyPixels } from "./look/toy.js";

const [source, target] = process.argv.slice(2);
const { toys: given, dice } = JSON.parse(readFileSync(source, "utf8"));
const toys = given.map((toy) => {
  const network = toyNetwork(toy);
  const mapsOf = (pixels) => makeEngine(network)({ pixels, off: [] }).all;
  const all = mapsOf(toyPixels(toy));
  const moved = mapsOf(toyPixels({ ...toy, channels: toy.channels.map(movedRight) }));
  const layers = network.layers.map((layer, index) => {
    const { maps, rows, columns, parameters, macs } = layer;
    const separate = separateParameters(layer);
    const values = Array.from(all[index + 1]);
    const taken = values.map((_, at) => {
      const inside = at % (rows * columns);
      const place = {
        layer: index + 1,
        unit: Math.floor(at / (rows * columns)),
        row: Math.floor(inside / columns),
        column: inside % columns,
      };
      return {
        value: explain(network, all, place).value,
        box: boxBelow(network, place),
        field: receptiveField(network, place),
      };
    });
    return { maps, rows, columns, parameters, separate, macs, values, taken, moved: Array.from(moved[index + 1]) };
  });
  return { image: Array.from(all[0]), layers };
});
const sums = dice.map(([first, second]) => {
  const [one, two] = [fractionsOf(first), fractionsOf(second)];
  const chances = sumOfDice(one, two);
  const laid = chances.map((_, place) => laidFor(one, two, place + 2));
  return {
    chances,
    weights: laid.map(({ weights }) => weights),
    totals: laid.map(({ products }) => products.reduce((sum, product) => sum + product, 0)),
  };
});
const stages = [0, 1, 20, 200, 1000].map((seen) => {
  const learners = learned(beginners(), seen);
  return { seen: learners.seen, weights: learners.copied, separate: learners.separate, errors: errorsOf(learners) };
});
const [first, second] = [learned(beginners(), 1), learned(beginners(), 2)];
const step = { old: first.copied, kept: second.before, image: second.last, made: second.copied };
const thirds = [
  [1, 1],
  [2, -3],
];
const layers = [false, true].map((relu) =>
  thirds.map((third) => {
    const both = EDGE_IMAGES.map((one) => twoLayers(third, relu, one));
    const single = closestUnit(both.map(({ value }) => value));
    return both.map((one, index) => ({ ...one, image: EDGE_IMAGES[index], single: single[index] }));
  }),
);
const softmax = [
  [3, 1, -1],
  [200, 199, -200],
].map((logits) => [false, true].map((sigmoids) => partsOf(logits, sigmoids).parts));
const twice = learned(learned(beginners(), 15), 5);
writeFileSync(
  target,
  JSON.stringify({
    toys,
    sums,
    stages,
    teacher: TEACHER,
    twice: twice.copied,
    step: { ...step, ...gradientStep(step.old, step.image) },
    layers,
    softmax,
    lesson: Object.keys(LESSON.steps),
  }),
);
