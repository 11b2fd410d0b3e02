// @ts-check
/** View 1: the network at a glance, a column for every layer. */
import { element, isolate, namedBar, write } from "./dom.js";
import { probabilitiesOf } from "./engine.js";
import { receptiveField } from "./explain.js";
import { percent, times, wholePercent } from "./format.js";
import { cells, drawPixels, setFrame, setSize, shownSize } from "./image.js";
import { mapGrid, pressed, roomFor } from "./map_grid.js";
import { makeSourceLines } from "./source_lines.js";
import { movedPart } from "./invariance.js";
import { change, fallsBetween } from "./motion.js";
import { kindWords, readsWords, shortPath } from "./block_words.js";
import { standardized } from "./network.js";
import { TEXT } from "./text.js";
import { MAP } from "./text_map.js";
import { OVERVIEW, describe, outcome, sight, titleOf } from "./text_overview.js";
import { GLANCE } from "./text_frame.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

const CALM_MS = 200; // after which values are written into names
const MOST_CLASSES = 10;
const FIRST_PX = 168;
const LONG_NAME = 3; // of a class: more letters stand on a line of their own

/**
 * Make the view; what it returns draws it anew. A brief one explains nothing.
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Go} go called with the map that was pressed
 * @param {() => void} allOn turns all units on
 * @param {{ brief: boolean }} [how]
 * @returns {(state: State) => void}
 */
export function makeOverview(parent, network, go, allOn, { brief } = { brief: false }) {
  const list = element("ol", { class: "layers", "aria-label": TEXT.glance });
  const room = roomFor(network.layers.length + 1);
  const layers = network.layers.map((_, index) => layerColumn(network, index + 1, go, { room }));
  const columns = [imageColumn(network, go), ...layers];
  const lines = makeSourceLines(list, network);
  list.append(...columns.map((column) => column.element));
  const took = element("span");
  let resting = 0;
  const count = element("span");
  const off = element(
    "p",
    { class: "off", hidden: true },
    count,
    " ",
    element("button", { type: "button", text: TEXT.allOn, onclick: allOn }),
  );
  parent.append(
    element("p", { class: "hint" }, brief ? "" : `${GLANCE.press} ${GLANCE.colors} `, took),
    off,
    element("div", { class: "with-lines" }, list, lines.element),
  );
  /** @type {State["position"] | null} */
  let marked = null;
  return (state) => {
    columns.forEach((column) => column.look?.());
    clearTimeout(resting);
    resting = window.setTimeout(() => write(took, OVERVIEW.took(state.milliseconds)), took.textContent ? CALM_MS : 0);
    off.hidden = state.off.length === 0;
    write(count, OVERVIEW.off(state.off.length));
    columns.forEach((column) => column.draw(state));
    if (marked !== state.position) lines.draw(state);
    marked = state.position;
  };
}

/**
 * What is looked at before anything is drawn, if it has to be.
 * @typedef {{ element: HTMLElement, look?: () => void, draw: (state: State) => void }} Column
 */

/**
 * @param {string} title
 * @param {string} notation
 * @param {string} what
 * @param {string} out
 * @param {...Node} content
 * @returns {HTMLElement}
 */
function column(title, notation, what, out, ...content) {
  return element(
    "li",
    { class: "layer" },
    element("h3", {}, title, " ", element("code", { text: notation })),
    ...content,
    element("p", { class: "what", text: what }),
    element("p", { class: "out", text: out }),
  );
}

/** @param {Network} network @param {Go} go @returns {Column} */
export function imageColumn(network, go) {
  const size = { rows: network.height, columns: network.width };
  const canvas = cells(size);
  const field = element("span", { class: "field", hidden: true });
  const frame = element("span", { class: "framed" }, canvas, field);
  const button = element(
    "button",
    {
      type: "button",
      class: "map",
      onclick: (/** @type {MouseEvent} */ event) => go({ layer: 0, unit: 0, ...pressed(event, canvas, size) }),
    },
    frame,
  );
  setSize(frame, shownSize(size, FIRST_PX));
  const name = element("p", { class: "name" });
  const kind = OVERVIEW.kinds[network.channels === 1 ? 1 : 3];
  const ends = /** @type {[number, number]} */ ([standardized(network, 0, 0), standardized(network, 0, 255)]);
  const what = OVERVIEW.what(network.height, network.width, kind, ends);
  const made = column(OVERVIEW.image, "", what, OVERVIEW.frame, button, name);
  made.classList.add("first");
  let named = "";
  return {
    element: made,
    draw(state) {
      drawPixels(canvas, state.pixels, network.channels);
      setFrame(field, size, receptiveField(network, state.position));
      const truth = state.image === null ? null : network.images[state.image].truth;
      const is =
        truth === null ? [] : [element("br"), OVERVIEW.is, element("strong", {}, isolate(network.classes[truth]))];
      const shown = `${state.image}/${state.name}`;
      if (named !== shown) {
        name.replaceChildren(isolate(state.name, 44), ...is);
        button.setAttribute("aria-label", OVERVIEW.theImage(state.name));
      }
      named = shown;
      button.classList.toggle("chosen", state.position.layer === 0);
    },
  };
}

/**
 * Where a column stands: in which block, whose name its own need not repeat; after which layer, from 0, -1 for the
 * image; whether it is there only because the block reads it; and the room for its maps.
 * @typedef {{ inside?: string, previous?: number, comesIn?: boolean, room?: [number, number] }} Standing
 */

/**
 * @param {Network} network
 * @param {number} layer from 1
 * @param {Go} go
 * @param {Standing} [standing]
 * @returns {Column}
 */
export function layerColumn(network, layer, go, { inside = "", previous = layer - 2, comesIn = false, room } = {}) {
  const here = network.layers[layer - 1];
  const last = layer === network.layers.length;
  const what = comesIn ? "" : describe(network, layer);
  const single = here.rows * here.columns === 1;
  const columns = [
    ...(last && single ? [] : [mapGrid(network, layer, go, room ?? roomFor(7))]),
    ...(last && !comesIn ? [classBars(network, go)] : []),
  ];
  const out = last && single ? "" : `${outcome(here)}. ${sight(here, network.height, network.width)}`;
  const bars = changeBars(network, layer);
  const title = comesIn ? MAP.comesIn : titleOf(here, last);
  const made = column(title, shortPath(here.name, inside), what, out, ...columns.map((part) => part.element));
  const measured = sensitivityBars(layer);
  made.append(bars.element, measured.element);
  made.classList.add(here.kind);
  const words = comesIn ? [] : [readsWords(network, layer - 1, previous, inside), kindWords(network, layer - 1)];
  const lines = words.filter(Boolean).map((text) => element("p", { class: "reads", text }));
  made.querySelector(".what")?.after(...lines);
  return {
    element: made,
    look: () => columns.forEach((part) => part.look?.()),
    draw(state) {
      for (const part of columns) part.draw(state);
      bars.draw(state);
      measured.draw(state);
    },
  };
}

/** @param {HTMLElement} bar @param {number} fraction */
function grow(bar, fraction) {
  bar.style.transform = `scaleX(${Math.min(1, fraction)})`;
}

/** A number as a bar with its name. @param {string} name @param {(value: number) => string} worded */
function changeBar(name, worded) {
  const { element: made, bar, value } = namedBar(name, "bar grows");
  const set = (/** @type {number | null} */ fraction) => {
    made.hidden = fraction === null;
    grow(bar, fraction ?? 0);
    write(value, worded(fraction ?? 0));
  };
  return { element: made, set };
}

/**
 * What was measured of a layer on many images, where the reader asked for it.
 * @param {number} layer
 * @returns {Column}
 */
function sensitivityBars(layer) {
  const [along, changed] = [changeBar(TEXT.along, wholePercent), changeBar(TEXT.changed, times)];
  const title = element("p", { class: "caption" });
  const box = element("div", { class: "changes measured", hidden: true }, title, along.element, changed.element);
  return {
    element: box,
    draw({ sensitivity }) {
      box.hidden = (sensitivity?.layers[layer - 1]?.[0] ?? null) === null; // not compared
      if (!sensitivity || box.hidden) return;
      title.textContent = sensitivity.title;
      const [all, left] = sensitivity.layers[layer - 1];
      along.set(movedPart(all, left));
      changed.set(left ?? all);
    },
  };
}

/**
 * How much a layer has changed since the image was moved.
 * @param {Network} network
 * @param {number} layer
 * @returns {Column}
 */
function changeBars(network, layer) {
  const [along, changed] = [changeBar(TEXT.along, wholePercent), changeBar(TEXT.changed, times)];
  const why = element("p", { class: "caption" });
  const box = element("div", { class: "changes", hidden: true }, along.element, changed.element, why);
  return {
    element: box,
    draw(state) {
      box.hidden = state.before === null;
      if (state.before === null) return;
      const measured = change(network, network.layers[layer - 1], state.before[layer], state.all[layer], state.motion);
      along.set(measured.moved);
      changed.set(measured.really);
      const apart = measured.moved === null ? null : fallsBetween(network.layers[layer - 1], state.motion);
      write(why, apart === null ? "" : TEXT.between(apart));
    },
  };
}

/**
 * The classes with their probabilities, the most probable first.
 * @param {Network} network
 * @param {Go} go
 * @returns {Column}
 */
function classBars(network, go) {
  const layer = network.layers.length;
  const single = network.layers[layer - 1].rows * network.layers[layer - 1].columns === 1;
  const long = network.classes.some((name) => name.length > LONG_NAME);
  const list = element("ol", { class: long ? "classes long" : "classes", "aria-label": OVERVIEW.classes });
  const rest = element("p", { class: "hint" });
  const [answer, sure] = [element("strong"), element("span")];
  const said = element("p", { class: "said", role: "status" }, answer, sure);
  let best = -1;
  const rows = Array.from({ length: Math.min(MOST_CLASSES, network.classes.length) }, () => {
    const bar = element("span", { class: "bar grows" });
    const name = element("span", { class: "class" });
    const value = element("span", { class: "value" });
    const button = element(
      "button",
      { type: "button", class: "line" },
      name,
      element("span", { class: "track" }, bar),
      value,
    );
    list.append(element("li", {}, button));
    return { button, bar, name, value, unit: -1 };
  });
  for (const row of rows) row.button.addEventListener("click", () => go({ layer, unit: row.unit, row: 0, column: 0 }));
  return {
    element: element("div", { class: "answer" }, said, list, rest),
    draw(state) {
      const probabilities = probabilitiesOf(network, state.all[layer]);
      const order = probabilities.map((_, unit) => unit).sort((a, b) => probabilities[b] - probabilities[a]);
      const shown = order.slice(0, rows.length);
      if (network.classes.length <= MOST_CLASSES) shown.sort((a, b) => a - b);
      const truth = state.image === null ? null : network.images[state.image].truth;
      const right = truth === null || truth === order[0] ? "" : OVERVIEW.itIsNot;
      if (best !== order[0]) answer.replaceChildren(isolate(network.classes[order[0]], 30));
      best = order[0];
      write(sure, ` ${percent(probabilities[order[0]])}${right}`);
      said.classList.toggle("wrong", right !== "");
      shown.forEach((unit, index) => {
        const row = rows[index];
        if (row.unit !== unit) row.name.replaceChildren(isolate(network.classes[unit], 24));
        row.unit = unit;
        grow(row.bar, probabilities[unit]);
        write(row.value, percent(probabilities[unit]));
        row.button.classList.toggle("chosen", state.position.layer === layer && state.position.unit === unit);
        row.button.classList.toggle("truth", unit === truth);
        const logit = single ? OVERVIEW.logit(state.all[layer][unit]) : "";
        row.button.title = logit + (unit === truth ? OVERVIEW.own : "");
      });
      const others = network.classes.length - shown.length;
      write(rest, others ? OVERVIEW.others(others) : "");
    },
  };
}
