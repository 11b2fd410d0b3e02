// @ts-check
/** View: kinds of networks that learned the same images, as a table that sorts and an image. */
import { element, isolate } from "./dom.js";
import { counted, grouped, percent, short, wholePercent } from "./format.js";
import { saved } from "./saving.js";
import { svgElement } from "./svg.js";
import { COMPARISON } from "./text.js";

/** @typedef {import("./network.js").Network} Network */

/** @typedef {{ distortion: string, unit: string, strength: number }} Column */
/**
 * @typedef {{ name: string, sentence: string, note: string, layout: string, accuracy: number, interval: [number,
 *   number], parameters: number | null, macs: number | null, seconds: number, disturbed: (number | null)[] }} Kind
 */
/**
 * @typedef {{ data: string, images: number, training_images: number, seeds: number, budget: string, amount: number,
 *   columns: Column[], kinds: Kind[] }} Comparison
 */

/**
 * One column of the table.
 * @typedef {{ head: string, value: (kind: Kind) => number | string | null, text: (kind: Kind) => Node | string, down:
 *   boolean }} Heading
 */

/** @param {HTMLElement} parent @param {Network} network */
export function makeComparison(parent, network) {
  const { comparison } = network;
  parent.hidden = !comparison?.kinds.length;
  if (!comparison?.kinds.length) return;
  const names = comparison.columns.map(columnName);
  const select = element(
    "select",
    {},
    element("option", { value: -1, text: COMPARISON.clean }),
    ...names.map((text, index) => element("option", { value: index, text })),
  );
  const image = element("div", { class: "charts" });
  const draw = () => {
    const index = Number(select.value);
    image.replaceChildren(
      saved(COMPARISON.title, dots(comparison.kinds, index < 0 ? null : index, names[index] ?? "")),
    );
  };
  select.addEventListener("change", draw);
  select.value = String(medianColumns(comparison.columns)[0] ?? -1);
  const budget =
    COMPARISON.budgets[/** @type {keyof typeof COMPARISON.budgets} */ (comparison.budget)]?.(comparison.amount) ?? "";
  const about = COMPARISON.about(
    counted(comparison.training_images, "image"),
    counted(comparison.images, "image"),
    counted(comparison.seeds, "training"),
    budget,
  );
  parent.append(
    element("p", { class: "hint" }, isolate(comparison.data), `: ${about}`),
    names.length ? element("div", { class: "tools" }, element("label", {}, `${COMPARISON.distorted} `, select)) : "",
    image,
    element("p", { class: "hint", text: COMPARISON.sortHint }),
    element(
      "div",
      { class: "wide", role: "region", tabindex: 0, "aria-label": COMPARISON.table },
      sortable(comparison),
    ),
  );
  draw();
}

/** @param {Column} column */
function columnName({ distortion, unit, strength }) {
  return `${distortion} ${short(strength)} ${unit}`;
}

/**
 * Of each distortion, the column of median strength above 0.
 * @param {Column[]} columns
 * @returns {number[]}
 */
export function medianColumns(columns) {
  const indices = columns.map((_, index) => index);
  return [...new Set(columns.map((column) => column.distortion))].map((name) => {
    const mine = indices.filter((index) => columns[index].distortion === name);
    const above = mine
      .filter((index) => columns[index].strength > 0)
      .sort((a, b) => columns[a].strength - columns[b].strength);
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
  const [nameHead, accuracyHead, parametersHead, productsHead, secondsHead] = COMPARISON.heads;
  const name = (/** @type {Kind} */ kind) =>
    element(
      "span",
      { title: [kind.sentence, kind.note].filter(Boolean).join(" ") || null },
      isolate(kind.name, 60),
      kind.layout && kind.layout !== kind.name ? element("small", {}, " ", isolate(kind.layout, 60)) : null,
    );
  const accuracy = (/** @type {Kind} */ kind) =>
    element(
      "span",
      {},
      percent(kind.accuracy),
      element("small", { text: ` ${percent(kind.interval[0])}–${percent(kind.interval[1])}` }),
    );
  return [
    { head: nameHead, value: (kind) => kind.name, text: name, down: false },
    { head: accuracyHead, value: (kind) => kind.accuracy, text: accuracy, down: true },
    ...medianColumns(comparison.columns).map((index) => ({
      head: columnName(comparison.columns[index]),
      value: (/** @type {Kind} */ kind) => kind.disturbed[index] ?? null,
      text: (/** @type {Kind} */ kind) => orNothing(kind.disturbed[index] ?? null, percent),
      down: true,
    })),
    {
      head: parametersHead,
      value: (kind) => kind.parameters,
      text: (kind) => orNothing(kind.parameters, grouped),
      down: false,
    },
    { head: productsHead, value: (kind) => kind.macs, text: (kind) => orNothing(kind.macs, grouped), down: false },
    { head: secondsHead, value: (kind) => kind.seconds, text: (kind) => short(kind.seconds), down: false },
  ];
}

/**
 * Kinds in the order of a column; those without a value last, equal ones as they were.
 * @param {Kind[]} kinds
 * @param {(kind: Kind) => number | string | null} value
 * @param {boolean} down the largest first
 * @returns {Kind[]}
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
      fill(inOrder(comparison.kinds, column.value, down));
    });
    return head;
  });
  const fill = (/** @type {Kind[]} */ kinds) => {
    body.replaceChildren(
      ...kinds.map((kind) =>
        element(
          "tr",
          {},
          ...columns.map((column, index) =>
            element(index ? "td" : "th", { scope: index ? null : "row" }, column.text(kind)),
          ),
        ),
      ),
    );
  };
  fill(comparison.kinds);
  return element("table", { class: "lines sortable" }, element("thead", {}, element("tr", {}, ...heads)), body);
}

const [ROW_HEIGHT, ABOVE, UNDER] = [26, 34, 26];
const WIDE_DOTS = { width: 680, names: 270, letters: 34, every: 1 };
const NARROW_DOTS = { width: 360, names: 150, letters: 20, every: 2 }; // for a phone; every second mark has its number

/**
 * What a row of dots shows.
 * @typedef {{ x: (value: number) => number, y: number, under: number | null, name: string }} Row
 */

/**
 * Accuracy of every kind with its interval, and under one distortion.
 * @param {Kind[]} kinds
 * @param {number | null} index of the distortion
 * @param {string} name of it
 * @returns {SVGElement}
 */
function dots(kinds, index, name) {
  const { width, names, letters: most, every } = matchMedia("(max-width: 40rem)").matches ? NARROW_DOTS : WIDE_DOTS;
  const under = (/** @type {Kind} */ kind) => (index === null ? null : (kind.disturbed[index] ?? null));
  const values = kinds.flatMap((kind) => [kind.interval[0], kind.interval[1], under(kind) ?? kind.accuracy]);
  const [low, high] = [Math.floor(10 * Math.min(...values)) / 10, Math.ceil(10 * Math.max(...values)) / 10];
  const x = (/** @type {number} */ value) => names + ((width - names - 30) * (value - low)) / (high - low || 1);
  const height = ABOVE + ROW_HEIGHT * kinds.length + UNDER;
  const spoken = kinds.map((kind) => `${kind.name} ${percent(kind.accuracy)}`).join("; ");
  const svg = svgElement("svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `${COMPARISON.image}: ${spoken}`,
    class: "curves dots",
  });
  for (let tick = Math.round(10 * low); tick <= Math.round(10 * high); tick++) {
    const at = x(tick / 10);
    svg.append(svgElement("line", { x1: at, x2: at, y1: ABOVE - 6, y2: height - UNDER, class: "grid" }));
    if (tick % every) continue;
    svg.append(svgElement("text", { x: at, y: height - 8, "text-anchor": "middle" }, wholePercent(tick / 10)));
  }
  svg.append(...legendOf([COMPARISON.clean, ...(index === null ? [] : [name])], Math.min(names, 110)));
  inOrder(kinds, (kind) => kind.accuracy, true).forEach((kind, row) => {
    const y = ABOVE + ROW_HEIGHT * (row + 0.5);
    const title = svgElement("title", {}, kind.name);
    const place = { x: names - 14, y: y + 4, "text-anchor": "end", class: "chart-title" };
    svg.append(
      svgElement("text", place, cut(kind.name, most), title),
      ...rowOf(kind, { x, y, under: under(kind), name }),
    );
  });
  return svg;
}

/** @param {string} name @param {number} most */
function cut(name, most) {
  const letters = [...name];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : name;
}

/** What each colour of a dot means. @param {string[]} texts @param {number} start */
function legendOf(texts, start) {
  return texts.flatMap((text, index) => [
    svgElement("circle", { cx: start + 130 * index, cy: 12, r: 4, class: `dot ${index ? "second" : "first"}` }),
    svgElement("text", { x: start + 130 * index + 9, y: 16 }, text),
  ]);
}

/** The interval of a kind, its accuracy, and that under the distortion. @param {Kind} kind @param {Row} row */
function rowOf(kind, { x, y, under, name }) {
  const dot = (/** @type {number} */ value, /** @type {string} */ order, /** @type {string} */ what) =>
    svgElement(
      "circle",
      { cx: x(value), cy: y, r: 4, class: `dot ${order}` },
      svgElement("title", {}, `${what}: ${percent(value)}`),
    );
  return [
    svgElement("line", { x1: x(kind.interval[0]), x2: x(kind.interval[1]), y1: y, y2: y, class: "curve first" }),
    dot(kind.accuracy, "first", kind.name),
    ...(under === null ? [] : [dot(under, "second", `${kind.name}, ${name}`)]),
  ];
}
