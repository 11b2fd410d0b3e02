// @ts-check
/** Choosing an image: those in the file, one's own (dialog, drop, paste, camera), or a drawing. */
import { bitmapAddress } from "./bitmap.js";
import { makeCamera } from "./camera.js";
import { button, element, tools } from "./dom.js";
import { still } from "./image.js";
import { inLevels } from "./levels.js";
import { makeOwn } from "./own_image.js";
import { makePad } from "./pad.js";
import { CAMERA, TEXT } from "./text.js";
import { EVALUATION } from "./text_records.js";
import { OWN } from "./text_frame.js";

/** @typedef {import("./network.js").Network} Network */

/** @typedef {{ choose: (index: number) => void, show: (pixels: Uint8Array, name: string) => void }} Chosen */

const [FIRST_THUMBNAILS, LATER_THUMBNAILS, LATER_MS] = [40, 20, 60]; // painted at once, and then every so often

/**
 * @typedef {object} Chooser
 * @property {(image: number | null) => void} mark marks the image that is shown
 * @property {(truth: number, predicted: number) => void} only shows one cell of the confusion matrix
 * @property {() => void} rest forgets what looks on, is still being read or was drawn, as another image was chosen
 * @property {(pixels: import("./session.js").Pixels) => void} draw puts a drawing on the pad, where there is one
 */

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Chosen} chosen
 * @param {HTMLElement} [beside] what holds the drawing pad, where there are images to begin with
 * @returns {Chooser}
 */
export function makeChooser(parent, network, chosen, beside = parent) {
  const strip = element("div", { class: "strip", role: "group", "aria-label": TEXT.choose });
  const message = element("p", { class: "message", role: "status" });
  const own = makeOwn(network, message, chosen.show);
  const rest = () => {
    own.forget();
    camera?.rest();
    message.textContent = "";
  };
  const camera = makeCamera(
    (raster) => take(inLevels(raster, network.ranges), CAMERA.name, parent),
    (sentence) => (message.textContent = sentence),
  );
  const underPad = element("div"); // what a stroke brings must not move the pad
  const take = (
    /** @type {import("./preprocessing.js").Raster} */ raster,
    /** @type {string} */ name,
    /** @type {HTMLElement} */ place,
  ) => {
    if (own.element.parentElement !== place) place.append(own.element);
    own.take(raster, name, true);
  };
  const pad =
    network.channels === 1 ? makePad(network, (raster) => (rest(), take(raster, TEXT.drawing, underPad))) : null;
  const restAll = () => {
    rest();
    pad?.clear();
    parent.append(own.element);
  };
  const read = (/** @type {Blob} */ file, /** @type {string} */ name) => (restAll(), own.read(file, name));
  takeDropped(read);
  const buttons = network.images.map((_, index) => thumbnail(network, index, () => chosen.choose(index)));
  strip.append(...buttons);
  walkWithArrows(strip, buttons);
  const { label, mistakes, only } = filter(network, buttons, chosen, () => setStop(buttons));
  const hint = element("span", { class: "hint", text: TEXT.ownHint });
  const draw = pad && button(OWN.draw, pad.open);
  const none = !network.images.length;
  const padPlace = pad ? [pad.element, underPad] : [];
  parent.append(tools(label, mistakes, ...fileButton(read), draw, camera?.button ?? null, hint));
  if (none)
    parent.append(...padPlace); // nothing else is seen before there is an image
  else beside.prepend(...padPlace);
  parent.append(message, strip, ...(camera ? [camera.element] : []), own.element);
  strip.hidden = none;
  if (none) message.textContent = TEXT.none;
  const markButton = makeMarker(strip, buttons, makePainter(buttons, network));
  const mark = (/** @type {number | null} */ image) => {
    if (markButton(image) && image !== null) own.rest();
  };
  const showDrawn = (/** @type {import("./session.js").Pixels} */ pixels) => {
    restAll();
    pad?.show(pixels);
  };
  return { mark, only, rest: restAll, draw: showDrawn };
}

/** A button that asks for a file. @param {(file: Blob, name: string) => void} read @returns {HTMLElement[]} */
function fileButton(read) {
  const hidden = { class: "spoken", tabindex: -1, "aria-hidden": "true" };
  const input = element("input", { type: "file", accept: "image/*", ...hidden });
  input.addEventListener("change", () => {
    if (input.files[0]) read(input.files[0], input.files[0].name);
    input.value = "";
  });
  return [button(TEXT.own, () => input.click()), input];
}

/** The arrow keys choose the image before and after. @param {HTMLElement} strip @param {HTMLElement[]} buttons */
function walkWithArrows(strip, buttons) {
  strip.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    const visible = buttons.filter((thumb) => !thumb.hidden);
    const to = visible[visible.indexOf(/** @type {any} */ (document.activeElement)) + by];
    if (!by || !to) return;
    event.preventDefault();
    to.focus();
    to.click();
  });
}

/** One stop for the tab key: the chosen image, or the first that is shown. @param {HTMLElement[]} buttons */
function setStop(buttons) {
  const visible = buttons.filter((thumb) => !thumb.hidden);
  const here = visible.find((thumb) => thumb.classList.contains("chosen")) ?? visible[0];
  for (const thumb of buttons) thumb.tabIndex = thumb === here ? 0 : -1;
}

/**
 * @param {HTMLElement} strip
 * @param {HTMLElement[]} buttons
 * @param {(image: number) => void} paintNear
 * @returns {(image: number | null) => boolean} marks the image that is shown, and says whether it is another one
 */
function makeMarker(strip, buttons, paintNear) {
  /** @type {number | null | undefined} */
  let marked;
  return (image) => {
    if (image === marked) return false;
    marked = image;
    paintNear(image ?? 0);
    buttons.forEach((thumb, index) => {
      thumb.classList.toggle("chosen", index === image);
      thumb.setAttribute("aria-pressed", String(index === image));
    });
    setStop(buttons);
    const thumb = image === null ? null : buttons[image];
    if (thumb && strip.clientWidth)
      strip.scrollLeft = thumb.offsetLeft - strip.offsetLeft - strip.clientWidth / 2 + thumb.clientWidth / 2;
    return true;
  };
}

/** @param {Network} network @param {number} index @param {() => void} onclick @returns {HTMLButtonElement} */
function thumbnail(network, index, onclick) {
  const image = network.images[index];
  const size = { rows: network.height, columns: network.width };
  const canvas = still(null, size, 48);
  const is = image.truth === null ? "" : TEXT.isClass(network.classes[image.truth]);
  return element(
    "button",
    {
      type: "button",
      class: "thumbnail",
      "aria-label": `${TEXT.imageNumber(index + 1)}: ${image.name}${is}`,
      title: `${image.name}${is}`,
      onclick,
    },
    canvas,
  );
}

/**
 * Give thumbnails their images, those nearest first: each is asked for like a file, and two hundred at once would keep
 * the page waiting.
 * @param {HTMLElement[]} buttons
 * @param {Network} network
 * @returns {(image: number) => void} begins near an image, once
 */
function makePainter(buttons, network) {
  const size = { rows: network.height, columns: network.width };
  /** @type {number[] | null} */
  let waiting = null;
  const paintSome = (/** @type {number} */ count) => {
    for (const index of waiting?.splice(0, count) ?? []) {
      const image = /** @type {HTMLImageElement} */ (buttons[index].firstElementChild);
      image.src = bitmapAddress(network.images[index].pixels, size, network.channels);
    }
    if (waiting?.length) setTimeout(() => paintSome(LATER_THUMBNAILS), LATER_MS);
  };
  return (image) => {
    if (waiting) return;
    waiting = buttons.map((_, index) => index).sort((a, b) => Math.abs(a - image) - Math.abs(b - image));
    paintSome(FIRST_THUMBNAILS);
  };
}

/**
 * Which images are shown: all, right or wrong answers, one class, or one cell of the confusion matrix.
 * @param {Network} network
 * @param {HTMLElement[]} buttons
 * @param {Chosen} chosen
 * @param {() => void} changed
 * @returns {{ label: HTMLElement | null, mistakes: HTMLElement | null,
 *   only: (truth: number, predicted: number) => void }} mistakes shows those, and then the others again
 */
function filter(network, buttons, chosen, changed) {
  const option = (/** @type {string} */ value, /** @type {string} */ text) =>
    element("option", { value, text, disabled: value !== "all" && !belonging(network, value).includes(true) });
  const group = (/** @type {string} */ label, /** @type {HTMLElement[]} */ options) =>
    options.length ? [element("optgroup", { label }, ...options)] : [];
  const named = (/** @type {number} */ index) => network.classes[index].slice(0, 40);
  const { classes, confused } = groupsOf(network);
  const select = element("select", { "aria-label": TEXT.shown });
  const cellName = (/** @type {[number, number]} */ [truth, predicted]) =>
    EVALUATION.pair(named(truth), named(predicted));
  const cells = confused.map((cell) => option(`cell/${cell.join("/")}`, cellName(cell)));
  select.append(
    option("all", TEXT.all),
    option("right", TEXT.right),
    option("wrong", TEXT.wrong),
    ...group(
      TEXT.ofClass,
      classes.map((index) => option(`class/${index}`, named(index))),
    ),
    ...group(TEXT.confused, cells),
  );
  const show = () => {
    const shown = belonging(network, select.value);
    if (mistakes) mistakes.textContent = select.value === "wrong" ? OWN.correct : OWN.mistakes(wrong);
    buttons.forEach((button, index) => (button.hidden = !shown[index]));
    changed();
    const first = shown.indexOf(true);
    if (first >= 0) chosen.choose(first);
  };
  const turnTo = (/** @type {string} */ value) => {
    select.value = value;
    show();
  };
  select.addEventListener("change", show);
  const label =
    !classes.length || buttons.length < 2 ? null : element("label", { class: "filter" }, `${TEXT.show} `, select);
  const wrong = belonging(network, "wrong").filter(Boolean).length;
  const mistakes = wrong
    ? button(OWN.mistakes(wrong), () => turnTo(select.value === "wrong" ? "right" : "wrong"))
    : null;
  return {
    label,
    mistakes,
    only(truth, predicted) {
      const value = `cell/${truth}/${predicted}`;
      if (![...select.options].some((/** @type {HTMLOptionElement} */ one) => one.value === value))
        select.append(option(value, cellName([truth, predicted])));
      turnTo(value);
    },
  };
}

/**
 * The classes that the page has images of, and which was predicted as which, most often first.
 * @param {Network} network
 * @returns {{ classes: number[], confused: [number, number][] }}
 */
export function groupsOf(network) {
  const classes = new Set(network.images.flatMap(({ truth }) => (truth === null ? [] : [truth])));
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { truth, predicted } of network.images) {
    if (truth !== null && truth !== predicted)
      counts.set(`${truth}/${predicted}`, (counts.get(`${truth}/${predicted}`) ?? 0) + 1);
  }
  const confused = [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([cell]) => /** @type {[number, number]} */ (cell.split("/").map(Number)));
  return { classes: [...classes].sort((a, b) => a - b), confused };
}

/**
 * Which of the images a choice keeps.
 * @param {Network} network
 * @param {string} choice all, right, wrong, class/PLACE, cell/TRUTH/ANSWER
 * @returns {boolean[]}
 */
export function belonging(network, choice) {
  const [kind, first, second] = choice.split("/");
  return network.images.map(({ truth, predicted }) => {
    if (kind === "right") return truth !== null && truth === predicted;
    if (kind === "wrong") return truth !== null && truth !== predicted;
    if (kind === "class") return truth === Number(first);
    return kind === "all" || (truth === Number(first) && predicted === Number(second));
  });
}

/** @param {(file: Blob, name: string) => void} own */
function takeDropped(own) {
  const take = (/** @type {Event} */ event, /** @type {DataTransfer | null} */ transfer) => {
    const file = transfer && [...transfer.files].find((one) => one.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    own(file, file.name);
  };
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    event.preventDefault(); // or the browser would leave this page for the file
    document.body.classList.remove("dropping");
    take(event, event.dataTransfer);
  });
  addEventListener("paste", (event) => take(event, event.clipboardData));
}
