// @ts-check
/** View 2: the layer, in numbers. What one value saw, what that was multiplied with, and what came of it. */
import { largestSize } from "./colours.js";
import { makeDerivation } from "./derivation.js";
import { element } from "./dom.js";
import { boxBelow, explain, receptiveField, valueAt } from "./explain.js";
import { exact, short } from "./format.js";
import { cellAt, cells, drawMap, drawPixels, setFrame, setSize, shownSize } from "./image.js";
import { shapeAt } from "./network.js";
import { within } from "./position.js";
import { saveButtons, sheet } from "./saving.js";
import { canBeOff, isOff } from "./switches.js";
import { LAYER, TEXT, titleOf } from "./text.js";
import { ablationOf, unitRecord } from "./units.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./explorer.js").State} State */

const PACE_MS = 140;
const CALM_PACE_MS = 700;

let boards = 0; // views of this kind, so that each has its own name for its hint

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {(position: Partial<Position> & { layer: number }) => void} go
 * @param {((unit: import("./switches.js").Unit) => void) | null} toggle turns a unit off or on; null where none can be
 * @returns {(state: State) => void}
 */
export function makeLayerView(parent, network, go, toggle) {
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

  const draw = makeDerivation(network, go);
  /** @type {State | null} */
  let state = null;
  /** @type {HTMLCanvasElement | null} */
  let canvas = null;
  let until = Infinity;
  let timer = 0;
  let offered = "";
  const move = (/** @type {Partial<Position>} */ change) => state && go({ ...state.position, ...change });

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
    const { columns, rows } = shapeAt(network, state.position.layer);
    const here = () => (state ? state.position.row * columns + state.position.column : 0);
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
    const { maps } = shapeAt(network, state.position.layer);
    move({ unit: (state.position.unit + by + maps) % maps });
  };
  const layerName = element("span", { class: "now" });
  const mapName = element("span", { class: "now" });
  const turn = element("button", { type: "button", onclick: () => state && toggle?.(state.position) });
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
    const { row, column } = state.position;
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
    if (row !== state.position.row || column !== state.position.column) move({ row, column });
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
    if (
      timer &&
      state &&
      (next.position.layer !== state.position.layer || next.position.unit !== state.position.unit)
    ) {
      state = next;
      return stop();
    }
    state = next;
    const { position, palette, all } = state;
    const shape = shapeAt(network, position.layer);
    if (!canvas || canvas.height !== shape.rows || canvas.width !== shape.columns) {
      canvas = cells(shape);
      map.replaceChildren(canvas, frame);
    }
    setSize(map, shownSize(shape, shape.rows * shape.columns === 1 ? 48 : 252));
    if (position.layer === 0 && network.channels === 1) drawPixels(canvas, state.pixels, 1);
    else drawMap(canvas, palette, all[position.layer], position.unit, largestSize(all[position.layer]), until);
    setFrame(frame, shape, { top: position.row, left: position.column, tall: 1, wide: 1 });
    drawPixels(image, state.pixels, network.channels);
    setFrame(field, { rows: network.height, columns: network.width }, receptiveField(network, position));
    name(position, valueAt(network, all, position));
    offer(state);
    const focused = [...working.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    working.replaceChildren(...draw(state));
    if (focused >= 0) (working.querySelectorAll("button")[focused] ?? map).focus({ preventScroll: true });
  }

  /** Buttons that save what is shown: made anew only for another map. @param {State} now */
  function offer(now) {
    const { layer, unit } = now.position;
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

  /** @param {Position} position @param {number} value */
  function name(position, value) {
    const shape = shapeAt(network, position.layer);
    const last = position.layer === network.layers.length;
    const single = shape.rows * shape.columns === 1;
    const layer = position.layer
      ? `${titleOf(network.layers[position.layer - 1], last)} ${network.layers[position.layer - 1].name}`
      : LAYER.image;
    const what = last
      ? LAYER.classNamed(network.classes[position.unit])
      : position.layer === 0
        ? channelName(network, position.unit)
        : (single ? LAYER.unit : LAYER.map)(position.unit + 1);
    const where = single ? "" : LAYER.where(position.row + 1, position.column + 1);
    layerName.textContent = layer;
    mapName.textContent = last ? what : LAYER.of(what, shape.maps);
    play.hidden = single;
    turn.hidden = toggle === null || !canBeOff(network, position);
    const record = turn.hidden ? null : unitRecord(network, position);
    ablation.replaceChildren(...(record?.ablation ? [ablationOf(network, record.ablation)] : []));
    turn.textContent = state && isOff(state.off, position) ? TEXT.turnOn : TEXT.turnOff;
    title.replaceChildren(
      element("bdi", { text: `${layer}, ${what}${where}: ` }),
      element("strong", { text: short(value), title: exact(value) }),
    );
    caption.textContent = single ? LAYER.theValue : LAYER.thisMap(shape.rows, shape.columns);
    const { tall, wide } = receptiveField(network, position);
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
 * The position to look at one layer down or up: down, where the chosen value has most from; up, where it goes.
 * @param {Network} network
 * @param {State} state
 * @param {number} by
 * @returns {Position}
 */
function nextPlace(network, state, by) {
  const { position, all } = state;
  const layer = position.layer + by;
  if (layer < 0 || layer > network.layers.length) return position;
  if (by > 0) {
    const above = network.layers[layer - 1];
    const [down, across] = above.stride;
    const connected = above.kind === "connected";
    const row = connected ? 0 : Math.floor(position.row / down);
    return within(network, {
      layer,
      unit: position.unit,
      row,
      column: connected ? 0 : Math.floor(position.column / across),
    });
  }
  const found = explain(network, all, position);
  const box = boxBelow(network, position);
  if (found.kind === "pooled") {
    const best = found.weights.indexOf(Math.max(...found.weights));
    return within(network, {
      layer,
      unit: position.unit,
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
