// @ts-check
/** The feature maps of the lesson, as tables that arrow keys move over. */
import { largestSize } from "./colors.js";
import { element } from "./dom.js";
import { makeEngine } from "./engine.js";
import { counted } from "./format.js";
import { LESSON } from "./text_lesson.js";
import { shapeAt } from "./network.js";
import { numberTable } from "./number_table.js";
import { strongest } from "./position.js";
import { toyNetwork, toyPixels } from "./toy.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./session.js").State} State */
/** @typedef {import("./toy.js").Toy} Toy */
/** @typedef {{ toy: Toy, position: Position }} Lesson what the reader has made, and which value is looked at */

/**
 * @param {HTMLElement[][]} boards by layer and unit
 * @param {Toy} toy
 * @param {State} state
 * @param {Go} go
 */
export function drawBoards(boards, toy, state, go) {
  const network = toyNetwork(toy);
  const largest = largestFeature(toy);
  boards.forEach((row, index) =>
    row.forEach((map, unit) => {
      map.hidden = index >= network.layers.length || unit >= toy.units.length;
      if (map.hidden) return;
      const table = mapTable(network, state, { layer: index + 1, unit, largest }, go);
      const dropped = index === 1 && network.layers[0].rows % 2 === 1 && network.layers[1].rows > 0;
      map.replaceChildren(table, dropped ? element("p", { class: "caption", text: LESSON.dropped }) : "");
    }),
  );
}

/** The largest feature of the units, whichever positions have one, so that colors stay. @param {Toy} toy */
function largestFeature(toy) {
  const dense = { ...toy, stride: 1, code: "" };
  return largestSize(makeEngine(toyNetwork(dense), true)({ pixels: toyPixels(dense), off: [] }).all[1]);
}

/** The pooled value whose window has the largest feature. @param {Toy} toy @returns {Position} */
export function clearestWindow(toy) {
  const largest = { ...toy, code: "MP" };
  const network = toyNetwork(largest);
  return strongest(network, makeEngine(network, true)({ pixels: toyPixels(largest), off: [] }).all, 2);
}

/**
 * A map that arrow keys move over.
 * @param {number} layer
 * @param {number} unit
 * @param {() => Position} here
 * @param {Go} go
 * @returns {HTMLElement}
 */
export function board(layer, unit, here, go) {
  const made = element("div", {
    tabindex: 0,
    role: "application",
    "aria-label": `${layer === 1 ? LESSON.featuresOf(unit + 1) : LESSON.pooledOf(unit + 1)}. ${LESSON.keys}`,
  });
  made.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!by) return;
    event.preventDefault();
    const position = here();
    const from = position.layer === layer && position.unit === unit ? position : { row: 0, column: 0 };
    go({ layer, unit, row: from.row + by[0], column: from.column + by[1] });
  });
  return made;
}

/**
 * @param {import("./network.js").Network} network
 * @param {State} state
 * @param {{ layer: number, unit: number, largest: number }} map
 * @param {Go} go
 */
function mapTable(network, { all, position, palette }, { layer, unit, largest }, go) {
  const { rows, columns, maps } = shapeAt(network, layer);
  const at = position.row * columns + position.column;
  const press = (/** @type {number} */ index) =>
    go({ layer, unit, row: Math.floor(index / columns), column: index % columns });
  const plain = layer === 1 ? LESSON.features : LESSON.pooled;
  const title = maps === 1 ? plain : layer === 1 ? LESSON.featuresOf(unit + 1) : LESSON.pooledOf(unit + 1);
  const values = Array.from(all[layer].subarray(unit * rows * columns, (unit + 1) * rows * columns));
  const table = {
    name: `${title}: ${counted(rows * columns, "value")}`,
    values,
    wide: columns,
    largest,
    press,
  };
  return numberTable(palette, {
    ...table,
    marked: (index) => position.layer === layer && position.unit === unit && index === at,
  });
}
