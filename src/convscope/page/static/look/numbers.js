// One value, followed down: what it saw, what that was multiplied by, and what came out.

import { summed, taken, weighed } from "./engine.js";
import { colour, element, inkOn, largest } from "./drawing.js";
import { WORDS, exact, short } from "./words.js";

/**
 * @typedef {import("./engine.js").Network} Network
 * @typedef {import("./engine.js").Maps} Maps
 * @typedef {{step: number, map: number, row: number, column: number}} Place  step 0 is the picture
 */

const MOST_CHANNELS = 8, MOST_PRODUCTS = 12;

/**
 * Return the part of the page that says what a value is made of.
 * @param {Network} network @param {Maps[]} all the picture and the maps of every step @param {Place} at
 * @param {string[]} names of the steps @param {string[]} classes
 * @param {Uint8Array} pixels of the picture @param {(to: Place) => void} go follow a value
 */
export function explained(network, all, at, names, classes, pixels, go) {
  if (at.step === 0) return tellPixel(network, all[0], at, pixels);
  const step = network.steps[at.step - 1], below = all[at.step - 1], above = all[at.step];
  const before = { step: at.step - 1, map: 0, row: 0, column: 0 };
  if (step.kind === "sums") return tellSums(step, below, above, at, names, network, (map, row, column) => go({ ...before, map, row, column }));
  if (step.kind === "subsampling") return tellWindow(step, below, at, names, (row, column) => go({ ...before, map: at.map, row, column }));
  return tellConnections(step, below, at, names, classes, at.step === network.steps.length, (input) => {
    const area = below.rows * below.columns, place = input % area;
    go({ ...before, map: Math.floor(input / area), row: Math.floor(place / below.columns), column: place % below.columns });
  });
}

/** The picture's own value. */
function tellPixel(/** @type {Network} */ network, /** @type {Maps} */ maps, /** @type {Place} */ at, /** @type {Uint8Array} */ pixels) {
  const { width, channels, mean, std } = network, place = at.row * width + at.column;
  const value = maps.values[at.map * maps.rows * maps.columns + place];
  const formula = `(${pixels[place * channels + at.map]} / 255 − ${exact(mean[at.map])}) / ${exact(std[at.map])} = ${exact(value)}`;
  return element("div", {}, element("h3", {}, WORDS.pixelOf(at.row, at.column)), element("p", {}, WORDS.pixel), element("p", { className: "formula" }, formula));
}

/** A value of a convolution. */
function tellSums(/** @type {any} */ step, /** @type {Maps} */ below, /** @type {Maps} */ above, /** @type {Place} */ at,
  /** @type {string[]} */ names, /** @type {Network} */ network, /** @type {(map: number, row: number, column: number) => void} */ go) {
  const { channels, bias, added, total, value, top, left } = summed(step, below, at.map, at.row, at.column, above);
  const ordered = [...channels].sort((one, other) => Math.abs(other.sum) - Math.abs(one.sum));
  const shown = ordered.slice(0, MOST_CHANNELS), rest = ordered.slice(MOST_CHANNELS);
  const most = {
    inputs: largest(Float32Array.from(channels.flatMap((one) => one.inputs))),
    weights: largest(Float32Array.from(channels.flatMap((one) => one.weights))),
    products: largest(Float32Array.from(channels.flatMap((one) => one.inputs.map((input, place) => input * one.weights[place])))),
  };
  const rows = shown.map((one) => {
    const title = at.step === 1 ? WORDS.fromPicture(one.map, network.channels) : WORDS.fromMap(one.map);
    const products = one.inputs.map((input, place) => input * one.weights[place]);
    const follow = (/** @type {number} */ place) => go(one.map, top + Math.floor(place / step.patch), left + (place % step.patch));
    return element("div", { className: "product" },
      element("h4", {}, title),
      grid(WORDS.inputs, one.inputs, step.patch, most.inputs, one.inside, follow), element("span", { className: "sign" }, "×"),
      grid(WORDS.weights, one.weights, step.patch, most.weights), element("span", { className: "sign" }, "="),
      grid(WORDS.products, products, step.patch, most.products), element("span", { className: "sign" }, "→"),
      element("span", { className: "part" }, element("small", {}, WORDS.sum), exact(one.sum)));
  });
  const terms = shown.map((one) => [at.step === 1 ? WORDS.fromPicture(one.map, network.channels) : WORDS.fromMap(one.map), one.sum]);
  if (rest.length) terms.push([WORDS.others(rest.length), rest.reduce((sum, one) => sum + one.sum, 0)]);
  terms.push([WORDS.bias, bias]);
  if (added !== null) terms.push([WORDS.added, added]);
  return element("div", {},
    element("h3", {}, WORDS.valueOf(names[at.step], at.map, at.row, at.column)),
    element("p", {}, WORDS.patchRule(step.patch, below.maps, at.step === 1), step.regions[0] * step.regions[1] > 1 ? ` ${WORDS.untiedRule}` : ""),
    addition(/** @type {[string, number][]} */ (terms), total, value, step.nonlinearity), ...rows);
}

/** A value of a subsampling. */
function tellWindow(/** @type {any} */ step, /** @type {Maps} */ below, /** @type {Place} */ at, /** @type {string[]} */ names,
  /** @type {(row: number, column: number) => void} */ go) {
  const found = taken(step, below, at.map, at.row, at.column), most = largest(Float32Array.from(found.values));
  const clamped = (/** @type {number} */ value, /** @type {number} */ side) => Math.min(Math.max(value, 0), side - 1);
  const follow = (/** @type {number} */ place) => go(clamped(found.top + Math.floor(place / found.columns), below.rows),
    clamped(found.left + (place % found.columns), below.columns));
  return element("div", {},
    element("h3", {}, WORDS.valueOf(names[at.step], at.map, at.row, at.column)),
    element("p", {}, WORDS.windowRule[step.code]),
    element("div", { className: "product" },
      grid(WORDS.inputs, found.values, found.columns, most, found.inside, follow),
      element("span", { className: "sign" }, "·"),
      grid(WORDS.share, found.parts, found.columns, Math.max(...found.parts)),
      element("span", { className: "sign" }, "→"),
      element("span", { className: "part" }, element("small", {}, step.name), exact(found.value))));
}

/** A connected unit, or the score of a class. */
function tellConnections(/** @type {any} */ step, /** @type {Maps} */ below, /** @type {Place} */ at, /** @type {string[]} */ names,
  /** @type {string[]} */ classes, /** @type {boolean} */ last, /** @type {(input: number) => void} */ go) {
  const { inputs, weights, products, bias, total, value } = weighed(step, below, at.map);
  const order = products.map((_, place) => place).sort((one, other) => Math.abs(products[other]) - Math.abs(products[one]));
  const shown = order.slice(0, MOST_PRODUCTS), rest = order.slice(MOST_PRODUCTS), area = below.rows * below.columns;
  const where = (/** @type {number} */ input) => area === 1 ? WORDS.unitOf(names[at.step - 1], input)
    : WORDS.valueOf(names[at.step - 1], Math.floor(input / area), Math.floor((input % area) / below.columns), input % below.columns);
  const lines = shown.map((input) => element("tr", {},
    element("td", {}, element("button", { type: "button", onclick: () => go(input) }, where(input))),
    ...[inputs[input], weights[input], products[input]].map((number) => element("td", { className: "number" }, exact(number)))));
  const terms = /** @type {[string, number][]} */ ([[WORDS.largest.replace(/:$/, ""), shown.reduce((sum, input) => sum + products[input], 0)]]);
  if (rest.length) terms.push([WORDS.otherInputs(rest.length), rest.reduce((sum, input) => sum + products[input], 0)]);
  terms.push([WORDS.bias, bias]);
  const head = element("tr", {}, ...[WORDS.input, WORDS.value, WORDS.weight, WORDS.product].map((text) => element("th", { scope: "col" }, text)));
  return element("div", {},
    element("h3", {}, last ? classes[at.map] : WORDS.unitOf(names[at.step], at.map)),
    last ? element("p", {}, WORDS.score) : null,
    addition(terms, total, value, step.nonlinearity),
    element("p", {}, WORDS.largest),
    element("div", { className: "scroll" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines))));
}

/** What is added up, as a column of numbers, and the nonlinearity below. */
function addition(/** @type {[string, number][]} */ terms, /** @type {number} */ total, /** @type {number} */ value, /** @type {string} */ nonlinearity) {
  const line = (/** @type {string} */ name, /** @type {number} */ number, kind = "") =>
    element("tr", { className: kind }, element("th", { scope: "row" }, name), element("td", { className: "number" }, exact(number)));
  return element("table", { className: "addition" }, element("tbody", {}, ...terms.map(([name, number]) => line(name, number)),
    line(WORDS.total, total, "total"), line(WORDS.through(nonlinearity), value, "value")));
}

/** A patch as a grid of coloured numbers. */
function grid(/** @type {string} */ title, /** @type {ArrayLike<number>} */ values, /** @type {number} */ columns,
  /** @type {number} */ most, /** @type {boolean[] | null} */ inside = null, /** @type {((place: number) => void) | null} */ follow = null) {
  const cells = Array.from(values, (value, place) => {
    const part = most ? value / most : 0, outside = inside !== null && !inside[place];
    const cell = element(follow && !outside ? "button" : "span", { className: outside ? "cell outside" : "cell", title: outside ? WORDS.outside : exact(value) }, short(value));
    if (follow && !outside) [cell.type, cell.onclick] = ["button", () => follow(place)];
    [cell.style.background, cell.style.color] = [colour(part), inkOn(part)];
    return cell;
  });
  const box = element("span", { className: columns > 7 ? "grid small" : "grid" }, ...cells);
  box.style.gridTemplateColumns = `repeat(${columns}, auto)`;
  return element("span", { className: "gridded" }, element("small", {}, title), box);
}
