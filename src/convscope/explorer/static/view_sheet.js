// @ts-check
/**
 * Everything at a glance as one figure to be saved: the image, all maps of every layer whose values are there, also
 * those on other pages of the view, and the answer.
 */
import { scaleOf } from "./color_bar.js";
import { probabilitiesOf } from "./engine.js";
import { inXml, sheet } from "./saving.js";
import { painted } from "./painted.js";
import { shapeAt } from "./network.js";
import { svgElement } from "./svg.js";
import { titleOf } from "./text_overview.js";
import { KEEPING } from "./text_frame.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

const [MAPS, TILE, SINGLE, HEADING] = [256, 36, 16, 48];
const CLASSES = 10;

/** @param {Network} network @param {State} state @returns {SVGElement} */
export function viewSheet(network, state) {
  const shown = network.layers.flatMap((_, index) => {
    const { rows, columns } = shapeAt(network, index + 1);
    const last = index + 1 === network.layers.length; // whose single values are the answer
    return state.all[index + 1].length && !(last && rows * columns === 1) ? [index + 1] : [];
  });
  const image = sheet(KEEPING.image, [{ canvas: painted(network, state, 0, 0), label: state.name.slice(0, 30) }], {
    tile: TILE,
  });
  const parts = [image, ...shown.map((layer) => layerSheet(network, state, layer)), answerSheet(network, state)];
  const sizes = parts.map((part) => Number(part.getAttribute("width")));
  const width = sizes.reduce((sum, size) => sum + size, 0);
  const height = HEADING + Math.max(...parts.map((part) => Number(part.getAttribute("height"))));
  const { backgroundColor, color } = getComputedStyle(document.body);
  const svg = svgElement("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  const closed = network.layers.some((_, index) => !state.all[index + 1].length);
  const text = { x: 12, y: 26, "font-family": "sans-serif", "font-size": 18, fill: color };
  svg.append(
    svgElement("rect", { width, height, fill: backgroundColor }),
    svgElement("text", text, inXml(`${network.title} ${network.layout}`)),
    svgElement("text", { ...text, y: 42, "font-size": 12 }, closed ? KEEPING.closed : ""),
  );
  let x = 0;
  parts.forEach((part, index) => {
    part.setAttribute("x", String(x));
    part.setAttribute("y", String(HEADING));
    x += sizes[index];
    svg.append(part);
  });
  return svg;
}

/** @param {Network} network @param {State} state @param {number} layer */
function layerSheet(network, state, layer) {
  const { maps, rows, columns } = shapeAt(network, layer);
  const count = Math.min(MAPS, maps);
  const tiles = Array.from({ length: count }, (_, unit) => ({
    canvas: painted(network, state, layer, unit),
    label: String(unit + 1),
  }));
  const here = network.layers[layer - 1];
  const some = count < maps ? `, ${KEEPING.some(count, maps)}` : "";
  const scale = scaleOf(state.palette, state.all[layer]);
  const tile = rows * columns > 1 ? TILE : SINGLE;
  return sheet(`${titleOf(here, false)} ${here.name}${some}`, tiles, { scale, tile });
}

/** @param {Network} network @param {State} state */
function answerSheet(network, state) {
  const probabilities = probabilitiesOf(network, state.all[network.layers.length]);
  const order = probabilities.map((_, unit) => unit).sort((a, b) => probabilities[b] - probabilities[a]);
  const { color } = getComputedStyle(document.body);
  const svg = svgElement("svg", { width: 220, height: 28 + 22 * CLASSES });
  order.slice(0, CLASSES).forEach((unit, rank) => {
    const y = 40 + 22 * rank;
    const bar = { x: 12, y: y - 12, width: 196 * probabilities[unit], height: 16, fill: state.palette.css(0.4) };
    const words = KEEPING.answer(network.classes[unit].slice(0, 20), probabilities[unit]);
    const text = { x: 14, y, "font-family": "sans-serif", "font-size": 13, fill: color };
    svg.append(svgElement("rect", bar), svgElement("text", text, inXml(words)));
  });
  return svg;
}
