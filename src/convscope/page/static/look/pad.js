// @ts-check
/** A drawing pad for networks of gray images, with the pen and paper of their images. */
import { element } from "./dom.js";
import { fitImage } from "./preprocessing.js";
import { TEXT } from "./text.js";

/** @typedef {import("./network.js").Network} Network */

const SIDE = 280; // pixels of the longer side
const KEY_STEP = 8; // pixels that an arrow key moves the pen

/**
 * @param {Network} network
 * @param {(pixels: Uint8Array) => void} drawn called at every move of the pen
 * @returns {{ element: HTMLElement, button: HTMLElement, open: () => void }}
 */
export function makePad(network, drawn) {
  const scale = SIDE / Math.max(network.height, network.width);
  const [wide, tall] = [Math.round(network.width * scale), Math.round(network.height * scale)];
  const canvas = element("canvas", {
    width: wide,
    height: tall,
    class: "pad",
    tabindex: 0,
    role: "application",
    "aria-label": TEXT.padKeys,
  });
  const tip = element("span", { class: "tip", hidden: true });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const paper = network.background[0];
  const ink = paper < 128 ? 255 : 0;
  const usual = Math.max(network.height, network.width) <= 12 ? 13 : 9; // hundredths of the side
  const pen = element("input", { type: "range", min: 3, max: 25, value: usual, "aria-label": TEXT.penWidth });
  let points = /** @type {[number, number][]} */ ([]);

  const clear = () => {
    context.fillStyle = `rgb(${paper} ${paper} ${paper})`;
    context.fillRect(0, 0, wide, tall);
  };
  const tell = () => {
    const raster = { data: context.getImageData(0, 0, wide, tall).data, rows: tall, columns: wide, channels: 4 };
    drawn(fitImage(raster, { ...network, fit: "stretch" }));
  };
  const at = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return /** @type {[number, number]} */ ([
      ((event.clientX - box.left) * wide) / box.width,
      ((event.clientY - box.top) * tall) / box.height,
    ]);
  };
  const stroke = () => {
    context.strokeStyle = `rgb(${ink} ${ink} ${ink})`;
    context.lineWidth = (Number(pen.value) / 100) * SIDE;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...points[0]);
    for (const point of points) context.lineTo(...point);
    context.stroke();
    points = points.slice(-1);
    tell();
  };
  canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    canvas.setPointerCapture(event.pointerId);
    points = [at(event)];
    stroke();
  });
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!points.length || !canvas.hasPointerCapture(event.pointerId)) return;
    points.push(at(event));
    stroke();
  });
  drawWithKeys();
  canvas.addEventListener("pointerup", () => (points = []));
  canvas.addEventListener("pointercancel", () => (points = []));
  clear();

  /** Arrow keys move the pen, the space bar puts it down and lifts it. */
  function drawWithKeys() {
    let [x, y, down] = [wide / 2, tall / 2, false];
    const show = () => {
      tip.style.left = `${(100 * x) / wide}%`;
      tip.style.top = `${(100 * y) / tall}%`;
      tip.classList.toggle("down", down);
    };
    canvas.addEventListener("focus", () => {
      tip.hidden = !canvas.matches(":focus-visible");
      show();
    });
    canvas.addEventListener("blur", () => ((tip.hidden = true), (down = false)));
    canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0] }[
        event.key
      ];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (event.key === " ") down = !down;
      const from = /** @type {[number, number]} */ ([x, y]);
      x = Math.max(0, Math.min(wide, x + by[0] * KEY_STEP));
      y = Math.max(0, Math.min(tall, y + by[1] * KEY_STEP));
      tip.hidden = false;
      show();
      if (!down) return;
      points = [from, [x, y]];
      stroke();
      points = [];
    });
  }

  const wipe = element("button", { type: "button", text: TEXT.clear, onclick: () => (clear(), tell()) });
  const pad = element(
    "div",
    { class: "drawing", hidden: true },
    element("div", { class: "paper" }, canvas, tip),
    element("p", { class: "hint", text: TEXT.padHint }),
    element("div", { class: "tools" }, wipe, element("label", {}, `${TEXT.pen} `, pen)),
  );
  const button = element("button", { type: "button", text: TEXT.draw, "aria-expanded": "false" });
  const set = (/** @type {boolean} */ open) => {
    pad.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => {
    set(pad.hidden);
    if (!pad.hidden) tell();
  });
  return { element: pad, button, open: () => set(true) };
}
