// @ts-check
/** Lines in a frame with numbers on both sides, as SVG. */
import { rounded, short } from "./format.js";
import { svgElement } from "./svg.js";

/** Values by what stands below; a band reaches from low to high around them.
 * @typedef {{ name: string, kind: "first" | "second", points: [number, number][], band?: [number, number, number][] }}
 *   Line */

/** Words for values; what stands below; which numbers are written there.
 * @typedef {{ text?: (value: number) => string, across: string, below?: (value: number) => string, marks?: number[] }}
 *   How */

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [440, 240, 52, 12, 34, 40];

/**
 * Round numbers that reach from at most low to at least high.
 * @param {number} low
 * @param {number} high
 * @returns {number[]}
 */
export function ticksOf(low, high) {
  const span = Math.max(high - low, 1e-9);
  const size = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10, 20].map((factor) => factor * size).find((one) => span / one <= 5) ?? span;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: Math.max(last, first + 1) - first + 1 }, (_, index) =>
    rounded((first + index) * step, 12),
  );
}

/** Positions of values in the frame. @typedef {{ x: (value: number) => number, y: (value: number) => number }} Scale */

/** @param {string} title @param {Line[]} lines @param {How} how @returns {SVGElement} */
export function chart(title, lines, how) {
  const { text = short, across, below = String, marks } = how;
  const points = lines.flatMap((line) => line.points);
  const heights = lines.flatMap((line) => [
    ...line.points.map(([, value]) => value),
    ...(line.band ?? []).flatMap(([, low, high]) => [low, high]),
  ]);
  const ticks = ticksOf(Math.min(...heights), Math.max(...heights));
  const [first, last] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const scale = {
    x: (/** @type {number} */ value) =>
      LEFT + 6 + ((WIDTH - LEFT - RIGHT - 12) * (value - first)) / (last - first || 1),
    y: (/** @type {number} */ value) =>
      HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * (value - ticks[0])) / (ticks[ticks.length - 1] - ticks[0]),
  };
  const ends = lines.map((line) => `${line.name} ${text(line.points[line.points.length - 1][1])}`).join("; ");
  const names = { role: "img", "aria-label": `${title}: ${ends}`, class: "curves" };
  const svg = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, ...names });
  for (const tick of ticks) {
    const y = scale.y(tick);
    svg.append(svgElement("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "grid" }));
    svg.append(svgElement("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, text(tick)));
  }
  for (const mark of marks ?? (first === last ? [first] : [first, Math.round((first + last) / 2), last])) {
    const position = { x: scale.x(mark), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" };
    svg.append(svgElement("text", position, below(mark)));
  }
  svg.append(svgElement("text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, across));
  svg.append(svgElement("text", { x: 4, y: 14, class: "chart-title" }, title));
  lines.forEach((line, index) => {
    if (line.band) svg.append(bandOf(line, line.band, scale));
    const start = 190 + 125 * index;
    svg.append(
      ...curveOfLine(line, how, scale),
      svgElement("line", { x1: start, x2: start + 22, y1: 10, y2: 10, class: `curve ${line.kind}` }),
      svgElement("text", { x: start + 28, y: 14 }, line.name),
    );
  });
  return svg;
}

/** @param {Line} line @param {[number, number, number][]} band @param {Scale} scale */
function bandOf(line, band, { x, y }) {
  const edge = [...band.map(([at, , high]) => [at, high]), ...[...band].reverse().map(([at, low]) => [at, low])];
  const points = edge.map(([at, value]) => `${x(at)},${y(value)}`).join(" ");
  return svgElement("polygon", { points, class: `band ${line.kind}` });
}

/** A line, and its points where there are not too many. @param {Line} line @param {How} how @param {Scale} scale */
function curveOfLine(line, { text = short, across, below = String }, { x, y }) {
  const points = line.points.map(([at, value]) => `${x(at)},${y(value)}`).join(" ");
  const dots = (line.points.length > 40 ? [] : line.points).map(([at, value]) =>
    svgElement(
      "circle",
      { cx: x(at), cy: y(value), r: 2.5, class: `dot ${line.kind}` },
      svgElement("title", {}, `${line.name}, ${across} ${below(at)}: ${text(value)}`),
    ),
  );
  return [svgElement("polyline", { points, class: `curve ${line.kind}` }), ...dots];
}
