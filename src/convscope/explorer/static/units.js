// @ts-check
/** View 3: what the units respond to, a card for each. */
import { bitmapAddress } from "./bitmap.js";
import { button, element, isolate, signButton, tools } from "./dom.js";
import { MOST_INPUTS, filterOf, filtersOf } from "./filters.js";
import { counted, percent, points, short } from "./format.js";
import { still } from "./image.js";
import { belowOf, shapeAt } from "./network.js";
import { cutPatch, patchSize } from "./patches.js";
import { saveButtons, sheet } from "./saving.js";
import { makeStore } from "./store.js";
import { isOff } from "./switches.js";
import { TEXT } from "./text.js";
import { sight } from "./text_overview.js";
import { UNITS_TEXT } from "./text_units.js";
import { evidenceOf } from "./units_evidence.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./patches.js").Patch} Patch */
/** @typedef {import("./session.js").State} State */

/**
 * One unit, as Python measured it.
 * @typedef {object} Unit
 * @property {number} silent share of its values that are not above 0
 * @property {number} silent_images share of the images in which it is silent everywhere
 * @property {number} largest
 * @property {number[]} histogram
 * @property {number | null} selectivity
 * @property {[number, number][]} classes that it fires for most, and the one for which it fires least, with the mean
 * @property {Patch[]} top
 * @property {Ablation | null} ablation how accuracy changes without it
 */

/** A change of the accuracy with its interval, and images that become incorrect and correct.
 * @typedef {{ change: number, low: number, high: number, lost: number, gained: number }} Ablation */

/** Units of a layer, their mean selectivity, that of random weights, the accuracy of a linear classifier on its maps.
 * @typedef {{ layer: number, first_edge: number, bin_width: number, selectivity: number | null, random: number | null,
 *   probe: number | null, units: Unit[] }} LayerUnits */
/**
 * Patches from elsewhere have the name of their image, and are WebP.
 * @typedef {{ images: number, data: string, ablation_images: number, gabor: [number, number] | null,
 *   pixel_probe: number | null, probe_images: number, elsewhere: [string, string][],
 *   layers: LayerUnits[] }} Units
 */
/**
 * @typedef {{ go: Go, open: (image: number, position: Position)
 *   => void,
 *   toggle: (unit: import("./switches.js").Unit) => void }} Actions
 */

const CARDS = 12; // at once
const PATCH_PX = 84;

/** @type {Record<string, (unit: Unit) => number>} the largest first */
const ORDERS = {
  number: () => 0,
  selective: (unit) => unit.selectivity ?? -1,
  silent: (unit) => unit.silent,
  strong: (unit) => unit.largest,
  needed: (unit) => -(unit.ablation?.change ?? 1),
};

/** What is shown: units of which layer, in which order, and which page of them.
 * @typedef {{ layer: number, order: string, page: number }} Choice */

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {Actions} actions
 * @returns {(state: State) => void}
 */
export function makeUnits(parent, network, actions) {
  const { units } = network;
  const numbered = network.layers.map((layer, index) => ({ layer, number: index + 1 }));
  const withUnits = numbered.slice(0, -1).filter(({ layer }) => layer.kind !== "pooling");
  const store = makeStore(/** @type {Choice} */ ({ layer: withUnits[0]?.number ?? 0, order: "number", page: 0 }));
  /** @type {State | null} */
  let latest = null;
  /** @type {((state: State) => void)[]} */
  let switches = [];
  let drawnFor = /** @type {Choice | null} */ (null);
  const turn = (/** @type {number} */ by) => store.set({ page: store.get().page + by });
  const pager = {
    before: signButton("‹", UNITS_TEXT.before, () => turn(-1)),
    after: signButton("›", UNITS_TEXT.after, () => turn(1)),
    shown: element("span", { class: "hint", role: "status" }),
  };
  const filters = element("span");
  const about = element("p", { class: "hint" });
  const list = element("ol", { class: "cards", "aria-label": UNITS_TEXT.title });
  const selects = choiceSelects(units ?? null, withUnits, (change) => store.set({ ...change, page: 0 }));
  parent.append(
    introduction(units ?? null),
    ...(units ? [evidenceOf(network, units)] : []),
    tools(...selects, pager.before, pager.shown, pager.after, filters),
    about,
    list,
  );
  const redraw = () => {
    if (!latest || !withUnits.length) return;
    const state = latest;
    drawnFor = store.get();
    const { layer: number } = drawnFor;
    const records = units?.layers.find((one) => one.layer === number) ?? null;
    const shown = pageOf(unitsInOrder(network, drawnFor, records), drawnFor, pager);
    const field = sight(network.layers[number - 1], network.height, network.width);
    about.textContent = `${field} ${fieldFraction(network, number)}`;
    const cards = shown.map((unit) => card(network, number, unit, records, state.palette, actions));
    switches = cards.map((made) => made.turn);
    filters.replaceChildren(...savedFilters(network, number, state.palette));
    list.replaceChildren(...cards.map((made) => made.element));
    for (const show of switches) show(state);
  };
  store.subscribe(redraw);
  return (state) => {
    const before = latest;
    latest = state;
    parent.hidden = withUnits.length === 0;
    if (before?.palette.css(1) !== state.palette.css(1) || drawnFor !== store.get()) redraw();
    else if (before.off !== state.off) for (const show of switches) show(state);
  };
}

/** What was measured, and on what. @param {Units | null} units @returns {HTMLElement} */
function introduction(units) {
  if (!units) return element("p", { class: "hint" }, UNITS_TEXT.onlyFilters, " ");
  const ablation = units.ablation_images
    ? ` ${UNITS_TEXT.ablationMeasured(counted(units.ablation_images, "image"))}`
    : "";
  const data = units.data ? isolate(units.data) : UNITS_TEXT.thisPage;
  const measured = UNITS_TEXT.measured(counted(units.images, "image"));
  const where = element("span", {}, UNITS_TEXT.of, data, `.${ablation}`);
  return element("p", { class: "hint" }, UNITS_TEXT.intro, " ", measured, where);
}

/**
 * The layer and the order, to choose from.
 * @param {Units | null} units
 * @param {{ layer: import("./network.js").Layer, number: number }[]} withUnits
 * @param {(change: Partial<Choice>) => void} choose
 */
function choiceSelects(units, withUnits, choose) {
  const select = (
    /** @type {string} */ name,
    /** @type {[string, string][]} */ options,
    /** @type {(value: string) => void} */ take,
  ) => {
    const children = options.map(([value, text]) => element("option", { value, text }));
    const made = element("select", { "aria-label": name }, ...children);
    made.addEventListener("change", () => take(made.value));
    return element("label", {}, `${name} `, made);
  };
  const layers = withUnits.map(
    ({ layer, number }) => /** @type {[string, string]} */ ([String(number), `${number}: ${layer.name}`]),
  );
  const orders = Object.entries(UNITS_TEXT.orders).filter(([name]) => name !== "needed" || units?.ablation_images);
  return [
    select(UNITS_TEXT.layer, layers, (value) => choose({ layer: Number(value) })),
    units ? select(UNITS_TEXT.order, orders, (order) => choose({ order })) : null,
  ];
}

/** @param {Network} network @param {Choice} choice @param {LayerUnits | null} records @returns {number[]} */
function unitsInOrder(network, { layer, order }, records) {
  const indices = Array.from({ length: network.layers[layer - 1].maps }, (_, unit) => unit);
  const value = (/** @type {number} */ unit) => (records ? ORDERS[order](records.units[unit]) : 0);
  return indices.sort((a, b) => value(b) - value(a) || a - b);
}

/**
 * The units of a page; the pager shows which they are.
 * @param {number[]} indices
 * @param {Choice} choice
 * @param {{ before: HTMLButtonElement, after: HTMLButtonElement, shown: HTMLElement }} pager
 */
function pageOf(indices, { page }, { before, after, shown }) {
  const pages = Math.ceil(indices.length / CARDS);
  const here = indices.slice(page * CARDS, (page + 1) * CARDS);
  before.disabled = page === 0;
  after.disabled = page === pages - 1;
  before.hidden = after.hidden = pages === 1;
  shown.textContent = UNITS_TEXT.some(page * CARDS + 1, page * CARDS + here.length, counted(indices.length, "unit"));
  return here;
}

/** @param {Network} network @param {number} number @returns {string} */
function fieldFraction(network, number) {
  const [down, across] = network.layers[number - 1].field;
  const share =
    (Math.min(down.size, network.height) * Math.min(across.size, network.width)) / (network.height * network.width);
  return share === 1 ? "" : UNITS_TEXT.fraction(percent(share));
}

/**
 * @param {Network} network
 * @param {number} number of the layer
 * @param {number} unit
 * @param {LayerUnits | null} records
 * @param {import("./colors.js").Palette} palette
 * @param {Actions} actions
 * @returns {{ element: HTMLElement, turn: (state: State) => void }}
 */
function card(network, number, unit, records, palette, actions) {
  const record = records?.units[unit] ?? null;
  const name = UNITS_TEXT.unit(unit + 1);
  const button = element("button", {
    type: "button",
    class: "switch",
    onclick: () => actions.toggle({ layer: number, unit }),
  });
  const made = element(
    "li",
    { class: "card" },
    element(
      "div",
      { class: "card-head" },
      element(
        "h3",
        {},
        element("button", {
          type: "button",
          class: "link",
          text: name,
          title: UNITS_TEXT.goTo,
          onclick: () => actions.go({ layer: number, unit }),
        }),
      ),
      button,
    ),
    record?.ablation ? ablationOf(network, record.ablation) : null,
    ...captioned(weightsCaption(network, number), filterOf(network, number, unit, palette)),
    ...(record && records
      ? [
          ...patchNodes(network, number, unit, record, actions),
          ...captioned(UNITS_TEXT.histogramCaption, histogram(record, records)),
          ...facts(network, record, network.layers[number - 1], records),
        ]
      : []),
  );
  return {
    element: made,
    turn(state) {
      const off = isOff(state.off, { layer: number, unit });
      button.textContent = off ? TEXT.turnOn : TEXT.turnOff;
      button.setAttribute("aria-label", `${off ? TEXT.turnOn : TEXT.turnOff}: ${name}`);
      made.classList.toggle("off", off);
    },
  };
}

/**
 * What is drawn, under its caption; nothing where nothing is.
 * @param {string} caption
 * @param {HTMLElement | null} drawn
 */
function captioned(caption, drawn) {
  return drawn ? [element("p", { class: "caption", text: caption }), drawn] : [];
}

/** What the weights that are drawn are of. @param {Network} network @param {number} number of the layer */
function weightsCaption(network, number) {
  const seen = shapeAt(network, belowOf(network, number)).maps / network.layers[number - 1].groups;
  const onImage = belowOf(network, number) === 0;
  return seen > MOST_INPUTS ? UNITS_TEXT.someWeights(MOST_INPUTS, seen) : UNITS_TEXT.weights(onImage ? 1 : seen);
}

/**
 * Buttons that save the weights of all units of a layer.
 * @param {Network} network
 * @param {number} number
 * @param {import("./colors.js").Palette} palette
 * @returns {HTMLElement[]}
 */
function savedFilters(network, number, palette) {
  const tiles = () =>
    Array.from({ length: network.layers[number - 1].maps }, (_, unit) =>
      filtersOf(network, number, unit, palette),
    ).flatMap((filters, unit) => filters.map(({ canvas }, part) => ({ canvas, label: part ? "" : String(unit + 1) })));
  if (!filtersOf(network, number, 0, palette).length) return [];
  const name = UNITS_TEXT.filtersOf(network.layers[number - 1].name);
  return [saveButtons(name, () => sheet(name, tiles()), UNITS_TEXT.saveFilters)];
}

/**
 * How accuracy changes without a unit.
 * @param {Network} network
 * @param {Ablation} ablation
 * @returns {HTMLElement}
 */
export function ablationOf(network, { change, low, high, lost, gained }) {
  const images = network.units?.ablation_images ?? 0;
  const [least, most] = [points(low), points(high)];
  const without =
    low <= 0 && high >= 0 ? UNITS_TEXT.noDifference(least, most) : UNITS_TEXT.without(points(change), least, most);
  return element("p", { class: "fact ablation", text: `${without}; ${UNITS_TEXT.changed(lost, gained, images)}` });
}

/**
 * The record of a unit, where there is one.
 * @param {Network} network
 * @param {{ layer: number, unit: number }} which
 * @returns {Unit | null}
 */
export function unitRecord(network, which) {
  return network.units?.layers.find((one) => one.layer === which.layer)?.units[which.unit] ?? null;
}

/**
 * @param {Network} network
 * @param {number} number
 * @param {number} unit
 * @param {Unit} record
 * @param {Actions} actions
 * @returns {HTMLElement[]}
 */
function patchNodes(network, number, unit, record, actions) {
  const layer = network.layers[number - 1];
  if (!record.top.length) return [element("p", { class: "hint", text: UNITS_TEXT.never })];
  const size = patchSize(network, layer);
  const patches = record.top.map((patch) => {
    const [image, row, column, value] = patch;
    const away = image < 0 ? network.units?.elsewhere[-1 - image] : null;
    const title = `${away ? away[0] : network.images[image].name}: ${short(value)}`;
    if (away) {
      const shown = still(`data:image/webp;base64,${away[1]}`, size, PATCH_PX);
      return element("span", { class: "patch", role: "img", "aria-label": title, title }, shown);
    }
    const { pixels } = cutPatch(network, layer, patch);
    const shown = still(bitmapAddress(pixels, size, network.channels), size, PATCH_PX);
    const onclick = () => actions.open(image, { layer: number, unit, row, column });
    const name = `${UNITS_TEXT.open} ${title}`;
    return element("button", { type: "button", class: "patch", title, "aria-label": name, onclick }, shown);
  });
  const here = record.top.filter(([image]) => image >= 0).length;
  return [
    element("p", { class: "caption", text: UNITS_TEXT.patches(patches.length, here) }),
    element("div", { class: "patches", role: "group", "aria-label": UNITS_TEXT.top }, ...patches),
  ];
}

/** @param {Unit} record @param {LayerUnits} records @returns {HTMLElement} */
function histogram(record, records) {
  const fullest = Math.max(1, ...record.histogram);
  const bars = record.histogram.map((count) => {
    const bar = element("span", { class: "column" });
    bar.style.height = `${(100 * count) / fullest}%`;
    return bar;
  });
  const [low, high] = [records.first_edge, records.first_edge + records.bin_width * record.histogram.length];
  const name = UNITS_TEXT.histogram(short(low), short(high), short(record.largest));
  return element(
    "div",
    { class: "histogram" },
    element("span", { class: "columns", role: "img", "aria-label": name, title: name }, ...bars),
    element("span", { class: "ends" }, element("span", { text: short(low) }), element("span", { text: short(high) })),
  );
}

/**
 * @param {Network} network
 * @param {Unit} record
 * @param {import("./network.js").Layer} layer
 * @param {LayerUnits} records
 * @returns {HTMLElement[]}
 */
function facts(network, record, layer, { random }) {
  const single = layer.rows * layer.columns === 1;
  const often = single
    ? UNITS_TEXT.silentImages(percent(record.silent_images))
    : UNITS_TEXT.silent(percent(record.silent), percent(record.silent_images));
  const silent = element("p", { class: "fact", text: often });
  if (!record.classes.length) return [silent];
  const strongest = record.classes[0][1];
  const bars = record.classes.map(([label, mean]) => {
    const bar = element("span", { class: "bar" });
    bar.style.width = `${(100 * mean) / strongest}%`;
    return element(
      "li",
      { class: "fires" },
      element("span", { class: "class" }, isolate(network.classes[label], 14)),
      element("span", { class: "track" }, bar),
      element("span", { class: "value", text: short(mean) }),
    );
  });
  const { selectivity } = record;
  const how =
    selectivity === null ? "" : ` ${UNITS_TEXT.selects(short(selectivity), random === null ? "" : short(random))}`;
  return [
    element("p", { class: "caption", text: UNITS_TEXT.firesFor }),
    element("ul", { class: "firing" }, ...bars),
    ...(how ? [element("p", { class: "fact", text: how })] : []),
    silent,
  ];
}
