// @ts-check
/** The first lesson: one unit, copied to every place of a small picture. Every number can be changed. */
import { largestSize, makePalette } from "./colours.js";
import { element } from "./dom.js";
import { prepare, run } from "./engine.js";
import { boxBelow } from "./explain.js";
import { shapeAt } from "./format.js";
import { STILL } from "./moving.js";
import { within } from "./place.js";
import { numberTable } from "./tables.js";
import { TOY_PATCH, TOY_SIDE, movedRight, toyNetwork, toyPixels } from "./toy.js";
import { makeWorking } from "./working.js";
import { LESSON, TEXT, WINDOWS, counted, outcome } from "./words.js";

/** @typedef {import("./toy.js").Toy} Toy */
/** @typedef {import("./explain.js").Place} Place */

const WALK_MS = 450;
const CALM_WALK_MS = 1200;
const LARGEST_WEIGHT = 99;

const PICTURES = {
  line: [0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0],
  corner: [0, 0, 0, 0, 0, 0, 9, 9, 9, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0],
  dot: [0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
};
const UNITS = {
  upright: [-1, 2, -1, -1, 2, -1, -1, 2, -1],
  level: [-1, -1, -1, 2, 2, 2, -1, -1, -1],
  edge: [-1, 0, 1, -1, 0, 1, -1, 0, 1],
  blur: [1, 1, 1, 1, 1, 1, 1, 1, 1],
  same: [0, 0, 0, 0, 1, 0, 0, 0, 0],
};

/** @param {HTMLElement} parent */
export function makeLesson(parent) {
  const lesson = element("details", { class: "lesson" }, element("summary", { text: LESSON.title }));
  parent.append(lesson);
  const open = () => {
    lesson.removeEventListener("toggle", open);
    fill(lesson);
  };
  lesson.addEventListener("toggle", open);
}

/** @param {HTMLElement} lesson */
function fill(lesson) {
  /** @type {Toy} */
  let toy = { picture: PICTURES.line, weights: UNITS.upright, bias: 0, zeros: 0, stride: 1, nonlinearity: "linear", code: "" };
  /** @type {Place} */
  let place = { step: 1, unit: 0, row: 0, column: 1 };
  let timer = 0;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const change = (/** @type {Partial<Toy>} */ some) => {
    toy = { ...toy, ...some };
    draw();
  };
  const go = (/** @type {Partial<Place> & { step: number }} */ to) => {
    if (to.step === 0) return; // the picture stands above
    place = { ...place, ...to };
    draw();
  };
  const board = (/** @type {number} */ step, /** @type {string} */ name) => {
    const made = element("div", { tabindex: 0, role: "application", "aria-label": `${name}. ${LESSON.keys}` });
    made.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!by) return;
      event.preventDefault();
      const here = place.step === step ? place : { row: 0, column: 0 };
      go({ step, row: here.row + by[0], column: here.column + by[1] });
    });
    return made;
  };

  const picture = numbers(LESSON.picture, TOY_SIDE, 0, 255, (values) => change({ picture: values.map(Math.round) }));
  const unit = numbers(LESSON.unit, TOY_PATCH, -LARGEST_WEIGHT, LARGEST_WEIGHT, (weights) => change({ weights }));
  const bias = numbers(LESSON.bias, 1, -LARGEST_WEIGHT, LARGEST_WEIGHT, ([value]) => change({ bias: value }));
  const [made, kept] = [board(1, LESSON.features), board(2, LESSON.kept)];
  const working = element("div", { class: "working" });
  const pictures = select(LESSON.pictures, LESSON.pictureNames, (name) => change({ picture: PICTURES[/** @type {keyof typeof PICTURES} */ (name)] }));
  const units = select(LESSON.units, LESSON.unitNames, (name) => change({ weights: UNITS[/** @type {keyof typeof UNITS} */ (name)] }));
  const zeros = select(LESSON.zeros, LESSON.zeroNames, (name) => change({ zeros: Number(name) }));
  const stride = select(LESSON.stride, LESSON.strideNames, (name) => change({ stride: Number(name) }));
  const nonlinearity = select(LESSON.nonlinearity, LESSON.nonlinearityNames, (name) => change({ nonlinearity: name }));
  const kinds = Object.fromEntries(Object.entries(WINDOWS).map(([code, [, name]]) => [code, name]));
  const subsampling = select(LESSON.subsampling, { "": LESSON.none, ...kinds }, (code) => change({ code }));
  const move = () => change({ picture: movedRight(toy.picture) });

  const stop = () => {
    clearInterval(timer);
    timer = 0;
    walk.textContent = LESSON.walk;
  };
  const start = () => {
    walk.textContent = TEXT.stop;
    let at = -1;
    const next = () => {
      const { rows, columns } = shapeAt(toyNetwork(toy), 1);
      at += 1;
      if (at >= rows * columns) stop();
      else go({ step: 1, row: Math.floor(at / columns), column: at % columns });
    };
    timer = window.setInterval(next, matchMedia("(prefers-reduced-motion: reduce)").matches ? CALM_WALK_MS : WALK_MS);
    next();
  };
  const walk = button(LESSON.walk, () => (timer ? stop() : start()));
  const tries = [walk, button(LESSON.move, move), null, button(LESSON.pad, () => change({ zeros: 1 })), button(LESSON.max, () => change({ zeros: 1, code: "MP" })), null];
  lesson.append(
    element("p", { text: LESSON.intro }),
    element("div", { class: "toy" },
      element("div", {}, picture.element, element("div", { class: "tools" }, pictures.element)),
      element("div", {}, unit.element, bias.element, element("div", { class: "tools" }, units.element)),
      made, kept),
    element("div", { class: "tools" }, zeros.element, stride.element, nonlinearity.element, subsampling.element),
    element("ol", { class: "claims" }, ...LESSON.claims.map((text, index) => element("li", {}, text, " ", tries[index]))),
    element("h2", { text: LESSON.marked }),
    working,
  );
  dark.addEventListener("change", draw);
  draw();

  function draw() {
    const network = toyNetwork(toy);
    const pixels = toyPixels(toy);
    const all = run(prepare(network), pixels);
    const palette = makePalette(dark.matches);
    place = within(network, { ...place, step: Math.max(1, place.step) });
    const box = place.step === 1 ? boxBelow(network, place) : boxBelow(network, { ...place, step: 1, row: 2 * place.row, column: 2 * place.column });
    const wide = place.step === 1 ? TOY_PATCH : TOY_PATCH + toy.stride;
    picture.draw(toy.picture, palette, (row, column) => row >= box.top && row < box.top + wide && column >= box.left && column < box.left + wide);
    unit.draw(toy.weights, palette, () => false);
    bias.draw([toy.bias], palette, () => false);
    zeros.set(String(toy.zeros));
    subsampling.set(toy.code);
    made.replaceChildren(mapTable(1, LESSON.features));
    kept.hidden = network.steps.length === 1;
    kept.replaceChildren(...(network.steps.length > 1 ? [mapTable(2, LESSON.kept)] : []));
    const state = { picture: null, name: "", pixels, all, before: null, motion: STILL, off: [], milliseconds: 0, place, palette, ledger: null };
    working.replaceChildren(...makeWorking(network, go)(state));

    /** @param {number} step @param {string} name */
    function mapTable(step, name) {
      const shape = shapeAt(network, step);
      const { columns } = shape;
      const at = place.row * columns + place.column;
      const press = (/** @type {number} */ index) => go({ step, row: Math.floor(index / columns), column: index % columns });
      const table = { name: `${name}: ${counted(shape.rows * columns, "value")}`, values: Array.from(all[step]), wide: columns, largest: largestSize(all[step]), press };
      return numberTable(palette, { ...table, marked: (index) => place.step === step && index === at });
    }
  }
}

/** Numbers that can be changed. @param {string} name @param {number} side @param {number} least @param {number} most @param {(values: number[]) => void} told */
function numbers(name, side, least, most, told) {
  const inputs = Array.from({ length: side * side }, (_, index) => {
    const where = side > 1 ? `, row ${Math.floor(index / side) + 1}, column ${(index % side) + 1}` : "";
    return element("input", { type: "number", min: least, max: most, step: "any", "aria-label": `${name}${where}` });
  });
  const value = (/** @type {HTMLInputElement} */ input) => Math.max(least, Math.min(most, Number(input.value) || 0));
  for (const input of inputs) input.addEventListener("input", () => told(inputs.map(value)));
  const rows = Array.from({ length: side }, (_, row) => element("tr", {}, ...inputs.slice(row * side, (row + 1) * side).map((input) => element("td", {}, input))));
  return {
    element: element("table", { class: "editable" }, element("caption", { text: name }), element("tbody", {}, ...rows)),
    /** @param {number[]} values @param {import("./colours.js").Palette} palette @param {(row: number, column: number) => boolean} marked */
    draw(values, palette, marked) {
      const largest = largestSize(values);
      inputs.forEach((input, index) => {
        if (value(input) !== values[index] || input.value === "") if (input !== document.activeElement) input.value = String(values[index]);
        input.style.backgroundColor = palette.css(largest > 0 ? values[index] / largest : 0);
        input.style.color = palette.ink(largest > 0 ? values[index] / largest : 0);
        input.classList.toggle("marked", marked(Math.floor(index / side), index % side));
      });
    },
  };
}

/** @param {string} name @param {Record<string, string>} options @param {(value: string) => void} told */
function select(name, options, told) {
  const made = element("select", {}, ...Object.entries(options).map(([value, text]) => element("option", { value, text })));
  made.addEventListener("change", () => told(made.value));
  return { element: element("label", {}, `${name} `, made), set: (/** @type {string} */ value) => (made.value = value) };
}

/** @param {string} text @param {() => void} onclick */
function button(text, onclick) {
  return element("button", { type: "button", text, onclick });
}
