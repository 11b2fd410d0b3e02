// @ts-check
/** Arithmetic of a layer, in words: what sharing saves, why its receptive field is larger, how maps become a vector. */
import { element } from "./dom.js";
import { belowOf, inputsOf, separateParameters, shapeAt } from "./network.js";
import { outcome } from "./text_overview.js";
import { LAYER } from "./text_layer.js";

/** @typedef {import("./network.js").Network} Network */

/** Values along a side that a value sees, and the field of each of them; null where that does not make its own.
 * @typedef {{ values: number, each: number, apart: number }} Growth */

/**
 * @param {Network} network
 * @param {number} number of the layer, from 1
 * @returns {Growth | null}
 */
export function growthOf(network, number) {
  const { window, dilation, field, kind } = network.layers[number - 1];
  const from = belowOf(network, number);
  const seen = window[1];
  if (inputsOf(network, number).length > 1 || from === 0 || seen < 2 || dilation[1] > 1) return null;
  const before = network.layers[from - 1].field[1];
  const whole = field[1].size >= network.width || kind === "linear";
  const fits = before.size + (seen - 1) * before.stride === field[1].size;
  return fits && !whole ? { values: seen, each: before.size, apart: before.stride } : null;
}

/** @param {Network} network @param {number} number of the layer, from 1 @returns {Node[]} */
export function layerFacts(network, number) {
  const layer = network.layers[number - 1];
  const positions = layer.rows * layer.columns;
  const below = shapeAt(network, belowOf(network, number));
  const growth = growthOf(network, number);
  const facts = [];
  if (layer.kind === "convolution" && positions > 1)
    facts.push(LAYER.saves(layer.parameters, separateParameters(layer), positions));
  const [zeros, after] = [layer.before[0], layer.after[0]];
  if (layer.kind === "convolution" && layer.window[0] > 1 && zeros === after && layer.dilation[0] === 1)
    facts.push(LAYER.positions(below.rows, zeros, layer.window[0], layer.stride[0]));
  if (layer.nonlinearity !== "linear") facts.push(LAYER.nonlinear(layer.nonlinearity));
  if (growth) facts.push(LAYER.grows(growth.values, growth.each, growth.apart, layer.field[1].size));
  if (layer.kind === "linear" && below.rows * below.columns > 1)
    facts.push(LAYER.vector(outcome(below), below.maps * below.rows * below.columns));
  return facts.map(layerFact);
}

/** @param {string} text */
export function layerFact(text) {
  return element("p", { class: "layer-fact", text });
}
