// Small things on the screen: elements, colours, maps on canvases.

/** @typedef {import("./engine.js").Maps} Maps */

/**
 * Return an element; every text in it is text, whatever it holds.
 * @param {string} kind @param {Record<string, any>} [properties] @param {(Node | string | null)[]} content
 * @returns {any}
 */
export function element(kind, properties = {}, ...content) {
  const result = document.createElement(kind);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) result.addEventListener(name.slice(2), value);
    else if (name in result && name !== "style") /** @type {any} */ (result)[name] = value;
    else result.setAttribute(name, value);
  }
  result.append(.../** @type {(Node | string)[]} */ (content.filter((one) => one !== null)));
  return result;
}

/** The colours of values from -1 to 1 in 511 steps: blue, the paper's gray, orange. @type {Uint8Array | null} */
let palette = null;
let paletteDark = false;

/** @returns {Uint8Array} three bytes a step */
function colours() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (palette && dark === paletteDark) return palette;
  const middle = dark ? [28, 32, 38] : [247, 247, 247];
  const ends = dark ? [[86, 180, 255], [255, 170, 64]] : [[0, 84, 166], [196, 78, 0]];
  palette = new Uint8Array(511 * 3);
  paletteDark = dark;
  for (let place = -255; place <= 255; place++)
    for (let channel = 0; channel < 3; channel++) {
      const end = ends[place < 0 ? 0 : 1][channel], part = Math.sqrt(Math.abs(place) / 255);
      palette[(place + 255) * 3 + channel] = Math.round(middle[channel] + (end - middle[channel]) * part);
    }
  return palette;
}

/** @param {number} part -1…1 @returns {string} the colour of a value, for a background */
export function colour(part) {
  const from = (Math.round(255 * Math.max(-1, Math.min(1, part))) + 255) * 3, all = colours();
  return `rgb(${all[from]} ${all[from + 1]} ${all[from + 2]})`;
}

/** @param {number} part -1…1 @returns {string} an ink that can be read on `colour(part)` */
export function inkOn(part) {
  const from = (Math.round(255 * Math.max(-1, Math.min(1, part))) + 255) * 3, all = colours();
  return 0.299 * all[from] + 0.587 * all[from + 1] + 0.114 * all[from + 2] > 140 ? "#000" : "#fff";
}

/**
 * Paint one map onto a canvas, a pixel a value.
 * @param {HTMLCanvasElement} canvas @param {Maps} maps @param {number} map @param {number} largest of the step's values
 */
export function paint(canvas, maps, map, largest) {
  const { rows, columns } = maps, all = colours();
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const image = context.createImageData(columns, rows), scale = largest ? 255 / largest : 0, start = map * rows * columns;
  for (let place = 0; place < rows * columns; place++) {
    const from = (Math.round(maps.values[start + place] * scale) + 255) * 3;
    image.data[4 * place] = all[from];
    image.data[4 * place + 1] = all[from + 1];
    image.data[4 * place + 2] = all[from + 2];
    image.data[4 * place + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/**
 * Paint a picture onto a canvas.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} pixels @param {{height: number, width: number, channels: number}} size
 */
export function paintPicture(canvas, pixels, size) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  [canvas.width, canvas.height] = [size.width, size.height];
  const image = context.createImageData(size.width, size.height);
  for (let place = 0; place < size.width * size.height; place++) {
    for (let channel = 0; channel < 3; channel++)
      image.data[4 * place + channel] = pixels[place * size.channels + (size.channels === 3 ? channel : 0)];
    image.data[4 * place + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** @param {Float32Array} values @returns {number} the largest size of a value */
export function largest(values) {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most;
}

/**
 * Lay a frame over a part of a map; what stands out of the map is cut off.
 * @param {HTMLElement} frame @param {{top: number, left: number, rows: number, columns: number}} box
 * @param {number} rows @param {number} columns of the map
 */
export function place(frame, box, rows, columns) {
  frame.style.top = `${(100 * box.top) / rows}%`;
  frame.style.left = `${(100 * box.left) / columns}%`;
  frame.style.height = `${(100 * box.rows) / rows}%`;
  frame.style.width = `${(100 * box.columns) / columns}%`;
}
