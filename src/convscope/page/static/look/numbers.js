// @ts-check
/** View 2: the layer, in numbers. What one value saw, what that was multiplied with, and what came of it. */
import { largestSize } from "./colours.js";
import { element } from "./dom.js";
import { boxBelow, explain, receptiveField, valueAt } from "./explain.js";
import { exact, short } from "./format.js";
import { cellAt, cells, drawMap, drawPixels, setFrame, setSize, shownSize } from "./image.js";
import { shapeAt } from "./network.js";
import { within } from "./place.js";
import { saveButtons, sheet } from "./saving.js";
import { canBeOff, isOff } from "./switches.js";
import { LAYER, TEXT, titleOf } from "./text.js";
import { ablationOf, unitRecord } from "./units.js";
import { makeWorking } from "./working.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./explain.js").Place} Place */
/** @typedef {import("./page.js").State} State */

const PACE_MS = 140;
const CALM_PACE_MS = 700;

let boards = 0; // views of this kind, so that each has its own name for its hint

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {(place: Partial<Place> & { layer: number }) => void} go
 * @param {((unit: import("./switches.js").Unit) => void) | null} toggle turns a unit off or on; null where none can be
 * @returns {(state: State) => void}
 */
export function makeNumbers(parent, network, go, toggle) {
  const keys = `keys-${(boards += 1)}`;
  const frame = element("div", { class: "here" });
  const map = element("div", { class: "framed board", tabindex: 0, role: "application", "aria-describedby": keys });
  const field = element("div", { class: "field" });
  const image = cells({ rows: network.height, columns: network.width });
  const small = element("div", { class: "framed", role: "img", "aria-label": LAYER.partOfImage }, image, field);
  setSize(small, shownSize({ rows: network.height, columns: network.width }, 160));
  const title = element("p", { class: "title", role: "status" });
  const caption = element("p", { class: "caption" });
  const smallCaption = element("p", { class: "caption" });
  const buttons = element("div", { class: "tools" });
  const working = element("div", { class: "working" });
  const left = element(
    "div",
    { class: "where" },
    element("figure", {}, caption, map),
    element("figure", {}, smallCaption, small),
  );
  parent.append(
    buttons,
    title,
    element("div", { class: "beside" }, left, working),
    element("p", { class: "hint", id: keys, text: TEXT.keys }),
  );

  const draw = makeWorking(network, go);
  /** @type {State | null} */
  let state = null;
  /** @type {HTMLCanvasElement | null} */
  let canvas = null;
  let until = Infinity;
  let timer = 0;
  let offered = "";
  const move = (/** @type {Partial<Place>} */ change) => state && go({ ...state.place, ...change });

  const stop = () => {
    clearInterval(timer);
    timer = 0;
    until = Infinity;
    play.textContent = TEXT.play;
    title.setAttribute("role", "status");
    if (state) show(state);
  };
  const play = element("button", { type: "button", text: TEXT.play, onclick: () => (timer ? stop() : start()) });
  const start = () => {
    if (!state) return;
    title.removeAttribute("role"); // not every value is read out
    play.textContent = TEXT.stop;
    const pace = matchMedia("(prefers-reduced-motion: reduce)").matches ? CALM_PACE_MS : PACE_MS;
    const { columns, rows } = shapeAt(network, state.place.layer);
    const here = () => (state ? state.place.row * columns + state.place.column : 0);
    let begins = here() === rows * columns - 1;
    timer = window.setInterval(() => {
      const at = begins ? 0 : here() + 1; // from where somebody pressed meanwhile
      begins = false;
      if (at >= rows * columns) return stop();
      until = at + 1;
      move({ row: Math.floor(at / columns), column: at % columns });
    }, pace);
  };
  const button = (/** @type {string} */ text, /** @type {string} */ name, /** @type {() => void} */ onclick) =>
    element("button", { type: "button", text, "aria-label": name, title: name, onclick });
  const turnLayer = (/** @type {number} */ by) => state && go(nextPlace(network, state, by));
  const turnMap = (/** @type {number} */ by) => {
    if (!state) return;
    const { maps } = shapeAt(network, state.place.layer);
    move({ unit: (state.place.unit + by + maps) % maps });
  };
  const layerName = element("span", { class: "now" });
  const mapName = element("span", { class: "now" });
  const turn = element("button", { type: "button", onclick: () => state && toggle?.(state.place) });
  const ablation = element("span", { class: "hint" });
  const saves = element("div", { class: "saves" });
  buttons.append(
    element(
      "span",
      { class: "turn" },
      button("‹", LAYER.layerBefore, () => turnLayer(-1)),
      layerName,
      button("›", LAYER.layerAfter, () => turnLayer(1)),
    ),
    element(
      "span",
      { class: "turn" },
      button("‹", LAYER.mapBefore, () => turnMap(-1)),
      mapName,
      button("›", LAYER.mapAfter, () => turnMap(1)),
    ),
    play,
    turn,
    ablation,
  );
  left.append(saves);

  map.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (!state || event.ctrlKey || event.metaKey || event.altKey) return;
    const { row, column } = state.place;
    const actions = {
      ArrowLeft: () => move({ column: column - 1 }),
      ArrowRight: () => move({ column: column + 1 }),
      ArrowUp: () => move({ row: row - 1 }),
      ArrowDown: () => move({ row: row + 1 }),
      Home: () => move({ column: 0 }),
      End: () => move({ column: Infinity }),
      "[": () => turnMap(-1),
      "]": () => turnMap(1),
      PageUp: () => turnLayer(-1),
      PageDown: () => turnLayer(1),
    };
    const action = actions[/** @type {keyof typeof actions} */ (event.key)];
    if (!action) return;
    event.preventDefault();
    if (timer) stop();
    action();
  });
  const point = (/** @type {PointerEvent} */ event) => {
    if (!state || !canvas) return;
    const { row, column } = cellAt(event, canvas, { rows: canvas.height, columns: canvas.width });
    if (row !== state.place.row || column !== state.place.column) move({ row, column });
  };
  map.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (timer) stop();
    map.setPointerCapture(event.pointerId);
    point(event);
  });
  map.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (map.hasPointerCapture(event.pointerId)) point(event);
  });

  /** @param {State} next */
  function show(next) {
    if (timer && state && (next.place.layer !== state.place.layer || next.place.unit !== state.place.unit)) {
      state = next;
      return stop();
    }
    state = next;
    const { place, palette, all } = state;
    const shape = shapeAt(network, place.layer);
    if (!canvas || canvas.height !== shape.rows || canvas.width !== shape.columns) {
      canvas = cells(shape);
      map.replaceChildren(canvas, frame);
    }
    setSize(map, shownSize(shape, shape.rows * shape.columns === 1 ? 48 : 252));
    if (place.layer === 0 && network.channels === 1) drawPixels(canvas, state.pixels, 1);
    else drawMap(canvas, palette, all[place.layer], place.unit, largestSize(all[place.layer]), until);
    setFrame(frame, shape, { top: place.row, left: place.column, tall: 1, wide: 1 });
    drawPixels(image, state.pixels, network.channels);
    setFrame(field, { rows: network.height, columns: network.width }, receptiveField(network, place));
    name(place, valueAt(network, all, place));
    offer(state);
    const focused = [...working.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    working.replaceChildren(...draw(state));
    if (focused >= 0) (working.querySelectorAll("button")[focused] ?? map).focus({ preventScroll: true });
  }

  /** Buttons that save what is shown: made anew only for another map. @param {State} now */
  function offer(now) {
    const { layer, unit } = now.place;
    const key = `${layer}/${unit}`;
    if (offered === key) return;
    offered = key;
    const current = () => /** @type {State} */ (state);
    const named = `${network.title} ${layer ? network.layers[layer - 1].name : TEXT.image}`.trim();
    const one = `${named}, ${TEXT.mapNumber(unit + 1)}`;
    const single = shapeAt(network, layer).rows * shapeAt(network, layer).columns === 1;
    saves.replaceChildren(
      ...(single
        ? []
        : [
            saveButtons(
              one,
              () =>
                sheet(`${one}: ${current().name}`, [{ canvas: painted(network, current(), layer, unit), label: "" }]),
              TEXT.saveMap,
            ),
          ]),
      ...(single || !layer
        ? []
        : [
            saveButtons(
              named,
              () =>
                sheet(
                  `${named}: ${current().name}`,
                  Array.from({ length: shapeAt(network, layer).maps }, (_, map) => ({
                    canvas: painted(network, current(), layer, map),
                    label: String(map + 1),
                  })),
                ),
              TEXT.saveMaps,
            ),
          ]),
    );
  }

  /** @param {Place} place @param {number} value */
  function name(place, value) {
    const shape = shapeAt(network, place.layer);
    const last = place.layer === network.layers.length;
    const single = shape.rows * shape.columns === 1;
    const layer = place.layer
      ? `${titleOf(network.layers[place.layer - 1], last)} ${network.layers[place.layer - 1].name}`
      : LAYER.image;
    const what = last
      ? LAYER.classNamed(network.classes[place.unit])
      : place.layer === 0
        ? channelName(network, place.unit)
        : (single ? LAYER.unit : LAYER.map)(place.unit + 1);
    const where = single ? "" : LAYER.where(place.row + 1, place.column + 1);
    layerName.textContent = layer;
    mapName.textContent = last ? what : LAYER.of(what, shape.maps);
    play.hidden = single;
    turn.hidden = toggle === null || !canBeOff(network, place);
    const record = turn.hidden ? null : unitRecord(network, place);
    ablation.replaceChildren(...(record?.ablation ? [ablationOf(network, record.ablation)] : []));
    turn.textContent = state && isOff(state.off, place) ? TEXT.turnOn : TEXT.turnOff;
    title.replaceChildren(
      element("bdi", { text: `${layer}, ${what}${where}: ` }),
      element("strong", { text: short(value), title: exact(value) }),
    );
    caption.textContent = single ? LAYER.theValue : LAYER.thisMap(shape.rows, shape.columns);
    const { tall, wide } = receptiveField(network, place);
    const whole = tall >= network.height && wide >= network.width;
    smallCaption.textContent = whole ? LAYER.dependsOnAll : LAYER.dependsOn(tall, wide);
    map.setAttribute("aria-label", `${layer}, ${what}`);
  }
  return show;
}

/**
 * A map, or the image, on a canvas of its own.
 * @param {Network} network
 * @param {State} state
 * @param {number} layer
 * @param {number} unit
 * @returns {HTMLCanvasElement}
 */
function painted(network, state, layer, unit) {
  const canvas = cells(shapeAt(network, layer));
  if (layer === 0) drawPixels(canvas, state.pixels, network.channels);
  else drawMap(canvas, state.palette, state.all[layer], unit, largestSize(state.all[layer]));
  return canvas;
}

/** @param {Network} network @param {number} unit */
function channelName(network, unit) {
  return network.channels === 1 ? LAYER.gray : LAYER.colours[unit];
}

/**
 * The place to look at one layer down or up: down, where the chosen value has most from; up, where it goes.
 * @param {Network} network
 * @param {State} state
 * @param {number} by
 * @returns {Place}
 */
function nextPlace(network, state, by) {
  const { place, all } = state;
  const layer = place.layer + by;
  if (layer < 0 || layer > network.layers.length) return place;
  if (by > 0) {
    const above = network.layers[layer - 1];
    const [down, across] = above.stride;
    const connected = above.kind === "connected";
    const row = connected ? 0 : Math.floor(place.row / down);
    return within(network, { layer, unit: place.unit, row, column: connected ? 0 : Math.floor(place.column / across) });
  }
  const found = explain(network, all, place);
  const box = boxBelow(network, place);
  if (found.kind === "taken") {
    const best = found.shares.indexOf(Math.max(...found.shares));
    return within(network, {
      layer,
      unit: place.unit,
      row: box.top + Math.floor(best / box.wide),
      column: box.left + (best % box.wide),
    });
  }
  let most = { unit: 0, cell: 0, size: -1 };
  found.parts.forEach((part, unit) => {
    part.products.forEach((product, cell) => {
      if (Math.abs(product) > most.size) most = { unit, cell, size: Math.abs(product) };
    });
  });
  return within(network, {
    layer,
    unit: most.unit,
    row: box.top + Math.floor(most.cell / box.wide),
    column: box.left + (most.cell % box.wide),
  });
}
