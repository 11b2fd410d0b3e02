// @ts-check
/** View 4: how good the network is, and what its layers cost. */
import { chart } from "./curves.js";
import { element, foreign } from "./dom.js";
import { counted, grouped, inBytes, percent, percentIn, sides } from "./format.js";
import { shapeAt } from "./network.js";
import { saved } from "./saving.js";
import { GOOD_TEXT } from "./text.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {{ truth: number, answer: number, count: number }} Cell */
/**
 * @typedef {{ epoch: number, loss: number | null, accuracy: number | null, held_out_loss: number | null,
 *   held_out_accuracy: number | null }} Epoch
 */
/**
 * @typedef {{ split: string, images: number, correct: number, interval: [number, number], cells: Cell[], epochs:
 *   Epoch[] }} Good
 */

const MOST_IN_MATRIX = 20; // of the matrix
const BYTES = 4; // of a value

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {(truth: number, answer: number) => void} openCell shows the images of a cell
 */
export function makeGood(parent, network, openCell) {
  const { good } = network;
  if (good)
    parent.append(
      accuracy(good),
      ...curvesOf(good),
      element("h3", { text: GOOD_TEXT.confusion }),
      ...confusionTable(network, good, openCell),
    );
  parent.append(element("h3", { text: GOOD_TEXT.cost }), costs(network));
}

/** @param {Good} good @returns {HTMLElement} */
function accuracy(good) {
  const [low, high] = good.interval;
  const evaluated = GOOD_TEXT.evaluated(
    counted(good.images, "image"),
    GOOD_TEXT.splits[/** @type {keyof typeof GOOD_TEXT.splits} */ (good.split)] ?? good.split,
  );
  return element(
    "p",
    {},
    element("strong", { class: "accuracy", text: percent(good.correct / good.images) }),
    ` ${evaluated} ${GOOD_TEXT.interval(percent(low), percent(high))}`,
  );
}

/** @param {Good} good @returns {HTMLElement[]} */
function curvesOf(good) {
  const line = (
    /** @type {string} */ name,
    /** @type {"first" | "second"} */ kind,
    /** @type {(epoch: Epoch) => number | null} */ of,
  ) => {
    const points = good.epochs.flatMap((epoch) => {
      const value = of(epoch);
      return value === null ? [] : [/** @type {[number, number]} */ ([epoch.epoch, value])];
    });
    return { name, kind, points };
  };
  const loss = [
    line(GOOD_TEXT.training, "first", (epoch) => epoch.loss),
    line(GOOD_TEXT.heldOut, "second", (epoch) => epoch.held_out_loss),
  ].filter((one) => one.points.length);
  const right = [
    line(GOOD_TEXT.training, "first", (epoch) => epoch.accuracy),
    line(GOOD_TEXT.heldOut, "second", (epoch) => epoch.held_out_accuracy),
  ].filter((one) => one.points.length);
  const charts = [
    ...(right.length
      ? [
          saved(
            GOOD_TEXT.accuracy,
            chart(GOOD_TEXT.accuracy, right, {
              text: (value) => percentIn(value, 4),
              across: GOOD_TEXT.epoch,
            }),
          ),
        ]
      : []),
    ...(loss.length ? [saved(GOOD_TEXT.loss, chart(GOOD_TEXT.loss, loss, { across: GOOD_TEXT.epoch }))] : []),
  ];
  return charts.length ? [element("div", { class: "charts" }, ...charts)] : [];
}

/**
 * The classes that the matrix shows: all, or those most often confused.
 * @param {Network} network
 * @param {Good} good
 * @returns {number[]}
 */
export function shownClasses(network, good) {
  const places = network.classes.map((_, place) => place);
  if (places.length <= MOST_IN_MATRIX) return places;
  const wrong = places.map(() => 0);
  for (const { truth, answer, count } of good.cells) {
    if (truth === answer) continue;
    wrong[truth] += count;
    wrong[answer] += count;
  }
  return places
    .sort((a, b) => wrong[b] - wrong[a] || a - b)
    .slice(0, MOST_IN_MATRIX)
    .sort((a, b) => a - b);
}

/**
 * @param {Network} network
 * @param {Good} good
 * @param {(truth: number, answer: number) => void} openCell
 * @returns {HTMLElement[]}
 */
function confusionTable(network, good, openCell) {
  const shown = shownClasses(network, good);
  const cells = new Map(good.cells.map((cell) => [`${cell.truth}/${cell.answer}`, cell]));
  const totals = network.classes.map(() => 0);
  for (const { truth, count } of good.cells) totals[truth] += count;
  const heading = (/** @type {number} */ place, /** @type {string} */ scope) =>
    element("th", { scope }, element("span", {}, foreign(network.classes[place], 16)));
  const cellOf = (/** @type {number} */ truth, /** @type {number} */ answer) => {
    const cell = cells.get(`${truth}/${answer}`);
    if (!cell) return element("td");
    const part = Math.sqrt(cell.count / totals[truth]);
    const here = network.images.filter((image) => image.truth === truth && image.answer === answer).length;
    const name =
      `${GOOD_TEXT.cell(counted(cell.count, "image"), network.classes[truth], network.classes[answer])} ` +
      `${here ? GOOD_TEXT.inPage(here) : GOOD_TEXT.notInPage}`;
    const content = here
      ? element("button", {
          type: "button",
          "aria-label": name,
          title: name,
          text: String(cell.count),
          onclick: () => openCell(truth, answer),
        })
      : element("span", { title: name, text: String(cell.count) });
    const made = element("td", { class: truth === answer ? "right" : "wrong" }, content);
    made.style.setProperty("--part", `${Math.round(12 + 48 * part)}%`);
    return made;
  };
  const head = element(
    "tr",
    {},
    element("th", { class: "corner", text: GOOD_TEXT.corner }),
    ...shown.map((place) => heading(place, "col")),
  );
  const rows = shown.map((truth) =>
    element("tr", {}, heading(truth, "row"), ...shown.map((answer) => cellOf(truth, answer))),
  );
  const upright = shown.some((place) => network.classes[place].length > 3);
  const table = element(
    "table",
    { class: upright ? "confusion upright" : "confusion" },
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
  const some = shown.length < network.classes.length ? ` ${GOOD_TEXT.some(shown.length, network.classes.length)}` : "";
  return [
    element("p", { class: "hint", text: GOOD_TEXT.confusionHint + some }),
    element("div", { class: "wide", role: "region", tabindex: 0, "aria-label": GOOD_TEXT.confusion }, table),
  ];
}

/**
 * What the layers cost for one image: training keeps all maps, predicting those that go in and those that come out.
 * @param {Network} network
 * @returns {{ name: string, parameters: number, macs: number, training: number, predicting: number, field: string }[]}
 */
export function costOfLayers(network) {
  const values = (/** @type {number} */ layer) => {
    const shape = shapeAt(network, layer);
    return shape.maps * shape.rows * shape.columns;
  };
  return network.layers.map((layer, index) => ({
    name: layer.name,
    parameters: layer.parameters,
    macs: layer.macs,
    training: BYTES * values(index + 1),
    predicting: BYTES * (values(index) + values(index + 1)),
    field: sides(Math.min(layer.field[0].size, network.height), Math.min(layer.field[1].size, network.width)),
  }));
}

/** @param {Network} network @returns {HTMLElement} */
function costs(network) {
  const rows = costOfLayers(network);
  const line = (/** @type {string[]} */ cells, head = false) =>
    element(
      "tr",
      {},
      ...cells.map((text, place) =>
        element(head || !place ? "th" : "td", { scope: head ? "col" : place ? null : "row", text }),
      ),
    );
  const sum = (/** @type {"parameters" | "macs" | "training"} */ key) =>
    rows.reduce((total, row) => total + row[key], 0);
  const image = BYTES * network.height * network.width * network.channels;
  const total = line([
    GOOD_TEXT.total,
    grouped(sum("parameters")),
    grouped(sum("macs")),
    inBytes(image + sum("training")),
    inBytes(Math.max(...rows.map((row) => row.predicting))),
    "",
  ]);
  const body = rows.map((row) =>
    line([
      row.name,
      grouped(row.parameters),
      grouped(row.macs),
      inBytes(row.training),
      inBytes(row.predicting),
      row.field,
    ]),
  );
  const table = element(
    "table",
    { class: "lines" },
    element("thead", {}, line(GOOD_TEXT.costs, true)),
    element("tbody", {}, ...body),
    element("tfoot", {}, total),
  );
  return element(
    "div",
    {},
    element("p", { class: "hint", text: GOOD_TEXT.costHint }),
    element("div", { class: "wide", role: "region", tabindex: 0, "aria-label": GOOD_TEXT.cost }, table),
  );
}
