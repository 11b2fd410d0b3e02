// @ts-check
/** The steps of the first lesson, each with something to try; what they say is in text_lesson.js. */
import { makeDice } from "./dice.js";
import { button, element, tools } from "./dom.js";
import { LESSON } from "./text_lesson.js";
import { clearestWindow } from "./lesson_maps.js";
import { makeMoved } from "./moved.js";
import { savedBySharing, shapeAt } from "./network.js";
import { makeSoftmax } from "./softmax_table.js";
import { TEXT } from "./text.js";
import { FIRST, IMAGES, MOST_CHANNELS, MOST_UNITS, SECOND_CHANNEL, TOY_SIDE, UNITS, movedRight } from "./toy.js";
import { makeTwoLayers } from "./two_layers.js";
import { makeSharing } from "./weight_sharing.js";

/** @typedef {import("./explain.js").Go} Go */
/** @typedef {import("./toy.js").Toy} Toy */

/**
 * @typedef {{ go: Go, change: (some: Partial<Toy>) => void, network: () => import("./network.js").Network,
 *   toy: () => Toy, toUnits: (() => void) | null, families: import("./lesson.js").Families }} Hands
 */

/**
 * @typedef {{ tries: Node[], begins?: Toy, away?: boolean, compared?: boolean }} LessonStep what one tries, with which
 *   toy; whether the toy, which it does not use, is away; and whether the comparison of networks shows what it says
 */

const LINE_AT_LEFT = IMAGES.line.map((_, index) => (index % TOY_SIDE ? 0 : Math.max(...IMAGES.line)));
const WALK_MS = 450;
const CALM_WALK_MS = 1200;

/**
 * @param {Hands} hands
 * @returns {{ elements: HTMLElement[], after: HTMLElement[], usesToy: boolean[], begins: Toy[], show: () => void }}
 *   steps to be shown anew with every toy, what each says below it, whether it uses it, and with which it begins
 */
export function makeLessonSteps({ go, change, network, toy, toUnits, families }) {
  const movers = [makeMover(toy, change), makeMover(toy, change), makeMover(toy, change)];
  const two = () => [...toy().channels, SECOND_CHANNEL].slice(0, MOST_CHANNELS);
  const set = (/** @type {string} */ name, /** @type {Partial<Toy>} */ some) => button(name, () => change(some));
  const kinds = Object.entries(families.poolings).map(([code, { name }]) => ({ code, made: pool(code, name) }));
  const saved = savedBySharing(families.layers ?? []);
  const words = saved ? [element("p", { text: LESSON.saves(saved.name, saved.shared, saved.separate) })] : [];
  /** @param {string} code @param {string} name */
  function pool(code, name) {
    return button(name, () => {
      change({ zeros: 1, stride: 1, code });
      go(clearestWindow(toy()));
    });
  }
  const show = () => {
    movers.forEach((mover) => mover.show());
    kinds.forEach((kind) => kind.made.setAttribute("aria-pressed", String(kind.code === toy().code)));
  };
  /** @type {Record<keyof typeof LESSON.steps, LessonStep>} */
  const made = {
    patch: { tries: [walkButton(go, network), set(LESSON.again, FIRST)] },
    along: { tries: movers[0].buttons },
    shared: { tries: [...words, makeSharing().element], away: true, compared: true },
    padding: { tries: [set(LESSON.pad, { zeros: 1 }), set(LESSON.unpad, { zeros: 0 })] },
    stride: {
      tries: [
        set(LESSON.strideTwo, { ...FIRST, stride: 2 }),
        ...movers[1].buttons,
        set(LESSON.strideOne, { ...FIRST, stride: 1 }),
      ],
    },
    channels: {
      tries: [
        button(LESSON.second, () => change({ channels: two() })),
        button(LESSON.back, () => change({ channels: toy().channels.slice(0, 1), units: toy().units.slice(0, 1) })),
      ],
    },
    units: {
      tries: [
        set(LESSON.secondUnit, { ...FIRST, channels: [IMAGES.corner], units: UNITS.slice(0, MOST_UNITS) }),
        button(LESSON.oneUnit, () => change({ units: toy().units.slice(0, 1) })),
      ],
      begins: { ...FIRST, channels: [IMAGES.corner] },
    },
    nonlinearity: { tries: [makeTwoLayers()], away: true },
    pooling: { tries: kinds.map((kind) => kind.made), begins: { ...FIRST, zeros: 1, code: "MP" } },
    buys: {
      tries: movers[2].buttons,
      begins: { ...FIRST, channels: [LINE_AT_LEFT], zeros: 1, code: "MP" },
      compared: true,
    },
    classifier: { tries: [makeSoftmax()], away: true },
    dice: { tries: [makeDice().element], away: true },
    preprocessing: {
      tries: toUnits ? [element("p", { text: LESSON.turnOff }), button(LESSON.toUnits, toUnits)] : [],
      away: true,
    },
  };
  const usesToy = Object.values(made).map(({ away }) => !away);
  const begins = Object.values(made).map((step) => step.begins ?? FIRST);
  return { ...shownSteps(made, families), usesToy, begins, show };
}

/**
 * What each step says, and what it says below everything.
 * @param {Record<keyof typeof LESSON.steps, LessonStep>} made
 * @param {Hands["families"]} families
 */
function shownSteps(made, families) {
  const steps = Object.entries(made);
  const said = (/** @type {string} */ name) =>
    /** @type {{ title: string, text: string, after?: string }} */ (
      LESSON.steps[/** @type {keyof typeof made} */ (name)]
    );
  const elements = steps.map(([name, { tries }]) =>
    element(
      "li",
      {},
      element("h3", { text: said(name).title }),
      element("p", { text: said(name).text }),
      tools(...tries),
    ),
  );
  const after = steps.map(([name, { compared }]) => {
    const text = said(name).after;
    const moved = compared ? makeMoved(families.comparison) : null;
    return element("div", { class: "after-step" }, text ? element("p", { text }) : null, moved);
  });
  return { elements, after };
}

/**
 * Buttons that move the image until nothing of it would be left, and that put it back.
 * @param {() => Toy} toy
 * @param {(some: Partial<Toy>) => void} change
 */
function makeMover(toy, change) {
  /** @type {number[][] | null} */
  let before = null;
  const next = () => toy().channels.map(movedRight);
  const move = button(LESSON.move, () => {
    before ??= toy().channels;
    change({ channels: next() });
  });
  const back = button(LESSON.putBack, () => {
    const channels = before ?? toy().channels;
    before = null;
    change({ channels });
  });
  const show = () => {
    if (toy() === FIRST) before = null;
    move.disabled = next()
      .flat()
      .every((pixel) => !pixel);
    back.disabled = before === null;
  };
  return { buttons: [move, back], show };
}

/**
 * @param {Go} go
 * @param {() => import("./network.js").Network} network
 * @returns {HTMLElement}
 */
function walkButton(go, network) {
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    made.textContent = LESSON.walk;
  };
  const start = () => {
    made.style.minWidth = `${made.getBoundingClientRect().width}px`; // what stands beside it stays
    made.textContent = TEXT.stop;
    let at = -1;
    const next = () => {
      const { rows, columns } = shapeAt(network(), 1);
      at += 1;
      if (at >= rows * columns) stop();
      else go({ layer: 1, unit: 0, row: Math.floor(at / columns), column: at % columns });
    };
    timer = window.setInterval(next, matchMedia("(prefers-reduced-motion: reduce)").matches ? CALM_WALK_MS : WALK_MS);
    next();
  };
  const made = button(LESSON.walk, () => (timer ? stop() : start()));
  return made;
}
