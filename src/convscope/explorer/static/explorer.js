// @ts-check
/** The page: what is shown, and what happens when something is chosen. */
import { makeChooser } from "./chooser.js";
import { makePalette } from "./colours.js";
import { makeComparison } from "./comparison.js";
import { makeComputer, startWorker } from "./computer.js";
import { element, isolate } from "./dom.js";
import { makeEvaluation } from "./evaluation.js";
import { knownRange, mapOf } from "./graph_blocks.js";
import { makeInvariance } from "./invariance.js";
import { makeLayerView } from "./layer_view.js";
import { makeLesson } from "./lesson.js";
import { makeMapView } from "./map_view.js";
import { STILL, isStill, moved } from "./motion.js";
import { makeOverview } from "./overview.js";
import { fromHash, toHash } from "./position.js";
import { readNetwork } from "./reading.js";
import { makeSecondNetwork } from "./second_network.js";
import { makeSession, stateOf } from "./session.js";
import { makeSliders } from "./sliders.js";
import { sameOff, toggled } from "./switches.js";
import { COMPARISON, DAMAGE, EVALUATION, INVARIANCE, MAP, SECOND, TEXT, UNITS_TEXT } from "./text.js";
import { makeUnits } from "./units.js";
import { afterFrame, makeViews } from "./views.js";
import { WHERE } from "./where_text.js";
import { makeWhere } from "./where_view.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").Pixels} Pixels */

/** @typedef {ReturnType<typeof makeSession>} Reader what the reader does is done to a session */
/**
 * @typedef {Record<"images" | "glance" | "beside" | "numbers" | "where" | "units" | "good" | "distorted" | "kinds", HTMLElement>}
 *   Sections
 */

/** @param {string} name */
function inlined(name) {
  return document.getElementById(name)?.textContent ?? "";
}

/** What the page is about. @param {Network} network @param {boolean} large @returns {HTMLElement} */
function header(network, large) {
  const parameters = network.layers.reduce((sum, layer) => sum + layer.parameters, 0);
  const macs = network.layers.reduce((sum, layer) => sum + layer.macs, 0);
  const { rounding, weight_dtype: dtype } = network;
  const output = network.layers[network.layers.length - 1];
  const dense = output.rows * output.columns > 1;
  const rounded = rounding ? ` ${TEXT.rounded(rounding, TEXT.bits[dtype], dense)}` : "";
  const title = network.title ? isolate(network.title, 80) : TEXT.lookInside;
  return element(
    "header",
    {},
    element("h1", {}, title, " ", element("code", { text: network.layout })),
    element("p", { text: (large ? MAP : TEXT).intro(dense) }),
    element("p", { class: "hint", text: TEXT.facts(parameters, macs, network.classes.length) + rounded }),
  );
}

/** Its parts, in order; those that need maps are hidden until there are some. @returns {Sections} */
function makeSections() {
  const section = (/** @type {string} */ id, /** @type {string} */ title, hidden = true) =>
    element("section", { id, "aria-label": title, hidden }, element("h2", { text: title }));
  return {
    images: section("images", TEXT.choose, false),
    glance: section("glance", TEXT.glance),
    beside: section("beside", SECOND.title, false),
    numbers: section("numbers", TEXT.numbers),
    where: section("where", WHERE.title),
    units: section("units", UNITS_TEXT.title),
    good: section("good", EVALUATION.title),
    distorted: section("distorted", INVARIANCE.title),
    kinds: section("kinds", COMPARISON.title),
  };
}

/**
 * @param {HTMLElement} page
 * @param {Network} network
 * @param {(listener: import("./computer.js").Listener) => import("./session.js").Compute} computer
 */
async function build(page, network, computer) {
  const sections = makeSections();
  const lesson = element("div");
  const content = element("main", { "aria-busy": "true" }, lesson, ...Object.values(sections));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const session = makeSession(network, computer, makePalette(dark.matches), mapOf(network.layers));
  page.replaceChildren(header(network, session.entries.length > 0), content);
  makeLesson(lesson, network, () => sections.units.scrollIntoView({ block: "start" }));

  const { store, go, turnOff } = session;
  const toggle = (/** @type {import("./switches.js").Unit} */ unit) => turnOff(toggled(store.get().off, unit));
  const putBack = makeSliders(sections.glance, network, (motion) => move(session, network, motion));
  const take = (
    /** @type {Pixels} */ pixels,
    /** @type {number | null} */ image,
    /** @type {string} */ name,
    change = {},
  ) => {
    putBack();
    session.follow({ original: pixels, pixels, image, name, motion: STILL }, change);
  };
  const choose = (/** @type {number} */ index, change = {}) => {
    chooser.rest();
    take(network.images[index].pixels, index, network.images[index].name, change);
  };
  const open = (/** @type {number} */ index, /** @type {import("./explain.js").Position} */ wanted) => {
    choose(index, { wanted });
    sections.numbers.scrollIntoView({ block: "start" });
  };
  const second = makeSecondNetwork(sections.beside, network, inlined("worker"), () => turnOff([]));
  const drawOverview = makeGlance(sections.glance, network, session);
  await turnOfOthers();
  const drawOthers = makeViews([
    [sections.numbers, makeLayerView(sections.numbers, network, go, toggle)],
    [sections.where, makeWhere(sections.where, network, inlined("worker"))],
    [sections.units, makeUnits(sections.units, network, { go, open, toggle })],
  ]);
  await turnOfOthers();
  const chooser = makeChooser(sections.images, network, { choose, show: (pixels, name) => take(pixels, null, name) });
  const fillRest = once(() => {
    fillRecords(sections, network, session, chooser.only);
    content.removeAttribute("aria-busy");
  });
  drawChanges(sections, session, (state, everything) => {
    drawOverview(state);
    drawOthers(state, everything);
    chooser.mark(state.image);
    fillRest();
  });
  store.subscribe((now, before) => {
    if (now.off !== before.off) second.without(now.off);
    if (now.scene && now.scene !== before.scene) second.follow(now.scene);
  });
  dark.addEventListener("change", () => {
    store.set({ palette: makePalette(dark.matches) });
    second.redraw();
  });
  const follow = () => followHash(network, session, choose);
  addEventListener("hashchange", follow);
  if (follow()) return;
  if (network.images.length) choose(0);
  else fillRest();
}

/**
 * View 1: the map of a large network, the columns of a small one.
 * @param {HTMLElement} section
 * @param {Network} network
 * @param {Reader} session
 */
function makeGlance(section, network, { entries, go, open, turnOff }) {
  const allOn = () => turnOff([]);
  if (entries.length) return makeMapView(section, network, entries, { go, open, allOn });
  return makeOverview(section, network, go, allOn);
}

/**
 * The chosen image, moved.
 * @param {Reader} session
 * @param {Network} network
 * @param {import("./motion.js").Motion} motion
 */
function move(session, network, motion) {
  const { scene } = session.store.get();
  if (!scene) return;
  const pixels = isStill(motion) ? scene.original : moved(network, scene.original, motion);
  session.follow({ ...scene, pixels, motion });
}

/**
 * Draw in the next frame whatever has changed, and write into the address where the reader is.
 * @param {Sections} sections
 * @param {Reader} session
 * @param {(state: import("./session.js").State, everything: boolean) => void} draw
 */
function drawChanges({ glance, numbers }, { store }, draw) {
  let frame = 0;
  let everything = false; // is to be drawn, even if it is not seen
  const writeAddress = makeAddress();
  store.subscribe((now, before) => {
    if (now.computing !== before.computing) glance.classList.toggle("computing", now.computing);
    if (now.view === before.view && now.palette === before.palette && now.sensitivity === before.sensitivity) return;
    if (!now.view) return;
    glance.hidden = numbers.hidden = false;
    if (now.view !== before.view) writeAddress(now.view);
    everything ||= now.palette !== before.palette || (now.view !== before.view && now.view.all === before.view?.all);
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      const state = stateOf(store.get());
      if (!state) return;
      draw(state, everything);
      everything = false;
      document.dispatchEvent(new Event("drawn")); // for whoever measures how long it takes
    });
  });
}

/** Writes where the reader is into the address; to open or close a block is a step that the browser goes back. */
function makeAddress() {
  const blockOf = (/** @type {string} */ hash) => /;open=.*/.exec(hash)?.[0] ?? "";
  /** @type {string | null} */
  let block = null;
  return (/** @type {import("./session.js").View} */ view) => {
    try {
      const hash = toHash(view.image, view.position, view.off, view.open);
      const before = block;
      block = blockOf(hash);
      if (hash === location.hash) return; // writing it takes longer than the network
      const isStep = before !== null && block !== before && block !== blockOf(location.hash);
      if (isStep) history.pushState(null, "", hash);
      else history.replaceState(null, "", hash);
    } catch {
      // a page inside another one has no address of its own
    }
  };
}

/**
 * Go where the address says.
 * @param {Network} network
 * @param {Reader} session
 * @param {(index: number, change: object) => void} choose
 * @returns {boolean} whether it says so
 */
function followHash(network, session, choose) {
  const target = fromHash(network, location.hash);
  if (!target) return false;
  session.open(target.open && knownRange(session.entries, target.open));
  const { view, off } = session.store.get();
  if (target.image !== null && target.image !== view?.image) {
    choose(target.image, { wanted: target.position, ...(sameOff(target.off, off) ? {} : { off: target.off }) });
    return true;
  }
  if (!view) return false;
  session.go(target.position, true);
  if (!sameOff(target.off, off)) session.turnOff(target.off);
  return true;
}

/**
 * What no image changes: it stands below all that one does, and comes after the first.
 * @param {Sections} sections
 * @param {Network} network
 * @param {Reader} session
 * @param {(truth: number, predicted: number) => void} only shows one cell of the confusion matrix
 */
function fillRecords(sections, network, { store }, only) {
  sections.good.hidden = false;
  makeEvaluation(sections.good, network, (truth, predicted) => {
    only(truth, predicted);
    sections.images.scrollIntoView({ block: "start" });
  });
  makeInvariance(sections.distorted, network, (sensitivity) => store.set({ sensitivity }));
  makeComparison(sections.kinds, network);
}

/**
 * The same, done once, when the frame that is being drawn has been shown.
 * @param {() => void} act
 * @returns {() => void}
 */
function once(act) {
  let asked = false;
  return () => {
    if (!asked) afterFrame(act);
    asked = true;
  };
}

/**
 * The worker's program arrives while the data are unpacked, and the worker unpacks them while the page is built.
 * @param {HTMLElement} page
 */
async function start(page) {
  const started = startWorker(inlined("worker"));
  await turnOfOthers();
  const network = readNetwork(inlined("data"));
  /** @type {import("./computer.js").Listener} */
  let notify = () => {};
  const compute = makeComputer(network, started, (answer, job) => notify(answer, job));
  await turnOfOthers();
  await build(page, network, (then) => {
    notify = then;
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
    page.replaceChildren(
      element("p", { class: "message", role: "alert", text: ours ? error.message : DAMAGE.missing }),
    );
    if (!ours) console.warn(error);
  });
}
