// @ts-check
/**
 * In the first lesson: a hidden layer that is copied learns beside one whose units are separate; their weights are
 * drawn.
 */
import { makePalette } from "./colours.js";
import { element } from "./dom.js";
import { counted, short } from "./format.js";
import { cells, drawMap, setSize } from "./image.js";
import { SHARING } from "./text.js";
import { TOY_PATCH, TOY_SIDE } from "./toy.js";
import { TEACHER, beginners, errorsOf, learned } from "./toy_learning.js";

const STRONGEST = 2; // weight that gets the strongest colour
const CELL_PX = 14;

/** @returns {{ element: HTMLElement, draw: () => void }} */
export function makeSharing() {
  const small = (/** @type {number} */ side, /** @type {number} */ scale) => {
    const canvas = cells({ rows: side, columns: side });
    setSize(canvas, [side * scale, side * scale]);
    return canvas;
  };
  const [teacher, copied, seen] = [
    small(TOY_PATCH, 2 * CELL_PX),
    small(TOY_PATCH, 2 * CELL_PX),
    small(TOY_SIDE, CELL_PX),
  ];
  const separate = Array.from({ length: 9 }, () => small(TOY_PATCH, CELL_PX));
  let learners = beginners();
  const count = element("p", { class: "hint", role: "status" });
  const bars = [SHARING.copied, SHARING.separate].map((name) => {
    const [bar, value] = [element("span", { class: "bar" }), element("span", { class: "value" })];
    return {
      bar,
      value,
      element: element(
        "div",
        { class: "change" },
        element("span", { text: name }),
        element("span", { class: "track" }, bar),
        value,
      ),
    };
  });
  const figure = (/** @type {string} */ name, /** @type {HTMLElement} */ content) =>
    element("figure", { class: "weights" }, element("figcaption", { class: "caption", text: name }), content);
  const show = (/** @type {number} */ images) =>
    element("button", {
      type: "button",
      text: SHARING.show(counted(images, "image")),
      onclick: () => ((learners = learned(learners, images)), draw()),
    });
  const forget = element("button", {
    type: "button",
    text: SHARING.forget,
    onclick: () => ((learners = beginners()), draw()),
  });
  const grid = element("div", { class: "nine" }, ...separate);
  const made = element(
    "div",
    { class: "experiment" },
    element(
      "div",
      { class: "toy" },
      figure(SHARING.teacher, teacher),
      figure(SHARING.copiedWeights, copied),
      figure(SHARING.separateWeights, grid),
      figure(SHARING.last, seen),
    ),
    element("div", { class: "tools" }, show(1), show(20), show(200), forget),
    count,
    element("p", { class: "caption", text: SHARING.errors }),
    element("div", { class: "changes" }, ...bars.map((bar) => bar.element)),
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function draw() {
    const palette = makePalette(dark.matches);
    drawMap(teacher, palette, Float32Array.from(TEACHER), 0, STRONGEST);
    drawMap(copied, palette, Float32Array.from(learners.copied), 0, STRONGEST);
    separate.forEach((canvas, index) =>
      drawMap(canvas, palette, Float32Array.from(learners.separate[index]), 0, STRONGEST),
    );
    drawMap(seen, palette, Float32Array.from(learners.last ?? new Array(TOY_SIDE * TOY_SIDE).fill(0)), 0, 1);
    count.textContent = learners.seen ? SHARING.seen(counted(learners.seen, "image")) : SHARING.nothing;
    const errors = errorsOf(learners);
    const first = errorsOf(beginners());
    const most = Math.max(first.copied, first.separate);
    [errors.copied, errors.separate].forEach((error, index) => {
      bars[index].bar.style.width = `${Math.min(100, (100 * error) / most)}%`;
      bars[index].value.textContent = short(error);
    });
  }
  draw();
  return { element: made, draw };
}
