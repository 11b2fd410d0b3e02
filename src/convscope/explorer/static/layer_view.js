// @ts-check
/** View 2: the layer, in numbers. What one value saw, what that was multiplied with, and what came of it. */
import { scaleOf } from "./color_bar.js";
import { largestSize } from "./colors.js";
import { makeDerivation } from "./derivation.js";
import { layerFact } from "./layer_facts.js";
import { button, element, signButton, tools } from "./dom.js";
import { explain, receptiveField, valueAt } from "./explain.js";
import { exact, short } from "./format.js";
import { makeFilm } from "./film.js";
import { cellAt, cells, drawMap, drawPixels, setFrame, setSize, shownSize } from "./image.js";
import { LAYER } from "./text_layer.js";
import { belowOf, readersOf, shapeAt } from "./network.js";
import { within } from "./position.js";
import { painted } from "./painted.js";
import { saveButtons, sheet } from "./saving.js";
import { canBeOff, isOff } from "./switches.js";
import { TEXT } from "./text.js";
import { titleOf } from "./text_overview.js";
import { ablationOf, unitRecord } from "./units.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

const PACE_MS = 140;
const CALM_PACE_MS = 700;

let boards = 0; // views of this kind, so that each has its own name for its hint

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Go} go
 * @param {((unit: import("./switches.js").Unit) => void) | null} toggle turns a unit off or on; null where none can be
 * @returns {(state: State) => void}
 */
export function makeLayerView(parent, network, go, toggle) {
  /** @type {State | null} */
  let state = null;
  const now = () => state;
  const move = (/** @type {Partial<Position>} */ change) => state && go({ ...state.position, ...change });
  const turnLayer = (/** @type {number} */ by) => state && go(neighbor(network, state, by));
  const turnMap = (/** @type {number} */ by) => {
    if (!state) return;
    const { maps } = shapeAt(network, state.position.layer);
    move({ unit: (state.position.unit + by + maps) % maps });
  };
  const title = element("p", { class: "title", role: "status" });
  const player = makePlayer(network, now, move, (playing) => {
    if (playing) return title.removeAttribute("role"); // not every value is read out
    title.setAttribute("role", "status");
    if (state) show(state);
  });
  const keys = `keys-${(boards += 1)}`;
  const board = makeBoard(network, keys, { now, move, turnMap, turnLayer, interrupt: player.interrupt });
  const field = makeField(network);
  const layers = makeTurner(LAYER.layerBefore, LAYER.layerAfter, LAYER.layer, turnLayer);
  const maps = makeTurner(LAYER.mapBefore, LAYER.mapAfter, LAYER.below.map, turnMap);
  const unitSwitch = makeUnitSwitch(network, now, toggle);
  const saves = makeSaves(network, now);
  const film = makeFilm(network, now);
  const working = element("div", { class: "working" });
  const derive = makeDerivation(network, go);
  parent.append(
    makeHead(title, layers.element, maps.element, player.button, unitSwitch.button, film ?? ""),
    unitSwitch.ablation,
    element(
      "div",
      { class: "beside" },
      element("div", { class: "where" }, board.figure, field.figure, saves.element),
      working,
    ),
    element("p", { class: "hint", id: keys, text: TEXT.keys }),
  );

  /** @param {State} next */
  function show(next) {
    const moved = state && (next.position.layer !== state.position.layer || next.position.unit !== state.position.unit);
    state = next;
    if (moved && player.playing()) return player.interrupt(); // which shows it
    const { position, all } = next;
    const names = namesOf(network, position);
    board.draw(next, names, player.until());
    field.draw(next);
    layers.name.textContent = names.layer;
    maps.name.textContent = names.last ? names.unit : LAYER.of(names.unit, shapeAt(network, position.layer).maps);
    player.button.hidden = names.single;
    if (film) film.hidden = names.single || !position.layer;
    unitSwitch.draw(next);
    title.replaceChildren(...valueWords(names, valueAt(network, all, position)));
    saves.offer(next);
    const focused = [...working.querySelectorAll("button")].indexOf(/** @type {any} */ (document.activeElement));
    const learned = network.layers[position.layer - 1]?.weights.length ? [layerFact(LAYER.learned)] : [];
    working.replaceChildren(...derive(next), ...learned);
    if (focused >= 0) (working.querySelectorAll("button")[focused] ?? board.map).focus({ preventScroll: true });
  }
  return show;
}

/** What stays in view beside the maps. @param {HTMLElement} title @param {...(Node | string)} controls */
function makeHead(title, ...controls) {
  return element("div", { class: "numbers-head" }, tools(...controls), title);
}

/**
 * A button that turns the unit off and on, and what the network loses without it.
 * @param {Network} network
 * @param {() => State | null} now
 * @param {((unit: import("./switches.js").Unit) => void) | null} toggle
 */
function makeUnitSwitch(network, now, toggle) {
  const turn = button("", () => toggle?.(/** @type {State} */ (now()).position));
  const ablation = element("span", { class: "hint" });
  const draw = (/** @type {State} */ { position, off }) => {
    turn.hidden = toggle === null || !canBeOff(network, position);
    turn.textContent = isOff(off, position) ? TEXT.turnOn : TEXT.turnOff;
    const record = turn.hidden ? null : unitRecord(network, position);
    ablation.replaceChildren(...(record?.ablation ? [ablationOf(network, record.ablation)] : []));
  };
  return { button: turn, ablation, draw };
}

/**
 * A button that goes over all values of a map.
 * @param {Network} network
 * @param {() => State | null} now
 * @param {(change: Partial<Position>) => void} move
 * @param {(playing: boolean) => void} changed
 */
function makePlayer(network, now, move, changed) {
  let timer = 0;
  let until = Infinity;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    until = Infinity;
    play.textContent = TEXT.play;
    changed(false);
  };
  const start = () => {
    const state = now();
    if (!state) return;
    changed(true);
    play.textContent = TEXT.stop;
    const { columns, rows } = shapeAt(network, state.position.layer);
    const here = () => {
      const { row, column } = now()?.position ?? state.position;
      return row * columns + column;
    };
    let begins = here() === rows * columns - 1;
    const next = () => {
      const index = begins ? 0 : here() + 1; // from where somebody pressed meanwhile
      begins = false;
      if (index >= rows * columns) return stop();
      until = index + 1;
      move({ row: Math.floor(index / columns), column: index % columns });
    };
    timer = window.setInterval(next, matchMedia("(prefers-reduced-motion: reduce)").matches ? CALM_PACE_MS : PACE_MS);
  };
  const play = button(TEXT.play, () => (timer ? stop() : start()));
  const interrupt = () => {
    if (timer) stop();
  };
  return { button: play, interrupt, playing: () => timer !== 0, until: () => until };
}

/** What keys and pointers on a map do.
 * @typedef {{ now: () => State | null, move: (change: Partial<Position>) => void, turnMap: (by: number) => void,
 *   turnLayer: (by: number) => void, interrupt: () => void }} Moves */

/**
 * The map, with a frame at the chosen value.
 * @param {Network} network
 * @param {string} keys id of what says which keys there are
 * @param {Moves} moves
 */
function makeBoard(network, keys, moves) {
  const frame = element("div", { class: "here" });
  const map = element("div", { class: "framed board", tabindex: 0, role: "application", "aria-describedby": keys });
  const caption = element("p", { class: "caption" });
  /** @type {HTMLCanvasElement | null} */
  let canvas = null;
  map.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => pressKey(event, moves));
  const point = (/** @type {PointerEvent} */ event) => {
    const state = moves.now();
    if (!state || !canvas) return;
    const { row, column } = cellAt(event, canvas, { rows: canvas.height, columns: canvas.width });
    if (row !== state.position.row || column !== state.position.column) moves.move({ row, column });
  };
  map.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    moves.interrupt();
    map.setPointerCapture(event.pointerId);
    point(event);
  });
  map.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (map.hasPointerCapture(event.pointerId)) point(event);
  });
  const draw = (/** @type {State} */ state, /** @type {Names} */ names, /** @type {number} */ until) => {
    const { position, palette, all } = state;
    const shape = shapeAt(network, position.layer);
    if (!canvas || canvas.height !== shape.rows || canvas.width !== shape.columns) {
      canvas = cells(shape);
      map.replaceChildren(canvas, frame);
    }
    setSize(map, shownSize(shape, names.single ? 48 : 252));
    const maps = all[position.layer];
    if (position.layer === 0 && network.channels === 1) drawPixels(canvas, state.pixels, 1);
    else drawMap(canvas, palette, maps, position.unit, largestSize(maps), until);
    setFrame(frame, shape, { top: position.row, left: position.column, tall: 1, wide: 1 });
    caption.textContent = names.single ? LAYER.theValue : LAYER.thisMap(shape.rows, shape.columns);
    map.setAttribute("aria-label", `${names.layer}, ${names.unit}`);
  };
  return { figure: element("figure", {}, caption, map), map, draw };
}

/** @param {KeyboardEvent} event @param {Moves} moves */
function pressKey(event, { now, move, turnMap, turnLayer, interrupt }) {
  const state = now();
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
  interrupt();
  action();
}

/** The image, with a frame around the receptive field. @param {Network} network */
function makeField(network) {
  const size = { rows: network.height, columns: network.width };
  const image = cells(size);
  const frame = element("div", { class: "field" });
  const framed = element("div", { class: "framed", role: "img", "aria-label": LAYER.partOfImage }, image, frame);
  setSize(framed, shownSize(size, 160));
  const caption = element("p", { class: "caption" });
  return {
    figure: element("figure", {}, caption, framed),
    draw(/** @type {State} */ { pixels, position }) {
      const field = receptiveField(network, position);
      drawPixels(image, pixels, network.channels);
      setFrame(frame, size, field);
      const whole = field.tall >= network.height && field.wide >= network.width;
      caption.textContent = whole ? LAYER.dependsOnAll : LAYER.dependsOn(field.tall, field.wide);
    },
  };
}

/**
 * A name between buttons to the one before and the one after.
 * @param {string} before
 * @param {string} after
 * @param {string} kind of what is turned, where there is no room for its name
 * @param {(by: number) => void} turn
 */
function makeTurner(before, after, kind, turn) {
  const name = element("span", { class: "now" });
  const [back, on] = [
    signButton("‹", before, () => turn(-1), { title: before }),
    signButton("›", after, () => turn(1), { title: after }),
  ];
  return {
    element: element("span", { class: "turn" }, back, name, element("span", { class: "short", text: kind }), on),
    name,
  };
}

/**
 * Buttons that save what is shown: made anew only for another map.
 * @param {Network} network
 * @param {() => State | null} now
 */
function makeSaves(network, now) {
  const saves = element("div", { class: "saves" });
  let offered = "";
  const offer = (/** @type {State} */ { position: { layer, unit } }) => {
    const key = `${layer}/${unit}`;
    if (offered === key) return;
    offered = key;
    const { rows, columns, maps } = shapeAt(network, layer);
    if (rows * columns === 1) return saves.replaceChildren();
    const all = `${network.title} ${layer ? network.layers[layer - 1].name : TEXT.image}`.trim();
    const one = `${all}, ${TEXT.mapNumber(unit + 1)}`;
    const saved = (/** @type {string} */ name, /** @type {[number, string][]} */ shown) => () => {
      const state = /** @type {State} */ (now());
      const tiles = shown.map(([map, label]) => ({ canvas: painted(network, state, layer, map), label }));
      const scale = layer ? scaleOf(state.palette, state.all[layer]) : null;
      return sheet(`${name}: ${state.name}`, tiles, { scale });
    };
    const numbered = Array.from({ length: maps }, (_, map) => /** @type {[number, string]} */ ([map, String(map + 1)]));
    saves.replaceChildren(
      saveButtons(one, saved(one, [[unit, ""]]), TEXT.saveMap),
      ...(layer ? [saveButtons(all, saved(all, numbered), TEXT.saveMaps)] : []),
    );
  };
  return { element: saves, offer };
}

/** The chosen value, and where it is. @param {Names} names @param {number} value @returns {Node[]} */
function valueWords({ layer, unit, where }, value) {
  return [
    element("bdi", { text: `${layer}, ${unit}${where}: ` }),
    element("strong", { text: short(value), title: exact(value) }),
  ];
}

/** @typedef {{ layer: string, unit: string, where: string, single: boolean, last: boolean }} Names */

/**
 * A position in words.
 * @param {Network} network
 * @param {Position} position
 * @returns {Names}
 */
function namesOf(network, { layer, unit, row, column }) {
  const shape = shapeAt(network, layer);
  const last = layer === network.layers.length;
  const single = shape.rows * shape.columns === 1;
  const here = network.layers[layer - 1];
  const number = (single ? LAYER.unit : LAYER.map)(unit + 1);
  const channel = network.channels === 1 ? LAYER.gray : LAYER.colors[unit];
  return {
    layer: layer ? `${titleOf(here, last)} ${here.name}` : LAYER.image,
    unit: last ? LAYER.classNamed(network.classes[unit]) : layer ? number : channel,
    where: !single ? LAYER.where(row + 1, column + 1) : last && here.kind === "linear" ? LAYER.isLogit : "",
    single,
    last,
  };
}

/**
 * The position to look at one layer down or up: down, where the chosen value has most from; up, where it goes.
 * @param {Network} network
 * @param {State} state
 * @param {number} by
 * @returns {Position}
 */
function neighbor(network, state, by) {
  const { position, all } = state;
  if (by < 0 ? position.layer === 0 : !readersOf(network, position.layer).length) return position;
  const layer = by < 0 ? belowOf(network, position.layer) : readersOf(network, position.layer)[0];
  if (by > 0) {
    const above = network.layers[layer - 1];
    const [down, across] = above.stride;
    const connected = above.kind === "linear";
    const row = connected ? 0 : Math.floor(position.row / down);
    const beside = above.kind === "concatenate" ? above.inputs.slice(0, above.inputs.indexOf(position.layer - 1)) : [];
    return within(network, {
      layer,
      unit: beside.reduce((unit, input) => unit + shapeAt(network, input + 1).maps, position.unit),
      row,
      column: connected ? 0 : Math.floor(position.column / across),
    });
  }
  const explained = explain(network, all, position);
  if (explained.kind === "account") {
    const sizes = explained.terms.map(({ input, weight }) => Math.abs(input * weight));
    return within(network, explained.terms[sizes.indexOf(Math.max(...sizes))] ?? { ...position, layer });
  }
  const { rows, columns, wide } = explained;
  const at = (/** @type {number} */ unit, /** @type {number} */ cell) =>
    within(network, { layer, unit, row: rows[Math.floor(cell / wide)], column: columns[cell % wide] });
  if (explained.kind === "pooled") return at(position.unit, explained.weights.indexOf(Math.max(...explained.weights)));
  let most = { unit: 0, cell: 0, size: -1 };
  for (const { map, products } of explained.parts) {
    products.forEach((product, cell) => {
      if (Math.abs(product) > most.size) most = { unit: map, cell, size: Math.abs(product) };
    });
  }
  return at(most.unit, most.cell);
}
