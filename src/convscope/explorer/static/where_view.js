// @ts-check
/** View: where the network looked, for any class, and which training images it finds alike. */
import { bitmapAddress } from "./bitmap.js";
import { largestSize, paint } from "./colors.js";
import { element, isolate, tools, wide, write } from "./dom.js";
import { counted, percent, short, sides } from "./format.js";
import { still } from "./image.js";
import { shapeAt } from "./network.js";
import { makeAsking, whileSeen } from "./where_asking.js";
import { makeNearest } from "./where_nearest.js";
import { WHERE } from "./text_where.js";

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

const WHERE_PX = 196;
const BEHIND = 0.2; // how much of the image shows below a map

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {string} program of the worker
 * @returns {(state: State) => void}
 */
export function makeWhere(parent, network, program) {
  const { where } = network;
  if (!where) return () => (parent.hidden = true);
  const select = chooseClass(network);
  const said = element("p", { role: "status" });
  const panels = makePanels(network, where);
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
    panels.image.show(bitmapAddress(latest.pixels, imageSize(network), network.channels), "");
    const draw = drawerOf(latest, network);
    draw(panels.camera, quick.camera, cameraText(where, quick));
    draw(panels.pixels, quick.pixels, quick.pixels ? partsIn(quick, where.straight) : "");
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
    if (before?.pixels !== state.pixels) {
      quick = occluded = null;
      return request();
    }
    if (occluded?.done) parent.setAttribute("aria-busy", "false"); // it is still the answer, and is printed
    if (before.palette !== state.palette) redraw();
  };
}

/** Shows a map in its panel, where there is one. @param {State} state @param {Network} network */
function drawerOf(state, network) {
  return (/** @type {ReturnType<typeof panel>} */ one, /** @type {Where | null} */ map, /** @type {string} */ text) =>
    map ? one.show(blended(state, network, map), `${text} ${strongestIn(map)}`) : one.hide();
}

/** @param {Network} network */
function chooseClass({ classes }) {
  const names = classes.map((name, index) => element("option", { value: index, text: name.slice(0, 60) }));
  return element("select", {}, element("option", { value: "", text: WHERE.predicted }), ...names);
}

/** @param {Network} network @param {NonNullable<Network["where"]>} where */
function makePanels(network, { patch, trust }) {
  const { occlusion, camera, pixels } = WHERE;
  return {
    image: panel(network, WHERE.image, ""),
    occlusion: panel(network, occlusion.title, occlusion.hint(patch), trust?.verdicts.occlusion),
    pixels: panel(network, pixels.title, pixels.hint, trust?.verdicts.contributions),
    camera: panel(network, camera.title, cameraHint(network), trust?.verdicts["grad-cam"]),
  };
}

/** @param {Network} network */
function cameraHint(network) {
  const layer = network.where?.layer ?? 0;
  if (!layer) return "";
  const { rows, columns } = shapeAt(network, layer);
  return WHERE.camera.hint(network.layers[layer - 1].name, sides(rows, columns));
}

/** What is to know of Grad-CAM here. @param {WhereData} where @param {Quick} quick */
function cameraText({ is_mean: isMean }, { camera, probability }) {
  if (isMean) return WHERE.camera.exact;
  const sum = camera?.reduce((total, value) => total + value, 0) ?? 0;
  return probability > 0.5 && sum < 0 ? WHERE.camera.against : "";
}

/** What pixels and biases add up to. @param {Quick} quick @param {boolean} straight */
function partsIn({ pixels, biases, logit }, straight) {
  const sum = (pixels ?? new Float32Array()).reduce((total, value) => total + value, 0);
  if (straight) return WHERE.pixels.sum(short(sum), short(biases), short(logit));
  return WHERE.pixels.open(short(sum), short(biases), short(logit - sum - biases));
}

/** @param {Where} map */
function strongestIn(map) {
  return `(${WHERE.strongest(short(largestSize(map)))})`;
}

/** @param {Network} network */
function imageSize({ height, width }) {
  return { rows: height, columns: width };
}

/**
 * A map in its colors over the image, faint and gray.
 * @param {State} state
 * @param {Network} network
 * @param {Where} map
 */
function blended({ pixels, palette }, network, map) {
  const words = new Uint32Array(map.length);
  paint(palette, map, 0, map.length, largestSize(map), words);
  const bytes = new Uint8Array(words.buffer);
  const { channels } = network;
  const mixed = new Uint8Array(3 * map.length);
  for (let index = 0; index < map.length; index++) {
    let gray = 0;
    for (let channel = 0; channel < channels; channel++) gray += pixels[index * channels + channel] / channels;
    for (let color = 0; color < 3; color++)
      mixed[3 * index + color] = BEHIND * gray + (1 - BEHIND) * bytes[4 * index + color];
  }
  return bitmapAddress(mixed, imageSize(network), 3);
}

/**
 * One map with its words.
 * @param {Network} network
 * @param {string} title
 * @param {string} hint
 * @param {string} [verdict] how far it can be trusted
 */
function panel(network, title, hint, verdict) {
  const image = still(null, imageSize(network), WHERE_PX);
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
    wide(
      WHERE.trust.title,
      element(
        "table",
        { class: "lines" },
        element("thead", {}, cells("th", trust.columns)),
        element("tbody", {}, ...trust.rows.map((row) => cells("td", row))),
      ),
    ),
  ];
}
