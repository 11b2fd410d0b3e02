// @ts-check
/** Asks a worker where the network looked, when the reader sees the answer. */
import { makeSending, startWorker } from "./computer.js";

/** @typedef {import("./network.js").Network} Network */

const STILL_MS = 120; // without change before anything is computed
const FIRST_MS = 1000; // and before it is computed unseen

/**
 * Asks a worker of its own, which starts with the first question; where there can be none, here.
 * @param {Network} network
 * @param {string} program
 * @param {(reply: import("./where_work.js").Reply) => void} notify of the newest question only
 * @returns {(pixels: import("./engine.js").Pixels, target: number | null) => void}
 */
export function makeAsking(network, program, notify) {
  let turn = 0;
  /** @type {((question: import("./where_work.js").Question) => void) | null} */
  let send = null;
  const heard = (/** @type {import("./where_work.js").Reply} */ reply) => reply.turn === turn && notify(reply);
  return (pixels, target) => {
    turn += 1;
    send ??= makeSending(network, startWorker(program), "where", heard);
    send({ pixels, target, turn });
  };
}

/**
 * The same, done when nothing has changed for a moment and the element is seen, or soon will be; the first time, also
 * when it is not: who prints the page, or scrolls fast, finds the answer there.
 * @param {HTMLElement} where
 * @param {() => void} act
 * @returns {() => void}
 */
export function whileSeen(where, act) {
  let [first, seen, wanted, timer] = [true, false, false, 0];
  const later = () => {
    clearTimeout(timer);
    if (!wanted || !(first || seen)) return;
    timer = window.setTimeout(
      () => {
        first = wanted = false;
        act();
      },
      seen ? STILL_MS : FIRST_MS,
    );
  };
  const observer = new IntersectionObserver(
    (entries) => {
      seen = entries[entries.length - 1].isIntersecting;
      later();
    },
    { rootMargin: "25%" },
  );
  observer.observe(where);
  return () => {
    wanted = true;
    later();
  };
}
