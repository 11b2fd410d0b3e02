// @ts-check
/** Elements, made so that every text stays text. */
import { watchWidth } from "./reflow.js";

/**
 * Make an element. A text is never taken for markup.
 * @param {string} kind
 * @param {Record<string, any>} [attributes] `on…` adds a listener, `class`, `text`, the rest are attributes; null
 *   leaves one out
 * @param {...(Node | string | null)} children
 * @returns {any} the element; its callers know which
 */
export function element(kind, attributes = {}, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "text") made.textContent = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/**
 * @param {string} text
 * @param {(event: any) => void} onclick
 * @param {Record<string, any>} [attributes]
 * @returns {HTMLButtonElement}
 */
export function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", text, onclick, ...attributes });
}

/**
 * A button with a sign in place of a word.
 * @param {string} sign
 * @param {string} name what it does
 * @param {() => void} onclick
 * @param {Record<string, any>} [attributes]
 */
export function signButton(sign, name, onclick, attributes = {}) {
  return button(sign, onclick, { "aria-label": name, ...attributes });
}

/** A row of controls. @param {...(Node | string | null)} children @returns {HTMLElement} */
export function tools(...children) {
  return element("div", { class: "tools" }, ...children);
}

/**
 * A name, a bar and a value beside each other.
 * @param {string} name
 * @param {string} [kind] of the bar
 * @returns {{ element: HTMLElement, bar: HTMLElement, value: HTMLElement }}
 */
export function namedBar(name, kind = "bar") {
  const bar = element("span", { class: kind });
  const value = element("span", { class: "value" });
  const track = element("span", { class: "track" }, bar);
  return { element: element("div", { class: "change" }, element("span", { text: name }), track, value), bar, value };
}

/**
 * A table, and its place: if it is wider, its rows become blocks.
 * @param {string} name
 * @param {HTMLElement} table
 * @param {string} [kind]
 * @returns {HTMLElement}
 */
export function wide(name, table, kind = "wide") {
  const region = element("div", { class: kind, role: "region", tabindex: 0, "aria-label": name }, table);
  watchWidth(region);
  return region;
}

/**
 * Give an element a text, if it has another: an equal one would be laid out anew, too.
 * @param {HTMLElement} where
 * @param {string} text
 */
export function write(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/**
 * A name from outside the page, isolated from the text around it in either direction of writing.
 * @param {string} name
 * @param {number} [most] characters shown; all of them are in its title
 * @returns {HTMLElement}
 */
export function isolate(name, most = 60) {
  const letters = [...name];
  const short = letters.length > most ? `${letters.slice(0, most - 9).join("")}…${letters.slice(-8).join("")}` : name;
  return element("bdi", { text: short, title: short === name ? null : name });
}

/**
 * One stop for the tab key; arrows move inside.
 * @param {HTMLElement} group
 * @param {HTMLElement[]} buttons
 * @param {number} across
 */
export function moveWithArrows(group, buttons, across) {
  group.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    const from = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = buttons[from + (by ?? 0)];
    if (!by || from < 0) return;
    event.preventDefault();
    if (!to || to.hidden) return;
    buttons[from].tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
}

/**
 * Act whenever a point has come to have more or fewer pixels: the reader has zoomed, or moved the window to another
 * screen.
 * @param {() => void} act
 */
export function onOtherResolution(act) {
  const same = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  const notify = () => {
    onOtherResolution(act);
    act();
  };
  same.addEventListener("change", notify, { once: true });
}
