// @ts-check
/**
 * In the first lesson: a hidden layer that is copied learns beside one whose units are separate; their weights are
 * drawn.
 */
import { makePalette } from "./colors.js";
import { button, element, namedBar, tools } from "./dom.js";
import { counted, short } from "./format.js";
import { gradientNodes } from "./gradient_step.js";
import { cells, drawMap, setSize } from "./image.js";
import { SHARING } from "./text_lesson.js";
import { makeStore } from "./store.js";
import { TOY_PATCH, TOY_SIDE } from "./toy.js";
import { TEACHER, beginners, errorsOf, learned } from "./toy_learning.js";

const STRONGEST = 2; // weight that gets the strongest color
const CELL_PX = 14;

/** @returns {{ element: HTMLElement, draw: () => void }} */
export function makeSharing() {
  const store = makeStore({ learners: beginners() });
  const [teacher, copied] = [squareOf(TOY_PATCH, 2 * CELL_PX), squareOf(TOY_PATCH, 2 * CELL_PX)];
  const separate = Array.from({ length: 9 }, () => squareOf(TOY_PATCH, CELL_PX));
  const last = squareOf(TOY_SIDE, CELL_PX);
  const count = element("p", { class: "hint", role: "status" });
  const step = element("div");
  const bars = [namedBar(SHARING.copied), namedBar(SHARING.separate)];
  const figure = (/** @type {string} */ name, /** @type {HTMLElement} */ content) =>
    element("figure", { class: "weights" }, element("figcaption", { class: "caption", text: name }), content);
  const shownLast = figure(SHARING.last, last);
  const show = (/** @type {number} */ images) =>
    button(SHARING.show(counted(images, "image")), () =>
      store.set({ learners: learned(store.get().learners, images) }),
    );
  const made = element(
    "div",
    { class: "experiment" },
    element(
      "div",
      { class: "toy" },
      figure(SHARING.teacher, teacher),
      figure(SHARING.copiedWeights, copied),
      figure(SHARING.separateWeights, element("div", { class: "nine" }, ...separate)),
      shownLast,
    ),
    tools(
      show(1),
      show(20),
      show(200),
      button(SHARING.forget, () => store.set({ learners: beginners() })),
    ),
    count,
    element("p", { class: "caption", text: SHARING.errors }),
    element("div", { class: "changes" }, ...bars.map((bar) => bar.element)),
    step,
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    const { learners } = store.get();
    const palette = makePalette(dark.matches);
    const paint = (/** @type {HTMLCanvasElement} */ canvas, /** @type {number[]} */ values, largest = STRONGEST) =>
      drawMap(canvas, palette, Float32Array.from(values), 0, largest);
    paint(teacher, TEACHER);
    paint(copied, learners.copied);
    separate.forEach((canvas, index) => paint(canvas, learners.separate[index]));
    shownLast.hidden = !learners.last;
    if (learners.last) paint(last, learners.last, 1);
    count.textContent = learners.seen ? SHARING.seen(counted(learners.seen, "image")) : SHARING.nothing;
    drawErrors(bars, learners);
    step.replaceChildren(...gradientNodes(learners));
  };
  store.subscribe(draw);
  draw();
  return { element: made, draw };
}

/** @param {number} side @param {number} scale @returns {HTMLCanvasElement} */
function squareOf(side, scale) {
  const canvas = cells({ rows: side, columns: side });
  setSize(canvas, [side * scale, side * scale]);
  return canvas;
}

/** @param {ReturnType<typeof namedBar>[]} bars @param {import("./toy_learning.js").Learners} learners */
function drawErrors(bars, learners) {
  const errors = errorsOf(learners);
  const first = errorsOf(beginners());
  const most = Math.max(first.copied, first.separate);
  [errors.copied, errors.separate].forEach((error, index) => {
    bars[index].bar.style.width = `${Math.min(100, (100 * error) / most)}%`;
    bars[index].value.textContent = short(error);
  });
}
