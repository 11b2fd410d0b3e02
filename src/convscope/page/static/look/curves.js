// @ts-check
/** Lines over epochs, as SVG. */
import { GOOD_TEXT, short } from "./words.js";

/** @typedef {{ name: string, kind: "first" | "second", points: [number, number][] }} Line epoch and value */

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [440, 240, 52, 12, 34, 40];
const SVG = ["http:", "", "www.w3.org", "2000", "svg"].join("/"); // a name, not an address: nothing is loaded

/** @param {string} kind @param {Record<string, string | number>} attributes @param {...(Node | string)} children @returns {SVGElement} */
function drawn(kind, attributes, ...children) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return /** @type {SVGElement} */ (made);
}

/** Round numbers that reach from at most low to at least high. @param {number} low @param {number} high @returns {number[]} */
export function ticksOf(low, high) {
  const span = Math.max(high - low, 1e-9);
  const size = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10, 20].map((factor) => factor * size).find((one) => span / one <= 5) ?? span;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: Math.max(last, first + 1) - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}

/** @param {string} title @param {Line[]} lines @param {(value: number) => string} text @returns {SVGElement} */
export function chart(title, lines, text = short) {
  const points = lines.flatMap((line) => line.points);
  const ticks = ticksOf(Math.min(...points.map(([, value]) => value)), Math.max(...points.map(([, value]) => value)));
  const [first, last] = [Math.min(...points.map(([epoch]) => epoch)), Math.max(...points.map(([epoch]) => epoch))];
  const x = (/** @type {number} */ epoch) => LEFT + 6 + ((WIDTH - LEFT - RIGHT - 12) * (epoch - first)) / Math.max(1, last - first);
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * (value - ticks[0])) / (ticks[ticks.length - 1] - ticks[0]);
  const ends = lines.map((line) => `${line.name} ${text(line.points[line.points.length - 1][1])}`).join("; ");
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${ends}`, class: "curves" });
  for (const tick of ticks) {
    svg.append(drawn("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: "grid" }));
    svg.append(drawn("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, text(tick)));
  }
  for (const epoch of first === last ? [first] : [first, Math.round((first + last) / 2), last]) {
    svg.append(drawn("text", { x: x(epoch), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, String(epoch)));
  }
  svg.append(drawn("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, GOOD_TEXT.epoch));
  svg.append(drawn("text", { x: 4, y: 14, class: "chart-title" }, title));
  lines.forEach((line, place) => {
    svg.append(drawn("polyline", { points: line.points.map(([epoch, value]) => `${x(epoch)},${y(value)}`).join(" "), class: `curve ${line.kind}` }));
    for (const [epoch, value] of line.points.length > 40 ? [] : line.points) {
      svg.append(drawn("circle", { cx: x(epoch), cy: y(value), r: 2.5, class: `dot ${line.kind}` }, drawn("title", {}, `${line.name}, ${GOOD_TEXT.epoch} ${epoch}: ${text(value)}`)));
    }
    const start = 190 + 125 * place;
    svg.append(drawn("line", { x1: start, x2: start + 22, y1: 10, y2: 10, class: `curve ${line.kind}` }), drawn("text", { x: start + 28, y: 14 }, line.name));
  });
  return svg;
}
