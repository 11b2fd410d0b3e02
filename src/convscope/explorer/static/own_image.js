// @ts-check
/** Images of the reader's own, files and drawings: what is done to them before the network sees them, with switches. */
import { element, isolate } from "./dom.js";
import { inked, stepsFor } from "./ink.js";
import { inLevels } from "./levels.js";
import { isWidePng, widePng } from "./png16.js";
import { fitImage } from "./preprocessing.js";
import { TEXT } from "./text.js";
import { OWN } from "./text_frame.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./preprocessing.js").Raster} Raster */

const LARGEST_PIXELS = 24_000_000; // more are scaled down by the browser first

/**
 * A file that is read slowly does not come in after a later choice.
 * @param {Network} network
 * @param {HTMLElement} message
 * @param {(pixels: Uint8Array, name: string) => void} show
 */
export function makeOwn(network, message, show) {
  let order = 0; // of what was asked for
  /** @type {{ raster: Raster, name: string, live: boolean } | null} */
  let latest = null;
  const { ink } = network;
  const inverted = makeSwitch(OWN.inverted, () => give());
  const fitted = makeSwitch(OWN.fitted, () => give());
  const near = element("p", { class: "hint", hidden: true, text: TEXT.near });
  const switches = element("div", { class: "steps-taken", hidden: true }, inverted.element, fitted.element);
  const give = () => {
    if (!latest) return;
    const { raster, name } = latest;
    const taken = { inverted: inverted.input.checked, fitted: fitted.input.checked };
    show(ink ? inked(raster, network, ink, taken) : fitImage(raster, network), name);
  };
  const explain = () => {
    inverted.why.textContent = ink ? OWN.invertedWhy(ink.other) : "";
    fitted.why.textContent = OWN.fittedWhy;
  };
  /** @param {Raster} raster @param {string} name @param {boolean} live whether many follow, as of a drawing */
  const take = (raster, name, live) => {
    const again = live && latest?.name === name; // the switches stay as they are
    latest = { raster, name, live };
    if (ink && !again) {
      const steps = stepsFor(raster, ink, { rows: network.height, columns: network.width });
      inverted.set(steps.inverted, steps.inverted || !live);
      fitted.set(live || steps.fitted, true);
      explain();
    }
    switches.hidden = !ink;
    near.hidden = live;
    give();
  };
  return {
    element: element("div", {}, switches, near),
    take,
    forget() {
      order += 1;
    },
    rest() {
      latest = null;
      switches.hidden = near.hidden = true;
    },
    async read(/** @type {Blob} */ file, /** @type {string} */ name) {
      const mine = order;
      try {
        const raster = inLevels(await opened(file), network.ranges);
        if (mine === order) take(raster, name, false);
      } catch {
        if (mine === order) message.replaceChildren(isolate(name), `: ${TEXT.unreadable}`);
      }
    },
  };
}

/** A step that can be left out, and why it is taken. @param {string} name @param {() => void} changed */
function makeSwitch(name, changed) {
  const input = element("input", { type: "checkbox" });
  const why = element("span", { class: "hint" });
  const made = element("p", {}, element("label", {}, input, ` ${name}`), " ", why);
  const tell = () => (why.hidden = !input.checked);
  input.addEventListener("change", () => {
    tell();
    changed();
  });
  return {
    element: made,
    input,
    why,
    set(/** @type {boolean} */ checked, /** @type {boolean} */ offered) {
      input.checked = checked;
      made.hidden = !offered;
      tell();
    },
  };
}

/** The pixels of a file, with all 16 bits where it has them. @param {Blob} file */
async function opened(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!isWidePng(bytes)) return decoded(file);
  const wide = await widePng(bytes);
  if (wide) return wide;
  const raster = await decoded(file);
  return { ...raster, data: Uint16Array.from(raster.data, (value) => 257 * value) };
}

/** The pixels of a file, turned as it says, with no color profile applied. @param {Blob} file */
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
