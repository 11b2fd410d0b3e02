// @ts-check
/** In the first lesson: two layers with a nonlinearity between them, and without one, where they are one. */
import { makePalette } from "./colors.js";
import { button, element, tools } from "./dom.js";
import { select } from "./editable.js";
import { short } from "./format.js";
import { TWO_LAYERS } from "./text_lesson.js";
import { numberTable } from "./number_table.js";
import { strong } from "./pooling_derivation.js";
import { makeStore } from "./store.js";
import { PATCHES, TOY_PATCH } from "./toy.js";
import { sumOf } from "./toy_learning.js";

export const FIRST_LAYER = [PATCHES.edge, PATCHES.edge.map((weight) => 0 - weight)];
/** Either side, both, none: an exclusive or, which no unit computes, whatever increasing nonlinearity follows it. */
export const EDGE_IMAGES = [
  [0, 0, 9, 0, 0, 9, 0, 0, 9],
  [9, 0, 0, 9, 0, 0, 9, 0, 0],
  [9, 0, 9, 9, 0, 9, 9, 0, 9],
  [0, 0, 0, 0, 0, 0, 0, 0, 0],
];
const LARGEST = 9;

/** @typedef {{ relu: boolean, image: number, third: number[] }} Tried */

/**
 * The sums of both units, their values after the nonlinearity, that of the third unit; and the weights of the one unit
 * that does the same where there is no nonlinearity.
 * @param {number[]} third its two weights
 * @param {boolean} relu
 * @param {number[]} image
 */
export function twoLayers(third, relu, image) {
  const sums = FIRST_LAYER.map((weights) => sumOf(weights, image));
  const values = sums.map((sum) => (relu ? Math.max(0, sum) : sum));
  const weights = FIRST_LAYER[0].map((weight, index) => third[0] * weight + third[1] * FIRST_LAYER[1][index]);
  return { sums, values, value: sumOf(third, values), weights };
}

/**
 * What the one unit that comes closest to two layers, over all weights and biases, gives for each of the images: it
 * adds what a side is worth, and misses what both sides are worth together.
 * @param {number[]} values of two layers
 */
export function closestUnit(values) {
  const together = EDGE_IMAGES.map((image) => (image[0] === image[2] ? 1 : -1));
  const missed = values.reduce((sum, value, index) => sum + value * together[index], 0) / values.length;
  return values.map((value, index) => value - missed * together[index]);
}

/** @returns {HTMLElement} */
export function makeTwoLayers() {
  const store = makeStore(/** @type {Tried} */ ({ relu: false, image: 0, third: [1, 1] }));
  const image = select(TWO_LAYERS.images, Object.fromEntries(TWO_LAYERS.imageNames.entries()), (index) =>
    store.set({ image: Number(index) }),
  );
  const third = store.get().third.map((value, index) => thirdWeight(value, index, store));
  const turn = [false, true].map((relu) =>
    button(relu ? TWO_LAYERS.relu : TWO_LAYERS.linear, () => store.set({ relu })),
  );
  const shown = element("div");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    turn.forEach((one, index) => one.setAttribute("aria-pressed", String(store.get().relu === Boolean(index))));
    shown.replaceChildren(...workingOf(store.get(), makePalette(dark.matches)));
  };
  store.subscribe(draw);
  dark.addEventListener("change", draw);
  draw();
  const weights = element("span", { class: "editable" }, `${TWO_LAYERS.third} `, ...third);
  return element("div", { class: "experiment" }, tools(...turn, image.element, weights), shown);
}

/** @param {number} value @param {number} index @param {import("./store.js").Store<Tried>} store */
function thirdWeight(value, index, store) {
  const input = element("input", {
    type: "number",
    min: -LARGEST,
    max: LARGEST,
    step: "any",
    value,
    "aria-label": TWO_LAYERS.thirdWeight(index + 1),
  });
  input.addEventListener("input", () => {
    const typed = Math.max(-LARGEST, Math.min(LARGEST, Number(input.value) || 0));
    store.set({ third: store.get().third.map((old, at) => (at === index ? typed : old)) });
  });
  return input;
}

/** @param {Tried} tried @param {import("./colors.js").Palette} palette @returns {Node[]} */
function workingOf({ relu, image, third }, palette) {
  const both = EDGE_IMAGES.map((one) => twoLayers(third, relu, one).value);
  const single = closestUnit(both);
  const same = single.every((value, index) => value === both[index]);
  const made = twoLayers(third, relu, EDGE_IMAGES[image]);
  const table = (/** @type {string} */ name, /** @type {number[]} */ values, /** @type {number} */ largest) =>
    numberTable(palette, { name, values, wide: TOY_PATCH, largest });
  const tables = [
    table(TWO_LAYERS.image, EDGE_IMAGES[image], 9),
    ...FIRST_LAYER.map((weights, index) => table(TWO_LAYERS.unit(index + 1), weights, 2)),
    ...(relu ? [] : [table(TWO_LAYERS.both, made.weights, 2)]),
  ];
  const line = (/** @type {string} */ name, /** @type {string} */ sum, /** @type {number} */ value) =>
    element("p", { class: "sum" }, name, sum, strong(value));
  const through = relu ? " → ReLU → " : " → ";
  const products = third.map((weight, index) => `${short(weight)} × ${short(made.values[index])}`).join(" + ");
  return [
    element("div", { class: "toy" }, ...tables),
    element(
      "div",
      { class: "total" },
      ...made.sums.map((sum, index) => line(TWO_LAYERS.first(index + 1), short(sum) + through, made.values[index])),
      line(TWO_LAYERS.after, `${products} = `, made.value),
      ...(relu ? [] : [line(TWO_LAYERS.single, "", single[image])]),
    ),
    allImages(both, single),
    element("p", { role: "status", text: relu ? (same ? TWO_LAYERS.matched : TWO_LAYERS.differs) : TWO_LAYERS.same }),
  ];
}

/** @param {number[]} both values of two layers @param {number[]} single of one unit @returns {HTMLElement} */
function allImages(both, single) {
  const rows = EDGE_IMAGES.map((_, index) => {
    const head = element("th", { scope: "row", text: TWO_LAYERS.imageNames[index] });
    const cells = [both[index], single[index]].map((number) => element("td", { class: "number", text: short(number) }));
    return element("tr", {}, head, ...cells);
  });
  const heads = TWO_LAYERS.heads.map((text) => element("th", { scope: "col", text }));
  return element(
    "table",
    { class: "lines" },
    element("caption", { class: "caption", text: TWO_LAYERS.all }),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows),
  );
}
