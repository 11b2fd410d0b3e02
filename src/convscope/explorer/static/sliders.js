// @ts-check
/** View 4: move the image, and see what moves along and what stays. */
import { element } from "./dom.js";
import { decimals, wholePercent } from "./format.js";
import { STILL, isStill } from "./motion.js";
import { TEXT } from "./text.js";

/** @typedef {import("./motion.js").Motion} Motion */
/** @typedef {import("./network.js").Network} Network */

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {(motion: Motion) => void} notify at every change
 * @returns {(motion: Motion) => void} sets all sliders, without telling
 */
export function makeSliders(parent, network, notify) {
  const reach = (/** @type {number} */ side) => Math.max(1, Math.round(side / 4));
  const bend = Math.max(1, Math.round(Math.min(network.height, network.width) / 8));
  /** @type {[keyof Motion, number, number, number, (value: number) => string][]} */
  const kinds = [
    ["right", -reach(network.width), reach(network.width), 0.5, (value) => `${value} px`],
    ["down", -reach(network.height), reach(network.height), 0.5, (value) => `${value} px`],
    ["turn", -45, 45, 1, (value) => `${value}°`],
    ["scale", 0.5, 1.5, 0.02, (value) => `× ${decimals(value, 2)}`],
    ["bend", 0, bend, 0.1, (value) => `${decimals(value, 1)} px`],
    ["blur", 0, 3, 0.1, (value) => `${decimals(value, 1)} px`],
    ["noise", 0, 0.5, 0.01, wholePercent],
  ];
  let motion = { ...STILL };
  const rows = kinds.map(([name, min, max, step, worded]) => {
    const output = element("output");
    const slider = element("input", { type: "range", min, max, step, "aria-label": TEXT.slider(TEXT.sliders[name]) });
    const show = () => {
      slider.value = String(motion[name]);
      output.textContent = worded(motion[name]).replace("-", "−");
      slider.setAttribute("aria-valuetext", output.textContent);
    };
    slider.addEventListener("input", () => {
      motion = { ...motion, [name]: Number(slider.value) };
      output.textContent = worded(motion[name]).replace("-", "−");
      reset.disabled = hint.hidden = isStill(motion);
      notify(motion);
    });
    return {
      element: element("label", { class: "slider" }, element("span", { text: TEXT.sliders[name] }), slider, output),
      show,
    };
  });
  const set = (/** @type {Motion} */ next) => {
    motion = { ...next };
    reset.disabled = hint.hidden = isStill(motion);
    rows.forEach((row) => row.show());
  };
  const hint = element("p", { class: "hint", text: TEXT.moveHint });
  const reset = element("button", {
    type: "button",
    text: TEXT.back,
    onclick: () => {
      set(STILL);
      notify(motion);
    },
  });
  parent.append(
    element(
      "details",
      { class: "move", open: !matchMedia("(max-width: 40rem)").matches },
      element("summary", { text: TEXT.move }),
      element("div", { class: "sliders" }, ...rows.map((row) => row.element), reset),
      element("p", { class: "hint", text: TEXT.moveInvites }),
      hint,
    ),
  );
  set(STILL);
  return set;
}
