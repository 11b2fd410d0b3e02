// @ts-check
/** View: variants of networks that learned the same images, as a table that sorts and an image. */
import { element, isolate, wide } from "./dom.js";
import { counted, grouped, percent, short, wholePercent } from "./format.js";
import { makeMoved } from "./moved.js";
import { reflow } from "./reflow.js";
import { saved } from "./saving.js";
import { svgElement } from "./svg.js";
import { COMPARISON } from "./text_records.js";

/** @typedef {import("./network.js").Network} Network */

/** @typedef {{ distortion: string, strength: number, words: string }} Column */
/**
 * @typedef {{ name: string, description: string, note: string, layout: string, accuracy: number, interval: [number,
 *   number], parameters: number | null, macs: number | null, seconds: number, distorted: (number | null)[] }} Variant
 */
/**
 * @typedef {{ data: string, images: number, training_images: number, seeds: number, budget: string, amount: number,
 *   columns: Column[], variants: Variant[], moved: import("./moved.js").Moved | null, own: boolean }} Comparison
 */

/**
 * One column of the table.
 * @typedef {{ head: string, value: (variant: Variant) => number | string | null, text: (variant: Variant) => Node |
 *   string, down:
 *   boolean }} Heading
 */

/** @param {HTMLElement} parent @param {Network} network */
export function makeComparison(parent, network) {
  const { comparison } = network;
  parent.hidden = !comparison?.variants.length;
  if (!comparison?.variants.length) return;
  const names = comparison.columns.map((column) => column.words);
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
      saved(COMPARISON.title, dots(comparison.variants, index < 0 ? null : index, names[index] ?? "")),
    );
  };
  select.addEventListener("change", draw);
  select.value = String(shownColumns(comparison)[0] ?? -1);
  const budget =
    COMPARISON.budgets[/** @type {keyof typeof COMPARISON.budgets} */ (comparison.budget)]?.(comparison.amount) ?? "";
  const about = COMPARISON.about(
    counted(comparison.training_images, "image"),
    counted(comparison.images, "image"),
    counted(comparison.seeds, "training"),
    budget,
  );
  parent.append(
    makeMoved(comparison) ?? "",
    comparison.own ? "" : element("p", { class: "hint", text: COMPARISON.shipped }),
    element("p", { class: "hint" }, isolate(comparison.data), `: ${about}`),
    names.length ? element("div", { class: "tools" }, element("label", {}, `${COMPARISON.distorted} `, select)) : "",
    image,
    element("p", { class: "hint", text: COMPARISON.sortHint }),
    sortable(comparison),
  );
  draw();
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

/**
 * A column of each distortion: that of the sentence at the head, if it is of this one, or that of median strength.
 * @param {Pick<Comparison, "columns" | "moved">} comparison
 * @returns {number[]}
 */
export function shownColumns({ columns, moved }) {
  return medianColumns(columns).map((median) => {
    const { distortion } = columns[median];
    const same = columns.findIndex((one) => one.distortion === distortion && one.strength === moved?.pixels);
    return distortion.startsWith("shift-") && same >= 0 ? same : median;
  });
}

/** @param {number | null} value @param {(value: number) => string} text */
function orNothing(value, text) {
  return value === null ? "–" : text(value);
}

/** @param {Comparison} comparison @returns {Heading[]} */
function headings(comparison) {
  const [nameHead, accuracyHead, parametersHead, productsHead, secondsHead] = COMPARISON.heads;
  const name = (/** @type {Variant} */ variant) =>
    element(
      "span",
      { title: [variant.description, variant.note].filter(Boolean).join(" ") || null },
      isolate(variant.name, 60),
      variant.layout && variant.layout !== variant.name ? element("small", {}, " ", isolate(variant.layout, 60)) : null,
    );
  const accuracy = (/** @type {Variant} */ variant) =>
    element(
      "span",
      {},
      percent(variant.accuracy),
      element("small", { text: ` ${percent(variant.interval[0])}–${percent(variant.interval[1])}` }),
    );
  return [
    { head: nameHead, value: (variant) => variant.name, text: name, down: false },
    { head: accuracyHead, value: (variant) => variant.accuracy, text: accuracy, down: true },
    ...shownColumns(comparison).map((index) => ({
      head: comparison.columns[index].words,
      value: (/** @type {Variant} */ variant) => variant.distorted[index] ?? null,
      text: (/** @type {Variant} */ variant) => orNothing(variant.distorted[index] ?? null, percent),
      down: true,
    })),
    {
      head: parametersHead,
      value: (variant) => variant.parameters,
      text: (variant) => orNothing(variant.parameters, grouped),
      down: false,
    },
    {
      head: productsHead,
      value: (variant) => variant.macs,
      text: (variant) => orNothing(variant.macs, grouped),
      down: false,
    },
    { head: secondsHead, value: (variant) => variant.seconds, text: (variant) => short(variant.seconds), down: false },
  ];
}

/**
 * Variants in the order of a column; those without a value last, equal ones as they were.
 * @param {Variant[]} variants
 * @param {(variant: Variant) => number | string | null} value
 * @param {boolean} down the largest first
 * @returns {Variant[]}
 */
export function inOrder(variants, value, down) {
  return [...variants].sort((one, two) => {
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
  const fill = (/** @type {Variant[]} */ variants) => {
    body.replaceChildren(
      ...variants.map((variant) =>
        element(
          "tr",
          {},
          ...columns.map((column, index) =>
            element(index ? "td" : "th", { scope: index ? null : "row" }, column.text(variant)),
          ),
        ),
      ),
    );
    reflow(region);
  };
  const head = element("thead", {}, element("tr", {}, ...heads));
  const region = wide(COMPARISON.table, element("table", { class: "lines sortable" }, head, body));
  fill(comparison.variants);
  return region;
}

const [ROW_HEIGHT, ABOVE, UNDER] = [26, 34, 26];
const WIDE_DOTS = { width: 680, names: 270, letters: 34, every: 1 };
const NARROW_DOTS = { width: 360, names: 150, letters: 20, every: 2 }; // for a phone; every second mark has its number

/**
 * What a row of dots shows.
 * @typedef {{ x: (value: number) => number, y: number, under: number | null, name: string }} Row
 */

/**
 * Accuracy of every variant with its interval, and under one distortion.
 * @param {Variant[]} variants
 * @param {number | null} index of the distortion
 * @param {string} name of it
 * @returns {SVGElement}
 */
function dots(variants, index, name) {
  const { width, names, letters: most, every } = matchMedia("(max-width: 40rem)").matches ? NARROW_DOTS : WIDE_DOTS;
  const under = (/** @type {Variant} */ variant) => (index === null ? null : (variant.distorted[index] ?? null));
  const values = variants.flatMap((variant) => [
    variant.interval[0],
    variant.interval[1],
    under(variant) ?? variant.accuracy,
  ]);
  const [low, high] = [Math.floor(10 * Math.min(...values)) / 10, Math.ceil(10 * Math.max(...values)) / 10];
  const x = (/** @type {number} */ value) => names + ((width - names - 30) * (value - low)) / (high - low || 1);
  const height = ABOVE + ROW_HEIGHT * variants.length + UNDER;
  const spoken = variants.map((variant) => `${variant.name} ${percent(variant.accuracy)}`).join("; ");
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
  svg.append(...legendOf([COMPARISON.clean, ...(index === null ? [] : [name])], names > 200 ? 110 : 6));
  inOrder(variants, (variant) => (index === null ? variant.accuracy : under(variant)), true).forEach((variant, row) => {
    const y = ABOVE + ROW_HEIGHT * (row + 0.5);
    const title = svgElement("title", {}, variant.name);
    const place = { x: names - 14, y: y + 4, "text-anchor": "end", class: "chart-title" };
    svg.append(
      svgElement("text", place, cut(variant.name, most), title),
      ...rowOf(variant, { x, y, under: under(variant), name }),
    );
  });
  return svg;
}

/** @param {string} name @param {number} most */
function cut(name, most) {
  const letters = [...name];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : name;
}

/** What each color of a dot means. @param {string[]} texts @param {number} start */
function legendOf(texts, start) {
  return texts.flatMap((text, index) => [
    svgElement("circle", { cx: start + 130 * index, cy: 12, r: 4, class: `dot ${index ? "second" : "first"}` }),
    svgElement("text", { x: start + 130 * index + 9, y: 16 }, text),
  ]);
}

/** The interval of a variant, its accuracy, and that under the distortion. @param {Variant} variant @param {Row} row */
function rowOf(variant, { x, y, under, name }) {
  const dot = (/** @type {number} */ value, /** @type {string} */ order, /** @type {string} */ what) =>
    svgElement(
      "circle",
      { cx: x(value), cy: y, r: 4, class: `dot ${order}` },
      svgElement("title", {}, `${what}: ${percent(value)}`),
    );
  const [low, high] = variant.interval.map(x);
  const ends = [low, high].map((end) => `M${end} ${y - 7}v14`).join(""); // seen where the dot hides the line
  return [
    svgElement("path", { d: `M${low} ${y}H${high}${ends}`, class: "curve first" }),
    dot(variant.accuracy, "first", variant.name),
    ...(under === null ? [] : [dot(under, "second", `${variant.name}, ${name}`)]),
  ];
}
