// @ts-check
/** View 5: a second network under the same picture and the same sliders, or this one with another kind of subsampling. */
import { makePalette } from "./colours.js";
import { makeComputer } from "./computing.js";
import { element, foreign } from "./dom.js";
import { codesOf, pixelsFor, withSubsampling } from "./exchanged.js";
import { makeGlance } from "./glance.js";
import { STILL, isStill, scaledMotion } from "./moving.js";
import { makeNumbers } from "./numbers.js";
import { strongest, within } from "./place.js";
import { BESIDE, WINDOWS } from "./words.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {import("./explain.js").Place} Place */
/** @typedef {import("./page.js").State} State */

/** What is shown in the page, moved and not moved.
 * @typedef {{ original: Uint8Array | Uint8ClampedArray, pixels: Uint8Array | Uint8ClampedArray, picture: number | null, name: string, motion: import("./moving.js").Motion }} Scene */

/**
 * @param {HTMLElement} parent
 * @param {Network} network the page's own
 * @param {string} program of the worker
 * @returns {{ follow: (scene: Scene) => void, redraw: () => void }} to be called when the scene has changed, or the colours
 */
export function makeBeside(parent, network, program) {
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
  const change = () => {
    second?.close();
    const chosen = networks.get(select.value);
    place.replaceChildren();
    second = chosen ? makeSecond(place, network, chosen(), select.value, program) : null;
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
    redraw: () => second?.redraw(),
  };
}

/** What can stand beside, by its name: another network of the file, and this one with each other kind of subsampling. @param {Network} network @returns {Map<string, () => Network>} */
function choices(network) {
  const { beside } = network;
  /** @type {Map<string, () => Network>} */
  const found = new Map();
  if (beside) found.set(BESIDE.other(beside.title.slice(0, 60), beside.layout), () => ({ ...beside, pictures: network.pictures }));
  const own = codesOf(network);
  for (const [code, [, name]] of Object.entries(WINDOWS)) {
    if (own.length && (own.length > 1 || own[0] !== code)) found.set(BESIDE.same(name), () => withSubsampling(network, code));
  }
  return found;
}

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Network} other
 * @param {string} name
 * @param {string} program
 * @returns {{ follow: (scene: Scene) => void, redraw: () => void, close: () => void }}
 */
function makeSecond(parent, network, other, name, program) {
  const glance = element("section", { "aria-label": name });
  const numbers = element("div");
  const exchanged = other.steps.length === network.steps.length && other.steps.every((step, at) => step.weights === network.steps[at].weights);
  parent.append(
    element("h3", {}, foreign(name, 120)),
    element("p", { class: "hint", text: exchanged ? BESIDE.exchanged : BESIDE.about }),
    glance,
    element("details", { class: "deeper" }, element("summary", { text: BESIDE.numbers }), numbers),
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  /** Whose pixels they are. @type {WeakMap<object, Scene>} */
  const scenes = new WeakMap();
  /** @type {State | null} */
  let state = null;
  /** @type {Float32Array[] | null} the maps of the picture before it was moved */
  let unmoved = null;
  /** @type {Uint8Array | Uint8ClampedArray | null} which picture those are of */
  let original = null;
  const draw = () => {
    if (!state) return;
    drawGlance(state);
    drawNumbers(state);
  };
  const go = (/** @type {Partial<Place> & { step: number }} */ place) => {
    if (!state) return;
    const same = { ...(place.step === state.place.step ? state.place : strongest(other, state.all, place.step, place.unit ?? 0)), ...place };
    state = { ...state, place: within(other, /** @type {Place} */ (same)) };
    draw();
  };
  const drawGlance = makeGlance(glance, other, go, () => {}, { brief: true });
  const drawNumbers = makeNumbers(numbers, other, go, null);
  const compute = makeComputer(other, program, ({ all, milliseconds }, { pixels }) => {
    const scene = scenes.get(pixels);
    if (!scene) return;
    const still = isStill(scene.motion);
    if (still) unmoved = all;
    const motion = scaledMotion(scene.motion, other.width / network.width, other.height / network.height);
    const place = state?.place ?? strongest(other, all, Math.min(1, other.steps.length));
    state = { picture: scene.picture, name: scene.name, motion, pixels, all, before: still ? null : unmoved, off: [], milliseconds, place, palette: makePalette(dark.matches), ledger: null };
    draw();
  });
  const ask = (/** @type {Scene} */ scene) => {
    const fitted = pixelsFor(network, other, scene.pixels);
    const pixels = fitted === scene.pixels ? fitted.slice() : fitted;
    scenes.set(pixels, scene);
    compute({ pixels, off: [] });
  };
  return {
    follow(scene) {
      if (scene.original !== original) {
        original = scene.original;
        unmoved = null;
        if (!isStill(scene.motion)) ask({ ...scene, pixels: scene.original, motion: STILL });
      }
      ask(scene);
    },
    redraw() {
      if (state) state = { ...state, palette: makePalette(dark.matches) };
      draw();
    },
    close: () => compute.close(),
  };
}
