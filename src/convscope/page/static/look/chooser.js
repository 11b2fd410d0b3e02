// @ts-check
/** Choosing a picture: those in the file, one's own (dialog, drop, paste, camera), or a drawing. */
import { element, foreign } from "./dom.js";
import { makePad } from "./pad.js";
import { cells, drawPixels, setSize, shownSize } from "./picture.js";
import { fitPicture } from "./preprocessing.js";
import { GOOD_TEXT, TEXT } from "./words.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {{ choose: (index: number) => void, show: (pixels: Uint8Array, name: string) => void }} Chosen */

const LARGEST_PIXELS = 24_000_000; // more are scaled down by the browser first

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Chosen} chosen
 * @returns {{ mark: (picture: number | null) => void, only: (truth: number, answer: number) => void }} marks the picture that is shown; shows one cell of the confusion matrix
 */
export function makeChooser(parent, network, chosen) {
  const strip = element("div", { class: "strip", role: "group", "aria-label": TEXT.choose });
  const buttons = network.pictures.map((picture, index) => thumbnail(network, index, () => chosen.choose(index)));
  strip.append(...buttons);
  strip.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    const visible = buttons.filter((button) => !button.hidden);
    const to = visible[visible.indexOf(/** @type {any} */ (document.activeElement)) + by];
    if (!by || !to) return;
    event.preventDefault();
    to.focus();
    to.click();
  });
  const message = element("p", { class: "message", role: "status" });
  const near = element("p", { class: "hint", hidden: true, text: TEXT.near });
  const own = async (/** @type {Blob} */ file, /** @type {string} */ name) => {
    try {
      chosen.show(fitPicture(await decoded(file), network), name);
      message.textContent = "";
      near.hidden = false;
    } catch {
      message.replaceChildren(foreign(name), `: ${TEXT.unreadable}`);
    }
  };
  const input = element("input", { type: "file", accept: "image/*", class: "spoken", tabindex: -1, "aria-hidden": "true" });
  input.addEventListener("change", () => {
    if (input.files[0]) own(input.files[0], input.files[0].name);
    input.value = "";
  });
  const choose = element("button", { type: "button", text: TEXT.own, onclick: () => input.click() });
  takeDropped(own);
  const pad = network.channels === 1 ? makePad(network, (pixels) => {
    near.hidden = true;
    chosen.show(pixels, TEXT.drawing);
  }) : null;
  const { label, only } = filter(network, buttons, chosen);
  const tools = element("div", { class: "tools" }, label, choose, input, pad ? pad.button : null, element("span", { class: "hint", text: TEXT.ownHint }));
  parent.append(tools, message, strip, ...(pad ? [pad.element] : []), near);
  if (!network.pictures.length) {
    strip.hidden = true;
    message.textContent = TEXT.none;
    if (pad) pad.open();
  }
  const mark = (/** @type {number | null} */ picture) => {
    buttons.forEach((button, index) => {
      button.classList.toggle("chosen", index === picture);
      button.setAttribute("aria-pressed", String(index === picture));
      button.tabIndex = index === (picture ?? 0) ? 0 : -1;
    });
    const button = picture === null ? null : buttons[picture];
    if (button && strip.clientWidth) strip.scrollLeft = button.offsetLeft - strip.offsetLeft - strip.clientWidth / 2 + button.clientWidth / 2;
    if (picture !== null) near.hidden = true;
  };
  return { mark, only };
}

/** @param {Network} network @param {number} index @param {() => void} onclick @returns {HTMLButtonElement} */
function thumbnail(network, index, onclick) {
  const picture = network.pictures[index];
  const size = { rows: network.height, columns: network.width };
  const canvas = cells(size);
  drawPixels(canvas, picture.pixels, network.channels);
  setSize(canvas, shownSize(size, 48));
  const is = picture.truth === null ? "" : `, is ${network.classes[picture.truth]}`;
  return element("button", { type: "button", class: "thumbnail", "aria-label": `Picture ${index + 1}: ${picture.name}${is}`, title: `${picture.name}${is}`, onclick }, canvas);
}

/** Which pictures are shown: all, the wrong answers, one class, or one cell of the confusion matrix. @param {Network} network @param {HTMLElement[]} buttons @param {Chosen} chosen @returns {{ label: HTMLElement | null, only: (truth: number, answer: number) => void }} */
function filter(network, buttons, chosen) {
  const truths = new Set(network.pictures.map((picture) => picture.truth));
  truths.delete(null);
  const select = element("select", { "aria-label": "Pictures shown" });
  const option = (/** @type {string} */ value, /** @type {string} */ text) => element("option", { value, text });
  const classes = network.classes.map((name, place) => (truths.has(place) ? option(String(place), name.slice(0, 60)) : null));
  const cell = option("cell", "");
  /** @type {[number, number]} */
  let pair = [0, 0];
  select.append(option("all", TEXT.all), option("wrong", TEXT.wrong), ...classes.filter((one) => one !== null));
  const show = () => {
    buttons.forEach((button, index) => {
      const { truth, answer } = network.pictures[index];
      const wrong = truth !== null && answer !== truth;
      const inCell = truth === pair[0] && answer === pair[1];
      button.hidden = !(select.value === "all" || (select.value === "wrong" ? wrong : select.value === "cell" ? inCell : String(truth) === select.value));
    });
    const first = buttons.findIndex((button) => !button.hidden);
    if (first >= 0) chosen.choose(first);
  };
  select.addEventListener("change", show);
  const label = !truths.size || buttons.length < 12 ? null : element("label", { class: "filter" }, "Show ", select);
  return {
    label,
    only(truth, answer) {
      pair = [truth, answer];
      cell.textContent = GOOD_TEXT.pair(network.classes[truth].slice(0, 40), network.classes[answer].slice(0, 40));
      select.append(cell);
      select.value = "cell";
      show();
    },
  };
}

/** The pixels of a file, turned as it says, with no colour profile applied. @param {Blob} file */
async function decoded(file) {
  /** @type {ImageBitmapOptions} */
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(file, options);
  const scale = Math.min(1, Math.sqrt(LARGEST_PIXELS / (bitmap.width * bitmap.height)));
  const columns = Math.max(1, Math.floor(bitmap.width * scale));
  const rows = Math.max(1, Math.floor(bitmap.height * scale));
  const canvas = element("canvas", { width: columns, height: rows });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, columns, rows);
  bitmap.close();
  return { data: context.getImageData(0, 0, columns, rows).data, rows, columns, channels: 4 };
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
