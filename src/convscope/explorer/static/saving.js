// @ts-check
/** Saving what is drawn, as PNG or SVG: curves as they are, maps and filters as sheets with a label each. */
import { element } from "./dom.js";
import { svgElement } from "./svg.js";
import { SAVING } from "./text.js";

/** One image of a sheet. @typedef {{ canvas: HTMLCanvasElement, label: string }} Tile */

const SCALE = 2; // pixels of a PNG for one of an SVG
const TILE_PX = 96; // of a sheet
const [GAP_PX, LABEL_PX, HEAD_PX, SCALE_PX] = [12, 16, 28, 34];
const LONGEST_SCALE_PX = 240;
const STYLED = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "fill-opacity",
  "font-family",
  "font-size",
  "opacity",
];

/** A drawing with its two buttons. @param {string} name @param {SVGElement} svg @returns {HTMLElement} */
export function saved(name, svg) {
  return element(
    "figure",
    { class: "drawn" },
    svg,
    saveButtons(name, () => standing(svg)),
  );
}

/**
 * Buttons that save what `make` makes.
 * @param {string} name of the file, and what it shows
 * @param {() => SVGElement} make one with a width and a height, that needs no style sheet
 * @param {string} [label] what is saved
 * @returns {HTMLElement}
 */
export function saveButtons(name, make, label = SAVING.save) {
  const file = `${
    name
      .replace(/[^\p{L}\p{N}.-]+/gu, "-")
      .replace(/^[-.]+|-+$/g, "")
      .slice(0, 60) || "convscope"
  }`;
  const button = (/** @type {string} */ kind, /** @type {() => void} */ onclick) =>
    element("button", {
      type: "button",
      class: "plain",
      text: kind,
      "aria-label": `${label} ${kind}: ${name}`,
      onclick,
    });
  return element(
    "span",
    { class: "save" },
    `${label} `,
    button("PNG", async () => keep(await toPNG(make()), `${file}.png`)),
    " ",
    button("SVG", () => keep(new Blob([textOf(make())], { type: "image/svg+xml" }), `${file}.svg`)),
  );
}

/** @param {Blob} blob @param {string} name */
export function keep(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** @param {SVGElement} svg */
function textOf(svg) {
  return new XMLSerializer().serializeToString(svg);
}

/** @param {SVGElement} svg @returns {Promise<Blob>} */
async function toPNG(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(textOf(svg))}`;
  await image.decode();
  const canvas = element("canvas", {
    width: SCALE * Number(svg.getAttribute("width")),
    height: SCALE * Number(svg.getAttribute("height")),
  });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob((/** @type {Blob} */ blob) => done(blob), "image/png"));
}

/**
 * A copy of a drawing in the page that carries its styles itself, on the page's paper.
 * @param {SVGElement} svg
 * @returns {SVGElement}
 */
function standing(svg) {
  const copy = /** @type {SVGElement} */ (svg.cloneNode(true));
  const [from, to] = [[...svg.querySelectorAll("*")], [...copy.querySelectorAll("*")]];
  from.forEach((one, index) => {
    const style = getComputedStyle(one);
    for (const name of STYLED) to[index].setAttribute(name, style.getPropertyValue(name));
    to[index].removeAttribute("class");
  });
  const [width, height] = (svg.getAttribute("viewBox") ?? "0 0 1 1").split(" ").slice(2);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.prepend(
    svgElement("rect", { width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor }),
  );
  return copy;
}

/**
 * Canvases of one cell a value, side by side, each with its label, and below them what their colors stand for.
 * @param {string} title
 * @param {Tile[]} tiles
 * @param {{ scale?: import("./color_bar.js").Scale | null, tile?: number }} [how] tile: pixels of each, at most
 * @returns {SVGElement}
 */
export function sheet(title, tiles, { scale = null, tile = TILE_PX } = {}) {
  const style = getComputedStyle(document.body);
  const across = Math.ceil(Math.sqrt(tiles.length * 1.6));
  const longest = Math.max(...tiles.map(({ canvas }) => Math.max(canvas.width, canvas.height)));
  const cell = Math.max(1, Math.floor((tiles.length === 1 ? 4 * tile : tile) / longest));
  const [wide, tall] = [
    Math.max(...tiles.map(({ canvas }) => canvas.width)) * cell,
    Math.max(...tiles.map(({ canvas }) => canvas.height)) * cell,
  ];
  const [columns, rows] = [Math.min(across, tiles.length), Math.ceil(tiles.length / across)];
  const layer = Math.max(wide + GAP_PX, tiles.some(({ label }) => label.length > 3) ? 56 : 0);
  const width = Math.max(GAP_PX + columns * layer, GAP_PX + 7 * [...title].length);
  const height = HEAD_PX + rows * (tall + LABEL_PX + GAP_PX) + (scale ? SCALE_PX : 0);
  const text = { "font-family": "sans-serif", fill: style.color };
  const svg = svgElement("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  svg.append(
    svgElement("rect", { width, height, fill: style.backgroundColor }),
    svgElement("text", { ...text, x: GAP_PX, y: 18, "font-size": 13 }, inXml(title)),
  );
  tiles.forEach(({ canvas, label }, index) => {
    const x = GAP_PX + (index % across) * layer;
    const y = HEAD_PX + Math.floor(index / across) * (tall + LABEL_PX + GAP_PX);
    const [w, h] = [canvas.width * cell, canvas.height * cell];
    svg.append(svgElement("image", { x, y, width: w, height: h, href: enlarged(canvas, SCALE * cell) }));
    svg.append(
      svgElement("rect", { x, y, width: w, height: h, fill: "none", stroke: style.color, "stroke-opacity": 0.3 }),
    );
    svg.append(svgElement("text", { ...text, x, y: y + h + 12, "font-size": 11 }, inXml(label)));
  });
  if (scale) svg.append(...scaleBar(scale, height - SCALE_PX, Math.min(width - 2 * GAP_PX, LONGEST_SCALE_PX), text));
  return svg;
}

/** Without what no XML may hold. @param {string} text */
export function inXml(text) {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");
}

/**
 * @param {import("./color_bar.js").Scale} scale
 * @param {number} y
 * @param {number} width
 * @param {Record<string, string>} text
 * @returns {SVGElement[]}
 */
function scaleBar({ colors, low, high }, y, width, text) {
  const part = width / colors.length;
  const label = { ...text, y: y + 24, "font-size": 11 };
  return [
    ...colors.map((fill, index) =>
      svgElement("rect", { x: GAP_PX + index * part, y, width: Math.ceil(part), height: 10, fill }),
    ),
    svgElement("text", { ...label, x: GAP_PX }, low),
    svgElement("text", { ...label, x: GAP_PX + width, "text-anchor": "end" }, high),
  ];
}

/**
 * A PNG in which each cell is a square, so that no viewer smooths it.
 * @param {HTMLCanvasElement} canvas
 * @param {number} cell pixels
 * @returns {string}
 */
function enlarged(canvas, cell) {
  const large = element("canvas", { width: canvas.width * cell, height: canvas.height * cell });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  return large.toDataURL("image/png");
}
