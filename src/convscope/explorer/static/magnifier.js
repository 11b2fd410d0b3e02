// @ts-check
/** The map under the mouse, larger, with the value that it points at. */
import { largestSize } from "./colors.js";
import { element, write } from "./dom.js";
import { cellAt, cells, drawMap, setFrame, setSize, shownSize } from "./image.js";
import { LARGER } from "./text_frame.js";

/** @typedef {import("./network.js").Shape} Shape */
/** @typedef {import("./session.js").State} State */

const LARGER_PX = 232;
const ASIDE_PX = 14;
const RESTS_MS = 250; // so that a pointer on its way to something is not in anything's way

/** @type {ReturnType<typeof makeMagnifier> | null} */
let magnifier = null;

/** The one of the page. */
export function theMagnifier() {
  return (magnifier ??= makeMagnifier());
}

function makeMagnifier() {
  const spot = element("div", { class: "here" });
  const framed = element("div", { class: "framed" });
  const caption = element("p");
  const box = element("div", { class: "magnifier", hidden: true, "aria-hidden": "true" }, framed, caption);
  let timer = 0;
  const hide = () => {
    clearTimeout(timer);
    box.hidden = true;
  };
  document.body.append(box);
  addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  addEventListener("scroll", hide, { passive: true });
  /**
   * @param {PointerEvent} event
   * @param {HTMLElement} frame of the map
   * @param {Shape} shape
   * @param {State} state
   * @param {{ layer: number, unit: number }} where
   */
  const draw = (event, frame, shape, { all, palette }, { layer, unit }) => {
    const { row, column } = cellAt(event, frame, shape);
    const value = all[layer][(unit * shape.rows + row) * shape.columns + column];
    const single = shape.rows * shape.columns === 1;
    write(caption, single ? LARGER.unit(unit + 1, value) : LARGER.value(unit + 1, row + 1, column + 1, value));
    framed.hidden = single;
    const canvas = cells(shape);
    drawMap(canvas, palette, all[layer], unit, largestSize(all[layer]));
    framed.replaceChildren(canvas, spot);
    setSize(framed, shownSize(shape, LARGER_PX));
    setFrame(spot, shape, { top: row, left: column, tall: 1, wide: 1 });
    box.hidden = false;
    const [at, { clientWidth, clientHeight }] = [frame.getBoundingClientRect(), document.documentElement];
    const right = at.right + ASIDE_PX;
    const fits = right + box.offsetWidth < clientWidth;
    box.style.left = `${Math.max(0, fits ? right : at.left - ASIDE_PX - box.offsetWidth)}px`;
    box.style.top = `${Math.max(0, Math.min(at.top, clientHeight - box.offsetHeight - ASIDE_PX))}px`;
  };
  return {
    hide,
    /** @type {typeof draw} */
    show(event, frame, shape, state, where) {
      if (event.pointerType !== "mouse") return;
      clearTimeout(timer);
      if (box.hidden) timer = window.setTimeout(() => draw(event, frame, shape, state, where), RESTS_MS);
      else draw(event, frame, shape, state, where);
    },
  };
}
