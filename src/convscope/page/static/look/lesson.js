// @ts-check
/** The first lesson: one unit, copied to every place of a small image. Every number can be changed. */
import { largestSize, makePalette } from "./colours.js";
import { makeDice } from "./dice.js";
import { element } from "./dom.js";
import { numbers, select } from "./editable.js";
import { prepare, run } from "./engine.js";
import { boxBelow, receptiveField } from "./explain.js";
import { shapeAt } from "./format.js";
import { LESSON } from "./lesson_words.js";
import { STILL } from "./moving.js";
import { within } from "./place.js";
import { makeSharing } from "./sharing.js";
import { numberTable } from "./tables.js";
import { MOST_CHANNELS, MOST_UNITS, TOY_PATCH, TOY_SIDE, movedRight, toyNetwork, toyPixels } from "./toy.js";
import { makeWorking } from "./working.js";
import { TEXT, WINDOWS, counted } from "./words.js";

/** @typedef {import("./toy.js").Toy} Toy */
/** @typedef {import("./toy.js").ToyUnit} ToyUnit */
/** @typedef {import("./explain.js").Place} Place */
/** @typedef {import("./page.js").State} State */

const WALK_MS = 450;
const CALM_WALK_MS = 1200;
const LARGEST_WEIGHT = 99;

const IMAGES = {
  line: [0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0],
  corner: [0, 0, 0, 0, 0, 0, 9, 9, 9, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0],
  dot: [0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
};
const PATCHES = {
  upright: [-1, 2, -1, -1, 2, -1, -1, 2, -1],
  level: [-1, -1, -1, 2, 2, 2, -1, -1, -1],
  edge: [-1, 0, 1, -1, 0, 1, -1, 0, 1],
  blur: [1, 1, 1, 1, 1, 1, 1, 1, 1],
  same: [0, 0, 0, 0, 1, 0, 0, 0, 0],
};
const SECOND_CHANNEL = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/** @type {ToyUnit[]} */
const UNITS = [
  { weights: [PATCHES.upright, PATCHES.level], bias: 0 },
  { weights: [PATCHES.level, PATCHES.edge], bias: 0 },
];
/** @type {Toy} */
const FIRST = { channels: [IMAGES.line], units: [UNITS[0]], zeros: 0, stride: 1, nonlinearity: "linear", code: "" };

/** @param {HTMLElement} parent @param {() => void} toUnits shows what the network of the page has learned */
export function makeLesson(parent, toUnits) {
  const lesson = element("details", { class: "lesson" }, element("summary", { text: LESSON.title }));
  parent.append(lesson);
  const open = () => {
    lesson.removeEventListener("toggle", open);
    fill(lesson, toUnits);
  };
  lesson.addEventListener("toggle", open);
}

/** @param {HTMLElement} lesson @param {() => void} toUnits */
function fill(lesson, toUnits) {
  let toy = FIRST;
  /** @type {Place} */
  let place = { layer: 1, unit: 0, row: 0, column: 1 };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const change = (/** @type {Partial<Toy>} */ some) => {
    toy = { ...toy, ...some };
    draw();
  };
  const go = (/** @type {Partial<Place> & { layer: number }} */ to) => {
    if (to.layer === 0) return; // the image stands above
    place = { ...place, ...to };
    draw();
  };
  const channels = Array.from({ length: MOST_CHANNELS }, (_, channel) =>
    numbers(LESSON.channel(channel + 1), TOY_SIDE, 0, 255, (values) => change({ channels: replaced(toy.channels, channel, values.map(Math.round)) })),
  );
  const units = Array.from({ length: MOST_UNITS }, (_, unit) => unitEditor(unit, (make) => change({ units: replaced(toy.units, unit, make(toy.units[unit])) })));
  const boards = [1, 2].map((layer) => Array.from({ length: MOST_UNITS }, (_, unit) => board(layer, unit, () => place, go)));
  const working = element("div", { class: "working" });
  const choices = makeChoices(() => toy, change);
  lesson.append(
    element("p", { text: LESSON.intro }),
    element("div", { class: "toy bench" },
      element("div", {}, element("div", { class: "side-by-side" }, ...channels.map((one) => one.element)), element("div", { class: "tools" }, choices.image)),
      element("div", { class: "toy-units" }, ...units.map((one) => one.element), element("div", { class: "tools" }, choices.unit)),
      ...boards.map((row) => element("div", { class: "side-by-side" }, ...row))),
    element("div", { class: "tools" }, ...choices.others),
    element("h2", { text: LESSON.marked }),
    working,
    element("ol", { class: "claims" }, ...claims({ go, change, network: () => toyNetwork(toy), toy: () => toy, toUnits })),
  );
  dark.addEventListener("change", draw);
  draw();

  function draw() {
    const network = toyNetwork(toy);
    const pixels = toyPixels(toy);
    const all = run(prepare(network, true), pixels);
    const palette = makePalette(dark.matches);
    place = within(network, { ...place, layer: Math.max(1, place.layer) });
    const box = place.layer === 1 ? boxBelow(network, place) : receptiveField(network, place);
    channels.forEach((one, channel) => {
      one.element.hidden = channel >= toy.channels.length;
      if (channel >= toy.channels.length) return;
      one.name(toy.channels.length > 1 ? LESSON.channel(channel + 1) : LESSON.image);
      one.draw(toy.channels[channel], palette, (row, column) => row >= box.top && row < box.top + box.tall && column >= box.left && column < box.left + box.wide);
    });
    units.forEach((one, unit) => one.draw(toy, palette, unit));
    choices.show(toy);
    boards.forEach((row, index) =>
      row.forEach((one, unit) => {
        one.hidden = index + 1 > network.layers.length || unit >= toy.units.length;
        if (!one.hidden) one.replaceChildren(mapTable(network, all, place, palette, index + 1, unit, go));
      }),
    );
    /** @type {State} */
    const state = { image: null, name: "", pixels, all, before: null, motion: STILL, off: [], milliseconds: 0, place, palette, sensitivity: null };
    working.replaceChildren(...makeWorking(network, go)(state));
  }
}

/** The same list with one thing replaced. @template T @param {T[]} list @param {number} place @param {T} value @returns {T[]} */
function replaced(list, place, value) {
  return list.map((one, at) => (at === place ? value : one));
}

/** The weights of one unit on each channel, and its bias. @param {number} unit @param {(make: (unit: ToyUnit) => ToyUnit) => void} told */
function unitEditor(unit, told) {
  const patches = Array.from({ length: MOST_CHANNELS }, (_, channel) =>
    numbers(LESSON.onChannel(unit + 1, channel + 1), TOY_PATCH, -LARGEST_WEIGHT, LARGEST_WEIGHT, (weights) => told((one) => ({ ...one, weights: replaced(one.weights, channel, weights) }))),
  );
  const bias = numbers(LESSON.bias, 1, -LARGEST_WEIGHT, LARGEST_WEIGHT, ([value]) => told((one) => ({ ...one, bias: value })));
  const made = element("div", { class: "toy-unit" }, ...patches.map((patch) => patch.element), bias.element);
  return {
    element: made,
    /** @param {Toy} toy @param {import("./colours.js").Palette} palette @param {number} at */
    draw(toy, palette, at) {
      made.hidden = at >= toy.units.length;
      if (made.hidden) return;
      const named = toy.units.length > 1 ? LESSON.unitNumber(at + 1) : LESSON.unit;
      patches.forEach((patch, channel) => {
        patch.element.hidden = channel >= toy.channels.length;
        patch.name(toy.channels.length > 1 ? LESSON.onChannel(at + 1, channel + 1) : named);
        patch.draw(toy.units[at].weights[channel], palette, () => false);
      });
      bias.draw([toy.units[at].bias], palette, () => false);
    },
  };
}

/** A map that arrow keys move over. @param {number} layer @param {number} unit @param {() => Place} here @param {(to: Partial<Place> & { layer: number }) => void} go @returns {HTMLElement} */
function board(layer, unit, here, go) {
  const made = element("div", { tabindex: 0, role: "application", "aria-label": `${layer === 1 ? LESSON.featuresOf(unit + 1) : LESSON.keptOf(unit + 1)}. ${LESSON.keys}` });
  made.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!by) return;
    event.preventDefault();
    const place = here();
    const from = place.layer === layer && place.unit === unit ? place : { row: 0, column: 0 };
    go({ layer, unit, row: from.row + by[0], column: from.column + by[1] });
  });
  return made;
}

/** @param {import("./format.js").Network} network @param {Float32Array[]} all @param {Place} place @param {import("./colours.js").Palette} palette @param {number} layer @param {number} unit @param {(to: Partial<Place> & { layer: number }) => void} go */
function mapTable(network, all, place, palette, layer, unit, go) {
  const shape = shapeAt(network, layer);
  const { rows, columns, maps } = shape;
  const at = place.row * columns + place.column;
  const press = (/** @type {number} */ index) => go({ layer, unit, row: Math.floor(index / columns), column: index % columns });
  const plain = layer === 1 ? LESSON.features : LESSON.kept;
  const title = maps === 1 ? plain : layer === 1 ? LESSON.featuresOf(unit + 1) : LESSON.keptOf(unit + 1);
  const values = Array.from(all[layer].subarray(unit * rows * columns, (unit + 1) * rows * columns));
  const table = { name: `${title}: ${counted(rows * columns, "value")}`, values, wide: columns, largest: largestSize(all[layer]), press };
  return numberTable(palette, { ...table, marked: (index) => place.layer === layer && place.unit === unit && index === at });
}

/** What can be chosen. @param {() => Toy} now @param {(some: Partial<Toy>) => void} change */
function makeChoices(now, change) {
  /** The name of these numbers, none if they were changed. @param {Record<string, number[]>} named @param {number[]} values */
  const nameOf = (named, values) => Object.keys(named).find((name) => named[name].every((value, place) => value === values[place])) ?? "";
  const image = select(LESSON.images, LESSON.imageNames, (name) => change({ channels: replaced(now().channels, 0, IMAGES[/** @type {keyof typeof IMAGES} */ (name)]) }));
  const unit = select(LESSON.units, LESSON.unitNames, (name) => {
    const [first] = now().units;
    change({ units: replaced(now().units, 0, { ...first, weights: replaced(first.weights, 0, PATCHES[/** @type {keyof typeof PATCHES} */ (name)]) }) });
  });
  const count = (/** @type {number} */ most) => Object.fromEntries(Array.from({ length: most }, (_, place) => [place + 1, String(place + 1)]));
  const channels = select(LESSON.channelCount, count(MOST_CHANNELS), (many) => change({ channels: [...now().channels, SECOND_CHANNEL].slice(0, Number(many)) }));
  const units = select(LESSON.unitCount, count(MOST_UNITS), (many) => change({ units: [...now().units, UNITS[1]].slice(0, Number(many)) }));
  const zeros = select(LESSON.zeros, LESSON.zeroNames, (name) => change({ zeros: Number(name) }));
  const stride = select(LESSON.stride, LESSON.strideNames, (name) => change({ stride: Number(name) }));
  const nonlinearity = select(LESSON.nonlinearity, LESSON.nonlinearityNames, (name) => change({ nonlinearity: name }));
  const kinds = Object.fromEntries(Object.entries(WINDOWS).map(([code, [, name]]) => [code, name]));
  const pooling = select(LESSON.pooling, { "": LESSON.none, ...kinds }, (code) => change({ code }));
  return {
    image: image.element,
    unit: unit.element,
    others: [channels, units, zeros, stride, nonlinearity, pooling].map((one) => one.element),
    show(/** @type {Toy} */ toy) {
      image.set(nameOf(IMAGES, toy.channels[0]));
      unit.set(nameOf(PATCHES, toy.units[0].weights[0]));
      channels.set(String(toy.channels.length));
      units.set(String(toy.units.length));
      zeros.set(String(toy.zeros));
      stride.set(String(toy.stride));
      nonlinearity.set(toy.nonlinearity);
      pooling.set(toy.code);
    },
  };
}

/** @typedef {{ go: (to: Partial<Place> & { layer: number }) => void, change: (some: Partial<Toy>) => void, network: () => import("./format.js").Network, toy: () => Toy, toUnits: () => void }} Hands */

/** What is claimed, each with something to try. @param {Hands} hands @returns {HTMLElement[]} */
function claims({ go, change, network, toy, toUnits }) {
  const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) => element("button", { type: "button", text, onclick });
  const move = () => button(LESSON.move, () => change({ channels: toy().channels.map(movedRight) }));
  const two = () => [...toy().channels, SECOND_CHANNEL].slice(0, MOST_CHANNELS);
  const kinds = [...Object.entries(WINDOWS).map(([code, [, name]]) => button(name, () => change({ zeros: 1, stride: 1, code }))), button(LESSON.none, () => change({ code: "" }))];
  const { claims: text } = LESSON;
  const claim = (/** @type {string} */ words, /** @type {Node[]} */ ...tries) => element("li", {}, element("p", { text: words }), element("div", { class: "tools" }, ...tries));
  return [
    claim(text.patch, walkButton(go, network), button(LESSON.again, () => change(FIRST))),
    claim(text.along, move()),
    claim(text.shared, makeSharing().element),
    claim(text.padding, button(LESSON.pad, () => change({ zeros: 1 })), button(LESSON.unpad, () => change({ zeros: 0 }))),
    claim(text.stride, button(LESSON.strideTwo, () => change({ stride: 2 })), button(LESSON.strideOne, () => change({ stride: 1 }))),
    claim(text.channels, button(LESSON.second, () => change({ channels: two() })), button(LESSON.back, () => change({ channels: toy().channels.slice(0, 1), units: toy().units.slice(0, 1) }))),
    claim(text.units, button(LESSON.secondUnit, () => change({ units: [...toy().units, UNITS[1]].slice(0, MOST_UNITS) }))),
    claim(text.pooling, ...kinds),
    claim(text.buys, move(), button(LESSON.again, () => change({ ...FIRST, zeros: 1, code: "MP" }))),
    claim(text.dice, makeDice().element),
    claim(text.preprocessing, button(LESSON.toUnits, toUnits)),
  ];
}

/** @param {(to: Partial<Place> & { layer: number }) => void} go @param {() => import("./format.js").Network} network @returns {HTMLElement} */
function walkButton(go, network) {
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    made.textContent = LESSON.walk;
  };
  const start = () => {
    made.textContent = TEXT.stop;
    let at = -1;
    const next = () => {
      const { rows, columns } = shapeAt(network(), 1);
      at += 1;
      if (at >= rows * columns) stop();
      else go({ layer: 1, unit: 0, row: Math.floor(at / columns), column: at % columns });
    };
    timer = window.setInterval(next, matchMedia("(prefers-reduced-motion: reduce)").matches ? CALM_WALK_MS : WALK_MS);
    next();
  };
  const made = element("button", { type: "button", text: LESSON.walk, onclick: () => (timer ? stop() : start()) });
  return made;
}
