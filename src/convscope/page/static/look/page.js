// The page: what is looked at, and what happens when something is clicked, dropped, drawn or typed.

import { colour, element, largest, paint, paintPicture, place } from "./drawing.js";
import { forward, softmax, unpacked } from "./engine.js";
import { explained } from "./numbers.js";
import { fitted } from "./picture.js";
import { WORDS, percent } from "./words.js";

const VERSION = 1, FEW_MAPS = 16, MOST_MAPS = 256;

/** In the worker: compute what is asked for. */
function serve() {
  /** @type {any} */ let network = null;
  self.onmessage = ({ data }) => {
    if (data.network) network = unpacked(data.network);
    else {
      const started = performance.now(), all = forward(network, data.pixels);
      /** @type {any} */ (self).postMessage({ number: data.number, all, milliseconds: performance.now() - started });
    }
  };
}

/** The view of one network. */
class Look {
  constructor(/** @type {any} */ data) {
    this.data = data;
    this.network = unpacked(data);
    this.names = this.named();
    /** @type {{step: number, map: number, row: number, column: number} | null} */
    this.at = null;
    /** @type {Uint8Array | null} */ this.pixels = null;
    /** @type {any[]} */ this.all = [];
    this.chosen = -1;
    this.asked = this.answered = 0;
    /** @type {Set<number>} */ this.whole = new Set();
    this.columns = data.steps.map((/** @type {any} */ _, /** @type {number} */ step) => this.column(step));
    this.build();
    this.worker = this.helper();
  }

  /** Return the name of each step; place 0 is the picture. */
  named() {
    /** @type {Record<string, number>} */ const counts = {};
    const names = this.data.steps.map((/** @type {any} */ step) => {
      counts[step.kind] = (counts[step.kind] ?? 0) + 1;
      return WORDS.step(step, counts[step.kind]);
    });
    names[names.length - 1] = WORDS.answer;
    return [WORDS.picture, ...names];
  }

  /** Start the worker that computes; where the browser allows none, the page computes itself. */
  helper() {
    try {
      const source = document.querySelector("script[type=module]")?.textContent ?? "";
      const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      worker.onmessage = ({ data }) => this.arrived(data);
      worker.onerror = () => { this.worker = null; if (this.pixels) this.look(this.pixels, this.chosen); };
      const { weights, steps, mean, std, picture } = this.data;
      worker.postMessage({ network: { weights, steps, mean, std, picture } });
      return worker;
    } catch { return null; }
  }

  build() {
    const { data } = this;
    document.title = WORDS.title(data.title);
    this.status = element("p", { className: "quiet", role: "status" });
    this.thumbnails = element("div", { className: "thumbnails", role: "group", "aria-label": WORDS.pictures });
    data.pictures.forEach((/** @type {any} */ one, /** @type {number} */ number) => {
      const image = element("canvas", { role: "img", "aria-label": one.name });
      paintPicture(image, this.pixelsOf(number), data.picture);
      this.thumbnails.append(element("button", { type: "button", title: one.name, onclick: () => this.choose(number) }, image));
    });
    this.file = element("input", { type: "file", accept: "image/*", hidden: true, onchange: () => this.open(this.file.files?.[0]) });
    this.canvas = element("canvas", { className: "map picture", role: "img", "aria-label": WORDS.picture, onclick: (/** @type {MouseEvent} */ event) => this.pointed(event, 0, 0) });
    this.field = element("div", { className: "frame field", hidden: true });
    this.title = element("p", { className: "caption" });
    this.answers = element("div", { className: "answers" });
    this.detail = element("div", { id: "numbers-detail", tabIndex: -1 }, element("p", { className: "quiet" }, WORDS.numbersHint));
    const first = element("section", { className: "column first" }, element("h3", {}, WORDS.picture),
      element("p", { className: "about" }, WORDS.standardized), element("div", { className: "cell-map large" }, this.canvas, this.field), this.title);
    const last = element("section", { className: "column last" }, element("h3", {}, WORDS.answer), this.answers);
    this.strip = element("div", { className: "network", tabIndex: 0, role: "region", "aria-label": WORDS.network, onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event) },
      first, ...this.columns.slice(0, -1).map((/** @type {any} */ one) => one.box), last);
    /** @type {any} */ (document.getElementById("page")).replaceChildren(
      element("header", {}, element("h1", {}, WORDS.title(data.title)), element("p", {}, WORDS.introduction),
        element("p", { className: "quiet" }, `${WORDS.layout}: `, element("code", {}, data.layout))),
      element("main", {},
        element("section", {}, element("h2", {}, WORDS.pictures), this.thumbnails,
          element("p", { className: "quiet" }, element("button", { type: "button", className: "plain", onclick: () => this.file.click() }, WORDS.own), " ", WORDS.ownHint), this.file, this.pad()),
        element("section", {}, element("h2", {}, WORDS.network), element("p", { className: "quiet" }, WORDS.scale), this.status, this.strip),
        element("section", { className: "numbers" }, element("h2", {}, WORDS.numbers), this.detail)),
      element("footer", {}, WORDS.footer));
    this.listen();
  }

  /** Build the column of one step. */
  column(/** @type {number} */ step) {
    const plan = this.data.plan[step], described = this.data.steps[step], { down, across } = plan.field;
    const { height, width } = this.data.picture;
    const sees = across.size >= width && down.size >= height && described.kind !== "sums" ? WORDS.seesAll : WORDS.sees(across.size, down.size);
    const grid = element("div", { className: plan.rows * plan.columns === 1 ? "maps units" : "maps" });
    const shape = plan.rows * plan.columns === 1 ? WORDS.values(plan.maps) : WORDS.maps(plan.maps, plan.rows, plan.columns);
    const more = element("button", { type: "button", className: "plain", hidden: true, onclick: () => this.toggle(step) });
    const box = element("section", { className: `column ${described.kind}` }, element("h3", {}, this.names[step + 1]),
      element("p", { className: "about" }, WORDS.about(described)), element("p", { className: "about" }, `${shape}. ${sees}`), grid, more);
    /** @type {any[]} */ const cells = [];
    return { box, grid, more, cells, few: plan.rows * plan.columns === 1 ? 64 : FEW_MAPS };
  }

  /** Show all maps of a step, or a few. */
  toggle(/** @type {number} */ step) {
    if (!this.whole.delete(step)) this.whole.add(step);
    this.paintStep(step);
    this.frames();
  }

  /** Paint the maps of one step. */
  paintStep(/** @type {number} */ step) {
    const maps = this.all[step + 1], column = this.columns[step];
    if (!maps || step === this.columns.length - 1) return;
    const wanted = Math.min(maps.maps, this.whole.has(step) ? MOST_MAPS : column.few);
    while (column.cells.length > wanted) column.cells.pop().cell.remove();
    while (column.cells.length < wanted) {
      const map = column.cells.length;
      const canvas = element("canvas", { className: "map", role: "img", "aria-label": WORDS.mapLabel(this.names[step + 1], map), title: WORDS.mapLabel(this.names[step + 1], map),
        onclick: (/** @type {MouseEvent} */ event) => this.pointed(event, step + 1, map) });
      const frame = element("div", { className: "frame", hidden: true });
      const cell = element("div", { className: "cell-map" }, canvas, frame);
      column.grid.append(cell);
      column.cells.push({ cell, canvas, frame });
    }
    column.more.hidden = maps.maps <= column.few;
    column.more.textContent = this.whole.has(step) ? WORDS.fewer : WORDS.more(maps.maps);
    const most = largest(maps.values);
    column.cells.forEach((/** @type {any} */ one, /** @type {number} */ map) => paint(one.canvas, maps, map, most));
  }

  /** Build the drawing pad, for pictures of one channel. */
  pad() {
    const { height, width, channels } = this.data.picture;
    if (channels !== 1) return null;
    const scale = Math.max(1, Math.round(168 / Math.max(height, width))), behind = this.data.background[0] ?? 0;
    const canvas = element("canvas", { className: "pad", width: width * scale, height: height * scale, role: "img", "aria-label": WORDS.drawLabel });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const wipe = () => { context.fillStyle = `rgb(${behind} ${behind} ${behind})`; context.fillRect(0, 0, canvas.width, canvas.height); };
    let drawing = false;
    const at = (/** @type {PointerEvent} */ event) => { const box = canvas.getBoundingClientRect(); return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height]; };
    const see = () => { const { data } = context.getImageData(0, 0, canvas.width, canvas.height); this.look(fitted(this.preprocessing(), data, canvas.height, canvas.width), -1); };
    canvas.onpointerdown = (/** @type {PointerEvent} */ event) => {
      drawing = true; canvas.setPointerCapture(event.pointerId); event.preventDefault();
      context.lineWidth = Math.max(2, (canvas.width * 2.2) / 28); context.lineCap = context.lineJoin = "round";
      context.strokeStyle = behind < 128 ? "#fff" : "#000"; context.beginPath();
      const [x, y] = at(event); context.moveTo(x, y); context.lineTo(x + 0.1, y); context.stroke(); see();
    };
    canvas.onpointermove = (/** @type {PointerEvent} */ event) => { if (drawing) { const [x, y] = at(event); context.lineTo(x, y); context.stroke(); see(); } };
    canvas.onpointerup = canvas.onpointercancel = () => { drawing = false; };
    wipe();
    const clear = element("button", { type: "button", className: "plain", onclick: () => { wipe(); see(); } }, WORDS.clear);
    return element("div", { className: "drawing" }, element("h3", {}, WORDS.draw), canvas, clear);
  }

  preprocessing() {
    return { size: this.data.picture, fit: this.data.fit, background: this.data.background };
  }

  listen() {
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => { event.preventDefault(); this.open(event.dataTransfer?.files[0]); });
    addEventListener("paste", (event) => this.open([.../** @type {ClipboardEvent} */ (event).clipboardData?.files ?? []][0]));
    addEventListener("hashchange", () => this.linked());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show());
  }

  /** Open a picture of the user's own. */
  async open(/** @type {File | undefined} */ file) {
    if (!file) return;
    try {
      const image = await createImageBitmap(file), canvas = new OffscreenCanvas(image.width, image.height);
      const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
      context.drawImage(image, 0, 0);
      this.look(fitted(this.preprocessing(), context.getImageData(0, 0, image.width, image.height).data, image.height, image.width), -1);
    } catch { this.status.textContent = WORDS.notReadable; }
  }

  /** Choose one of the pictures that came along. */
  choose(/** @type {number} */ number) {
    this.look(this.pixelsOf(number), number);
  }

  pixelsOf(/** @type {number} */ number) {
    return Uint8Array.from(atob(this.data.pictures[number].pixels), (letter) => letter.charCodeAt(0));
  }

  /** Compute a picture; while one is being computed only the last that was asked for waits. */
  look(/** @type {Uint8Array} */ pixels, /** @type {number} */ chosen) {
    [this.pixels, this.chosen] = [pixels, chosen];
    if (!this.worker) {
      const started = performance.now(), all = forward(this.network, pixels);
      this.arrived({ number: ++this.asked, all, milliseconds: performance.now() - started });
    } else if (this.asked === this.answered) this.worker.postMessage({ number: ++this.asked, pixels: (this.sent = pixels) });
  }

  arrived(/** @type {any} */ { number, all, milliseconds }) {
    this.answered = number;
    this.all = all;
    this.status.textContent = WORDS.computing(milliseconds);
    this.show();
    if (this.worker && this.pixels && this.sent !== this.pixels) this.look(this.pixels, this.chosen);
  }

  /** Show everything that was computed. */
  show() {
    if (!this.all.length || !this.pixels) return;
    paintPicture(this.canvas, this.pixels, this.data.picture);
    this.columns.forEach((/** @type {any} */ _, /** @type {number} */ step) => this.paintStep(step));
    [...this.thumbnails.children].forEach((one, number) => one.setAttribute("aria-pressed", String(number === this.chosen)));
    this.answer();
    this.frames();
    this.tell();
  }

  /** Show the probabilities of the classes, the likeliest first. */
  answer() {
    const { classes, pictures } = this.data, probabilities = softmax(this.all[this.all.length - 1].values);
    const order = probabilities.map((_, place) => place).sort((one, other) => probabilities[other] - probabilities[one]).slice(0, 10);
    const label = this.chosen >= 0 ? pictures[this.chosen].label : null;
    this.answers.replaceChildren(...order.map((one) => {
      const bar = element("span", { className: "bar" });
      bar.style.width = `${100 * probabilities[one]}%`;
      const at = { step: this.data.steps.length, map: one, row: 0, column: 0 };
      return element("button", { type: "button", className: one === label ? "answer true" : "answer", onclick: () => this.go(at) },
        element("bdi", {}, classes[one]), element("span", { className: "number" }, percent(probabilities[one])), bar);
    }));
    const name = this.chosen >= 0 ? pictures[this.chosen].name : "";
    const verdict = label === null ? "" : `${WORDS.classOf(classes[label])} ${order[0] === label ? WORDS.right : WORDS.wrong}`;
    this.title.replaceChildren(element("bdi", {}, name), name && verdict ? element("br") : "", verdict);
  }

  pointed(/** @type {MouseEvent} */ event, /** @type {number} */ step, /** @type {number} */ map) {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect(), maps = this.all[step];
    if (!maps) return;
    const row = Math.floor(((event.clientY - box.top) / box.height) * maps.rows), column = Math.floor(((event.clientX - box.left) / box.width) * maps.columns);
    this.go({ step, map, row: Math.min(Math.max(row, 0), maps.rows - 1), column: Math.min(Math.max(column, 0), maps.columns - 1) });
  }

  /** Look at one value. */
  go(/** @type {{step: number, map: number, row: number, column: number}} */ at) {
    this.at = at;
    if (at.step > 0 && at.step < this.all.length - 1 && at.map >= this.columns[at.step - 1].few && !this.whole.has(at.step - 1)) this.toggle(at.step - 1);
    history.replaceState(null, "", `#${this.chosen}/${at.step}/${at.map + 1}/${at.row + 1}/${at.column + 1}`);
    this.frames();
    this.tell();
  }

  /** Follow a link to one value: #picture/step/map/row/column. */
  linked() {
    const numbers = location.hash.slice(1).split("/").map(Number);
    if (numbers.length !== 5 || !numbers.every(Number.isInteger)) return false;
    const [picture, step, map, row, column] = numbers, plan = step ? this.data.plan[step - 1] : { maps: this.data.picture.channels, rows: this.data.picture.height, columns: this.data.picture.width };
    if (!plan || map < 1 || row < 1 || column < 1 || map > plan.maps || row > plan.rows || column > plan.columns) return false;
    this.at = { step, map: map - 1, row: row - 1, column: column - 1 };
    if (this.data.pictures[picture] && picture !== this.chosen) this.choose(picture);
    else this.show();
    return true;
  }

  key(/** @type {KeyboardEvent} */ event) {
    const moves = /** @type {Record<string, number[]>} */ ({ ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0], ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1], "+": [1, 0, 0], "-": [-1, 0, 0] });
    const move = moves[event.key], maps = this.at && this.all[this.at.step];
    if (!move || !this.at || !maps) return;
    event.preventDefault();
    const kept = (/** @type {number} */ value, /** @type {number} */ side) => Math.min(Math.max(value, 0), side - 1);
    this.go({ step: this.at.step, map: kept(this.at.map + move[0], maps.maps), row: kept(this.at.row + move[1], maps.rows), column: kept(this.at.column + move[2], maps.columns) });
  }

  /** Lay the frames: the value, what it saw in the maps before it, and in the picture. */
  frames() {
    for (const column of this.columns) for (const one of column.cells) one.frame.hidden = true;
    this.field.hidden = !this.at;
    const { at } = this, { height, width } = this.data.picture;
    if (!at || !this.all.length) return;
    if (at.step === 0) return place(this.field, { top: at.row, left: at.column, rows: 1, columns: 1 }, height, width);
    const plan = this.data.plan[at.step - 1], { down, across } = plan.field;
    place(this.field, { top: down.start + at.row * down.stride, left: across.start + at.column * across.stride, rows: down.size, columns: across.size }, height, width);
    const own = this.columns[at.step - 1].cells[at.map];
    if (own && at.step < this.all.length - 1) { own.frame.hidden = false; own.frame.className = "frame value"; place(own.frame, { top: at.row, left: at.column, rows: 1, columns: 1 }, plan.rows, plan.columns); }
    const step = this.network.steps[at.step - 1], below = this.all[at.step - 1];
    if (at.step < 2 || step.kind === "connections") return;
    const box = step.kind === "sums" ? { top: at.row * step.stride - step.before, left: at.column * step.stride - step.before, rows: step.patch, columns: step.patch }
      : step.window === null ? { top: 0, left: 0, rows: below.rows, columns: below.columns }
      : { top: at.row * step.stride, left: at.column * step.stride, rows: step.window, columns: step.window };
    this.columns[at.step - 2].cells.forEach((/** @type {any} */ one, /** @type {number} */ map) => {
      if (step.kind === "subsampling" && map !== at.map) return;
      one.frame.hidden = false;
      one.frame.className = "frame patch";
      place(one.frame, box, below.rows, below.columns);
    });
  }

  /** Say what the value that is looked at is made of. */
  tell() {
    if (!this.at || !this.all.length || !this.pixels) return;
    this.detail.replaceChildren(explained(this.network, this.all, this.at, this.names, this.data.classes, this.pixels, (to) => this.go(to)));
  }
}

/** Begin: read the page's data, or say that they cannot be read. */
function start() {
  const page = /** @type {HTMLElement} */ (document.getElementById("page"));
  let data;
  try { data = JSON.parse(document.getElementById("data")?.textContent ?? ""); } catch { page.textContent = WORDS.damaged; return; }
  if (data.version !== VERSION) { page.textContent = WORDS.newer; return; }
  let look;
  try { look = new Look(data); } catch { page.textContent = WORDS.damaged; return; }
  if (look.linked() && look.pixels) return;
  if (data.pictures.length) look.choose(0);
  else look.look(new Uint8Array(data.picture.height * data.picture.width * data.picture.channels).map((_, place) => data.background[place % data.picture.channels]), -1);
}

if (typeof document === "undefined") serve();
else start();
