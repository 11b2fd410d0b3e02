// @ts-check
/** An image from the camera, where the browser has one and the reader allows it. Nothing leaves the page. */
import { element } from "./dom.js";
import { CAMERA } from "./text.js";

/** @typedef {import("./preprocessing.js").Raster} Raster */

const LOOK_MS = 200; // between images while it looks on
const LONGEST_PX = 640; // asked for; a network sees less

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
  const canvas = element("canvas");
  /** @type {MediaStream | null} */
  let stream = null;
  let asking = false; // a second press while the reader is asked would open a stream that nothing stops
  let timer = 0;
  const shoot = () => {
    if (!video.videoWidth) return;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0);
    taken({
      data: context.getImageData(0, 0, canvas.width, canvas.height).data,
      rows: canvas.height,
      columns: canvas.width,
      channels: 4,
    });
  };
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
    button.setAttribute("aria-expanded", "false");
  };
  const open = async () => {
    if (asking) return;
    asking = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: LONGEST_PX }, facingMode: "environment" },
      });
    } catch (error) {
      return failed(
        CAMERA.why[/** @type {keyof typeof CAMERA.why} */ (error instanceof Error ? error.name : "")] ?? CAMERA.fails,
      );
    } finally {
      asking = false;
    }
    failed("");
    video.srcObject = stream;
    view.hidden = false;
    button.setAttribute("aria-expanded", "true");
    look.checked = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    await video.play();
    shoot();
    follow();
  };
  const button = element("button", {
    type: "button",
    text: CAMERA.open,
    "aria-expanded": "false",
    onclick: () => (stream ? close() : open()),
  });
  const rest = () => {
    look.checked = false;
    follow();
  };
  const take = element("button", { type: "button", text: CAMERA.take, onclick: () => (rest(), shoot()) });
  const view = element(
    "div",
    { class: "drawing", hidden: true },
    video,
    element(
      "div",
      { class: "tools" },
      take,
      element("label", {}, look, ` ${CAMERA.look}`),
      element("button", { type: "button", text: CAMERA.close, onclick: close }),
    ),
  );
  return { button, element: view, rest };
}
