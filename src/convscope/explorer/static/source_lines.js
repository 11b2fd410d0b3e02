// @ts-check
/** Lines from the chosen value to the values it was computed from, across the columns. */
import { belowOf } from "./network.js";
import { svgElement } from "./svg.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

const CONE = 4; // so many sources get a line from either corner
const MOST = 64;

/**
 * @param {HTMLElement} list of the columns, the image's first
 * @param {Network} network
 * @returns {{ element: SVGElement, draw: (state: State) => void }}
 */
export function makeSourceLines(list, network) {
  const svg = svgElement("svg", { class: "source-lines", "aria-hidden": "true" });
  let layer = 0;
  const redraw = () => {
    const lines = layer ? outlines(list, layer, belowOf(network, layer)) : [];
    svg.replaceChildren(...lines.map((d) => svgElement("path", { d })));
  };
  new ResizeObserver(redraw).observe(list);
  return {
    element: svg,
    draw({ position }) {
      layer = position.layer;
      redraw();
    },
  };
}

/** @param {HTMLElement} list @param {number} layer @param {number} below @returns {string[]} */
function outlines(list, layer, below) {
  const [column, source] = [list.children[layer], list.children[below]];
  const chosen =
    column.querySelector(".map.chosen .field:not([hidden])") ?? column.querySelector(".chosen .framed, .line.chosen");
  if (!chosen) return [];
  const found = [...source.querySelectorAll(".map:not([hidden]) .framed")].map(
    (frame) => frame.querySelector(".field:not([hidden])") ?? frame,
  );
  const some = found.filter((one) => one.classList.contains("field"));
  const shown = (some.length ? some : found).slice(0, MOST);
  const origin = list.getBoundingClientRect();
  const [end, boxes] = [chosen.getBoundingClientRect(), shown.map((one) => one.getBoundingClientRect())];
  if (end.left < source.getBoundingClientRect().right) return []; // in another row
  const [x, y] = [end.left - origin.left, (end.top + end.bottom) / 2 - origin.top];
  return boxes.flatMap((box) => {
    const [from, middle] = [box.right - origin.left, (box.top + box.bottom) / 2];
    const heights = boxes.length <= CONE ? [box.top, box.bottom] : [middle];
    const bend = (from + x) / 2;
    return heights.map((height) => {
      const start = height - origin.top;
      const points = [from, start, bend, start, bend, y, x, y].map(Math.round);
      return `M${points.slice(0, 2).join(" ")}C${points.slice(2).join(" ")}`;
    });
  });
}
