// @ts-check
/** From strokes to classes: selectivity, Gabor waves and linear classifiers, layer by layer, as they were measured. */
import { element, wide } from "./dom.js";
import { counted, percent, short, sides, wholePercent } from "./format.js";
import { EVIDENCE } from "./text_units.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./units.js").Units} Units */

/**
 * @param {Network} network
 * @param {Units} units
 * @returns {HTMLElement}
 */
export function evidenceOf(network, units) {
  const { gabor, pixel_probe: pixels } = units;
  const probes = [pixels, ...units.layers.map(({ probe }) => probe)].flatMap((probe) =>
    probe === null ? [] : [probe],
  );
  const sentences = [
    EVIDENCE.about,
    ...(gabor ? [EVIDENCE.strokes(wholePercent(gabor[0]), wholePercent(gabor[1]))] : []),
    ...(probes.length > 1
      ? [EVIDENCE.probes(probes.map(percent).join(" → "), counted(units.probe_images, "image"))]
      : []),
  ];
  return element(
    "div",
    { class: "evidence" },
    element("h3", { text: EVIDENCE.title }),
    ...sentences.map((text) => element("p", { text })),
    ...tableOf(network, units),
  );
}

/**
 * @param {Network} network
 * @param {Units} units
 * @returns {HTMLElement[]} none where nothing was measured of the layers
 */
function tableOf(network, { layers, pixel_probe: pixels }) {
  const known = [
    layers.some(({ selectivity }) => selectivity !== null),
    layers.some(({ random }) => random !== null),
    layers.some(({ probe }) => probe !== null),
  ];
  if (!known.some(Boolean)) return [];
  const or = (/** @type {number | null} */ value, /** @type {(value: number) => string} */ text) =>
    value === null ? "–" : text(value);
  const rows = layers.map(({ layer, selectivity, random, probe }) => {
    const { name, field } = network.layers[layer - 1];
    const seen = sides(Math.min(field[0].size, network.height), Math.min(field[1].size, network.width));
    return [`${layer}: ${name}`, seen, or(selectivity, short), or(random, short), or(probe, percent)];
  });
  if (pixels !== null) rows.unshift([EVIDENCE.pixels, sides(1, 1), "–", "–", percent(pixels)]);
  const shown = (/** @type {string[]} */ cells) => cells.filter((_, index) => index < 2 || known[index - 2]);
  const line = (/** @type {string[]} */ cells) =>
    element(
      "tr",
      {},
      ...shown(cells).map((text, index) => element(index ? "td" : "th", { scope: index ? null : "row", text })),
    );
  const head = element("tr", {}, ...shown(EVIDENCE.heads).map((text) => element("th", { scope: "col", text })));
  const table = element(
    "table",
    { class: "lines" },
    element("thead", {}, head),
    element("tbody", {}, ...rows.map(line)),
  );
  return [
    wide(EVIDENCE.title, table),
    ...(known[0] ? [element("p", { class: "hint", text: EVIDENCE.selective })] : []),
  ];
}
