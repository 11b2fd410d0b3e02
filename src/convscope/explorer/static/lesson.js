// @ts-check
/** The first lesson: one unit, copied to every position of a small image. Every number can be changed. */
import { makePalette } from "./colors.js";
import { makeDerivation } from "./derivation.js";
import { element, tools } from "./dom.js";
import { numbers } from "./editable.js";
import { makeEngine } from "./engine.js";
import { boxBelow, receptiveField } from "./explain.js";
import { makeChoices } from "./lesson_choices.js";
import { makeLessonSteps } from "./lesson_steps.js";
import { board, clearestWindow, drawBoards } from "./lesson_maps.js";
import { makeNavigation } from "./lesson_navigation.js";
import { STILL } from "./motion.js";
import { within } from "./position.js";
import { makeStore } from "./store.js";
import { LESSON } from "./text_lesson.js";
import { FIRST, MOST_CHANNELS, MOST_UNITS, TOY_PATCH, TOY_SIDE, replaced, toyNetwork, toyPixels } from "./toy.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./session.js").State} State */
/** @typedef {import("./toy.js").ToyUnit} ToyUnit */
/** What the lesson takes from a page; layers are of its network, if it has one.
 * @typedef {Pick<import("./network.js").Network, "poolings" | "nonlinearities"> &
 *   Partial<Pick<import("./network.js").Network, "layers" | "comparison">>} Families */
/** @typedef {import("./toy.js").Toy} Toy */

const LARGEST_WEIGHT = 99;

/**
 * @param {HTMLElement} parent
 * @param {Families} families
 * @param {(() => void) | null} toUnits shows the units of the page's network; null where there is none
 * @returns {{ fill: () => void, to: (step: number) => void }} fill makes it, once
 */
export function makeLesson(parent, families, toUnits) {
  parent.classList.add("lesson");
  /** @type {ReturnType<typeof fill> | null} */
  let steps = null;
  const made = () => (steps ??= fill(parent, families, toUnits));
  return { fill: made, to: (step) => made().to(step) };
}

/** @typedef {{ toy: Toy, position: Position }} Lesson what the reader has made, and which value is looked at */

/** @param {HTMLElement} lesson @param {Families} families @param {(() => void) | null} toUnits */
function fill(lesson, families, toUnits) {
  const store = makeStore(beginning(FIRST));
  const toy = () => store.get().toy;
  const set = (/** @type {Lesson} */ next) => store.set({ ...next, position: nearestPosition(next) });
  const change = (/** @type {Partial<Toy>} */ some) => set({ ...store.get(), toy: { ...toy(), ...some } });
  const go = (/** @type {Partial<Position> & { layer: number }} */ to) => {
    if (to.layer) set({ toy: toy(), position: { ...store.get().position, ...to } }); // the image stands above
  };
  const channels = Array.from({ length: MOST_CHANNELS }, (_, channel) =>
    numbers(LESSON.channel(channel + 1), TOY_SIDE, 0, 255, (values) =>
      change({ channels: replaced(toy().channels, channel, values.map(Math.round)) }),
    ),
  );
  const units = Array.from({ length: MOST_UNITS }, (_, unit) =>
    unitEditor(unit, (make) => change({ units: replaced(toy().units, unit, make(toy().units[unit])) })),
  );
  const boards = [1, 2].map((layer) =>
    Array.from({ length: MOST_UNITS }, (_, unit) => board(layer, unit, () => store.get().position, go)),
  );
  const working = element("div", { class: "working" });
  const choices = makeChoices(toy, change, families);
  const network = () => toyNetwork(toy());
  const made = makeLessonSteps({ go, change, network, toy, toUnits, families });
  const side = (/** @type {HTMLElement[]} */ children) => element("div", { class: "side-by-side" }, ...children);
  const editors = units.map((unit) => unit.element);
  const bench = element(
    "div",
    { class: "toy bench" },
    element("div", {}, side(channels.map((channel) => channel.element)), tools(choices.image)),
    element("div", { class: "toy-units" }, ...editors, tools(choices.unit)),
    ...boards.map(side),
  );
  const marked = element("div", {}, element("h3", { text: LESSON.marked }), working);
  const below = element("div", {}, tools(...choices.others));
  const steps = makeNavigation(made.elements, (step) => {
    bench.hidden = below.hidden = !made.usesToy[step - 1];
    made.after.forEach((after, index) => after.classList.toggle("away", index + 1 !== step));
    (made.begins[step - 1].code ? beside : below).append(marked); // a window is small enough to stand beside the maps
    set(beginning(made.begins[step - 1])); // what an earlier step left would contradict what this one says
  });
  made.elements[0].querySelector("h3")?.after(element("p", { text: LESSON.intro }));
  const beside = element("div", { class: "lesson-step" }, steps.list, bench);
  lesson.append(steps.nav, beside, ...made.after, below);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    const state = stateIn(store.get(), makePalette(dark.matches));
    drawChannels(channels, toy(), state);
    units.forEach((unit, index) => unit.draw(toy(), state.palette, index));
    choices.show(toy());
    made.show();
    drawBoards(boards, toy(), state, go);
    const { poolings, nonlinearities } = families;
    working.replaceChildren(...makeDerivation({ ...network(), poolings, nonlinearities }, go)(state));
  };
  store.subscribe(draw);
  dark.addEventListener("change", draw);
  draw();
  return steps;
}

/** What is looked at first: the top of the line, or what pooling makes of it. @param {Toy} toy @returns {Lesson} */
function beginning(toy) {
  return { toy, position: toy.code ? clearestWindow(toy) : { layer: 1, unit: 0, row: 0, column: 1 } };
}

/** The position that the network has, as near as possible. @param {Lesson} lesson @returns {Position} */
function nearestPosition({ toy, position }) {
  return within(toyNetwork(toy), { ...position, layer: Math.max(1, position.layer) });
}

/** @param {Lesson} lesson @param {import("./colors.js").Palette} palette @returns {State} */
function stateIn(lesson, palette) {
  const pixels = toyPixels(lesson.toy);
  const { all } = makeEngine(toyNetwork(lesson.toy), true)({ pixels, off: [] });
  const unused = {
    image: null,
    name: "",
    before: null,
    motion: STILL,
    milliseconds: 0,
    sensitivity: null,
    pressed: true,
    open: null,
  };
  return { ...unused, pixels, all, off: [], position: lesson.position, palette };
}

/**
 * The image, with the patch of the value marked.
 * @param {ReturnType<typeof numbers>[]} tables
 * @param {Toy} toy
 * @param {State} state
 */
function drawChannels(tables, toy, { position, palette }) {
  const network = toyNetwork(toy);
  const box = position.layer === 1 ? boxBelow(network, position) : receptiveField(network, position);
  const inside = (/** @type {number} */ row, /** @type {number} */ column) =>
    row >= box.top && row < box.top + box.tall && column >= box.left && column < box.left + box.wide;
  tables.forEach((table, channel) => {
    table.element.hidden = channel >= toy.channels.length;
    if (table.element.hidden) return;
    table.name(toy.channels.length > 1 ? LESSON.channel(channel + 1) : LESSON.image);
    table.frame(toy.zeros);
    table.draw(toy.channels[channel], palette, inside);
  });
}

/**
 * The weights of one unit on each channel, and its bias.
 * @param {number} unit
 * @param {(make: (unit: ToyUnit) => ToyUnit) => void} notify
 */
function unitEditor(unit, notify) {
  const patches = Array.from({ length: MOST_CHANNELS }, (_, channel) =>
    numbers(LESSON.onChannel(unit + 1, channel + 1), TOY_PATCH, -LARGEST_WEIGHT, LARGEST_WEIGHT, (weights) =>
      notify((one) => ({ ...one, weights: replaced(one.weights, channel, weights) })),
    ),
  );
  const bias = numbers(LESSON.bias, 1, -LARGEST_WEIGHT, LARGEST_WEIGHT, ([value]) =>
    notify((one) => ({ ...one, bias: value })),
  );
  const made = element("div", { class: "toy-unit" }, ...patches.map((patch) => patch.element), bias.element);
  return {
    element: made,
    /** @param {Toy} toy @param {import("./colors.js").Palette} palette @param {number} at */
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
