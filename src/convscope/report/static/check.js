// @ts-check
"use strict";

/**
 * One thing that looks wrong with one image. `thumbnail` and `other` are indices of thumbnails, -1 for none.
 * @typedef {{ image: string, kind: string, detail: string, score: number, label: string, suggested: string,
 *   thumbnail: number, others: string[], other: number }} Finding
 * @typedef {{ action: string, label: string }} Decided
 * @typedef {[image: string, decision: Decided, finding: number]} Done
 */

/** What the page holds; `before` are decisions that were made before, as rows of the list that is saved.
 * @type {{ key: string, classes: string[], before: string[][], findings: Finding[], thumbnails: string[] }} */
const FOUND = JSON.parse(document.getElementById("data")?.textContent ?? "");
/** What was done, in turn; of several decisions on one image the last one counts. */
const done = recalled();
let decided = outcome();
let chosen = 0;
/** The list that was opened with a mouse: letters and arrows remain keys of the page. @type {EventTarget | null} */
let pointed = null;

/** The element with this id. @param {string} id @returns {any} */
function byId(id) {
  return document.getElementById(id);
}

/** @param {string} kind @param {string} [text] @param {string} [style] */
function made(kind, text = "", style = "") {
  const element = document.createElement(kind);
  element.textContent = text;
  if (style) element.className = style;
  return element;
}

/** What was done when this page was open before; nothing where the browser keeps nothing for files. */
function recalled() {
  try {
    const kept = /** @type {Done[]} */ (JSON.parse(localStorage.getItem(FOUND.key) ?? "[]"));
    return kept.filter(([image, , index]) => FOUND.findings[index]?.image === image);
  } catch {
    return [];
  }
}

/** What is decided now, by image. */
function outcome() {
  return new Map(done.map(([image, decision]) => [image, decision]));
}

/** The image of a finding, or a frame without one. @param {number} index @param {string} [name] */
function thumbnail(index, name = "") {
  if (index < 0) return made("span", "no thumbnail", "missing");
  const image = document.createElement("img");
  image.src = FOUND.thumbnails[index];
  image.alt = name;
  return image;
}

/** @param {string} image */
function inWords(image) {
  const decision = decided.get(image);
  if (!decision) return "";
  return decision.action === "other class" ? `→ ${decision.label}` : decision.action;
}

/** The rows of the list that are shown. @returns {HTMLElement[]} */
function rows() {
  return [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#list li:not([hidden])"))];
}

/** @param {number} index @param {Finding} finding */
function row(index, finding) {
  const item = made("li");
  const button = /** @type {HTMLButtonElement} */ (made("button"));
  button.type = "button";
  const words = made("span", "", "words");
  const name = made("bdi", finding.image, "file");
  words.append(made("span", `${finding.kind} ${finding.score.toFixed(2)}`), name, made("span", "", "decision"));
  button.append(made("span", "", "frame"), words);
  button.addEventListener("click", () => choose(index));
  item.append(button);
  item.dataset.index = String(index);
  return item;
}

/** Give a row its image when it comes into view. */
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting)) {
    const item = /** @type {HTMLElement} */ (entry.target);
    item.querySelector(".frame")?.replaceChildren(thumbnail(FOUND.findings[Number(item.dataset.index)].thumbnail));
    watcher.unobserve(item);
  }
});

/** Show a finding, and mark it in the list. @param {number} index */
function choose(index) {
  chosen = index;
  const finding = FOUND.findings[index];
  document.querySelector("#list [aria-current]")?.removeAttribute("aria-current");
  const item = byId("list").children[index];
  item.firstChild.setAttribute("aria-current", "true");
  item.scrollIntoView({ block: "nearest" });
  byId("image").replaceChildren(thumbnail(finding.thumbnail, finding.image));
  byId("beside").replaceChildren(...(finding.others.length ? [thumbnail(finding.other, finding.others[0])] : []));
  const names = [finding.image, ...finding.others.map((other) => `≈ ${other}`)];
  byId("names").replaceChildren(...names.map((name) => made("bdi", name)));
  byId("kind").textContent = `${finding.kind}: ${finding.score.toFixed(2)}`;
  byId("detail").textContent = finding.detail;
  if (byId("classes")) byId("classes").value = decided.get(finding.image)?.label || finding.suggested || finding.label;
  showDecision();
}

/** Show what is decided: of the finding, in the list, and how many. */
function showDecision() {
  const finding = FOUND.findings[chosen];
  const decision = decided.get(finding.image);
  for (const button of document.querySelectorAll("#actions button[data-action]")) {
    const own = /** @type {HTMLElement} */ (button).dataset.action === decision?.action;
    button.setAttribute("aria-pressed", String(own));
  }
  for (const item of /** @type {Iterable<HTMLElement>} */ (byId("list").children)) {
    const words = inWords(FOUND.findings[Number(item.dataset.index)].image);
    const place = /** @type {HTMLElement} */ (item.querySelector(".decision"));
    if (place.textContent !== words) place.textContent = words;
  }
  byId("progress").textContent =
    `${decided.size} decided of ${new Set(FOUND.findings.map((one) => one.image)).size} images`;
}

/** Go on in the list, by so many rows. @param {number} by */
function move(by) {
  const shown = rows().map((item) => Number(item.dataset.index));
  if (!shown.length) return;
  const at = shown.indexOf(chosen);
  choose(shown[Math.min(shown.length - 1, Math.max(0, at + by))]);
}

/** Decide on the image of the finding that is shown, and go on. @param {string} action @param {string} [label] */
function decide(action, label = "") {
  const { image, label: own } = FOUND.findings[chosen];
  if (action === "other class" && label === own) action = "keep";
  done.push([image, { action, label: action === "other class" ? label : "" }, chosen]);
  remember();
  say(inWords(image), image);
  move(1);
}

/** Take the last decision back, and show its image. */
function undo() {
  const last = done.at(-1);
  if (!last) return say("nothing to take back");
  const [image, , index] = last;
  const words = inWords(image);
  done.pop();
  remember();
  if (byId("list").children[index].hidden) showKind((byId("kinds").value = ""));
  choose(index);
  const now = inWords(image);
  say(`took back ${words}${now ? `, now ${now}` : ""}`, image);
}

/** Say what was done, to which image. @param {string} words @param {string} [image] */
function say(words, image) {
  byId("said").replaceChildren(...(image ? [`${words}: `, made("bdi", image)] : [words]));
}

/** Show what is decided, and keep it for when this page is opened again. */
function remember() {
  decided = outcome();
  try {
    localStorage.setItem(FOUND.key, JSON.stringify(done));
  } catch {
    // a browser may keep nothing for files: the button that saves is there
  }
  showDecision();
}

/** A cell of CSV; a space before it keeps a spreadsheet from reading it as a formula. @param {string} text */
function cell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? ` ${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Save all decisions as a CSV file, after those that were made before, in the order of the findings. */
function save() {
  const images = new Set(FOUND.findings.map((finding) => finding.image).filter((image) => decided.has(image)));
  const own = [...images].map((image) => {
    const decision = /** @type {Decided} */ (decided.get(image));
    return [image, decision.action, decision.label];
  });
  const lines = [...FOUND.before, ...own].map((row) => row.map(cell).join(","));
  const text = `${["image,decision,class", ...lines].join("\n")}\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = "labels.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Show findings of one kind only. @param {string} kind */
function showKind(kind) {
  for (const item of /** @type {Iterable<HTMLElement>} */ (byId("list").children))
    item.hidden = kind !== "" && FOUND.findings[Number(item.dataset.index)].kind !== kind;
  const first = rows()[0];
  if (first) choose(Number(first.dataset.index));
}

const KEYS = /** @type {Record<string, () => void>} */ ({
  k: () => decide("keep"),
  l: () => decide("leave out"),
  o: () => byId("classes") && decide("other class", byId("classes").value),
  u: undo,
  s: save,
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
});

document.addEventListener("keydown", (event) => {
  if (!FOUND.findings.length) return;
  const listed = event.target instanceof HTMLSelectElement && event.target !== pointed;
  if (listed || !byId("keys").checked || event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number(event.key);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in KEYS) KEYS[key]();
  else if (number >= 1 && number <= Math.min(9, FOUND.classes.length)) decide("other class", FOUND.classes[number - 1]);
  else return;
  event.preventDefault();
});

document.addEventListener("pointerdown", (event) => {
  pointed = event.target instanceof HTMLSelectElement ? event.target : null;
});
document.addEventListener("focusin", (event) => {
  if (event.target !== pointed) pointed = null;
});
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-key]")))
  button.addEventListener("click", () => KEYS[button.dataset.key ?? ""]());
byId("kinds").addEventListener("change", () => showKind(byId("kinds").value));
byId("list").replaceChildren(...FOUND.findings.map((finding, index) => row(index, finding)));
for (const item of byId("list").children) watcher.observe(item);
if (FOUND.findings.length) choose(0);
