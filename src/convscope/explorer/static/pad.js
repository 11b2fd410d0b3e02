// @ts-check
/** A drawing pad for networks of gray images, with the pen and paper of their images. */
import { button, element, tools } from "./dom.js";
import { cells, drawPixels } from "./image.js";
import { TEXT } from "./text.js";
import { OWN } from "./text_frame.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").Pixels} Pixels */

const SIDE = 280; // pixels of the longer side
const SMALL = 40; // pixels: images of that size are likely to be drawn
const KEY_STEP = 8; // pixels that an arrow key moves the pen

/**
 * @param {Network} network
 * @param {(raster: import("./preprocessing.js").Raster) => void} drawn called at every move of the pen
 * @returns {{ element: HTMLElement, show: (pixels: Pixels) => void, clear: () => void, open: () => void }} show puts
 *   a drawing on the pad; clear leaves empty paper; open brings it into view
 */
export function makePad(network, drawn) {
  const sheet = makePaper(network, drawn);
  const { canvas } = sheet;
  let points = /** @type {Point[]} */ ([]);
  const stroke = () => {
    invitation.hidden = true;
    sheet.stroke(points);
    points = points.slice(-1);
  };
  canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    canvas.setPointerCapture(event.pointerId);
    points = [sheet.at(event)];
    stroke();
  });
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!points.length || !canvas.hasPointerCapture(event.pointerId)) return;
    points.push(sheet.at(event));
    stroke();
  });
  const tip = drawWithKeys(sheet, () => (invitation.hidden = true));
  canvas.addEventListener("pointerup", () => (points = []));
  canvas.addEventListener("pointercancel", () => (points = []));
  sheet.clear();

  const invitation = element("span", { class: "invitation", "aria-hidden": "true", text: OWN.draw });
  const clear = () => {
    sheet.clear();
    invitation.hidden = false;
  };
  const wipe = button(TEXT.clear, () => (clear(), sheet.tell()));
  const small = Math.max(network.height, network.width) <= SMALL;
  const pad = element(
    "div",
    { class: "drawing", title: TEXT.padHint, hidden: !small },
    element("div", { class: "paper" }, canvas, tip, invitation),
    tools(wipe, element("label", {}, `${TEXT.pen} `, sheet.pen)),
  );
  return {
    element: pad,
    show(pixels) {
      pad.hidden = false;
      sheet.show(pixels);
      invitation.hidden = true;
    },
    clear,
    open() {
      pad.hidden = false;
      canvas.focus();
      canvas.scrollIntoView({ block: "nearest" });
    },
  };
}

/** @typedef {[number, number]} Point across and down, in pixels of the canvas */

/**
 * What is drawn on.
 * @typedef {{ canvas: any, pen: HTMLElement, wide: number, tall: number, clear: () => void, tell: () => void,
 *   show: (pixels: Pixels) => void,
 *   stroke: (points: Point[]) => void, at: (event: PointerEvent) => Point }} Paper
 */

/**
 * @param {Network} network
 * @param {(raster: import("./preprocessing.js").Raster) => void} drawn
 * @returns {Paper}
 */
function makePaper(network, drawn) {
  const scale = SIDE / Math.max(network.height, network.width);
  const [wide, tall] = [Math.round(network.width * scale), Math.round(network.height * scale)];
  const names = { class: "pad", tabindex: 0, role: "application", "aria-label": TEXT.padKeys };
  const canvas = element("canvas", { width: wide, height: tall, ...names });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const paper = network.background[0];
  const ink = paper < 128 ? 255 : 0;
  const usual = Math.max(network.height, network.width) <= 12 ? 13 : 9; // hundredths of the side
  const pen = element("input", { type: "range", min: 3, max: 25, value: usual, "aria-label": TEXT.penWidth });
  const tell = () => {
    drawn({ data: context.getImageData(0, 0, wide, tall).data, rows: tall, columns: wide, channels: 4 });
  };
  return {
    canvas,
    pen,
    wide,
    tall,
    tell,
    show(pixels) {
      const small = cells({ rows: network.height, columns: network.width });
      drawPixels(small, pixels, 1);
      context.drawImage(small, 0, 0, wide, tall);
    },
    clear() {
      context.fillStyle = `rgb(${paper} ${paper} ${paper})`;
      context.fillRect(0, 0, wide, tall);
    },
    stroke(points) {
      context.strokeStyle = `rgb(${ink} ${ink} ${ink})`;
      context.lineWidth = (Number(pen.value) / 100) * SIDE;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      context.stroke();
      tell();
    },
    at(event) {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) * wide) / box.width, ((event.clientY - box.top) * tall) / box.height];
    },
  };
}

/**
 * Arrow keys move the pen, the space bar puts it down and lifts it.
 * @param {Paper} paper
 * @param {() => void} begun
 * @returns {HTMLElement} the tip of the pen
 */
function drawWithKeys({ canvas, wide, tall, stroke }, begun) {
  const tip = element("span", { class: "tip", hidden: true });
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
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0] }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (event.key === " ") down = !down;
    const from = /** @type {Point} */ ([x, y]);
    x = Math.max(0, Math.min(wide, x + by[0] * KEY_STEP));
    y = Math.max(0, Math.min(tall, y + by[1] * KEY_STEP));
    tip.hidden = false;
    show();
    if (!down) return;
    begun();
    stroke([from, [x, y]]);
  });
  return tip;
}
