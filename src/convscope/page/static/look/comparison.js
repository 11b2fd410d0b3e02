// @ts-check
/** View: variants of a network, trained on the same images, as a table that sorts and an image. */
import { element, foreign } from "./dom.js";
import { saved } from "./saving.js";
import { drawn } from "./svg.js";
import { COMPARISON, counted, percent, short } from "./words.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {{ distortion: string, unit: string, strength: number }} Column */
/** @typedef {{ name: string, description: string, note: string, layout: string, accuracy: number, interval: [number, number], parameters: number | null, macs: number | null, seconds: number, distorted: (number | null)[] }} Variant */
/** @typedef {{ data: string, images: number, training_images: number, seeds: number, budget: string, amount: number, columns: Column[], variants: Variant[] }} Comparison */

/** One column of the table. @typedef {{ head: string, value: (kind: Variant) => number | string | null, text: (kind: Variant) => Node | string, down: boolean }} Heading */

/** @param {HTMLElement} parent @param {Network} network */
export function makeComparison(parent, network) {
  const { comparison } = network;
  parent.hidden = !comparison?.variants.length;
  if (!comparison?.variants.length) return;
  const names = comparison.columns.map(columnName);
  const select = element("select", {}, element("option", { value: -1, text: COMPARISON.clean }), ...names.map((text, place) => element("option", { value: place, text })));
  const image = element("div", { class: "charts" });
  const draw = () => {
    const place = Number(select.value);
    image.replaceChildren(saved(COMPARISON.title, dots(comparison.variants, place < 0 ? null : place, names[place] ?? "")));
  };
  select.addEventListener("change", draw);
  select.value = String(middleColumns(comparison.columns)[0] ?? -1);
  const budget = COMPARISON.budgets[/** @type {keyof typeof COMPARISON.budgets} */ (comparison.budget)]?.(comparison.amount) ?? "";
  const about = COMPARISON.about(counted(comparison.training_images, "image"), counted(comparison.images, "image"), counted(comparison.seeds, "training"), budget);
  parent.append(
    element("p", { class: "hint" }, foreign(comparison.data), `: ${about}`),
    names.length ? element("div", { class: "tools" }, element("label", {}, `${COMPARISON.distorted} `, select)) : "",
    image,
    element("p", { class: "hint", text: COMPARISON.sortHint }),
    element("div", { class: "wide", role: "region", tabindex: 0, "aria-label": COMPARISON.table }, sortable(comparison)),
  );
  draw();
}

/** @param {Column} column */
function columnName({ distortion, unit, strength }) {
  return `${distortion} ${short(strength)} ${unit}`;
}

/** Of each distortion, the column whose strength is in the middle of those above 0. @param {Column[]} columns @returns {number[]} */
export function middleColumns(columns) {
  const places = columns.map((_, place) => place);
  return [...new Set(columns.map((column) => column.distortion))].map((name) => {
    const mine = places.filter((place) => columns[place].distortion === name);
    const above = mine.filter((place) => columns[place].strength > 0).sort((a, b) => columns[a].strength - columns[b].strength);
    const some = above.length ? above : mine;
    return some[Math.floor((some.length - 1) / 2)];
  });
}

/** @param {number | null} value @param {(value: number) => string} text */
function orNothing(value, text) {
  return value === null ? "–" : text(value);
}

/** @param {Comparison} comparison @returns {Heading[]} */
function headings(comparison) {
  const whole = (/** @type {number} */ value) => value.toLocaleString("en");
  const [nameHead, accuracyHead, parametersHead, productsHead, secondsHead] = COMPARISON.heads;
  const name = (/** @type {Variant} */ kind) => element("span", { title: [kind.description, kind.note].filter(Boolean).join(" ") || null }, foreign(kind.name, 60), kind.layout && kind.layout !== kind.name ? element("small", {}, " ", foreign(kind.layout, 60)) : null);
  const accuracy = (/** @type {Variant} */ kind) => element("span", {}, percent(kind.accuracy), element("small", { text: ` ${percent(kind.interval[0])}–${percent(kind.interval[1])}` }));
  return [
    { head: nameHead, value: (kind) => kind.name, text: name, down: false },
    { head: accuracyHead, value: (kind) => kind.accuracy, text: accuracy, down: true },
    ...middleColumns(comparison.columns).map((place) => ({
      head: columnName(comparison.columns[place]),
      value: (/** @type {Variant} */ kind) => kind.distorted[place] ?? null,
      text: (/** @type {Variant} */ kind) => orNothing(kind.distorted[place] ?? null, percent),
      down: true,
    })),
    { head: parametersHead, value: (kind) => kind.parameters, text: (kind) => orNothing(kind.parameters, whole), down: false },
    { head: productsHead, value: (kind) => kind.macs, text: (kind) => orNothing(kind.macs, whole), down: false },
    { head: secondsHead, value: (kind) => kind.seconds, text: (kind) => short(kind.seconds), down: false },
  ];
}

/**
 * Variants in the order of a column; those without a value last, equal ones as they were.
 * @param {Variant[]} kinds
 * @param {(kind: Variant) => number | string | null} value
 * @param {boolean} down the largest first
 * @returns {Variant[]}
 */
export function inOrder(kinds, value, down) {
  return [...kinds].sort((one, two) => {
    const [a, b] = [value(one), value(two)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const by = typeof a === "string" || typeof b === "string" ? String(a).localeCompare(String(b)) : a - b;
    return down ? -by : by;
  });
}

/** @param {Comparison} comparison @returns {HTMLElement} */
function sortable(comparison) {
  const columns = headings(comparison);
  const body = element("tbody");
  const heads = columns.map((column) => {
    const button = element("button", { type: "button", class: "sort", text: column.head });
    const head = element("th", { scope: "col" }, button);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort");
      const down = was ? was !== "descending" : column.down;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      fill(inOrder(comparison.variants, column.value, down));
    });
    return head;
  });
  const fill = (/** @type {Variant[]} */ kinds) => {
    body.replaceChildren(...kinds.map((kind) => element("tr", {}, ...columns.map((column, place) => element(place ? "td" : "th", { scope: place ? null : "row" }, column.text(kind))))));
  };
  fill(comparison.variants);
  return element("table", { class: "lines sortable" }, element("thead", {}, element("tr", {}, ...heads)), body);
}

const [ROW_HEIGHT, ABOVE, UNDER] = [26, 34, 26];
const WIDE_DOTS = { width: 680, names: 270, letters: 34, every: 1 };
const NARROW_DOTS = { width: 360, names: 150, letters: 20, every: 2 }; // for a phone; every second mark has its number

/**
 * Accuracy of every variant with its interval, and under one distortion.
 * @param {Variant[]} kinds
 * @param {number | null} place of the distortion
 * @param {string} name of it
 * @returns {SVGElement}
 */
function dots(kinds, place, name) {
  const { width, names, letters: most, every } = matchMedia("(max-width: 40rem)").matches ? NARROW_DOTS : WIDE_DOTS;
  const under = (/** @type {Variant} */ kind) => (place === null ? null : kind.distorted[place] ?? null);
  const values = kinds.flatMap((kind) => [kind.interval[0], kind.interval[1], under(kind) ?? kind.accuracy]);
  const [low, high] = [Math.floor(10 * Math.min(...values)) / 10, Math.ceil(10 * Math.max(...values)) / 10];
  const x = (/** @type {number} */ value) => names + ((width - names - 30) * (value - low)) / (high - low || 1);
  const height = ABOVE + ROW_HEIGHT * kinds.length + UNDER;
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${COMPARISON.image}: ${kinds.map((kind) => `${kind.name} ${percent(kind.accuracy)}`).join("; ")}`, class: "curves dots" });
  for (let tick = Math.round(10 * low); tick <= Math.round(10 * high); tick++) {
    const at = x(tick / 10);
    svg.append(drawn("line", { x1: at, x2: at, y1: ABOVE - 6, y2: height - UNDER, class: "grid" }));
    if (tick % every === 0) svg.append(drawn("text", { x: at, y: height - 8, "text-anchor": "middle" }, `${10 * tick} %`));
  }
  const legend = /** @type {[string, string][]} */ ([["first", COMPARISON.clean], ...(place === null ? [] : [/** @type {[string, string]} */ (["second", name])])]);
  const start = Math.min(names, 110);
  legend.forEach(([kind, text], index) => svg.append(drawn("circle", { cx: start + 130 * index, cy: 12, r: 4, class: `dot ${kind}` }), drawn("text", { x: start + 130 * index + 9, y: 16 }, text)));
  inOrder(kinds, (kind) => kind.accuracy, true).forEach((kind, row) => {
    const y = ABOVE + ROW_HEIGHT * (row + 0.5);
    const letters = [...kind.name];
    svg.append(drawn("text", { x: names - 14, y: y + 4, "text-anchor": "end", class: "chart-title" }, letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : kind.name, drawn("title", {}, kind.name)));
    svg.append(drawn("line", { x1: x(kind.interval[0]), x2: x(kind.interval[1]), y1: y, y2: y, class: "curve first" }));
    svg.append(drawn("circle", { cx: x(kind.accuracy), cy: y, r: 4, class: "dot first" }, drawn("title", {}, `${kind.name}: ${percent(kind.accuracy)}`)));
    const value = under(kind);
    if (value !== null) svg.append(drawn("circle", { cx: x(value), cy: y, r: 4, class: "dot second" }, drawn("title", {}, `${kind.name}, ${name}: ${percent(value)}`)));
  });
  return svg;
}
