// @ts-check
/** A drawing pad for networks of gray pictures, with the pen and paper of their pictures. */
import { element } from "./dom.js";
import { fitPicture } from "./preprocessing.js";
import { TEXT } from "./words.js";

/** @typedef {import("./format.js").Network} Network */

const SIDE = 280; // pixels of the longer side

/**
 * @param {Network} network
 * @param {(pixels: Uint8Array) => void} drawn called at every move of the pen
 * @returns {{ element: HTMLElement, button: HTMLElement, open: () => void }}
 */
export function makePad(network, drawn) {
  const scale = SIDE / Math.max(network.height, network.width);
  const [wide, tall] = [Math.round(network.width * scale), Math.round(network.height * scale)];
  const canvas = element("canvas", { width: wide, height: tall, class: "pad", role: "img", "aria-label": "Drawing pad; drawing needs a mouse, a pen or a finger" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const paper = network.background[0];
  const ink = paper < 128 ? 255 : 0;
  const usual = Math.max(network.height, network.width) <= 12 ? 13 : 9; // hundredths of the side
  const pen = element("input", { type: "range", min: 3, max: 25, value: usual, "aria-label": "Width of the pen" });
  let points = /** @type {[number, number][]} */ ([]);

  const clear = () => {
    context.fillStyle = `rgb(${paper} ${paper} ${paper})`;
    context.fillRect(0, 0, wide, tall);
  };
  const tell = () => {
    const raster = { data: context.getImageData(0, 0, wide, tall).data, rows: tall, columns: wide, channels: 4 };
    drawn(fitPicture(raster, { ...network, fit: "stretch" }));
  };
  const at = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return /** @type {[number, number]} */ ([((event.clientX - box.left) * wide) / box.width, ((event.clientY - box.top) * tall) / box.height]);
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
  canvas.addEventListener("pointerup", () => (points = []));
  canvas.addEventListener("pointercancel", () => (points = []));
  clear();

  const wipe = element("button", { type: "button", text: TEXT.clear, onclick: () => (clear(), tell()) });
  const pad = element("div", { class: "drawing", hidden: true }, canvas, element("div", { class: "tools" }, wipe, element("label", {}, `${TEXT.pen} `, pen)));
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
