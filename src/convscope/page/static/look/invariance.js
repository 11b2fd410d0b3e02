// @ts-check
/** View: how the network takes distorted images, as Python measured it: accuracy by strength, and the sensitivity of its layers. */
import { chart } from "./curves.js";
import { element, foreign } from "./dom.js";
import { saved } from "./saving.js";
import { INVARIANCE, counted, short } from "./words.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {{ strength: number, accuracy: number, interval: [number, number], same: number, layers: [number | null, number | null][], verdicts: string[] }} Strength */
/** @typedef {{ sign: number, fraction: number, strength: number | null, nearest: number | null, latest: number | null, farthest: number }} Limit */
/** @typedef {{ name: string, unit: string, points: Strength[], limits: Limit[] }} Distortion */
/** @typedef {{ data: string, split: string, images: number, accuracy: number, interval: [number, number], chance: number | null, margin_px: number, layers: string[], distortions: Distortion[] }} Invariance */

/** Of each layer, how far its maps are from what they were, and how far when they are moved along.
 * @typedef {{ title: string, layers: [number | null, number | null][] }} Sensitivity */

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {(sensitivity: Sensitivity | null) => void} told which strength of which distortion is shown
 */
export function makeInvariance(parent, network, told) {
  const { invariance } = network;
  parent.hidden = !invariance?.distortions.length;
  if (!invariance?.distortions.length) return;
  const kinds = invariance.distortions;
  let kind = kinds[0];
  let point = middleOf(kind);
  const select = element("select", {}, ...kinds.map(({ name }, place) => element("option", { value: place, text: name })));
  const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": INVARIANCE.strength });
  const output = element("output");
  const beside = element("input", { type: "checkbox", checked: true });
  const curves = element("div", { class: "charts" });
  const falls = element("p");
  const title = element("h3");
  const table = element("div", { class: "wide", role: "region", tabindex: 0, "aria-label": INVARIANCE.sensitivity });
  select.addEventListener("change", () => {
    kind = kinds[Number(select.value)];
    point = middleOf(kind);
    draw();
  });
  slider.addEventListener("input", () => {
    point = kind.points[Number(slider.value)];
    draw();
  });
  beside.addEventListener("change", () => draw());
  const about = element("p", { class: "hint" }, INVARIANCE.intro(counted(invariance.images, "image")), " ", foreign(invariance.data), `. ${invariance.margin_px ? INVARIANCE.margin(invariance.margin_px) : ""}`);
  parent.append(
    about,
    element("div", { class: "tools" }, element("label", {}, `${INVARIANCE.distortion} `, select)),
    curves, falls, title,
    element("p", { class: "hint", text: INVARIANCE.sensitivityHint }),
    element("div", { class: "tools" }, element("label", { class: "slider strength" }, element("span", { text: INVARIANCE.strength }), slider, output), element("label", {}, beside, ` ${INVARIANCE.beside}`)),
    table,
  );
  draw();

  function draw() {
    const shown = kind;
    slider.max = String(shown.points.length - 1);
    slider.value = String(shown.points.indexOf(point));
    const named = `${shown.name} ${strengthOf(shown, point.strength)}`;
    output.textContent = strengthOf(shown, point.strength);
    slider.setAttribute("aria-valuetext", output.textContent ?? "");
    curves.replaceChildren(saved(`${shown.name}`, curveOf(/** @type {Invariance} */ (invariance), shown)));
    falls.textContent = limitsOf(shown, /** @type {Invariance} */ (invariance).chance);
    title.textContent = `${INVARIANCE.sensitivity}: ${named}`;
    table.replaceChildren(sensitivityTable(/** @type {Invariance} */ (invariance), point));
    told(beside.checked ? { title: INVARIANCE.measured(named), layers: point.layers } : null);
  }
}

/** @param {Distortion} kind @param {number} strength */
function strengthOf(kind, strength) {
  return `${short(strength)} ${kind.unit}`;
}

/** Of the strengths above 0 (of all where none is), the one in the middle. @param {Distortion} kind @returns {Strength} */
export function middleOf(kind) {
  const above = kind.points.filter((point) => point.strength > 0);
  const some = above.length ? above : kind.points;
  return some[Math.floor((some.length - 1) / 2)];
}

/** @param {Invariance} found @param {Distortion} kind @returns {SVGElement} */
function curveOf(found, kind) {
  const all = [...kind.points, { strength: 0, accuracy: found.accuracy, interval: found.interval, same: 1 }].sort((a, b) => a.strength - b.strength);
  const per = (/** @type {number} */ value) => `${Number((100 * value).toPrecision(4))} %`;
  return chart(
    INVARIANCE.accuracy,
    [
      { name: INVARIANCE.right, kind: "first", points: all.map((one) => [one.strength, one.accuracy]), band: all.map((one) => [one.strength, ...one.interval]) },
      { name: INVARIANCE.same, kind: "second", points: all.map((one) => [one.strength, one.same]) },
    ],
    { text: per, across: `${kind.name}, ${kind.unit}`, below: short, marks: [all[0].strength, ...(all[0].strength < 0 ? [0] : []), all[all.length - 1].strength] },
  );
}

/** @param {number} part */
function whole(part) {
  return `${Math.round(100 * part)} %`;
}

/** Where accuracy falls, in words. @param {Distortion} kind @param {number | null} chance the accuracy that is not above it @returns {string} */
export function limitsOf(kind, chance) {
  if (chance !== null) return INVARIANCE.atChance(`${Number((100 * chance).toPrecision(3))} %`);
  return [-1, 1]
    .flatMap((sign) => {
      const mine = kind.limits.filter((one) => one.sign === sign);
      if (!mine.length) return [];
      const reached = mine.filter((one) => one.strength !== null);
      if (!reached.length) return [INVARIANCE.neverFalls(whole(mine[0].fraction), strengthOf(kind, mine[0].farthest), mine[0].nearest === null ? "" : INVARIANCE.lowerFalls(short(mine[0].nearest)))];
      return [INVARIANCE.falls(reached.map((one, place) => (place ? INVARIANCE.fallsOn : INVARIANCE.fall)(whole(one.fraction), strengthOf(kind, one.strength ?? 0), rangeOf(one))).join(", "))];
    })
    .join(" ");
}

/** Where the ends of accuracy's interval fall. @param {Limit} limit */
function rangeOf({ nearest, latest, farthest }) {
  return INVARIANCE.range(short(nearest ?? farthest), latest === null ? INVARIANCE.beyond(short(farthest)) : short(latest));
}

/** @param {Invariance} found @param {Strength} point @returns {HTMLElement} */
function sensitivityTable(found, point) {
  const per = (/** @type {number | null} */ value) => (value === null ? "–" : whole(value));
  const cell = (/** @type {number | null} */ value) => element("td", { text: per(value) });
  const bar = (/** @type {number | null} */ value) => {
    const inside = element("span", { class: "bar" });
    inside.style.width = `${100 * Math.min(1, value ?? 0)}%`;
    return element("td", { class: "amounts" }, element("span", { class: "track" }, inside));
  };
  const rows = found.layers.map((name, place) => {
    const [changed, left] = point.layers[place] ?? [null, null];
    return element("tr", {}, element("th", { scope: "row", text: name }), cell(changed), bar(changed), cell(left), bar(left), cell(movedPart(changed, left)), element("td", { class: "words", text: verdictOf(point.verdicts[place] ?? "") }));
  });
  const heads = INVARIANCE.heads.map((text, place) => element("th", { scope: "col", colspan: place === 1 || place === 2 ? 2 : null, text }));
  return element("table", { class: "lines sensitivity" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
}

/** In words. @param {string} verdict */
function verdictOf(verdict) {
  return INVARIANCE.verdicts[/** @type {keyof typeof INVARIANCE.verdicts} */ (verdict)] ?? verdict;
}

/** The part of a change, squared, that is movement. @param {number | null} changed @param {number | null} left @returns {number | null} */
export function movedPart(changed, left) {
  return changed === null || left === null || changed === 0 ? null : 1 - (left / changed) ** 2;
}
