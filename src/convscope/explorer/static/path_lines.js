// @ts-check
/** Lines of an SVG from block to block, in the gaps between rows and at the right edge, so that they cross no text. */
import { svgElement } from "./svg.js";

/** @typedef {import("./graph_paths.js").Path} Path */

/** Where something stands within what holds the lines, in pixels.
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Box */

const SAME_ROW = 4; // pixels by which tops in one row may differ
const OVER = 6; // above a block: its inner path
const NEXT = 13; // above the block that a path to the next row leads to
const PAST = 17; // above the block that the first path past others leads to
const BELOW = 4; // below the block that it comes from
const LANE = 3; // from line to line
const LANES = 5;
const EDGE = 14; // from the blocks at the right to the first line along them
const ASIDE = 16; // from the middle or the end of an edge to where a path past others begins or ends

/**
 * The points of a path: down, across and at the right edge past the rows between; of one inside a block, over it.
 * @param {Box} from
 * @param {Box} to
 * @param {boolean} past whether it leads past others
 * @param {number} lane
 * @param {{ right: number, rows: number[] }} room the right edge of all blocks, and the bottoms of all rows
 * @returns {[number, number][]}
 */
export function route(from, to, past, lane, { right, rows }) {
  const aside = past ? ASIDE + lane * LANE : 0;
  const [x, end] = [(from.left + from.right) / 2 + aside, (to.left + to.right) / 2 + aside];
  const above = past ? PAST + lane * LANE : NEXT;
  if (from === to) {
    const [start, back] = [from.left + ASIDE, from.right - ASIDE];
    return [
      [start, from.top],
      [start, from.top - OVER],
      [back, from.top - OVER],
      [back, from.top],
    ];
  }
  const level = (from.top + Math.min(from.bottom, to.bottom)) / 2;
  if (Math.abs(from.top - to.top) < SAME_ROW) {
    if (!past)
      return [
        [from.right, level],
        [to.left, level],
      ];
    return [
      [x, from.top],
      [x, from.top - above],
      [end, to.top - above],
      [end, to.top],
    ];
  }
  const between = rows.filter((bottom) => bottom > from.bottom + SAME_ROW && bottom < to.top).length;
  /** @type {[number, number][]} */
  const start = [[x, from.bottom]];
  const edge = right + EDGE + 2 * lane * LANE;
  const around = between
    ? [
        [x, from.bottom + BELOW + lane * LANE],
        [edge, from.bottom + BELOW + lane * LANE],
        [edge, to.top - above],
      ]
    : [[x, to.top - above]];
  return [...start, .../** @type {[number, number][]} */ (around), [end, to.top - above], [end, to.top]];
}

/** @param {[number, number][]} points */
function outlineOf(points) {
  return points.map(([x, y], index) => `${index ? "L" : "M"}${Math.round(x)} ${Math.round(y)}`).join(" ");
}

/** The tip of an arrow at the end of a line. @param {[number, number][]} points */
function tipOf(points) {
  const [[beforeX, beforeY], [x, y]] = points.slice(-2);
  const [right, down] = [Math.sign(Math.round(x - beforeX)), Math.sign(Math.round(y - beforeY))];
  const [backX, backY] = [Math.round(x) - 6 * right, Math.round(y) - 6 * down];
  const corner = (/** @type {number} */ side) => `L${backX + side * down} ${backY + side * right}`;
  return `M${Math.round(x)} ${Math.round(y)} ${corner(-4)} ${corner(4)} Z`;
}

/**
 * @param {HTMLElement} holder of everything, which positions are relative to
 * @param {(number: number) => HTMLElement | null} nodeOf an entry; -1 stands before the first
 * @param {Path[]} paths
 * @returns {{ element: SVGElement, redraw: () => void }}
 */
export function makeLines(holder, nodeOf, paths) {
  const svg = svgElement("svg", { class: "paths", "aria-hidden": "true" });
  const boxOf = (/** @type {number} */ number) => {
    const node = nodeOf(number);
    if (!node) return null;
    const [box, origin] = [node.getBoundingClientRect(), holder.getBoundingClientRect()];
    const [left, top] = [box.left - origin.left + holder.scrollLeft, box.top - origin.top + holder.scrollTop];
    return { left, top, right: left + box.width, bottom: top + box.height };
  };
  const redraw = () => {
    const [width, height] = [holder.scrollWidth, holder.scrollHeight];
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    Object.assign(svg.style, { width: `${width}px`, height: `${height}px` });
    const boxes = new Map(paths.flatMap(({ from, to }) => [from, to]).map((number) => [number, boxOf(number)]));
    const right = Math.max(0, ...[...boxes.values()].map((box) => box?.right ?? 0));
    const rows = [...new Set([...boxes.values()].flatMap((box) => (box ? [Math.round(box.bottom)] : [])))];
    let lane = -1;
    const lines = paths.flatMap(({ from, to, past, joins }) => {
      const [start, end] = [boxes.get(from), boxes.get(to)];
      if (!start || !end) return [];
      if (past) lane = (lane + 1) % LANES;
      const points = route(start, end, past, Math.max(0, lane), { right, rows });
      const kind = past ? `path past ${joins}` : "path";
      return [svgElement("path", { d: outlineOf(points), class: kind }), tipElement(points, kind)];
    });
    svg.replaceChildren(...lines);
  };
  new ResizeObserver(redraw).observe(holder);
  return { element: svg, redraw };
}

/** @param {[number, number][]} points @param {string} kind */
function tipElement(points, kind) {
  return svgElement("path", { d: tipOf(points), class: `${kind} tip-of-path` });
}
