// @ts-check
/** The answer, which stays in view wherever the reader is: image, class, the three best, and what they were before. */
import { button, element, isolate, write } from "./dom.js";
import { probabilitiesOf } from "./engine.js";
import { percent } from "./format.js";
import { cells, drawPixels, setSize, shownSize } from "./image.js";
import { ANSWER } from "./text_frame.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

const ANSWER_PX = 56;
const BEST = 3;
const LONG_CLASS = 8; // letters; on a phone the verdict then has a line of its own

/**
 * The answer of one network.
 * @param {Network} network
 * @param {((unit: number) => void) | null} go shows where the answer comes from
 * @param {string} [name] where there are two
 * @returns {{ element: HTMLElement, draw: (state: State) => void }}
 */
export function makeAnswer(network, go, name = "") {
  const size = { rows: network.height, columns: network.width };
  const image = cells(size);
  setSize(image, shownSize(size, ANSWER_PX));
  let answered = 0;
  const best = go ? button("", () => go(answered), { class: "answered" }) : element("strong");
  const [sure, verdict] = [element("span"), element("span", { class: "verdict" })];
  const rows = Array.from({ length: Math.min(BEST, network.classes.length) }, () => {
    const [label, value] = [element("span", { class: "class" }), element("span", { class: "value" })];
    const bar = element("span", { class: "bar grows" });
    const made = element("li", {}, label, element("span", { class: "track" }, bar), value);
    return { element: made, label, value, bar, unit: -1 };
  });
  const long = network.classes.some((one) => one.length > LONG_CLASS) ? " long" : "";
  const said = element("p", { class: `says${long}`, text: network.images.length ? "" : ANSWER.none });
  const words = element("div", {}, name ? element("p", { class: "whose", text: name }) : null, said);
  const made = element(
    "div",
    { class: "one-answer nothing" },
    image,
    words,
    element("ol", { class: "best" }, ...rows.map((row) => row.element)),
  );
  const last = network.layers.length;
  let shown = "";
  return {
    element: made,
    draw(state) {
      if (!shown) said.replaceChildren(ANSWER.says, best, sure, " ", verdict);
      made.classList.remove("nothing");
      drawPixels(image, state.pixels, network.channels);
      const probabilities = probabilitiesOf(network, state.all[last]);
      const before = state.before?.[last]?.length ? probabilitiesOf(network, state.before[last]) : null;
      made.classList.toggle("compared", before !== null);
      const order = probabilities.map((_, unit) => unit).sort((a, b) => probabilities[b] - probabilities[a]);
      const truth = state.image === null ? null : network.images[state.image].truth;
      rows.forEach((row, rank) => {
        const unit = order[rank];
        if (row.unit !== unit) row.label.replaceChildren(isolate(network.classes[unit], 18));
        row.unit = unit;
        row.bar.style.transform = `scaleX(${probabilities[unit]})`;
        write(row.value, before ? ANSWER.before(before[unit], probabilities[unit]) : percent(probabilities[unit]));
      });
      answered = order[0];
      const now = `${order[0]}/${truth}`;
      if (now !== shown) {
        best.replaceChildren(isolate(network.classes[order[0]], 30));
        const wrong = truth !== null && truth !== order[0];
        verdict.replaceChildren(
          ...(truth === null ? [] : wrong ? [ANSWER.wrong, isolate(network.classes[truth], 30), "."] : [ANSWER.right]),
        );
        said.classList.toggle("wrong", wrong);
      }
      shown = now;
      write(sure, ` ${percent(probabilities[order[0]])}.`);
    },
  };
}
