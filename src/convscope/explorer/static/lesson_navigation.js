// @ts-check
/** The way through the steps of the lesson, one at a time, each with an address. */
import { button, element, signButton, write } from "./dom.js";
import { STEPS } from "./text_frame.js";

/**
 * @param {HTMLElement[]} items one list item a step
 * @param {(step: number) => void} shown a step is, from 1
 * @returns {{ nav: HTMLElement, list: HTMLElement, to: (step: number) => void }} nav stands above all that a step
 *   changes, so that its buttons stay where they are; to goes to a step, from 1
 */
export function makeNavigation(items, shown) {
  let now = 1;
  const turn = (/** @type {number} */ step) => {
    to(step);
    scrollBy(0, Math.min(0, list.getBoundingClientRect().top - nav.getBoundingClientRect().bottom)); // to its head
    try {
      history.replaceState(null, "", `#lesson/${now}`);
    } catch {
      // a page inside another one has no address of its own
    }
  };
  const count = element("span", { class: "spoken", role: "status" });
  const numbers = items.map((_, index) =>
    button(String(index + 1), () => turn(index + 1), { "aria-label": STEPS.go(index + 1) }),
  );
  const before = signButton("‹", STEPS.before, () => turn(now - 1), { class: "turns" });
  const next = button(STEPS.next, () => turn(now + 1), { class: "turns" });
  const list = element("ol", { class: "step-list" }, ...items);
  items.forEach((item, index) => item.setAttribute("value", String(index + 1)));
  const nav = element(
    "nav",
    { class: "tools step-numbers", "aria-label": STEPS.title },
    before,
    next,
    ...numbers,
    count,
  );
  /** @param {number} step */
  function to(step) {
    now = Math.max(1, Math.min(items.length, Math.round(step)));
    items.forEach((item, index) => item.classList.toggle("away", index + 1 !== now));
    numbers.forEach((number, index) => number.setAttribute("aria-current", index + 1 === now ? "step" : "false"));
    before.disabled = now === 1;
    next.disabled = now === items.length;
    write(count, STEPS.of(now, items.length));
    shown(now);
  }
  to(1);
  return { nav, list, to };
}
