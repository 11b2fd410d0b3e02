// @ts-check
/** View 5: a second network under the same image and the same sliders, or this one with another kind of pooling. */
import { makePalette } from "./colours.js";
import { makeComputer, startWorker } from "./computing.js";
import { element, foreign } from "./dom.js";
import { codesOf, pixelsFor, withPooling } from "./exchanged.js";
import { makeGlance } from "./glance.js";
import { isStill, scaledMotion } from "./moving.js";
import { makeNumbers } from "./numbers.js";
import { reached, strongest } from "./place.js";
import { makeViews } from "./views.js";
import { BESIDE, WINDOWS } from "./words.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {import("./explain.js").Place} Place */
/** @typedef {import("./page.js").State} State */

/** @typedef {import("./switches.js").Off} Off */

/** What is shown in the page, moved and not moved.
 * @typedef {{ original: Uint8Array | Uint8ClampedArray, pixels: Uint8Array | Uint8ClampedArray, image: number | null, name: string, motion: import("./moving.js").Motion }} Scene */

/**
 * @param {HTMLElement} parent
 * @param {Network} network the page's own
 * @param {string} program of the worker
 * @param {() => void} allOn turns all units of the page on
 * @returns {{ follow: (scene: Scene) => void, without: (off: Off) => void, redraw: () => void }} to be called when the scene has changed, the units that are off, or the colours
 */
export function makeBeside(parent, network, program, allOn) {
  const networks = choices(network);
  const names = [...networks.keys()];
  const select = element("select", {}, element("option", { value: "", text: BESIDE.nothing }), ...names.map((name) => element("option", { value: name, text: name })));
  const place = element("div", { class: "other" });
  parent.append(element("div", { class: "tools" }, element("label", {}, `${BESIDE.label} `, select)), place);
  parent.hidden = names.length === 0;
  /** @type {ReturnType<typeof makeSecond> | null} */
  let second = null;
  /** @type {Scene | null} */
  let scene = null;
  /** @type {Off} */
  let off = [];
  const change = () => {
    second?.close();
    const chosen = networks.get(select.value);
    place.replaceChildren();
    second = chosen ? makeSecond(place, network, chosen(), { name: select.value, program, allOn }) : null;
    second?.without(off);
    if (scene) second?.follow(scene);
  };
  select.addEventListener("change", change);
  if (network.beside) {
    select.value = names[0];
    change();
  }
  return {
    follow(next) {
      scene = next;
      second?.follow(next);
    },
    without(next) {
      off = next;
      second?.without(next);
    },
    redraw: () => second?.redraw(),
  };
}

/** What can stand beside, by its name: another network of the file, and this one with each other kind of pooling. @param {Network} network @returns {Map<string, () => Network>} */
function choices(network) {
  const { beside } = network;
  /** @type {Map<string, () => Network>} */
  const found = new Map();
  if (beside) found.set(BESIDE.other(beside.title.slice(0, 60), beside.layout), () => ({ ...beside, images: network.images }));
  const own = codesOf(network);
  for (const [code, [, name]] of Object.entries(WINDOWS)) {
    if (own.length && (own.length > 1 || own[0] !== code)) found.set(BESIDE.same(name), () => withPooling(network, code));
  }
  return found;
}

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Network} other
 * @param {{ name: string, program: string, allOn: () => void }} how
 * @returns {{ follow: (scene: Scene) => void, without: (off: Off) => void, redraw: () => void, close: () => void }}
 */
function makeSecond(parent, network, other, { name, program, allOn }) {
  const glance = element("section", { "aria-label": name });
  const numbers = element("div");
  const exchanged = other.layers.length === network.layers.length && other.layers.every((layer, at) => layer.weights === network.layers[at].weights);
  parent.append(
    element("h3", {}, foreign(name, 120)),
    element("p", { class: "hint", text: exchanged ? BESIDE.exchanged : BESIDE.about }),
    glance,
    element("details", { class: "deeper" }, element("summary", { text: BESIDE.numbers }), numbers),
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let palette = makePalette(dark.matches);
  /** Whose pixels they are. @type {WeakMap<object, Scene>} */
  const scenes = new WeakMap();
  /** @type {State | null} */
  let state = null;
  /** The maps of the image before it was moved, and which image that is. @type {{ of: object, all: Float32Array[] } | null} */
  let unmoved = null;
  /** @type {Scene | null} what was asked for last; not yet answered, perhaps */
  let latest = null;
  /** @type {Off} the same units as in the page, if they are the same: another network's have nothing to do with them */
  let off = [];
  const draw = (/** @type {boolean} */ everything) => {
    if (!state) return;
    drawGlance(state);
    drawOthers(state, everything);
  };
  const go = (/** @type {Partial<Place> & { layer: number }} */ place) => {
    if (!state) return;
    state = { ...state, place: reached(other, state, place) };
    draw(true);
  };
  const drawGlance = makeGlance(glance, other, go, allOn, { brief: true });
  const drawOthers = makeViews([[numbers, makeNumbers(numbers, other, go, null)]]);
  const compute = makeComputer(other, startWorker(program), ({ all, intact, milliseconds }, { pixels, off: turnedOff, original: before }) => {
    const scene = scenes.get(pixels);
    if (!scene) return;
    const still = isStill(scene.motion);
    if (still || before) unmoved = { of: scene.original, all: intact ?? all };
    const motion = scaledMotion(scene.motion, other.width / network.width, other.height / network.height);
    const place = state?.place ?? strongest(other, all, Math.min(1, other.layers.length));
    state = { image: scene.image, name: scene.name, motion, pixels, all, before: still && !turnedOff.length ? null : (unmoved?.all ?? null), off: turnedOff, milliseconds, place, palette, sensitivity: null };
    draw(false);
  });
  const ask = (/** @type {Scene} */ scene) => {
    latest = scene;
    const fitted = pixelsFor(network, other, scene.pixels);
    const pixels = fitted === scene.pixels ? fitted.slice() : fitted;
    scenes.set(pixels, scene);
    const known = isStill(scene.motion) || unmoved?.of === scene.original;
    compute({ pixels, off, original: known ? null : pixelsFor(network, other, scene.original) });
  };
  return {
    follow: ask,
    without(next) {
      if (!exchanged) return;
      off = next;
      if (latest) ask(latest);
    },
    redraw() {
      palette = makePalette(dark.matches);
      if (state) state = { ...state, palette };
      draw(true);
    },
    close: () => compute.close(),
  };
}
