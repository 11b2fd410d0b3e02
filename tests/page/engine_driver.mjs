// Runs the page's engine on networks and images given as JSON, and takes values apart. Called by test_engine.py.
import { readFileSync, writeFileSync } from "node:fs";
import { makeEngine, probabilitiesOf } from "./look/engine.js";
import { boxBelow, explain, receptiveField, valueAt } from "./look/explain.js";
import { shapeAt } from "./look/network.js";
import { readNetwork } from "./look/reading.js";
import { functionOf } from "./look/nonlinearity.js";

const [source, target] = process.argv.slice(2);
const base64 = (/** @type {Float32Array} */ maps) =>
  Buffer.from(maps.buffer, maps.byteOffset, maps.byteLength).toString("base64");

/** A value as the sum of what the page shows, and as it was computed. */
function account(network, all, place) {
  const found = explain(network, all, place);
  const value = valueAt(network, all, place);
  const layer = network.layers[place.layer - 1];
  const box = boxBelow(network, place);
  const field = receptiveField(network, place);
  const nonlinearity = functionOf(layer.nonlinearity);
  if (found.kind === "pooled") {
    const sum = found.inputs.reduce((total, input, index) => total + input * found.weights[index], 0);
    return { value, sum: nonlinearity(sum), shown: [found.value], box, field };
  }
  if (found.kind === "account") {
    for (const term of found.terms)
      if (term.input !== valueAt(network, all, term)) throw new Error("a term is another value");
    const { exponentials, largest } = found.facts;
    const total = {
      sum: () => found.terms.reduce((sum, { input, weight }) => sum + input * weight, found.constant),
      product: () => found.terms[0].input * found.terms[1].input,
      fraction: () => Math.exp(found.terms[0].input - largest) / exponentials,
    }[found.form]();
    const sum = found.through.reduce((result, name) => functionOf(name)(result), total);
    return { value, sum, shown: [found.value], box, field };
  }
  const parts = found.parts.map((part) => {
    const products = part.inputs.map((input, index) => input * part.weights[index]);
    if (products.some((product, index) => product !== part.products[index])) throw new Error("a product is wrong");
    const sum = products.reduce((total, product) => total + product, 0);
    if (sum !== part.sum) throw new Error("a sum is wrong");
    return sum;
  });
  const total = found.bias + parts.reduce((all_, part) => all_ + part, 0) + (found.added ?? 0);
  return { value, sum: nonlinearity(total), shown: [found.value, nonlinearity(found.total)], box, field };
}

/** Numbers that look random and are the same every time. */
function* places(network, count) {
  let state = 1;
  const below = (limit) => {
    state = (state * 48271) % 2147483647;
    return state % limit;
  };
  for (let index = 0; index < count; index++) {
    const layer = 1 + below(network.layers.length);
    const shape = shapeAt(network, layer);
    yield { layer, unit: below(shape.maps), row: below(shape.rows), column: below(shape.columns) };
  }
}

/** The units of one layer off: all values, and whether they are those of a fresh engine. */
function withoutUnits(network, engine, plain, image, off) {
  const { all, intact } = engine({ pixels: image.pixels, off });
  const fresh = makeEngine(network, plain)({ pixels: image.pixels, off }).all;
  const same = all.every(
    (maps, layer) => Buffer.compare(Buffer.from(maps.buffer), Buffer.from(fresh[layer].buffer)) === 0,
  );
  const shared = all.map((maps, layer) => maps === intact[layer]);
  const some = engine({ pixels: image.pixels, off, open: [1] }).all.map((maps) => maps.length);
  return { maps: all.map(base64), intact: intact.map(base64), same, shared, some };
}

const results = JSON.parse(readFileSync(source, "utf8")).map(({ data, places: count, plain, off: named = null }) => {
  const network = readNetwork(JSON.stringify(data));
  const engine = makeEngine(network, plain);
  return network.images.map((image) => {
    const { all, loops } = engine({ pixels: image.pixels, off: [] });
    if ((loops === "plain") !== plain) throw new Error(`computed with ${loops} loops`);
    const values = [...places(network, count)].map((place) => ({ place, ...account(network, all, place) }));
    const off = { layer: network.layers.length - 1, unit: 0 }; // of the last layer before the classifier
    const without = off.layer > 0 ? engine({ pixels: image.pixels, off: [off] }) : null;
    return {
      maps: all.map(base64),
      probabilities: probabilitiesOf(network, all[all.length - 1]),
      values,
      changed: named && withoutUnits(network, engine, plain, image, named),
      without: without && [...without.all.slice(-2), without.intact.at(-1)].map(base64),
    };
  });
});
writeFileSync(target, JSON.stringify(results));
