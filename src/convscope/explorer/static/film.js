// @ts-check
/** A film of one unit that goes over all positions of the image, to be saved. */
import { button, element } from "./dom.js";
import { receptiveField, valueAt } from "./explain.js";
import { shapeAt } from "./network.js";
import { painted } from "./painted.js";
import { keep } from "./saving.js";
import { KEEPING, OWN } from "./text_frame.js";
import { titleOf } from "./text_overview.js";

/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */

const [FILM_PX, MARGIN_PX, TITLE_PX, BELOW_PX] = [336, 24, 48, 40]; // pixels
const [FRAME_MS, MOST_FRAMES, LAST_MS] = [40, 200, 1000];

/**
 * @param {Network} network
 * @param {() => State | null} now
 * @returns {HTMLButtonElement | null} null where the browser makes no films
 */
export function makeFilm(network, now) {
  const kind =
    typeof MediaRecorder !== "undefined" &&
    ["video/webm", "video/mp4"].find((one) => MediaRecorder.isTypeSupported(one));
  if (!kind) return null;
  let stop = () => {};
  let runs = false;
  const start = () => {
    const state = now();
    if (!state?.position.layer) return;
    runs = true;
    made.textContent = KEEPING.stop;
    stop = record(network, state, kind, (film) => {
      runs = false;
      made.textContent = KEEPING.walk;
      keep(film, `convscope-${state.position.layer}-${state.position.unit + 1}.${kind.slice(6)}`);
    });
  };
  const made = button(KEEPING.walk, () => (runs ? stop() : start()), { class: "film" });
  return made;
}

/**
 * @param {Network} network
 * @param {State} state
 * @param {string} kind
 * @param {(film: Blob) => void} then
 * @returns {() => void} ends it early
 */
function record(network, state, kind, then) {
  const canvas = element("canvas", { width: 2 * FILM_PX + 3 * MARGIN_PX, height: FILM_PX + TITLE_PX + BELOW_PX });
  const draw = makeScene(network, state, canvas);
  draw(0);
  const recorder = new MediaRecorder(canvas.captureStream(1000 / FRAME_MS), { mimeType: kind });
  /** @type {Blob[]} */
  const parts = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  recorder.addEventListener("stop", () => then(new Blob(parts, { type: kind })));
  const { rows, columns } = shapeAt(network, state.position.layer);
  const step = Math.ceil((rows * columns) / MOST_FRAMES);
  let index = 0;
  const timer = window.setInterval(() => {
    index += step;
    draw(Math.min(index, rows * columns - 1));
    if (index >= rows * columns + (step * LAST_MS) / FRAME_MS) end();
  }, FRAME_MS);
  const end = () => {
    clearInterval(timer);
    if (recorder.state !== "inactive") recorder.stop();
  };
  recorder.start();
  return end;
}

/**
 * The image with what the unit sees of it, and its map up to there.
 * @param {Network} network
 * @param {State} state
 * @param {any} canvas
 * @returns {(index: number) => void}
 */
function makeScene(network, state, canvas) {
  const { layer, unit } = state.position;
  const shape = shapeAt(network, layer);
  const style = getComputedStyle(document.body);
  const mark = getComputedStyle(document.documentElement).getPropertyValue("--mark");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = painted(network, state, 0, 0);
  const here = network.layers[layer - 1];
  const title = KEEPING.walkTitle(`${titleOf(here, false)} ${here.name}`, OWN.unit(unit + 1));
  const place = (/** @type {HTMLCanvasElement} */ shown, /** @type {number} */ left) => {
    const scale = FILM_PX / Math.max(shown.width, shown.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(shown, left, TITLE_PX, shown.width * scale, shown.height * scale);
    return (/** @type {{ top: number, left: number, tall: number, wide: number }} */ box) =>
      context.strokeRect(left + box.left * scale, TITLE_PX + box.top * scale, box.wide * scale, box.tall * scale);
  };
  return (index) => {
    const [row, column] = [Math.floor(index / shape.columns), index % shape.columns];
    const position = { layer, unit, row, column };
    Object.assign(context, { fillStyle: style.backgroundColor, strokeStyle: mark, lineWidth: 3 });
    context.fillRect(0, 0, canvas.width, canvas.height);
    place(image, MARGIN_PX)(receptiveField(network, position));
    place(
      painted(network, state, layer, unit, index + 1),
      2 * MARGIN_PX + FILM_PX,
    )({ top: row, left: column, tall: 1, wide: 1 });
    Object.assign(context, { fillStyle: style.color, font: "18px sans-serif" });
    context.fillText(title, MARGIN_PX, TITLE_PX - 18);
    context.fillText(
      KEEPING.value(valueAt(network, state.all, position)),
      2 * MARGIN_PX + FILM_PX,
      TITLE_PX + FILM_PX + 26,
    );
  };
}
