// @ts-check
/** The page: what is shown, and what happens when something is chosen. */
import { makeBeside } from "./beside.js";
import { makeChooser } from "./chooser.js";
import { makePalette } from "./colours.js";
import { makeComparison } from "./comparison.js";
import { makeComputer, startWorker } from "./computing.js";
import { DAMAGE } from "./damage_words.js";
import { element, foreign } from "./dom.js";
import { readNetwork } from "./format.js";
import { makeGlance } from "./glance.js";
import { makeGood } from "./good.js";
import { makeInvariance } from "./invariance.js";
import { makeLesson } from "./lesson.js";
import { STILL, isStill, moved } from "./moving.js";
import { makeNumbers } from "./numbers.js";
import { fromHash, reached, strongest, toHash } from "./place.js";
import { makeSliders } from "./sliders.js";
import { sameOff, toggled } from "./switches.js";
import { makeUnits } from "./units.js";
import { afterFrame, makeViews } from "./views.js";
import { BESIDE, COMPARISON, GOOD_TEXT, INVARIANCE, TEXT, UNIT_TEXT, counted } from "./words.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {import("./explain.js").Place} Place */

/**
 * Everything that the views draw from.
 * @typedef {object} State
 * @property {number | null} image null for one that is not in the file
 * @property {string} name of the image
 * @property {Uint8Array | Uint8ClampedArray} pixels
 * @property {Float32Array[]} all the standardized image and the maps of every layer
 * @property {Float32Array[] | null} before the same for the image before it was moved, with no unit turned off; null where that is all
 * @property {import("./moving.js").Motion} motion
 * @property {import("./switches.js").Off} off
 * @property {number} milliseconds that computing all maps took
 * @property {Place} place
 * @property {import("./colours.js").Palette} palette
 * @property {import("./invariance.js").Sensitivity | null} sensitivity what was measured of each layer, where the reader asked for it
 */

/** @param {string} name */
function inlined(name) {
  return document.getElementById(name)?.textContent ?? "";
}

/** @param {HTMLElement} page @param {Network} network @param {(told: import("./computing.js").Told) => ReturnType<typeof makeComputer>} computer */
async function build(page, network, computer) {
  const parameters = network.layers.reduce((sum, layer) => sum + layer.parameters, 0);
  const products = network.layers.reduce((sum, layer) => sum + layer.macs, 0);
  const facts = `${counted(parameters, "learned number")}, ${counted(products, "multiplication")} an image, ${counted(network.classes.length, "class", "classes")}.${network.numbers === "float16" ? ` ${TEXT.rounded}` : ""}`;
  const head = element("header", {}, element("h1", {}, network.title ? foreign(network.title, 80) : TEXT.lookInside, " ", element("code", { text: network.layout })), element("p", { text: TEXT.intro }), element("p", { class: "hint", text: facts }));
  const part = (/** @type {string} */ id, /** @type {string} */ title) => element("section", { id, "aria-label": title }, element("h2", { text: title }));
  const [images, glance, numbers] = [part("images", TEXT.choose), part("glance", TEXT.glance), part("numbers", TEXT.numbers)];
  const second = part("beside", BESIDE.title);
  const [units, good] = [part("units", UNIT_TEXT.title), part("good", GOOD_TEXT.title)];
  const [distorted, kinds] = [part("distorted", INVARIANCE.title), part("kinds", COMPARISON.title)];
  for (const later of [glance, numbers, units, good, distorted, kinds]) later.hidden = true;
  const lesson = element("div");
  const content = element("main", { "aria-busy": "true" }, lesson, images, glance, second, numbers, units, good, distorted, kinds);
  page.replaceChildren(head, content);
  makeLesson(lesson, () => units.scrollIntoView({ block: "start" }));

  const dark = matchMedia("(prefers-color-scheme: dark)");
  /** @type {State | null} */
  let state = null;
  /** What each set of pixels is. @type {WeakMap<object, Pick<State, "image" | "name" | "motion">>} */
  const known = new WeakMap();
  /** @type {Uint8Array | Uint8ClampedArray | null} the chosen image, not moved */
  let original = null;
  /** @type {Uint8Array | Uint8ClampedArray | null} what was asked for last; not yet answered, perhaps */
  let asked = null;
  /** The maps of the image before it was moved, and which image that is. @type {{ of: object, all: Float32Array[] } | null} */
  let unmoved = null;
  /** @type {import("./switches.js").Off} */
  let off = [];
  /** @type {Place | null} */
  let wanted = null;
  let drawing = 0;
  let everything = false; // is to be drawn, even if it is not seen
  let palette = makePalette(dark.matches);
  /** @type {import("./invariance.js").Sensitivity | null} */
  let sensitivity = null;

  const draw = () => {
    cancelAnimationFrame(drawing);
    drawing = requestAnimationFrame(() => {
      if (!state) return;
      drawGlance(state);
      drawOthers(state, everything);
      everything = false;
      mark(state.image);
      fillRest();
      document.dispatchEvent(new Event("drawn")); // for whoever measures how long it takes
    });
  };
  const address = () => {
    if (!state) return;
    try {
      const hash = toHash(state.image, state.place, state.off);
      if (hash !== location.hash) history.replaceState(null, "", hash); // which takes longer than the network
    } catch {
      // a page inside another one has no address of its own
    }
  };
  const go = (/** @type {Partial<Place> & { layer: number }} */ place) => {
    if (!state) return;
    state = { ...state, place: reached(network, state, place) };
    address();
    everything = true;
    draw();
  };
  const compute = computer(({ all, intact, milliseconds }, { pixels, off: turnedOff, original: before }) => {
    const place = wanted ?? state?.place ?? strongest(network, all, network.layers.length > 1 ? 1 : network.layers.length);
    wanted = null;
    const what = known.get(pixels) ?? { image: null, name: "", motion: STILL };
    const still = isStill(what.motion);
    if (still) unmoved = { of: pixels, all: intact ?? all };
    else if (before && intact) unmoved = { of: before, all: intact };
    state = { ...what, pixels, all, before: still && !turnedOff.length ? null : (unmoved?.all ?? null), off: turnedOff, milliseconds, place, palette, sensitivity };
    glance.hidden = numbers.hidden = false;
    address();
    draw();
  });
  /** Every image that is asked for is the newest, but those in between may get no answer. */
  const ask = (/** @type {Uint8Array | Uint8ClampedArray} */ pixels) => {
    asked = pixels;
    compute({ pixels, off, original: pixels === original || unmoved?.of === original ? null : original });
  };
  const choose = (/** @type {number} */ index) => {
    rest();
    take(network.images[index].pixels, index, network.images[index].name);
  };
  const show = (/** @type {Uint8Array} */ pixels, /** @type {string} */ name) => take(pixels, null, name);
  const take = (/** @type {Uint8Array} */ pixels, /** @type {number | null} */ image, /** @type {string} */ name) => {
    original = pixels;
    known.set(pixels, { image, name, motion: STILL });
    putBack();
    ask(pixels);
    beside.follow({ original: pixels, pixels, image, name, motion: STILL });
  };
  const move = (/** @type {import("./moving.js").Motion} */ motion) => {
    const what = original && known.get(original);
    if (!original || !what) return;
    const pixels = isStill(motion) ? original : moved(network, original, motion);
    if (pixels !== original) known.set(pixels, { ...what, motion });
    ask(pixels);
    beside.follow({ original, pixels, image: what.image, name: what.name, motion });
  };
  const turn = (/** @type {import("./switches.js").Off} */ next) => {
    off = next;
    if (asked) ask(asked);
    beside.without(off);
  };
  const open = (/** @type {number} */ index, /** @type {Place} */ place) => {
    wanted = place;
    choose(index);
    numbers.scrollIntoView({ block: "start" });
  };
  const putBack = makeSliders(glance, network, move);
  const beside = makeBeside(second, network, inlined("worker"), () => turn([]));
  const drawGlance = makeGlance(glance, network, go, () => turn([]));
  await turnOfOthers();
  const drawNumbers = makeNumbers(numbers, network, go, (unit) => turn(toggled(off, unit)));
  const drawUnits = makeUnits(units, network, { go, open, toggle: (unit) => turn(toggled(off, unit)) });
  const drawOthers = makeViews([[numbers, drawNumbers], [units, drawUnits]]);
  await turnOfOthers();
  const { mark, only, rest } = makeChooser(images, network, { choose, show });
  /** What no image changes stands below all that one does, and comes after the first. */
  const fillRest = once(() => {
    good.hidden = false;
    makeGood(good, network, (truth, answer) => {
      only(truth, answer);
      images.scrollIntoView({ block: "start" });
    });
    makeInvariance(distorted, network, (next) => {
      sensitivity = next;
      if (state) state = { ...state, sensitivity };
      draw();
    });
    makeComparison(kinds, network);
    content.removeAttribute("aria-busy");
  });
  dark.addEventListener("change", () => {
    palette = makePalette(dark.matches);
    if (state) state = { ...state, palette };
    everything = true;
    draw();
    beside.redraw();
  });
  const follow = () => {
    const found = fromHash(network, location.hash);
    if (!found) return false;
    if (found.image === null || found.image === state?.image) {
      if (state) go(found.place);
      if (state && !sameOff(found.off, off)) turn(found.off);
      return state !== null;
    }
    wanted = found.place;
    if (!sameOff(found.off, off)) beside.without((off = found.off));
    choose(found.image);
    return true;
  };
  addEventListener("hashchange", follow);
  if (follow()) return;
  if (network.images.length) choose(0);
  else fillRest();
}

/** The same, done once, when the frame that is being drawn has been shown. @param {() => void} act @returns {() => void} */
function once(act) {
  let asked = false;
  return () => {
    if (!asked) afterFrame(act);
    asked = true;
  };
}

/** The worker's program arrives while the data are unpacked, and the worker unpacks them while the page is built. @param {HTMLElement} page */
async function start(page) {
  const started = startWorker(inlined("worker"));
  await turnOfOthers();
  const network = readNetwork(inlined("data"));
  /** @type {import("./computing.js").Told} */
  let told = () => {};
  const compute = makeComputer(network, started, (answer, job) => told(answer, job));
  await turnOfOthers();
  await build(page, network, (then) => {
    told = then;
    return compute;
  });
}

/** Let the browser do what it waits for: to start the worker, to bring it its messages. @returns {Promise<void>} */
function turnOfOthers() {
  return new Promise((done) => setTimeout(done));
}

{
  const page = /** @type {HTMLElement} */ (document.getElementById("page"));
  start(page).catch((error) => {
    const ours = error instanceof Error && error.constructor === Error; // else what was read made no sense
    page.replaceChildren(element("p", { class: "message", role: "alert", text: ours ? error.message : DAMAGE.missing }));
    if (!ours) console.warn(error);
  });
}
