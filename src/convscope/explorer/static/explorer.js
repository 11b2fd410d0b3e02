// @ts-check
/** The page: what is shown, and what happens when something is chosen. */
import { makeAnswer } from "./answer_bar.js";
import { inflatedText } from "./base64.js";
import { makeChooser } from "./chooser.js";
import { makePalette } from "./colors.js";
import { makeComparison } from "./comparison.js";
import { makeComputer, startWorker } from "./computer.js";
import { makeDock } from "./dock.js";
import { element, isolate } from "./dom.js";
import { makeEvaluation } from "./evaluation.js";
import { followHash, makeAddress, movedImage } from "./following.js";
import { mapOf } from "./graph_blocks.js";
import { makeInvariance } from "./invariance.js";
import { makeLayerView } from "./layer_view.js";
import { makeLesson } from "./lesson.js";
import { makeMapView } from "./map_view.js";
import { STILL } from "./motion.js";
import { movedInShort } from "./moved.js";
import { makeOverview } from "./overview.js";
import { readNetwork } from "./reading.js";
import { saveButtons } from "./saving.js";
import { makeSecondNetwork } from "./second_network.js";
import { makeSession, stateOf } from "./session.js";
import { makeSliders } from "./sliders.js";
import { toggled } from "./switches.js";
import { DAMAGE, SECOND, TEXT } from "./text.js";
import { MAP } from "./text_map.js";
import { COMPARISON, EVALUATION } from "./text_records.js";
import { INVARIANCE } from "./text_distortions.js";
import { ANSWER, HEADER, KEEPING, STEPS } from "./text_frame.js";
import { UNITS_TEXT } from "./text_units.js";
import { makeUnits } from "./units.js";
import { viewSheet } from "./view_sheet.js";
import { afterFrame, makeViews } from "./views.js";
import { WHERE } from "./text_where.js";
import { makeWhere } from "./where_view.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").Pixels} Pixels */

/** @typedef {ReturnType<typeof makeSession>} Reader what the reader does is done to a session */
/**
 * @typedef {Record<
 *   "images" | "glance" | "beside" | "numbers" | "where" | "lesson" | "units" | "good" | "distorted" | "kinds",
 *   HTMLElement>}
 *   Sections
 */

/** @param {string} name */
function inlined(name) {
  return document.getElementById(name)?.textContent ?? "";
}

/** @param {Network} network @returns {HTMLElement} */
function header(network) {
  const named = network.title ? isolate(network.title, 80) : TEXT.lookInside;
  return element(
    "header",
    {},
    element(
      "div",
      { class: "headline" },
      element("h1", {}, named, HEADER.title(network.classes.length), element("code", { text: network.layout })),
      element("a", { class: "to-lesson", href: "#lesson/1", text: ANSWER.lesson }),
    ),
  );
}

/** What the page is about, between the images and the maps. @param {Network} network @param {boolean} large */
function about(network, large) {
  const intro = element("p", { text: (large ? MAP : TEXT).intro(isDense(network)) });
  return element("div", { class: "about" }, intro, ...movedInShort(network.comparison));
}

/** Its size, and what rounding changes. @param {Network} network @returns {HTMLElement} */
function networkFacts(network) {
  const parameters = network.layers.reduce((sum, layer) => sum + layer.parameters, 0);
  const macs = network.layers.reduce((sum, layer) => sum + layer.macs, 0);
  const { rounding, weight_dtype: dtype } = network;
  const rounded = rounding ? ` ${TEXT.rounded(rounding, TEXT.bits[dtype], isDense(network))}` : "";
  return element("p", { class: "hint", text: TEXT.facts(parameters, macs, network.classes.length) + rounded });
}

/** Whether each position has a class. @param {Network} network */
function isDense({ layers }) {
  const output = layers[layers.length - 1];
  return output.rows * output.columns > 1;
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
    lesson: section("lesson", STEPS.title, false),
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
  const content = element("main", { "aria-busy": "true" }, ...Object.values(sections));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const session = makeSession(network, computer, makePalette(dark.matches), mapOf(network.layers));
  const answer = makeAnswer(network, (unit) => actions.goThere({ layer: network.layers.length, unit }));
  const bar = element("aside", { class: "answer-bar", "aria-label": ANSWER.label }, answer.element);
  sections.images.after(about(network, session.entries.length > 0));
  page.replaceChildren(header(network), bar, content);
  const actions = makeActions(sections, network, session);
  const { store, go, turnOff } = session;
  const { goThere, open, toggle, chooser } = actions;
  const second = makeSecondNetwork(sections.beside, network, inlined("worker"), {
    allOn: () => turnOff([]),
    show: (/** @type {HTMLElement[]} */ answers) => bar.replaceChildren(answer.element, ...answers),
  });
  await turnOfOthers();
  const drawOthers = makeViews([
    [sections.numbers, makeLayerView(sections.numbers, network, go, toggle)],
    [sections.where, makeWhere(sections.where, network, inlined("worker"))],
    [sections.units, makeUnits(sections.units, network, { go: goThere, open, toggle })],
  ]);
  await turnOfOthers();
  const lessons = makeLesson(sections.lesson, network, () => sections.units.scrollIntoView({ block: "start" }));
  const state = () => /** @type {import("./session.js").State} */ (stateOf(store.get()));
  sections.glance.append(
    networkFacts(network),
    saveButtons(`${network.title} ${network.layout}`, () => viewSheet(network, state()), KEEPING.view),
  );
  const arrive = (linked = first) => arriveAt(sections, lessons, actions.dock, linked);
  const fillRest = once(() => {
    fillRecords(sections, network, session, chooser.only);
    lessons.fill();
    afterFrame(() => {
      content.classList.add("whole"); // nothing waits any more for what is not seen: all has its height
      const now = stateOf(store.get());
      if (now) drawOthers(now, true); // what is not drawn yet is hidden, and nobody can arrive there
      content.removeAttribute("aria-busy");
      arrive();
    });
  });
  drawChanges(sections, network, session, (state, everything) => {
    answer.draw(state);
    actions.drawGlance(state);
    drawOthers(state, everything);
    chooser.mark(state.image);
    fillRest();
  });
  followSecond(session, second, dark);
  const follow = () => followHash(network, session, actions.takeLinked);
  addEventListener("hashchange", () => {
    const linked = follow();
    if (linked?.position) actions.dock.show();
    else arrive(linked);
  });
  const first = follow();
  if (first) return;
  if (network.images.length) actions.choose(0);
  else if (!store.get().scene) fillRest();
}

/**
 * What presses do: an image is taken, moved or chosen, a value is gone to, a unit is turned off.
 * @param {Sections} sections
 * @param {Network} network
 * @param {Reader} session
 */
function makeActions(sections, network, session) {
  const { store, go, turnOff } = session;
  const dock = makeDock(sections.numbers, sections.glance);
  const { draw: drawGlance, controls } = makeGlance(sections.glance, network, session, (to, stays) => {
    go(to, stays);
    dock.show(document.activeElement);
  });
  const setSliders = makeSliders(controls, network, (motion) => {
    const { scene } = store.get();
    if (scene) session.follow({ ...scene, pixels: movedImage(network, scene.original, motion), motion });
  });
  const take = (
    /** @type {Pixels} */ original,
    /** @type {number | null} */ image,
    /** @type {string} */ name,
    motion = STILL,
    change = {},
  ) => {
    setSliders(motion);
    session.follow({ original, pixels: movedImage(network, original, motion), image, name, motion }, change);
  };
  const choose = (/** @type {number} */ index, change = {}) => {
    chooser.rest();
    take(network.images[index].pixels, index, network.images[index].name, STILL, change);
  };
  const show = (/** @type {Pixels} */ pixels, /** @type {string} */ name) => take(pixels, null, name);
  const chooser = makeChooser(sections.images, network, { choose, show }, controls);
  const toNumbers = () => {
    dock.close();
    sections.numbers.scrollIntoView({ block: "start" });
  };
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // the address says where the reader is
    toNumbers();
    /** @type {HTMLElement | null} */ (sections.numbers.querySelector(".board"))?.focus({ preventScroll: true });
  });
  return {
    ...{ chooser, choose, dock, drawGlance },
    takeLinked(/** @type {Parameters<typeof take>} */ ...[original, image, ...rest]) {
      if (image === null) chooser.draw(original);
      else chooser.rest();
      take(original, image, ...rest);
    },
    toggle: (/** @type {import("./switches.js").Unit} */ unit) => turnOff(toggled(store.get().off, unit)),
    open(/** @type {number} */ index, /** @type {import("./explain.js").Position} */ wanted) {
      choose(index, { wanted });
      toNumbers();
    },
    goThere(/** @type {Parameters<Go>} */ ...to) {
      go(...to);
      toNumbers();
    },
  };
}

/**
 * Go where the address says: to a step of the lesson, to a part of the page, or to a value.
 * @param {Sections} sections
 * @param {ReturnType<typeof makeLesson>} lessons
 * @param {ReturnType<typeof makeDock>} dock
 * @param {import("./address.js").Address | null} linked what else it names
 */
function arriveAt({ glance }, lessons, dock, linked) {
  const [name, step] = location.hash.slice(1).split("/");
  if (name === "lesson") lessons.to(Number(step) || 1);
  const place = document.getElementById(name);
  if (place) place.scrollIntoView({ block: "start" });
  else if (linked?.position) dock.show(glance.querySelector(".map.chosen, .line.chosen"));
  else if (linked?.drawing) document.querySelector(".pad")?.scrollIntoView({ block: "nearest" });
}

/**
 * The second network sees the same image, with the same units turned off, in the same colors.
 * @param {Reader} session
 * @param {ReturnType<typeof makeSecondNetwork>} second
 * @param {MediaQueryList} dark
 */
function followSecond({ store }, second, dark) {
  store.subscribe((now, before) => {
    if (now.off !== before.off) second.without(now.off);
    if (now.scene && now.scene !== before.scene) second.follow(now.scene);
  });
  dark.addEventListener("change", () => {
    store.set({ palette: makePalette(dark.matches) });
    second.redraw();
  });
}

/**
 * View 1: the map of a large network, the columns of a small one.
 * @param {HTMLElement} section
 * @param {Network} network
 * @param {Reader} session
 * @param {Go} go
 * @returns {{ draw: (state: import("./session.js").State) => void, controls: HTMLElement }} what moves and draws the
 *   image stands beside it
 */
function makeGlance(section, network, { entries, open, turnOff }, go) {
  const allOn = () => turnOff([]);
  const controls = element("div", { class: "controls" });
  if (entries.length) {
    section.append(controls);
    return { draw: makeMapView(section, network, entries, { go, open, allOn }), controls };
  }
  const draw = makeOverview(section, network, go, allOn);
  section.querySelector(".layer.first .name")?.after(controls);
  return { draw, controls };
}

/**
 * Draw in the next frame whatever has changed, and write into the address where the reader is.
 * @param {Sections} sections
 * @param {Network} network
 * @param {Reader} session
 * @param {(state: import("./session.js").State, everything: boolean) => void} draw
 */
function drawChanges({ glance, numbers }, network, { store }, draw) {
  let frame = 0;
  let everything = false; // is to be drawn, even if it is not seen
  const writeAddress = makeAddress(network);
  store.subscribe((now, before) => {
    if (now.computing !== before.computing) glance.classList.toggle("computing", now.computing);
    if (now.view === before.view && now.palette === before.palette && now.sensitivity === before.sensitivity) return;
    if (!now.view) return;
    glance.hidden = numbers.hidden = false;
    if (now.view !== before.view) writeAddress(now.view, now.scene);
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
  const network = readNetwork(await dataOfFile());
  /** @type {import("./computer.js").Listener} */
  let notify = () => {};
  const compute = makeComputer(network, started, (answer, job) => notify(answer, job));
  await turnOfOthers();
  await build(page, network, (then) => {
    notify = then;
    return compute;
  });
}

/** @returns {Promise<string>} JSON */
async function dataOfFile() {
  if (!("DecompressionStream" in globalThis)) throw new Error(DAMAGE.browser);
  try {
    return await inflatedText(inlined("data"));
  } catch {
    throw new Error(DAMAGE.unreadable); // it is cut off, or was changed
  }
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
