// @ts-check
/** Brings the numbers of a value to where it was pressed: beneath the maps, in the lower part of the window. */
import { button, element } from "./dom.js";
import { DOCK } from "./text_frame.js";

/**
 * @param {HTMLElement} section the numbers
 * @param {HTMLElement} maps where values are pressed
 * @returns {{ show: (from?: Element | null) => void, close: () => void }} show keeps `from` in view
 */
export function makeDock(section, maps) {
  const root = document.documentElement;
  const set = (/** @type {boolean} */ docked) => {
    section.classList.toggle("docked", docked);
    root.classList.toggle("with-dock", docked);
  };
  const close = () => set(false);
  const whole = () => {
    close();
    section.scrollIntoView({ block: "start" });
  };
  const closer = button(DOCK.close, close);
  section.prepend(element("div", { class: "dock-tools" }, button(DOCK.whole, whole, { class: "whole" }), closer));
  addEventListener("keydown", ({ key }) => key === "Escape" && section.classList.contains("docked") && close());
  new IntersectionObserver(([{ isIntersecting }]) => isIntersecting || close()).observe(maps);
  return {
    close,
    show(from = null) {
      const first = !section.classList.contains("docked");
      set(true);
      section.scrollTop = 0;
      if (first) maps.querySelector(".with-lines")?.scrollIntoView({ block: "start" });
      from?.scrollIntoView({ block: "nearest" });
    },
  };
}
