// @ts-check
/** View: where the network looked, for any class, and which training images it finds alike. */
import { bitmapAddress } from "./bitmap.js";
import { bytesOf } from "./base64.js";
import { largestSize, paint } from "./colours.js";
import { startWorker } from "./computer.js";
import { element, isolate, tools, write } from "./dom.js";
import { counted, percent, short, sides } from "./format.js";
import { setSize, shownSize, still } from "./image.js";
import { shapeAt } from "./network.js";
import { floatsOf } from "./unpacking.js";
import { nearestOf } from "./where_nearest.js";
import { WHERE } from "./where_text.js";
import { makeWhereWork } from "./where_work.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").State} State */
/** @typedef {import("./where_maps.js").Quick} Quick */
/** @typedef {import("./where_maps.js").Where} Where */

/** @typedef {{ layer: number, rows: number, columns: number, pixels: string, labels: number[], features: string,
 *   scales: string }} TrainingImages */
/** @typedef {{ data: string, split: string, images: number, verdicts: Record<string, string>, columns: string[],
 *   rows: string[][] }} Trust */
/** @typedef {{ layer: number, is_mean: boolean, straight: boolean, patch: number, trust: Trust | null,
 *   training: TrainingImages | null }} WhereData */

const ROOM_PX = 196;
const NEAR_PX = 64;
const NEAREST = 8;
const REST_MS = 120; // without change before anything is computed
const FAINT = 0.3; // how much of the image shows below a map

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {string} program of the worker
 * @returns {(state: State) => void}
 */
export function makeWhere(parent, network, program) {
  const { where } = network;
  if (!where) return () => (parent.hidden = true);
  const select = element(
    "select",
    {},
    element("option", { value: "", text: WHERE.predicted }),
    ...network.classes.map((name, index) => element("option", { value: index, text: name.slice(0, 60) })),
  );
  const said = element("p", { role: "status" });
  const panels = {
    image: panel(network, WHERE.image, ""),
    occlusion: panel(
      network,
      WHERE.occlusion.title,
      WHERE.occlusion.hint(where.patch),
      where.trust?.verdicts.occlusion,
    ),
    camera: panel(network, WHERE.camera.title, cameraHint(network), where.trust?.verdicts["grad-cam"]),
    pixels: panel(network, WHERE.pixels.title, WHERE.pixels.hint, where.trust?.verdicts.contributions),
  };
  const near = makeNearest(network);
  parent.append(
    element("p", { class: "hint", text: WHERE.intro }),
    tools(element("label", {}, `${WHERE.target} `, select)),
    said,
    element("div", { class: "where-maps" }, ...Object.values(panels).map((one) => one.element)),
    near.element,
    ...trustElements(where.trust),
  );
  /** @type {State | null} */
  let latest = null;
  /** @type {Quick | null} */
  let quick = null;
  /** @type {import("./where_maps.js").Occluded | null} */
  let occluded = null;
  const redraw = () => {
    if (!latest || !quick) return;
    panels.image.show(bitmapAddress(latest.pixels, sizeOf(network), network.channels), "");
    const draw = (
      /** @type {ReturnType<typeof panel>} */ one,
      /** @type {Where | null} */ map,
      /** @type {string} */ text,
    ) => latest && (map ? one.show(blended(latest, network, map), `${text} ${strongest(map)}`) : one.hide());
    draw(panels.camera, quick.camera, where.is_mean ? WHERE.camera.exact : "");
    draw(panels.pixels, quick.pixels, quick.pixels ? sumOf(quick, where.straight) : "");
    if (occluded) {
      const { values, largest, done } = occluded;
      const text = done ? WHERE.occlusion.said(short(Math.max(...values)), percent(largest)) : WHERE.working;
      draw(panels.occlusion, values, text);
    }
    said.replaceChildren(
      isolate(network.classes[quick.target], 60),
      WHERE.said(percent(quick.probability), short(quick.logit)),
    );
    near.draw(quick);
  };
  const ask = makeAsking(network, program, (reply) => {
    if (reply.quick) [quick, occluded] = [reply.quick, null];
    if (reply.occluded) occluded = reply.occluded;
    parent.setAttribute("aria-busy", String(!occluded?.done));
    redraw();
  });
  const request = whileSeen(
    parent,
    () => latest && ask(latest.pixels, select.value === "" ? null : Number(select.value)),
  );
  select.addEventListener("change", request);
  return (state) => {
    const before = latest;
    latest = state;
    parent.hidden = false;
    if (before?.pixels !== state.pixels) request();
    else if (before.palette !== state.palette) redraw();
  };
}

/** @param {Network} network */
function cameraHint(network) {
  const layer = network.where?.layer ?? 0;
  if (!layer) return "";
  const { rows, columns } = shapeAt(network, layer);
  return WHERE.camera.hint(network.layers[layer - 1].name, sides(rows, columns));
}

/** What pixels and biases add up to. @param {Quick} quick @param {boolean} straight */
function sumOf({ pixels, biases, logit }, straight) {
  const sum = (pixels ?? new Float32Array()).reduce((total, value) => total + value, 0);
  if (straight) return WHERE.pixels.sum(short(sum), short(biases), short(logit));
  return WHERE.pixels.open(short(sum), short(biases), short(logit - sum - biases));
}

/** @param {Where} map */
function strongest(map) {
  return `(${WHERE.strongest(short(largestSize(map)))})`;
}

/** @param {Network} network */
function sizeOf({ height, width }) {
  return { rows: height, columns: width };
}

/** A map in its colours over the image, faint and gray. @param {State} state @param {Network} network @param {Where} map */
function blended({ pixels, palette }, network, map) {
  const words = new Uint32Array(map.length);
  paint(palette, map, 0, map.length, largestSize(map), words);
  const bytes = new Uint8Array(words.buffer);
  const { channels } = network;
  const mixed = new Uint8Array(3 * map.length);
  for (let index = 0; index < map.length; index++) {
    let gray = 0;
    for (let channel = 0; channel < channels; channel++) gray += pixels[index * channels + channel] / channels;
    for (let colour = 0; colour < 3; colour++)
      mixed[3 * index + colour] = FAINT * gray + (1 - FAINT) * bytes[4 * index + colour];
  }
  return bitmapAddress(mixed, sizeOf(network), 3);
}

/**
 * One map with its words.
 * @param {Network} network
 * @param {string} title
 * @param {string} hint
 * @param {string} [verdict] how far it can be trusted
 */
function panel(network, title, hint, verdict) {
  const image = still(null, sizeOf(network), ROOM_PX);
  image.alt = title;
  const fact = element("p", { class: "caption" });
  const made = element(
    "figure",
    {},
    element("h3", { text: title }),
    image,
    fact,
    verdict ? element("p", { class: "verdict", text: verdict }) : null,
    hint ? element("p", { class: "hint", text: hint }) : null,
  );
  return {
    element: made,
    show(/** @type {string} */ address, /** @type {string} */ text) {
      made.hidden = false;
      image.src = address;
      write(fact, text);
    },
    hide: () => (made.hidden = true),
  };
}

/** How far the maps can be trusted. @param {Trust | null} trust @returns {HTMLElement[]} */
function trustElements(trust) {
  const title = element("h3", { text: WHERE.trust.title });
  if (!trust) return [title, element("p", { class: "hint", text: WHERE.trust.missing })];
  const where = `${trust.data} (${trust.split})`;
  const cells = (/** @type {string} */ kind, /** @type {string[]} */ texts) =>
    element(
      "tr",
      {},
      ...texts.map((text, at) => element(at ? kind : "th", { text, scope: kind === "th" ? "col" : at ? null : "row" })),
    );
  return [
    title,
    element("p", { class: "hint", text: WHERE.trust.measured(counted(trust.images, "image"), where) }),
    element(
      "div",
      { class: "wide", role: "region", tabindex: 0, "aria-label": WHERE.trust.title },
      element(
        "table",
        { class: "lines" },
        element("thead", {}, cells("th", trust.columns)),
        element("tbody", {}, ...trust.rows.map((row) => cells("td", row))),
      ),
    ),
  ];
}

/** The training images that are most alike. @param {Network} network */
function makeNearest(network) {
  const training = network.where?.training ?? null;
  const list = element("ol", { class: "where-nearest" });
  const vote = element("p", { class: "caption" });
  const verdict = network.where?.trust?.verdicts.nearest;
  if (!training) return { element: element("div", { hidden: true }), draw: () => {} };
  const count = training.labels.length;
  const layer = training.layer ? network.layers[training.layer - 1].name : WHERE.image;
  const pixels = bytesOf(training.pixels);
  const scales = floatsOf(training.scales, count);
  const wide = bytesOf(training.features).length / count;
  const rows = floatsOf(training.features, count * wide, "int8", scales);
  const size = { rows: training.rows, columns: training.columns };
  const length = training.rows * training.columns * network.channels;
  const card = (/** @type {{ index: number, distance: number }} */ { index, distance }) => {
    const address = bitmapAddress(pixels.subarray(index * length, (index + 1) * length), size, network.channels);
    const image = still(address, size, NEAR_PX);
    setSize(image, shownSize(size, NEAR_PX));
    return element(
      "li",
      {},
      image,
      isolate(network.classes[training.labels[index]], 16),
      element("span", { class: "hint", text: short(distance) }),
    );
  };
  return {
    element: element(
      "div",
      {},
      element("h3", { text: WHERE.nearest.title }),
      element("p", { class: "hint", text: WHERE.nearest.hint(count, layer) }),
      verdict ? element("p", { class: "verdict", text: verdict }) : null,
      list,
      vote,
    ),
    draw(/** @type {Quick} */ { features, target }) {
      const near = nearestOf(features, rows, NEAREST);
      list.replaceChildren(...near.map(card));
      const same = near.filter(({ index }) => training.labels[index] === target).length;
      write(vote, WHERE.nearest.vote(same, near.length));
    },
  };
}

/**
 * Asks a worker of its own, which starts with the first question; where there can be none, here.
 * @param {Network} network
 * @param {string} program
 * @param {(reply: import("./where_work.js").Reply) => void} notify of the newest question only
 * @returns {(pixels: State["pixels"], target: number | null) => void}
 */
function makeAsking(network, program, notify) {
  let turn = 0;
  /** @type {((question: import("./where_work.js").Question) => void) | null} */
  let send = null;
  const heard = (/** @type {import("./where_work.js").Reply} */ reply) => reply.turn === turn && notify(reply);
  return (pixels, target) => {
    turn += 1;
    send ??= makeSending(network, program, heard);
    send({ pixels, target, turn });
  };
}

/**
 * @param {Network} network
 * @param {string} program
 * @param {(reply: import("./where_work.js").Reply) => void} heard
 * @returns {(question: import("./where_work.js").Question) => void}
 */
function makeSending(network, program, heard) {
  const { images, units, evaluation, invariance, comparison, beside, ...explained } = network;
  const started = startWorker(program);
  if (!started) return makeWhereWork(network, heard);
  const { worker, forget } = started;
  /** @type {ReturnType<typeof makeWhereWork> | null} */
  let instead = null;
  /** @type {import("./where_work.js").Question | null} */
  let last = null;
  worker.addEventListener("message", forget, { once: true });
  worker.addEventListener("message", ({ data }) => heard(data));
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    forget();
    instead = makeWhereWork(network, heard);
    if (last) instead(last);
  });
  worker.postMessage({ explained });
  return (question) => {
    last = question;
    if (instead) instead(question);
    else worker.postMessage({ question });
  };
}

/**
 * The same, done when nothing has changed for a moment and the element is seen, or soon will be.
 * @param {HTMLElement} where
 * @param {() => void} act
 * @returns {() => void}
 */
function whileSeen(where, act) {
  let [seen, wanted, timer] = [false, false, 0];
  const later = () => {
    clearTimeout(timer);
    if (seen && wanted)
      timer = window.setTimeout(() => {
        wanted = false;
        act();
      }, REST_MS);
  };
  const observer = new IntersectionObserver(
    (entries) => {
      seen = entries[entries.length - 1].isIntersecting;
      later();
    },
    { rootMargin: "25%" },
  );
  observer.observe(where);
  return () => {
    wanted = true;
    later();
  };
}
