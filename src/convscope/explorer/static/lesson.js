// @ts-check
/** The first lesson: one unit, copied to every position of a small image. Every number can be changed. */
import { makePalette } from "./colours.js";
import { makeDerivation } from "./derivation.js";
import { makeDice } from "./dice.js";
import { button, element, tools } from "./dom.js";
import { numbers, select } from "./editable.js";
import { makeEngine } from "./engine.js";
import { boxBelow, receptiveField } from "./explain.js";
import { board, drawBoards } from "./lesson_maps.js";
import { makeSteps } from "./lesson_steps.js";
import { STILL } from "./motion.js";
import { makeMoved } from "./moved.js";
import { shapeAt } from "./network.js";
import { within } from "./position.js";
import { makeStore } from "./store.js";
import { LESSON, TEXT } from "./text.js";
import {
  FIRST,
  IMAGES,
  MOST_CHANNELS,
  MOST_UNITS,
  PATCHES,
  SECOND_CHANNEL,
  TOY_PATCH,
  TOY_SIDE,
  UNITS,
  movedRight,
  toyNetwork,
  toyPixels,
} from "./toy.js";
import { makeSharing } from "./weight_sharing.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./session.js").State} State */
/** @typedef {import("./toy.js").ToyUnit} ToyUnit */
/** @typedef {Pick<import("./network.js").Network, "poolings" | "nonlinearities" | "comparison">} Families */
/** @typedef {import("./toy.js").Toy} Toy */

const WALK_MS = 450;
const CALM_WALK_MS = 1200;
const LARGEST_WEIGHT = 99;

/**
 * @param {HTMLElement} parent
 * @param {Families} families
 * @param {(() => void) | null} toUnits shows the units of the page's network; null where there is none
 * @returns {{ fill: () => void, to: (step: number) => void }} fill makes it, once
 */
export function makeLesson(parent, { poolings, nonlinearities, comparison }, toUnits) {
  parent.classList.add("lesson");
  /** @type {ReturnType<typeof fill> | null} */
  let steps = null;
  const made = () => (steps ??= fill(parent, { poolings, nonlinearities, comparison }, toUnits));
  return { fill: made, to: (step) => made().to(step) };
}

/** @typedef {{ toy: Toy, position: Position }} Lesson what the reader has made, and which value is looked at */

/** @param {HTMLElement} lesson @param {Families} families @param {(() => void) | null} toUnits */
function fill(lesson, families, toUnits) {
  const store = makeStore(/** @type {Lesson} */ ({ toy: FIRST, position: { layer: 1, unit: 0, row: 0, column: 1 } }));
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
  const side = (/** @type {HTMLElement[]} */ children) => element("div", { class: "side-by-side" }, ...children);
  const editors = units.map((unit) => unit.element);
  const steps = makeSteps(claims({ go, change, network: () => toyNetwork(toy()), toy, toUnits, families }));
  lesson.classList.add("filled");
  lesson.append(
    element("p", { text: LESSON.intro }),
    steps.element,
    element(
      "div",
      { class: "toy bench" },
      element("div", {}, side(channels.map((channel) => channel.element)), tools(choices.image)),
      element("div", { class: "toy-units" }, ...editors, tools(choices.unit)),
      ...boards.map(side),
    ),
    tools(...choices.others),
    element("h3", { text: LESSON.marked }),
    working,
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    const state = stateIn(store.get(), makePalette(dark.matches));
    drawChannels(channels, toy(), state);
    units.forEach((unit, index) => unit.draw(toy(), state.palette, index));
    choices.show(toy());
    drawBoards(boards, toy(), state, go);
    working.replaceChildren(...makeDerivation({ ...toyNetwork(toy()), ...families }, go)(state));
  };
  store.subscribe(draw);
  dark.addEventListener("change", draw);
  draw();
  return steps;
}

/** The position that the network has, as near as possible. @param {Lesson} lesson @returns {Position} */
function nearestPosition({ toy, position }) {
  return within(toyNetwork(toy), { ...position, layer: Math.max(1, position.layer) });
}

/** @param {Lesson} lesson @param {import("./colours.js").Palette} palette @returns {State} */
function stateIn(lesson, palette) {
  const pixels = toyPixels(lesson.toy);
  const { all } = makeEngine(toyNetwork(lesson.toy), true)({ pixels, off: [] });
  const unused = { image: null, name: "", before: null, motion: STILL, milliseconds: 0, sensitivity: null, open: null };
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
    table.draw(toy.channels[channel], palette, inside);
  });
}

/**
 * The same list with one thing replaced.
 * @template T
 * @param {T[]} list
 * @param {number} position
 * @param {T} value
 * @returns {T[]}
 */
function replaced(list, position, value) {
  return list.map((one, at) => (at === position ? value : one));
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

/**
 * What can be chosen.
 * @param {() => Toy} now
 * @param {(some: Partial<Toy>) => void} change
 * @param {Families} families
 */
function makeChoices(now, change, { poolings, nonlinearities }) {
  /**
   * The name of these numbers, none if they were changed.
   * @param {Record<string, number[]>} named
   * @param {number[]} values
   */
  const nameOf = (named, values) =>
    Object.keys(named).find((name) => named[name].every((value, index) => value === values[index])) ?? "";
  const image = select(LESSON.images, LESSON.imageNames, (name) =>
    change({ channels: replaced(now().channels, 0, IMAGES[/** @type {keyof typeof IMAGES} */ (name)]) }),
  );
  const unit = select(LESSON.units, LESSON.unitNames, (name) => {
    const [first] = now().units;
    change({
      units: replaced(now().units, 0, {
        ...first,
        weights: replaced(first.weights, 0, PATCHES[/** @type {keyof typeof PATCHES} */ (name)]),
      }),
    });
  });
  const count = (/** @type {number} */ most) =>
    Object.fromEntries(Array.from({ length: most }, (_, index) => [index + 1, String(index + 1)]));
  const channels = select(LESSON.channelCount, count(MOST_CHANNELS), (many) =>
    change({ channels: [...now().channels, SECOND_CHANNEL].slice(0, Number(many)) }),
  );
  const units = select(LESSON.unitCount, count(MOST_UNITS), (many) =>
    change({ units: [...now().units, UNITS[1]].slice(0, Number(many)) }),
  );
  const zeros = select(LESSON.zeros, LESSON.zeroNames, (name) => change({ zeros: Number(name) }));
  const stride = select(LESSON.stride, LESSON.strideNames, (name) => change({ stride: Number(name) }));
  const namesOf = (/** @type {Families["poolings"]} */ kinds) =>
    Object.entries(kinds).map(([code, { name }]) => [code, name]);
  const names = { ...Object.fromEntries(namesOf(nonlinearities)), linear: LESSON.none };
  const nonlinearity = select(LESSON.nonlinearity, names, (name) => change({ nonlinearity: name }));
  const pooling = select(LESSON.pooling, { "": LESSON.none, ...Object.fromEntries(namesOf(poolings)) }, (code) =>
    change({ code }),
  );
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

/**
 * @typedef {{ go: Go, change: (some: Partial<Toy>) => void, network:
 *   ()
 *   => import("./network.js").Network, toy: () => Toy, toUnits: (() => void) | null,
 *   families: Families }} Hands
 */

/** What is claimed, each with something to try. @param {Hands} hands @returns {HTMLElement[]} */
function claims({ go, change, network, toy, toUnits, families }) {
  const move = () => button(LESSON.move, () => change({ channels: toy().channels.map(movedRight) }));
  const two = () => [...toy().channels, SECOND_CHANNEL].slice(0, MOST_CHANNELS);
  const kinds = [
    ...Object.entries(families.poolings).map(([code, { name }]) =>
      button(name, () => change({ zeros: 1, stride: 1, code })),
    ),
    button(LESSON.none, () => change({ code: "" })),
  ];
  const { claims: text } = LESSON;
  const claim = (/** @type {string} */ words, /** @type {Node[]} */ ...tries) =>
    element("li", {}, element("p", { text: words }), tools(...tries));
  const measured = (/** @type {HTMLElement} */ item) => {
    item.append(makeMoved(families.comparison) ?? "");
    return item;
  };
  return [
    claim(
      text.patch,
      walkButton(go, network),
      button(LESSON.again, () => change(FIRST)),
    ),
    claim(text.along, move()),
    measured(claim(text.shared, makeSharing().element)),
    claim(
      text.padding,
      button(LESSON.pad, () => change({ zeros: 1 })),
      button(LESSON.unpad, () => change({ zeros: 0 })),
    ),
    claim(
      text.stride,
      button(LESSON.strideTwo, () => change({ stride: 2 })),
      button(LESSON.strideOne, () => change({ stride: 1 })),
    ),
    claim(
      text.channels,
      button(LESSON.second, () => change({ channels: two() })),
      button(LESSON.back, () => change({ channels: toy().channels.slice(0, 1), units: toy().units.slice(0, 1) })),
    ),
    claim(
      text.units,
      button(LESSON.secondUnit, () => change({ units: [...toy().units, UNITS[1]].slice(0, MOST_UNITS) })),
    ),
    claim(text.pooling, ...kinds),
    measured(
      claim(
        text.buys,
        move(),
        button(LESSON.again, () => change({ ...FIRST, zeros: 1, code: "MP" })),
      ),
    ),
    claim(text.dice, makeDice().element),
    claim(text.preprocessing, ...(toUnits ? [button(LESSON.toUnits, toUnits)] : [])),
  ];
}

/**
 * @param {Go} go
 * @param {() => import("./network.js").Network} network
 * @returns {HTMLElement}
 */
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
  const made = button(LESSON.walk, () => (timer ? stop() : start()));
  return made;
}
