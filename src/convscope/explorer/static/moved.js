// @ts-check
/** The result of a comparison in one sentence, with a bar for each of its variants. */
import { element, isolate, namedBar } from "./dom.js";
import { counted, percent } from "./format.js";
import { MOVED } from "./text_records.js";

/**
 * @typedef {{ name: string, clean: number, accuracy: number, interval: [number, number] }} MovedVariant
 */
/** @typedef {{ sentence: string, pixels: number, images: number, seeds: number, variants: MovedVariant[] }} Moved */

/**
 * The result in a paragraph.
 * @param {import("./comparison.js").Comparison | null | undefined} comparison
 * @returns {HTMLElement[]} none where it was not measured
 */
export function movedInShort(comparison) {
  const moved = comparison?.moved;
  if (!comparison || !moved) return [];
  const clean = MOVED.clean(moved.variants.map((variant) => percent(variant.clean)));
  const more = element("a", { href: "#kinds", text: MOVED.more });
  return [
    element(
      "p",
      {},
      MOVED.why,
      isolate(comparison.data),
      ". ",
      element("strong", { text: moved.sentence }),
      clean,
      more,
    ),
  ];
}

/**
 * @param {import("./comparison.js").Comparison | null | undefined} comparison
 * @returns {HTMLElement | null} null where it was not measured
 */
export function makeMoved(comparison) {
  const moved = comparison?.moved;
  if (!comparison || !moved) return null;
  const bars = moved.variants.map(({ name, accuracy }) => {
    const made = namedBar(name);
    made.bar.style.width = `${100 * accuracy}%`;
    made.value.textContent = percent(accuracy);
    return made.element;
  });
  const interval = (/** @type {MovedVariant} */ { name, interval: [low, high], clean }) =>
    element("li", { text: MOVED.interval(name, percent(low), percent(high), percent(clean)) });
  const trained = counted(comparison.training_images, "image");
  return element(
    "figure",
    { class: "moved" },
    element("figcaption", {}, element("strong", { text: moved.sentence })),
    ...bars,
    element(
      "details",
      { class: "hint" },
      element(
        "summary",
        {},
        comparison.own ? "" : MOVED.shipped,
        isolate(comparison.data),
        MOVED.about(trained, counted(moved.seeds, "training"), counted(moved.images, "image")),
      ),
      element("ul", {}, ...moved.variants.map(interval)),
    ),
  );
}
