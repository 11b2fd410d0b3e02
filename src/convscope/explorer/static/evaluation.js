// @ts-check
/** View: the accuracy of the network, and the cost of its layers. */
import { chart } from "./curves.js";
import { element, isolate, wide } from "./dom.js";
import { counted, grouped, inBytes, percent, percentIn, sides } from "./format.js";
import { shapeAt } from "./network.js";
import { saved } from "./saving.js";
import { EVALUATION } from "./text_records.js";

/** @typedef {import("./network.js").Network} Network */

/** @typedef {{ truth: number, predicted: number, count: number }} Cell */
/**
 * @typedef {{ epoch: number, loss: number | null, accuracy: number | null, validation_loss: number | null,
 *   validation_accuracy: number | null }} Epoch
 */
/**
 * @typedef {{ split: string, images: number, correct: number, interval: [number, number], cells: Cell[], epochs:
 *   Epoch[] }} Evaluation
 */

const MOST_IN_MATRIX = 20; // of the matrix
const BYTES = 4; // of a value

/**
 * @param {HTMLElement} parent
 * @param {Network} network
 * @param {(truth: number, predicted: number) => void} openCell shows the images of a cell
 */
export function makeEvaluation(parent, network, openCell) {
  const { evaluation } = network;
  if (evaluation)
    parent.append(
      accuracy(evaluation),
      ...curvesOf(evaluation),
      element("h3", { text: EVALUATION.confusion }),
      ...confusionTable(network, evaluation, openCell),
    );
  parent.append(element("h3", { text: EVALUATION.cost }), costs(network));
}

/** @param {Evaluation} evaluation @returns {HTMLElement} */
function accuracy(evaluation) {
  const [low, high] = evaluation.interval;
  const evaluated = EVALUATION.evaluated(
    counted(evaluation.images, "image"),
    EVALUATION.splits[/** @type {keyof typeof EVALUATION.splits} */ (evaluation.split)] ?? evaluation.split,
  );
  return element(
    "p",
    {},
    element("strong", { class: "accuracy", text: percent(evaluation.correct / evaluation.images) }),
    ` ${evaluated} ${EVALUATION.interval(percent(low), percent(high))}`,
  );
}

/** @param {Evaluation} evaluation @returns {HTMLElement[]} */
function curvesOf(evaluation) {
  if (evaluation.epochs.length < 2) return []; // one point is no curve
  const line = (
    /** @type {string} */ name,
    /** @type {"first" | "second"} */ kind,
    /** @type {(epoch: Epoch) => number | null} */ of,
  ) => {
    const points = evaluation.epochs.flatMap((epoch) => {
      const value = of(epoch);
      return value === null ? [] : [/** @type {[number, number]} */ ([epoch.epoch, value])];
    });
    return { name, kind, points };
  };
  const loss = [
    line(EVALUATION.training, "first", (epoch) => epoch.loss),
    line(EVALUATION.validation, "second", (epoch) => epoch.validation_loss),
  ].filter((one) => one.points.length);
  const right = [
    line(EVALUATION.training, "first", (epoch) => epoch.accuracy),
    line(EVALUATION.validation, "second", (epoch) => epoch.validation_accuracy),
  ].filter((one) => one.points.length);
  const charts = [
    ...(right.length
      ? [
          saved(
            EVALUATION.accuracy,
            chart(EVALUATION.accuracy, right, {
              text: (value) => percentIn(value, 4),
              across: EVALUATION.epoch,
            }),
          ),
        ]
      : []),
    ...(loss.length ? [saved(EVALUATION.loss, chart(EVALUATION.loss, loss, { across: EVALUATION.epoch }))] : []),
  ];
  return charts.length ? [element("div", { class: "charts" }, ...charts)] : [];
}

/**
 * The classes that the matrix shows: all, or those most often confused.
 * @param {Network} network
 * @param {Evaluation} evaluation
 * @returns {number[]}
 */
export function shownClasses(network, evaluation) {
  const indices = network.classes.map((_, index) => index);
  if (indices.length <= MOST_IN_MATRIX) return indices;
  const wrong = indices.map(() => 0);
  for (const { truth, predicted, count } of evaluation.cells) {
    if (truth === predicted) continue;
    wrong[truth] += count;
    wrong[predicted] += count;
  }
  return indices
    .sort((a, b) => wrong[b] - wrong[a] || a - b)
    .slice(0, MOST_IN_MATRIX)
    .sort((a, b) => a - b);
}

/**
 * @param {Network} network
 * @param {Evaluation} evaluation
 * @param {(truth: number, predicted: number) => void} openCell
 * @returns {HTMLElement[]}
 */
function confusionTable(network, evaluation, openCell) {
  const shown = shownClasses(network, evaluation);
  const cells = new Map(evaluation.cells.map((cell) => [`${cell.truth}/${cell.predicted}`, cell]));
  const totals = network.classes.map(() => 0);
  for (const { truth, count } of evaluation.cells) totals[truth] += count;
  const heading = (/** @type {number} */ index, /** @type {string} */ scope) =>
    element("th", { scope }, element("span", {}, isolate(network.classes[index], 16)));
  const cellOf = (/** @type {number} */ truth, /** @type {number} */ predicted) => {
    const cell = cells.get(`${truth}/${predicted}`);
    if (!cell) return element("td");
    const part = Math.sqrt(cell.count / totals[truth]);
    const here = network.images.filter((image) => image.truth === truth && image.predicted === predicted).length;
    const name =
      `${EVALUATION.cell(counted(cell.count, "image"), network.classes[truth], network.classes[predicted])} ` +
      `${here ? EVALUATION.inPage(here) : EVALUATION.notInPage}`;
    const content = here
      ? element("button", {
          type: "button",
          "aria-label": name,
          title: name,
          text: grouped(cell.count),
          onclick: () => openCell(truth, predicted),
        })
      : element("span", { title: name, text: grouped(cell.count) });
    const made = element("td", { class: truth === predicted ? "right" : "wrong" }, content);
    made.style.setProperty("--part", `${Math.round(12 + 48 * part)}%`);
    return made;
  };
  const head = element(
    "tr",
    {},
    element("th", { class: "corner", text: EVALUATION.corner }),
    ...shown.map((index) => heading(index, "col")),
  );
  const rows = shown.map((truth) =>
    element("tr", {}, heading(truth, "row"), ...shown.map((predicted) => cellOf(truth, predicted))),
  );
  const upright = shown.some((index) => network.classes[index].length > 3);
  const table = element(
    "table",
    { class: upright ? "confusion upright" : "confusion" },
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
  const some = shown.length < network.classes.length ? ` ${EVALUATION.some(shown.length, network.classes.length)}` : "";
  return [element("p", { class: "hint", text: EVALUATION.confusionHint + some }), wide(EVALUATION.confusion, table)];
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
      ...cells.map((text, index) =>
        element(head || !index ? "th" : "td", { scope: head ? "col" : index ? null : "row", text }),
      ),
    );
  const sum = (/** @type {"parameters" | "macs" | "training"} */ key) =>
    rows.reduce((total, row) => total + row[key], 0);
  const image = BYTES * network.height * network.width * network.channels;
  const total = line([
    EVALUATION.total,
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
    element("thead", {}, line(EVALUATION.costs, true)),
    element("tbody", {}, ...body),
    element("tfoot", {}, total),
  );
  return element(
    "div",
    {},
    element("p", { class: "hint", text: EVALUATION.costHint }),
    wide(EVALUATION.cost, table, "wide tall"),
  );
}
