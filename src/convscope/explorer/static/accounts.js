// @ts-check
/**
 * One value of a layer that is no weighted sum over patches and no pooling, taken apart into the values that it was
 * made of. To add a kind, add one line to `ACCOUNTS`.
 */
import { inputsOf, shapeAt } from "./network.js";
import { functionOf } from "./nonlinearity.js";
import { chosenMaps, exponentialsAt, framePosition, momentsAt, responseAround } from "./operations.js";
import { neighborsOf } from "./resizing.js";

/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./network.js").Network} Network */

/** A value that another was made of, where it is, and its weight.
 * @typedef {Position & { input: number, weight: number }} Term */

/**
 * @typedef {object} Account
 * @property {"account"} kind
 * @property {Term[]} terms
 * @property {"sum" | "product" | "fraction"} form constant + Σ weight × input; the product of the inputs; or the
 *   exponential of the input as a part of the sum of all
 * @property {number} constant
 * @property {Record<string, number>} facts other numbers that went into the weights, by name
 * @property {string[]} through nonlinearities, one after another
 * @property {number} total before them
 * @property {number} value
 */

/** A term without its value. @typedef {Position & { weight?: number }} Place */

/** What a kind says of a value. @typedef {{ places: Place[], form?: Account["form"], constant?: number,
 *   facts?: Record<string, number>, through?: string[] }} Said */

/** What a kind has to go by.
 * @typedef {{ network: Network, layer: Layer, sources: number[], all: Float32Array[], position: Position }} Given */

/**
 * @param {Network} network
 * @param {Float32Array[]} all
 * @param {Position} position
 * @returns {Account}
 */
export function accountOf(network, all, position) {
  const layer = network.layers[position.layer - 1];
  const said = ACCOUNTS[layer.kind]({ network, layer, sources: inputsOf(network, position.layer), all, position });
  const { form = "sum", constant = 0, facts = {} } = said;
  const terms = said.places.map((place) => ({ weight: 1, ...place, input: inputAt(network, all, place) }));
  const through = [...(said.through ?? []), layer.nonlinearity].filter((name) => name !== "linear");
  const total = TOTALS[form](terms, constant, facts);
  const value = through.reduce((result, name) => functionOf(name)(result), total);
  return { kind: "account", terms, form, constant, facts, through, total, value };
}

/** @type {Record<Account["form"], (terms: Term[], constant: number, facts: Record<string, number>) => number>} */
const TOTALS = {
  sum: (terms, constant) => terms.reduce((sum, { input, weight }) => sum + input * weight, constant),
  product: (terms) => terms.reduce((product, { input }) => product * input, 1),
  fraction: ([{ input }], _, { largest, exponentials }) => Math.exp(input - largest) / exponentials,
};

/** @param {Network} network @param {Float32Array[]} all @param {Position} position */
function inputAt(network, all, { layer, unit, row, column }) {
  const { rows, columns } = shapeAt(network, layer);
  return all[layer][(unit * rows + row) * columns + column];
}

/**
 * The values of all inputs at the same position; of one row, column or map, that.
 * @param {Given} given
 * @returns {Said}
 */
function samePlace({ network, sources, position }) {
  const places = sources.map((layer) => {
    const { maps, rows, columns } = shapeAt(network, layer);
    return {
      layer,
      unit: Math.min(position.unit, maps - 1),
      row: Math.min(position.row, rows - 1),
      column: Math.min(position.column, columns - 1),
    };
  });
  return { places };
}

/** The value at the same position of one map. @param {Given} given @param {number} unit @returns {Place} */
function placeInMap({ sources, position }, unit) {
  return { ...position, layer: sources[0], unit };
}

/** Where a value of a position is, and how many lie between those of two maps. @param {Given} given */
function ownCell({ layer, position }) {
  return { at: position.row * layer.columns + position.column, area: layer.rows * layer.columns };
}

/** @type {Record<string, (given: Given) => Said>} */
const ACCOUNTS = {
  add: samePlace,
  multiply: (given) => ({ ...samePlace(given), form: "product" }),
  nonlinearity: (given) => ({ ...samePlace(given), through: [given.layer.settings.function] }),
  concatenate({ network, sources, position }) {
    let { unit } = position;
    for (const layer of sources) {
      const { maps } = shapeAt(network, layer);
      if (unit < maps) return { places: [{ ...position, layer, unit }] };
      unit -= maps;
    }
    return { places: [] };
  },
  flatten({ network, sources, position }) {
    const { rows, columns } = shapeAt(network, sources[0]);
    const cell = position.unit % (rows * columns);
    const unit = Math.floor(position.unit / (rows * columns));
    return { places: [{ layer: sources[0], unit, row: Math.floor(cell / columns), column: cell % columns }] };
  },
  padding({ network, layer, sources, position }) {
    const { rows, columns } = shapeAt(network, sources[0]);
    const { top, left, mode, value } = layer.settings;
    const row = framePosition(position.row - top, rows, mode);
    const column = framePosition(position.column - left, columns, mode);
    if (row < 0 || column < 0) return { places: [], constant: Number(value) };
    return { places: [{ layer: sources[0], unit: position.unit, row, column }] };
  },
  "channel-selection": (given) => ({ places: [placeInMap(given, chosenMaps(given.layer)[given.position.unit])] }),
  "channel-shuffle": (given) => ({ places: [placeInMap(given, chosenMaps(given.layer)[given.position.unit])] }),
  "scale-and-shift": (given) => ({
    places: [{ ...placeInMap(given, given.position.unit), weight: given.layer.scale[given.position.unit] }],
    constant: given.layer.shift[given.position.unit],
  }),
  "channel-normalization"(given) {
    const { layer, sources, all, position } = given;
    const { at, area } = ownCell(given);
    const { mean, deviation } = momentsAt(all[sources[0]], at, layer.maps, area, layer.settings.epsilon);
    const weight = layer.scale[position.unit] / deviation;
    return {
      places: [{ ...placeInMap(given, position.unit), weight }],
      constant: layer.shift[position.unit] - weight * mean,
      facts: { mean, deviation, scale: layer.scale[position.unit], shift: layer.shift[position.unit] },
    };
  },
  "local-response"(given) {
    const { layer, sources, all, position } = given;
    const divisor = responseAround(layer, all[sources[0]], position.unit, ownCell(given).at);
    return { places: [{ ...placeInMap(given, position.unit), weight: 1 / divisor }], facts: { divisor } };
  },
  softmax(given) {
    const { layer, sources, all, position } = given;
    const { at, area } = ownCell(given);
    const { largest, sum: exponentials } = exponentialsAt(all[sources[0]], at, layer.maps, area);
    return { places: [placeInMap(given, position.unit)], form: "fraction", facts: { largest, exponentials } };
  },
  resize({ network, layer, sources, position }) {
    const below = shapeAt(network, sources[0]);
    const down = neighborsOf(position.row, layer.rows, below.rows, layer.settings);
    const across = neighborsOf(position.column, layer.columns, below.columns, layer.settings);
    const places = down.flatMap((row) =>
      across.map((column) => ({
        layer: sources[0],
        unit: position.unit,
        row: row.at,
        column: column.at,
        weight: row.weight * column.weight,
      })),
    );
    return { places };
  },
};
