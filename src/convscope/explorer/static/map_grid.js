// @ts-check
/** The maps of a layer as a grid of buttons, in pages where they are many. */
import { largestSize } from "./colors.js";
import { makeColorBar } from "./color_bar.js";
import { element, moveWithArrows, signButton } from "./dom.js";
import { boxBelow, mapBelow } from "./explain.js";
import { cellAt, setFrame, setSize, shownSize } from "./image.js";
import { theMagnifier } from "./magnifier.js";
import { makeMapSheet } from "./map_sheet.js";
import { belowOf, shapeAt } from "./network.js";
import { isOff } from "./switches.js";
import { OVERVIEW, outcome } from "./text_overview.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./overview.js").Column} Column */
/** @typedef {import("./session.js").State} State */

const MOST_MAPS = 64; // of a layer shown at once
const NAME_MS = 200; // after which values are written into names
const COLUMN_PX = [128, 300]; // the maps of a layer: a window of 1280 pixels holds a small network from end to end
const BESIDE_PX = 44; // between the maps of two layers
const TALL_PX = [300, 560]; // all maps of a layer
const AROUND_PX = 400; // above and below them
const MAP_PX = [22, 132]; // one map
const BORDER_PX = 8; // around it
const SINGLE_PX = 24;

/** A map's button, with the frame that its canvas shows through and one for what is marked in it.
 * @typedef {{ button: HTMLElement, frame: HTMLElement, spot: HTMLElement }} MapButton */

/**
 * The value that a mouse or finger pressed; a key presses the map only.
 * @param {MouseEvent} event
 * @param {HTMLElement} shown
 * @param {{ rows: number, columns: number }} size
 */
export function pressed(event, shown, size) {
  return event.detail > 0 ? cellAt(event, shown, size) : {};
}

/**
 * The room for the maps of a layer in this window, where so many columns stand side by side.
 * @param {number} columns
 * @returns {[number, number]} width, height
 */
export function roomFor(columns) {
  const { clientWidth, clientHeight } = document.documentElement;
  const within = (/** @type {number} */ room, /** @type {number[]} */ [least, most]) =>
    Math.round(Math.max(least, Math.min(most, room)));
  return [within((clientWidth - 32) / columns - BESIDE_PX, COLUMN_PX), within(clientHeight - AROUND_PX, TALL_PX)];
}

/**
 * How many maps stand side by side, and how large each is: as large as the room allows.
 * @param {number} count
 * @param {{ rows: number, columns: number }} shape
 * @param {[number, number]} room
 * @returns {{ across: number, room: number }}
 */
function arrangement(count, shape, [wide, tall]) {
  if (shape.rows * shape.columns === 1) {
    const fits = Math.max(4, Math.floor(wide / (SINGLE_PX + BORDER_PX)));
    return { across: Math.min(count, count > 32 ? fits : 4), room: SINGLE_PX };
  }
  const sizes = Array.from({ length: Math.min(count, 8) }, (_, index) =>
    Math.floor(Math.min(wide / (index + 1), tall / Math.ceil(count / (index + 1)))),
  );
  const largest = Math.max(...sizes);
  const [least, most] = MAP_PX;
  return { across: sizes.indexOf(largest) + 1, room: Math.max(least, Math.min(most, largest - BORDER_PX)) };
}

/**
 * All maps of a layer, in pages where they are many.
 * @param {Network} network
 * @param {number} layer
 * @param {Go} go
 * @param {[number, number]} room
 * @returns {Column}
 */
export function mapGrid(network, layer, go, room) {
  const shape = shapeAt(network, layer);
  const single = shape.rows * shape.columns === 1;
  const count = Math.min(shape.maps, MOST_MAPS);
  /** @type {{ page: number, turned: boolean, latest: State | null, naming: number }} */
  const shown = { page: 0, turned: true, latest: null, naming: 0 };
  const redraw = () => shown.latest && draw(shown.latest);
  const { grid, maps } = mapButtons(network, layer, count, room, (slot, pressedAt) =>
    go({ layer, unit: shown.page * MOST_MAPS + slot, ...pressedAt }),
  );
  const colors = makeColorBar();
  const pager = makePager(shape.maps, (page) => {
    Object.assign(shown, { page, turned: true });
    redraw();
  });
  const frames = maps.map((map) => map.frame);
  const sheet = makeMapSheet(grid, frames, shape, () => {
    sheet.look();
    redraw();
  });
  enlargeUnderPointer(grid, frames, shape, (slot) => [shown.latest, { layer, unit: shown.page * MOST_MAPS + slot }]);
  /** Names, with the values of single units, and the scale of the colors: not written out while they change. */
  const nameAll = () => {
    if (!shown.latest) return;
    if (single) nameMaps(network, layer, maps, shown.page * MOST_MAPS, shown.latest);
    colors.draw(shown.latest.palette, shown.latest.all[layer]);
  };
  /** @param {State} state */
  function draw(state) {
    const { latest } = shown;
    const chosen = state.position.layer === layer ? state.position.unit : -1;
    const moved = latest?.position !== state.position;
    if (latest !== state && chosen >= 0 && moved) {
      const page = Math.floor(chosen / MOST_MAPS);
      shown.turned ||= page !== shown.page;
      shown.page = page;
    }
    const marks = moved || latest?.off !== state.off || shown.turned;
    Object.assign(shown, { turned: false, latest: state });
    const values = state.all[layer];
    const first = shown.page * MOST_MAPS;
    const here = Math.min(count, shape.maps - first);
    if (marks) maps.forEach(({ button }, slot) => (button.hidden = slot >= here));
    if (marks && maps.every(({ button }) => button.hidden || button.tabIndex < 0)) maps[0].button.tabIndex = 0;
    sheet.paint(state.palette, values, first, here, largestSize(values));
    clearTimeout(shown.naming);
    if (!marks) {
      shown.naming = window.setTimeout(nameAll, NAME_MS);
      return;
    }
    nameMaps(network, layer, maps, first, state);
    nameAll();
    markMaps(network, layer, maps.slice(0, here), first, state);
    pager.show(shown.page);
  }
  return { element: element("div", {}, grid, pager.element, colors.element), look: sheet.look, draw };
}

/**
 * A button for each map that is shown at once.
 * @param {Network} network
 * @param {number} layer
 * @param {number} count
 * @param {[number, number]} room
 * @param {(slot: number, at: { row?: number, column?: number }) => void} press
 * @returns {{ grid: HTMLElement, maps: MapButton[] }}
 */
function mapButtons(network, layer, count, room, press) {
  const shape = shapeAt(network, layer);
  const { across, room: side } = arrangement(count, shape, room);
  const size = shownSize(shape, side);
  const maps = Array.from({ length: count }, (_, slot) => {
    const spot = element("span", { class: "field", hidden: true });
    const frame = element("span", { class: "framed" }, spot);
    const onclick = (/** @type {MouseEvent} */ event) => press(slot, pressed(event, frame, shape));
    const made = element("button", { type: "button", class: "map", tabindex: slot ? -1 : 0, onclick }, frame);
    setSize(frame, size);
    return { frame, button: made, spot };
  });
  const buttons = maps.map((map) => map.button);
  const name = `${network.layers[layer - 1].name}: ${outcome(shape)}`;
  const grid = element("div", { class: "maps", role: "group", "aria-label": name }, ...buttons);
  grid.style.gridTemplateColumns = `repeat(${across}, max-content)`;
  moveWithArrows(grid, buttons, across);
  return { grid, maps };
}

/**
 * @param {HTMLElement} grid
 * @param {HTMLElement[]} frames
 * @param {import("./network.js").Shape} shape
 * @param {(slot: number) => [State | null, { layer: number, unit: number }]} at
 */
function enlargeUnderPointer(grid, frames, shape, at) {
  grid.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const slot = frames.findIndex((frame) => frame.parentElement?.contains(/** @type {Node} */ (event.target)));
    const [state, where] = at(slot);
    if (slot >= 0 && state) theMagnifier().show(event, frames[slot], shape, state, where);
    else theMagnifier().hide();
  });
  grid.addEventListener("pointerleave", () => theMagnifier().hide());
}

/**
 * Buttons to the maps before and after those that are shown.
 * @param {number} count of all maps
 * @param {(page: number) => void} turn
 */
function makePager(count, turn) {
  const pages = Math.ceil(count / MOST_MAPS);
  const hint = element("span", { class: "hint" });
  let page = 0;
  const by = (/** @type {number} */ step) => turn((page + step + pages) % pages);
  const before = signButton("‹", OVERVIEW.before, () => by(-1), { class: "plain" });
  const after = signButton("›", OVERVIEW.after, () => by(1), { class: "plain" });
  return {
    element: element("div", { class: "pager", hidden: pages === 1 }, before, hint, after),
    show(/** @type {number} */ now) {
      page = now;
      hint.textContent = OVERVIEW.some(page * MOST_MAPS + 1, Math.min(count, (page + 1) * MOST_MAPS), count);
    },
  };
}

/**
 * @param {Network} network
 * @param {number} layer
 * @param {MapButton[]} maps
 * @param {number} first unit that is shown
 * @param {State} state
 */
function nameMaps(network, layer, maps, first, { all, off }) {
  const shape = shapeAt(network, layer);
  const single = shape.rows * shape.columns === 1;
  maps.forEach(({ button }, slot) => {
    if (button.hidden) return;
    const unit = first + slot;
    const name = single ? OVERVIEW.unit(unit + 1, all[layer][unit]) : OVERVIEW.map(unit + 1);
    button.title = `${name}${isOff(off, { layer, unit }) ? OVERVIEW.isOff : ""}`;
    button.setAttribute("aria-label", OVERVIEW.among(button.title, unit + 1, shape.maps));
  });
}

/**
 * Mark the chosen map, those that are turned off, and what the chosen value was computed from.
 * @param {Network} network
 * @param {number} layer
 * @param {MapButton[]} maps
 * @param {number} first unit that is shown
 * @param {State} state
 */
function markMaps(network, layer, maps, first, state) {
  const chosen = state.position.layer === layer ? state.position.unit : -1;
  const marked = spotOf(network, state, layer);
  maps.forEach(({ button, spot }, slot) => {
    const unit = first + slot;
    button.classList.toggle("off", isOff(state.off, { layer, unit }));
    button.classList.toggle("chosen", unit === chosen);
    button.setAttribute("aria-pressed", String(unit === chosen));
    if (marked && (marked.unit === null || marked.unit === unit)) setFrame(spot, shapeAt(network, layer), marked);
    else spot.hidden = true;
  });
}

/**
 * What is framed in the maps of a layer: the chosen value itself, or what it was computed from.
 * @param {Network} network
 * @param {State} state
 * @param {number} layer
 * @returns {{ unit: number | null, top: number, left: number, tall: number, wide: number } | null} unit null: all maps
 */
function spotOf(network, state, layer) {
  const { position } = state;
  if (position.layer === layer)
    return { unit: position.unit, top: position.row, left: position.column, tall: 1, wide: 1 };
  if (position.layer === 0 || belowOf(network, position.layer) !== layer) return null;
  return { unit: mapBelow(network, position), ...boxBelow(network, position) };
}
