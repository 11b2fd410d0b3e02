// Every text of the page, in one place, for whoever wants it in another language.

/** @typedef {import("./engine.js").Step} Step */

const number = new Intl.NumberFormat("en");

export const WORDS = {
  title: (/** @type {string} */ name) => `Look inside: ${name}`,
  introduction:
    "From left to right: the picture, what each step makes of it, and the answer. Each small image is a feature map: one " +
    "hidden unit, copied to every place of what lies before it. Click any value to see the numbers that it is made of.",
  layout: "The network as one line",
  pictures: "Choose a picture",
  own: "Open your own picture …",
  ownHint: "Or drop one anywhere, or paste one. It is made as large as the network's pictures, and goes nowhere else.",
  draw: "Draw",
  clear: "Clear",
  drawLabel: "Drawing pad: draw with the pointer",
  nothing: "No picture came with this page: open your own, or draw one.",
  notReadable: "This file is no picture that the browser can open.",
  network: "The network at a glance",
  picture: "Picture",
  standardized: "standardized: mean 0, deviation 1",
  answer: "Answer",
  classOf: (/** @type {string} */ name) => `It is in class ${name}.`,
  right: "The answer is right.",
  wrong: "The answer is wrong.",
  more: (/** @type {number} */ count) => `show all ${number.format(count)}`,
  fewer: "show fewer",
  values: (/** @type {number} */ count) => `${number.format(count)} values`,
  maps: (/** @type {number} */ maps, /** @type {number} */ rows, /** @type {number} */ columns) =>
    `${number.format(maps)} ${maps === 1 ? "map" : "maps"} of ${columns} × ${rows}`,
  sees: (/** @type {number} */ across, /** @type {number} */ down) =>
    `A value has seen ${across} × ${down} pixels of the picture.`,
  seesAll: "Each value has seen the whole picture.",
  mapLabel: (/** @type {string} */ step, /** @type {number} */ map) => `${step}, map ${map + 1}`,
  numbers: "The step, in numbers",
  numbersHint: "Click a value of any map above. Then the arrow keys move to its neighbours, + and − to the next map.",
  valueOf: (/** @type {string} */ step, /** @type {number} */ map, /** @type {number} */ row, /** @type {number} */ column) =>
    `${step}, map ${map + 1}, row ${row + 1}, column ${column + 1}`,
  unitOf: (/** @type {string} */ step, /** @type {number} */ unit) => `${step}, unit ${unit + 1}`,
  pixelOf: (/** @type {number} */ row, /** @type {number} */ column) => `Picture, row ${row + 1}, column ${column + 1}`,
  pixel: "The picture's value 0…255 is divided by 255, the mean of the training pictures subtracted, the rest divided by " +
    "their deviation.",
  patchRule: (/** @type {number} */ patch, /** @type {number} */ below, /** @type {boolean} */ first) =>
    `The unit looks at a patch of ${patch} × ${patch} values` +
    (below === 1 ? "" : first ? ` in each of the picture's ${below} colours` : ` in each of the ${below} maps before it`) +
    ". Each value is multiplied by the weight of its place; all products are added up.",
  untiedRule: "The weights belong to this place (or region): the unit is not copied everywhere.",
  fromMap: (/** @type {number} */ map) => `from map ${map + 1}`,
  fromPicture: (/** @type {number} */ channel, /** @type {number} */ channels) =>
    channels === 1 ? "from the picture" : `from the picture's ${["red", "green", "blue"][channel]}`,
  inputs: "values",
  weights: "weights",
  products: "products",
  sum: "sum",
  bias: "bias",
  added: "the map before it, at this place",
  total: "all together",
  value: "value",
  weight: "weight",
  product: "product",
  through: (/** @type {string} */ name) => (name === "linear" ? "as it is" : `through ${name}`),
  others: (/** @type {number} */ count) => `${number.format(count)} more ${count === 1 ? "map" : "maps"} together`,
  otherInputs: (/** @type {number} */ count) => `${number.format(count)} more inputs together`,
  largest: "The products that count most:",
  input: "input",
  outside: "outside the picture: 0",
  windowRule: /** @type {Record<string, string>} */ ({
    MP: "The largest value of the window is kept, wherever in the window it is.",
    AP: "The mean of the window.",
    SS: "The first value of the window is kept, the rest forgotten.",
    LP: "The root of the mean of the squares of the window.",
    ST: "While training, one value is drawn at random, large ones more often. Here: what is drawn on average.",
    BP: "A blur around the first place of the window, then only that place is kept.",
  }),
  share: "part in it",
  score: "The score; the scores of all classes become probabilities by softmax.",
  follow: "Where this comes from",
  step: (/** @type {any} */ step, /** @type {number} */ place) => {
    if (step.kind === "sums") {
      const name = step.regions[0] * step.regions[1] === 1 ? "Convolution" : "Untied units";
      return `${name} ${place}`;
    }
    return step.kind === "subsampling" ? `Subsampling ${place}` : `Connected units ${place}`;
  },
  about: (/** @type {any} */ step) => {
    if (step.kind === "sums")
      return `${step.units} units see patches of ${step.patch} × ${step.patch}` + (step.stride > 1 ? `, every ${step.stride} places` : "") +
        (step.residual ? "; the maps before are added" : "") + `; ${step.nonlinearity}.`;
    if (step.kind === "subsampling")
      return step.window === null ? `The ${step.name} of each whole map.`
        : `The ${step.name} of windows of ${step.window} × ${step.window}, every ${step.stride} places.`;
    return `${step.units} units, each connected to everything before; ${step.nonlinearity}.`;
  },
  scale: "Blue is below zero, orange above, the same scale within a step.",
  footer: "Made by convscope. This file holds the network itself, computes all that it shows, and opens no connection.",
  computing: (/** @type {number} */ milliseconds) => `computed in ${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`,
  damaged: "This page is damaged or was cut off: what it needs cannot be read. Please make it anew with convscope look.",
  newer: "This page has another format than its program understands. Please make it anew with convscope look.",
};

/** @param {number} value @returns {string} a number as short as it can be understood */
export function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1000 ? value.toFixed(0) : size >= 100 ? value.toFixed(1) : size >= 0.01 ? value.toFixed(2) : size >= 0.001 ? value.toFixed(3) : value.toExponential(0);
  return text.replace("-", "−");
}

/** @param {number} value @returns {string} a number with the figures to check a sum by */
export function exact(value) {
  return (value === 0 ? "0" : Math.abs(value) < 1e-4 ? value.toExponential(3) : value.toFixed(5)).replace("-", "−");
}

/** @param {number} value 0…1 @returns {string} */
export function percent(value) {
  return value > 0.9995 && value < 1 ? "> 99.9 %" : `${(100 * value).toFixed(1)} %`;
}
