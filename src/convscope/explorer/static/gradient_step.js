// @ts-check
/** In the first lesson: what one image does to one weight, in numbers. */
import { numberCell } from "./account_derivation.js";
import { element, wide } from "./dom.js";
import { largestSize } from "./colors.js";
import { GRADIENT } from "./text_lesson.js";
import { strong } from "./pooling_derivation.js";
import { TOY_PATCH } from "./toy.js";
import { gradientStep } from "./toy_learning.js";

/** @typedef {import("./toy_learning.js").Learners} Learners */

/**
 * How the first image changed the weight that it changed most: later steps are too small to be seen.
 * @param {Learners} learners
 * @returns {Node[]}
 */
export function gradientNodes({ first, last, before: latest, seen }) {
  if (!first || !last) return [element("p", { class: "hint", text: GRADIENT.press })];
  const { before } = first;
  const { patches, right, given, rate, sums, changes } = gradientStep(before, first.image);
  const sizes = changes.map(Math.abs);
  const cell = sizes.indexOf(Math.max(...sizes));
  const place = (/** @type {number} */ index) =>
    /** @type {[number, number]} */ ([Math.floor(index / TOY_PATCH) + 1, (index % TOY_PATCH) + 1]);
  const rows = patches.flatMap((patch, index) => {
    if (!patch[cell]) return [];
    const error = right[index] - given[index];
    const head = element("th", { scope: "row", text: GRADIENT.position(...place(index)) });
    return [
      element("tr", {}, head, ...[right[index], given[index], error, patch[cell], error * patch[cell]].map(numberCell)),
    ];
  });
  const heads = GRADIENT.heads.map((text) => element("th", { scope: "col", text }));
  const table = element(
    "table",
    { class: "lines" },
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows),
  );
  const sum = element(
    "p",
    { class: "sum" },
    GRADIENT.weight(before[cell], changes[cell]),
    strong(before[cell] + changes[cell]),
  );
  return [
    element("p", { text: GRADIENT.about(...place(cell)) }),
    wide(GRADIENT.about(...place(cell)), table),
    element("p", { class: "hint", text: GRADIENT.others }),
    element("p", { text: GRADIENT.sum(sums[cell], rate, changes[cell]) }),
    element("div", { class: "total" }, sum),
    ...(seen > 1
      ? [element("p", { text: GRADIENT.later(seen, largestSize(gradientStep(latest, last).changes)) })]
      : []),
    element("p", { text: GRADIENT.whole }),
  ];
}
