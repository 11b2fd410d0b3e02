// @ts-check
/**
 * View: how the network takes distorted images, as Python measured it: accuracy by strength, and the sensitivity of its
 * layers.
 */
import { chart } from "./curves.js";
import { element, isolate, wide } from "./dom.js";
import { counted, percentIn, short, times, wholePercent } from "./format.js";
import { reflow } from "./reflow.js";
import { INVARIANCE } from "./text_distortions.js";
import { saved } from "./saving.js";

/** @typedef {import("./network.js").Network} Network */

/**
 * @typedef {{ strength: number, words: string, accuracy: number, interval: [number, number], same: number,
 *   layers: [number | null, number | null][], verdicts: string[] }} Strength
 */
/**
 * Where accuracy falls, in words; an end of its interval is empty beyond the farthest.
 * @typedef {{ sign: number, fraction: number, reached: boolean, words: string, amount: string, low: string,
 *   high: string, farthest: string }} Limit
 */
/** @typedef {{ name: string, title: string, unit: string, points: Strength[], limits: Limit[] }} Distortion */
/**
 * @typedef {{ data: string, split: string, images: number, accuracy: number, interval: [number, number], chance: number
 *   | null, margin_px: number, layers: string[], distortions: Distortion[] }} Invariance
 */

/** Of each layer, how far its maps are from what they were, and how far when they are moved along.
 * @typedef {{ title: string, layers: [number | null, number | null][] }} Sensitivity */

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {(sensitivity: Sensitivity | null) => void} notify which strength of which distortion is shown
 */
export function makeInvariance(parent, network, notify) {
  const { invariance } = network;
  parent.hidden = !invariance?.distortions.length;
  if (!invariance?.distortions.length) return;
  const kinds = invariance.distortions;
  let kind = kinds[0];
  let point = medianOf(kind);
  const select = element(
    "select",
    {},
    ...kinds.map(({ title: text }, index) => element("option", { value: index, text })),
  );
  const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": INVARIANCE.strength });
  const output = element("output");
  const beside = element("input", { type: "checkbox" });
  const curves = element("div", { class: "charts" });
  const falls = element("p");
  const title = element("h3");
  const table = wide(INVARIANCE.sensitivity, element("table"));
  select.addEventListener("change", () => {
    kind = kinds[Number(select.value)];
    point = medianOf(kind);
    draw();
  });
  slider.addEventListener("input", () => {
    point = kind.points[Number(slider.value)];
    draw();
  });
  beside.addEventListener("change", () => draw());
  parent.append(
    measuredOn(invariance),
    element("div", { class: "tools" }, element("label", {}, `${INVARIANCE.distortion} `, select)),
    curves,
    falls,
    title,
    element("p", { class: "hint", text: INVARIANCE.sensitivityHint }),
    element(
      "div",
      { class: "tools" },
      element("label", { class: "slider strength" }, element("span", { text: INVARIANCE.strength }), slider, output),
      element("label", {}, beside, ` ${INVARIANCE.beside}`),
    ),
    table,
  );
  draw();

  function draw() {
    const shown = kind;
    slider.max = String(shown.points.length - 1);
    slider.value = String(shown.points.indexOf(point));
    const named = point.words;
    output.textContent = named;
    slider.setAttribute("aria-valuetext", output.textContent ?? "");
    curves.replaceChildren(saved(shown.title, curveOf(/** @type {Invariance} */ (invariance), shown)));
    falls.textContent = limitsOf(shown, /** @type {Invariance} */ (invariance).chance);
    title.textContent = `${INVARIANCE.sensitivity}: ${named}`;
    table.replaceChildren(sensitivityTable(/** @type {Invariance} */ (invariance), point));
    reflow(table);
    notify(beside.checked ? { title: INVARIANCE.measured(named), layers: point.layers } : null);
  }
}

/** What was measured. @param {Invariance} invariance @returns {HTMLElement} */
function measuredOn({ images, data, margin_px }) {
  const margin = margin_px ? INVARIANCE.margin(margin_px) : "";
  return element("p", { class: "hint" }, INVARIANCE.intro(counted(images, "image")), " ", isolate(data), `. ${margin}`);
}

/**
 * Of the strengths above 0 (of all where none is), the median one.
 * @param {Distortion} kind
 * @returns {Strength}
 */
export function medianOf(kind) {
  const above = kind.points.filter((point) => point.strength > 0);
  const some = above.length ? above : kind.points;
  return some[Math.floor((some.length - 1) / 2)];
}

/** @param {Invariance} invariance @param {Distortion} kind @returns {SVGElement} */
function curveOf(invariance, kind) {
  const all = [
    ...kind.points,
    { strength: 0, accuracy: invariance.accuracy, interval: invariance.interval, same: 1 },
  ].sort((a, b) => a.strength - b.strength);
  return chart(
    INVARIANCE.accuracy,
    [
      {
        name: INVARIANCE.correct,
        kind: "first",
        points: all.map((one) => [one.strength, one.accuracy]),
        band: all.map((one) => [one.strength, ...one.interval]),
      },
      { name: INVARIANCE.same, kind: "second", points: all.map((one) => [one.strength, one.same]) },
    ],
    {
      text: (value) => percentIn(value, 4),
      across: `${kind.title} (${kind.unit})`,
      below: short,
      marks: [all[0].strength, ...(all[0].strength < 0 ? [0] : []), all[all.length - 1].strength],
    },
  );
}

/**
 * Where accuracy falls, in words: a sentence for each direction.
 * @param {Distortion} kind
 * @param {number | null} chance the accuracy that is not above it
 * @returns {string}
 */
export function limitsOf(kind, chance) {
  if (chance !== null) return INVARIANCE.atChance(percentIn(chance, 3));
  return [-1, 1]
    .flatMap((sign) => {
      const mine = kind.limits.filter((one) => one.sign === sign);
      if (!mine.length) return [];
      const reached = mine.filter((one) => one.reached);
      if (!reached.length) {
        const [{ fraction, words, low }] = mine;
        return [INVARIANCE.neverFalls(wholePercent(fraction), words, low && INVARIANCE.lowerFalls(low))];
      }
      const bounds = reached.map((one, index) => {
        const fraction = wholePercent(one.fraction);
        const range = INVARIANCE.range(one.low || one.farthest, one.high || INVARIANCE.beyond(one.farthest));
        return index ? INVARIANCE.falls(fraction, one.amount, range) : INVARIANCE.fall(fraction, one.words, range);
      });
      return [`${bounds.join(INVARIANCE.between)}.`];
    })
    .join(" ");
}

/** @param {Invariance} invariance @param {Strength} point @returns {HTMLElement} */
function sensitivityTable(invariance, point) {
  const cell = (/** @type {number | null} */ value, worded = times) =>
    element("td", { text: value === null ? "–" : worded(value) });
  const bar = (/** @type {number | null} */ value) => {
    const inside = element("span", { class: "bar" });
    inside.style.width = `${100 * Math.min(1, value ?? 0)}%`;
    return element("td", { class: "amounts" }, element("span", { class: "track" }, inside));
  };
  const rows = invariance.layers.flatMap((name, index) => {
    const [changed, left] = point.layers[index] ?? [null, null];
    if (changed === null) return []; // not compared
    return element(
      "tr",
      {},
      element("th", { scope: "row", text: name }),
      cell(changed),
      bar(changed),
      cell(movedPart(changed, left), wholePercent),
      cell(left ?? changed),
      bar(left ?? changed),
      element("td", { class: "words", text: verdictOf(point.verdicts[index] ?? "") }),
    );
  });
  const heads = INVARIANCE.heads.map((text, index) =>
    element("th", { scope: "col", colspan: index === 1 || index === 3 ? 2 : null, text }),
  );
  return element(
    "table",
    { class: "lines sensitivity" },
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows),
  );
}

/** In words. @param {string} verdict */
function verdictOf(verdict) {
  return INVARIANCE.verdicts[/** @type {keyof typeof INVARIANCE.verdicts} */ (verdict)] ?? verdict;
}

/**
 * The part of a change, squared, that is movement.
 * @param {number | null} changed
 * @param {number | null} left
 * @returns {number | null}
 */
export function movedPart(changed, left) {
  return changed === null || left === null || changed === 0 ? null : 1 - (left / changed) ** 2;
}
