// @ts-check
/** An image from the camera, where the browser has one and the reader allows it. Nothing leaves the page. */
import { button, element, tools } from "./dom.js";
import { CAMERA } from "./text.js";

/** @typedef {import("./preprocessing.js").Raster} Raster */

const LOOK_MS = 200; // between images while it looks on
const LONGEST_PX = 640; // asked for; a network sees less
const WANTED = { video: { width: { ideal: LONGEST_PX }, facingMode: "environment" } };

/**
 * @param {(raster: Raster) => void} taken
 * @param {(sentence: string) => void} failed
 * @returns {{ button: HTMLElement, element: HTMLElement, rest: () => void } | null} null where the browser has no
 *   camera for pages; rest ends looking on
 */
export function makeCamera(taken, failed) {
  if (!navigator.mediaDevices?.getUserMedia) return null;
  const video = element("video", { muted: true, playsinline: true, width: 200, "aria-label": CAMERA.view });
  video.muted = true;
  const shoot = makeShutter(video, taken);
  /** @type {MediaStream | null} */
  let stream = null;
  let asking = false; // a second press while the reader is asked would open a stream that nothing stops
  let timer = 0;
  const look = element("input", { type: "checkbox" });
  const follow = () => {
    clearInterval(timer);
    timer = look.checked && stream ? window.setInterval(() => document.hidden || shoot(), LOOK_MS) : 0;
  };
  look.addEventListener("change", follow);
  const close = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    follow();
    view.hidden = true;
    opener.setAttribute("aria-expanded", "false");
  };
  const open = async () => {
    if (asking) return;
    asking = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia(WANTED);
    } catch (error) {
      return failed(reasonOf(error));
    } finally {
      asking = false;
    }
    failed("");
    video.srcObject = stream;
    view.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    look.checked = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    await video.play();
    shoot();
    follow();
  };
  const opener = button(CAMERA.open, () => (stream ? close() : open()), { "aria-expanded": "false" });
  const rest = () => {
    look.checked = false;
    follow();
  };
  const take = button(CAMERA.take, () => (rest(), shoot()));
  const looking = element("label", {}, look, ` ${CAMERA.look}`);
  const view = element(
    "div",
    { class: "drawing", hidden: true },
    video,
    tools(take, looking, button(CAMERA.close, close)),
  );
  return { button: opener, element: view, rest };
}

/** What takes the image that a video shows. @param {any} video @param {(raster: Raster) => void} taken */
function makeShutter(video, taken) {
  const canvas = element("canvas");
  return () => {
    if (!video.videoWidth) return;
    const [columns, rows] = [video.videoWidth, video.videoHeight];
    Object.assign(canvas, { width: columns, height: rows });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0);
    taken({ data: context.getImageData(0, 0, columns, rows).data, rows, columns, channels: 4 });
  };
}

/** @param {unknown} error */
function reasonOf(error) {
  return CAMERA.why[/** @type {keyof typeof CAMERA.why} */ (error instanceof Error ? error.name : "")] ?? CAMERA.fails;
}
