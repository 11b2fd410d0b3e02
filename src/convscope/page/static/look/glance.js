// @ts-check
/** View 1: the network at a glance, a column for every layer. */
import { largestSize } from "./colours.js";
import { element, foreign, moveWithArrows, write } from "./dom.js";
import { probabilitiesOf } from "./engine.js";
import { boxBelow, receptiveField } from "./explain.js";
import { shapeAt } from "./format.js";
import { makeMapSheet } from "./mapsheet.js";
import { change, isStill } from "./moving.js";
import { cells, drawPixels, cellAt, setFrame, setSize, shownSize } from "./image.js";
import { GLANCE } from "./layer_words.js";
import { isOff } from "./switches.js";
import { TEXT, describe, outcome, percent, sight, titleOf } from "./words.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {import("./explain.js").Place} Place */
/** @typedef {import("./page.js").State} State */
/** @typedef {(place: Partial<Place> & { layer: number }) => void} Go */

const MOST_MAPS = 64; // of a layer shown at once
const MOST_CLASSES = 10;
const CALM_MS = 200; // after which values are written into names
const LONG_NAME = 3; // of a class: more letters stand on a line of their own
const COLUMN_PX = 150; // the maps of a layer; a wide window then holds a small network from end to end
const COLUMN_TALL_PX = 420;

/**
 * Make the view; what it returns draws it anew. A brief one explains nothing.
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Go} go called with the map that was pressed
 * @param {() => void} allOn turns all units on
 * @param {{ brief: boolean }} [how]
 * @returns {(state: State) => void}
 */
export function makeGlance(parent, network, go, allOn, { brief } = { brief: false }) {
  const list = element("ol", { class: "layers", "aria-label": TEXT.glance });
  const columns = [imageColumn(network, go), ...network.layers.map((_, index) => layerColumn(network, index + 1, go))];
  list.append(...columns.map((column) => column.element));
  const took = element("span");
  let resting = 0;
  const count = element("span");
  const off = element("p", { class: "off", hidden: true }, count, " ", element("button", { type: "button", text: TEXT.allOn, onclick: allOn }));
  parent.append(element("p", { class: "hint" }, brief ? "" : `${TEXT.glanceHint} ${TEXT.legend} `, took), off, list);
  return (state) => {
    columns.forEach((column) => column.look?.());
    clearTimeout(resting);
    resting = window.setTimeout(() => write(took, GLANCE.took(state.milliseconds)), took.textContent ? CALM_MS : 0);
    off.hidden = state.off.length === 0;
    write(count, GLANCE.off(state.off.length));
    columns.forEach((column) => column.draw(state));
  };
}

/** The value that a mouse or finger pressed; a key presses the map only. @param {MouseEvent} event @param {HTMLElement} shown @param {{ rows: number, columns: number }} size */
function pressed(event, shown, size) {
  return event.detail > 0 ? cellAt(event, shown, size) : {};
}

/** What is looked at before anything is drawn, if it has to be. @typedef {{ element: HTMLElement, look?: () => void, draw: (state: State) => void }} Column */

/** @param {string} title @param {string} notation @param {string} what @param {string} out @param {...Node} content @returns {HTMLElement} */
function column(title, notation, what, out, ...content) {
  return element(
    "li",
    { class: "layer" },
    element("h3", {}, title, " ", element("code", { text: notation })),
    element("p", { class: "what", text: what }),
    ...content,
    element("p", { class: "out", text: out }),
  );
}

/** @param {Network} network @param {Go} go @returns {Column} */
function imageColumn(network, go) {
  const size = { rows: network.height, columns: network.width };
  const canvas = cells(size);
  const field = element("span", { class: "field", hidden: true });
  const frame = element("span", { class: "framed" }, canvas, field);
  const button = element("button", { type: "button", class: "map", onclick: (/** @type {MouseEvent} */ event) => go({ layer: 0, unit: 0, ...pressed(event, canvas, size) }) }, frame);
  setSize(frame, shownSize(size, 140));
  const name = element("p", { class: "name" });
  const kind = GLANCE.kinds[network.channels === 1 ? 1 : 3];
  const what = GLANCE.what(network.height, network.width, kind);
  const made = column(GLANCE.image, "", what, GLANCE.frame, button, name);
  made.classList.add("first");
  let named = "";
  return {
    element: made,
    draw(state) {
      drawPixels(canvas, state.pixels, network.channels);
      setFrame(field, size, receptiveField(network, state.place));
      const truth = state.image === null ? null : network.images[state.image].truth;
      const is = truth === null ? [] : [element("br"), GLANCE.is, element("strong", {}, foreign(network.classes[truth]))];
      const shown = `${state.image}/${state.name}`;
      if (named !== shown) {
        name.replaceChildren(foreign(state.name, 44), ...is);
        button.setAttribute("aria-label", GLANCE.theImage(state.name));
      }
      named = shown;
      button.classList.toggle("chosen", state.place.layer === 0);
    },
  };
}

/** @param {Network} network @param {number} layer @param {Go} go @returns {Column} */
function layerColumn(network, layer, go) {
  const here = network.layers[layer - 1];
  const last = layer === network.layers.length;
  const what = describe(here, shapeAt(network, layer - 1), layer === 1, last);
  /** @type {Column} */
  const body = last ? classBars(network, go) : mapGrid(network, layer, go);
  const out = last ? "" : `${outcome(here)}. ${sight(here, network.height, network.width)}`;
  const bars = changeBars(network, layer);
  const made = column(titleOf(here, last), here.name, what, out, body.element);
  const measured = sensitivityBars(layer);
  made.append(bars.element, measured.element);
  made.classList.add(here.kind);
  return {
    element: made,
    look: body.look,
    draw(state) {
      body.draw(state);
      bars.draw(state);
      measured.draw(state);
    },
  };
}

/** @param {HTMLElement} bar @param {number} part of one */
function grow(bar, part) {
  bar.style.transform = `scaleX(${Math.min(1, part)})`;
}

/** A part of one, as a bar with its name. @param {string} name */
function partBar(name) {
  const bar = element("span", { class: "bar grows" });
  const value = element("span", { class: "value" });
  const made = element("div", { class: "change" }, element("span", { text: name }), element("span", { class: "track" }, bar), value);
  const set = (/** @type {number | null} */ part) => {
    made.hidden = part === null;
    grow(bar, part ?? 0);
    write(value, `${Math.round(100 * (part ?? 0))} %`);
  };
  return { element: made, set };
}

/** What was measured of a layer on many images, where the reader asked for it. @param {number} layer @returns {Column} */
function sensitivityBars(layer) {
  const [changed, along] = [partBar(TEXT.changed), partBar(TEXT.along)];
  const title = element("p", { class: "caption" });
  const box = element("div", { class: "changes measured", hidden: true }, title, changed.element, along.element);
  return {
    element: box,
    draw({ sensitivity }) {
      box.hidden = !sensitivity?.layers[layer - 1];
      if (!sensitivity || box.hidden) return;
      title.textContent = sensitivity.title;
      changed.set(sensitivity.layers[layer - 1][0]);
      along.set(sensitivity.layers[layer - 1][1]);
    },
  };
}

/** How much a layer has changed since the image was moved. @param {Network} network @param {number} layer @returns {Column} */
function changeBars(network, layer) {
  const [changed, along] = [partBar(TEXT.changed), partBar(TEXT.along)];
  const box = element("div", { class: "changes", hidden: true }, changed.element, along.element);
  return {
    element: box,
    draw(state) {
      box.hidden = state.before === null;
      if (state.before === null) return;
      const found = change(network, network.layers[layer - 1], state.before[layer], state.all[layer], state.motion);
      changed.set(found.changed);
      along.set(isStill(state.motion) ? null : found.left);
    },
  };
}

/** How many maps stand side by side, and how large each is. @param {number} count @param {{ rows: number, columns: number }} shape @returns {{ across: number, room: number }} */
function arrangement(count, shape) {
  if (shape.rows * shape.columns === 1) return { across: Math.min(count, count > 32 ? 8 : 4), room: 24 };
  const across = Math.max(1, Math.min(count, count <= 4 ? 1 : count <= 12 ? 2 : count <= 24 ? 3 : count <= 40 ? 4 : 6));
  const room = Math.min(Math.floor(COLUMN_PX / across), Math.floor(COLUMN_TALL_PX / Math.ceil(count / across))) - 6;
  return { across, room: Math.max(34, Math.min(room, 96)) };
}

/** All maps of a layer, in pages where they are many. @param {Network} network @param {number} layer @param {Go} go @returns {Column} */
function mapGrid(network, layer, go) {
  const shape = shapeAt(network, layer);
  const pages = Math.ceil(shape.maps / MOST_MAPS);
  const count = Math.min(shape.maps, MOST_MAPS);
  const { across, room } = arrangement(count, shape);
  const size = shownSize(shape, room);
  let page = 0;
  /** @type {State | null} */
  let latest = null;
  const maps = Array.from({ length: count }, (_, slot) => {
    const spot = element("span", { class: "field", hidden: true });
    const frame = element("span", { class: "framed" }, spot);
    const button = element("button", { type: "button", class: "map", tabindex: slot ? -1 : 0, onclick: (/** @type {MouseEvent} */ event) => go({ layer, unit: page * MOST_MAPS + slot, ...pressed(event, frame, shape) }) }, frame);
    setSize(frame, size);
    return { frame, button, spot };
  });
  const grid = element("div", { class: "maps", role: "group", "aria-label": `${network.layers[layer - 1].name}: ${outcome(shape)}` }, ...maps.map((map) => map.button));
  grid.style.gridTemplateColumns = `repeat(${across}, max-content)`;
  moveWithArrows(grid, maps.map((map) => map.button), across);
  const shown = element("span", { class: "hint" });
  const single = shape.rows * shape.columns === 1;
  const name = (/** @type {HTMLElement} */ button, /** @type {number} */ unit, /** @type {string} */ text) => {
    button.title = text;
    button.setAttribute("aria-label", GLANCE.among(text, unit + 1, shape.maps));
  };
  let turned = true;
  const turn = (/** @type {number} */ by) => {
    turned = true;
    page = (page + by + pages) % pages;
    if (latest) draw(latest);
  };
  const pager = element(
    "div",
    { class: "pager", hidden: pages === 1 },
    element("button", { type: "button", class: "plain", text: "‹", "aria-label": GLANCE.before, onclick: () => turn(-1) }),
    shown,
    element("button", { type: "button", class: "plain", text: "›", "aria-label": GLANCE.after, onclick: () => turn(1) }),
  );
  let naming = 0;
  /** Names, with the values of single units, which are not written out while they change. */
  function nameAll() {
    const state = latest;
    if (!state) return;
    maps.forEach(({ button }, slot) => {
      const unit = page * MOST_MAPS + slot;
      const off = isOff(state.off, { layer, unit }) ? GLANCE.isOff : "";
      if (!button.hidden) name(button, unit, `${single ? GLANCE.unit(unit + 1, state.all[layer][unit]) : GLANCE.map(unit + 1)}${off}`);
    });
  }
  const again = () => {
    sheet.look();
    if (latest) draw(latest);
  };
  const sheet = makeMapSheet(grid, maps.map((map) => map.frame), shape, again);
  /** @param {State} state */
  function draw(state) {
    const chosen = state.place.layer === layer ? state.place.unit : -1;
    const spotted = spotOf(network, state, layer);
    if (latest !== state && chosen >= 0 && latest?.place !== state.place) turned = page !== (page = Math.floor(chosen / MOST_MAPS)) || turned;
    const marks = latest?.place !== state.place || latest?.off !== state.off || turned;
    turned = false;
    latest = state;
    const values = state.all[layer];
    const largest = largestSize(values);
    const first = page * MOST_MAPS;
    const here = Math.min(count, shape.maps - first);
    if (marks) maps.forEach(({ button }, slot) => (button.hidden = slot >= here));
    if (marks && maps.every(({ button }) => button.hidden || button.tabIndex < 0)) maps[0].button.tabIndex = 0;
    sheet.paint(state.palette, values, first, here, largest);
    clearTimeout(naming);
    if (single && !marks) naming = window.setTimeout(nameAll, CALM_MS);
    if (!marks) return;
    nameAll();
    maps.slice(0, here).forEach(({ button, spot }, slot) => {
      const unit = first + slot;
      const off = isOff(state.off, { layer, unit });
      button.classList.toggle("off", off);
      button.classList.toggle("chosen", unit === chosen);
      button.setAttribute("aria-pressed", String(unit === chosen));
      if (spotted && (spotted.unit === null || spotted.unit === unit)) setFrame(spot, shape, spotted);
      else spot.hidden = true;
    });
    shown.textContent = GLANCE.some(page * MOST_MAPS + 1, Math.min(shape.maps, (page + 1) * MOST_MAPS), shape.maps);
  }
  return { element: element("div", {}, grid, pager), look: sheet.look, draw };
}

/**
 * What is framed in the maps of a layer: the chosen value itself, or what it was computed from.
 * @param {Network} network
 * @param {State} state
 * @param {number} layer
 * @returns {{ unit: number | null, top: number, left: number, tall: number, wide: number } | null} unit null: all maps
 */
function spotOf(network, state, layer) {
  const { place } = state;
  if (place.layer === layer) return { unit: place.unit, top: place.row, left: place.column, tall: 1, wide: 1 };
  if (place.layer !== layer + 1) return null;
  const above = network.layers[place.layer - 1];
  return { unit: above.kind === "pooling" ? place.unit : null, ...boxBelow(network, place) };
}

/** The classes with their probabilities, the most probable first. @param {Network} network @param {Go} go @returns {Column} */
function classBars(network, go) {
  const layer = network.layers.length;
  const long = network.classes.some((name) => name.length > LONG_NAME);
  const list = element("ol", { class: long ? "classes long" : "classes", "aria-label": GLANCE.classes });
  const rest = element("p", { class: "hint" });
  const [answer, sure] = [element("strong"), element("span")];
  const said = element("p", { class: "said", role: "status" }, answer, sure);
  let best = -1;
  const rows = Array.from({ length: Math.min(MOST_CLASSES, network.classes.length) }, () => {
    const bar = element("span", { class: "bar grows" });
    const name = element("span", { class: "class" });
    const value = element("span", { class: "value" });
    const button = element("button", { type: "button", class: "line" }, name, element("span", { class: "track" }, bar), value);
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
      const right = truth === null || truth === order[0] ? "" : GLANCE.itIsNot;
      if (best !== order[0]) answer.replaceChildren(foreign(network.classes[order[0]], 30));
      best = order[0];
      write(sure, ` ${percent(probabilities[order[0]])}${right}`);
      said.classList.toggle("wrong", right !== "");
      shown.forEach((unit, index) => {
        const row = rows[index];
        if (row.unit !== unit) row.name.replaceChildren(foreign(network.classes[unit], 24));
        row.unit = unit;
        grow(row.bar, probabilities[unit]);
        write(row.value, percent(probabilities[unit]));
        row.button.classList.toggle("chosen", state.place.layer === layer && state.place.unit === unit);
        row.button.classList.toggle("truth", unit === truth);
        row.button.title = GLANCE.logit(state.all[layer][unit]) + (unit === truth ? GLANCE.own : "");
      });
      const others = network.classes.length - shown.length;
      write(rest, others ? GLANCE.others(others) : "");
    },
  };
}
