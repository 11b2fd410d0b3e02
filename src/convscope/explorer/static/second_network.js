// @ts-check
/** View 5: a second network under the same image and the same sliders, or this one with another kind of pooling. */
import { makeAnswer } from "./answer_bar.js";
import { makePalette } from "./colors.js";
import { makeComputer, startWorker } from "./computer.js";
import { element, isolate } from "./dom.js";
import { makeLayerView } from "./layer_view.js";
import { scaledMotion } from "./motion.js";
import { mapOf } from "./graph_blocks.js";
import { makeMapView } from "./map_view.js";
import { makeOverview } from "./overview.js";
import { canPool } from "./pooling.js";
import { codesOf, pixelsFor, withPooling } from "./pooling_swap.js";
import { makeSession, stateOf } from "./session.js";
import { SECOND } from "./text.js";
import { ANSWER } from "./text_frame.js";
import { makeViews } from "./views.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").Scene} Scene */
/** @typedef {import("./switches.js").Off} Off */

/**
 * @param {HTMLElement} parent
 * @param {Network} network the page's own
 * @param {string} program of the worker
 * @param {{ allOn: () => void, show: (answers: HTMLElement[]) => void }} page turns all its units on; shows the second
 *   answer beside its own
 * @returns {{ follow: (scene: Scene) => void, without: (off: Off) => void, redraw: () => void }} to be called when the
 *   scene has changed, the units that are off, or the colors
 */
export function makeSecondNetwork(parent, network, program, { allOn, show }) {
  const networks = choices(network);
  const names = [...networks.keys()];
  const select = element(
    "select",
    {},
    element("option", { value: "", text: SECOND.nothing }),
    ...names.map((name) => element("option", { value: name, text: name })),
  );
  const holder = element("div", { class: "other" });
  parent.append(element("div", { class: "tools" }, element("label", {}, `${SECOND.label} `, select)), holder);
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
    holder.replaceChildren();
    show([]);
    second = chosen ? makeSecond(holder, network, chosen(), { name: select.value, program, allOn, show }) : null;
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

/**
 * What can stand beside, by its name: another network of the file, and this one with each other kind of pooling.
 * @param {Network} network
 * @returns {Map<string, () => Network>}
 */
function choices(network) {
  const { beside } = network;
  /** @type {Map<string, () => Network>} */
  const networks = new Map();
  if (beside)
    networks.set(SECOND.other(beside.title.slice(0, 60), beside.layout), () => ({ ...beside, images: network.images }));
  const own = codesOf(network);
  for (const [code, { name }] of Object.entries(network.poolings).filter(([kind]) => canPool(kind))) {
    if (own.length && (own.length > 1 || own[0] !== code))
      networks.set(SECOND.same(name), () => withPooling(network, code));
  }
  return networks;
}

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Network} other
 * @param {{ name: string, program: string, allOn: () => void, show: (answers: HTMLElement[]) => void }} how
 * @returns {{ follow: (scene: Scene) => void, without: (off: Off) => void, redraw: () => void, close: () => void }}
 */
function makeSecond(parent, network, other, { name, program, allOn, show }) {
  const overview = element("section", { "aria-label": name });
  const layer = element("div");
  const swapped =
    other.layers.length === network.layers.length &&
    other.layers.every((own, index) => own.weights === network.layers[index].weights);
  parent.append(
    element("h3", {}, isolate(name, 120)),
    element("p", { class: "hint", text: swapped ? SECOND.exchanged : SECOND.about }),
    overview,
    element("details", { class: "deeper" }, element("summary", { text: SECOND.numbers }), layer),
  );
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const started = startWorker(program);
  let close = () => {};
  const session = makeSession(
    other,
    (listener) => {
      const compute = makeComputer(other, started, listener);
      close = compute.close;
      return compute;
    },
    makePalette(dark.matches),
    mapOf(other.layers),
  );
  const { entries, go, open } = session;
  const drawOverview = entries.length
    ? makeMapView(overview, other, entries, { go, open, allOn })
    : makeOverview(overview, other, go, allOn, { brief: true });
  const answer = makeAnswer({ ...other, images: network.images }, null, ANSWER.second);
  show([answer.element]);
  const drawOthers = makeViews([[layer, makeLayerView(layer, other, session.go, null)]]);
  session.store.subscribe((now, before) => {
    const state = stateOf(now);
    if (!state || (now.view === before.view && now.palette === before.palette)) return;
    answer.draw(state);
    drawOverview(state);
    drawOthers(state, now.view?.all === before.view?.all);
  });
  const fitted = makeFitting(network, other);
  return {
    follow: (scene) => session.follow(fitted(scene)),
    /** The same units as in the page, if they are the same: another network's have nothing to do with them. */
    without: (off) => swapped && session.turnOff(off),
    redraw: () => session.store.set({ palette: makePalette(dark.matches) }),
    close,
  };
}

/**
 * Scenes as another network takes them; the image before it was moved stays the same one.
 * @param {Network} network
 * @param {Network} other
 * @returns {(scene: Scene) => Scene}
 */
function makeFitting(network, other) {
  const [wider, taller] = [other.width / network.width, other.height / network.height];
  /** @type {WeakMap<object, import("./session.js").Pixels>} */
  const originals = new WeakMap();
  return (scene) => {
    const original = originals.get(scene.original) ?? pixelsFor(network, other, scene.original);
    originals.set(scene.original, original);
    const pixels = scene.pixels === scene.original ? original : pixelsFor(network, other, scene.pixels);
    return { ...scene, original, pixels, motion: scaledMotion(scene.motion, wider, taller) };
  };
}
