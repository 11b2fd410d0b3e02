// @ts-check
/** Asks a worker where the network looked, when the reader sees the answer. */
import { makeSending, startWorker } from "./computer.js";

/** @typedef {import("./network.js").Network} Network */

const STILL_MS = 120; // without change before anything is computed

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
 * The same, done when nothing has changed for a moment and the element is seen, or soon will be.
 * @param {HTMLElement} where
 * @param {() => void} act
 * @returns {() => void}
 */
export function whileSeen(where, act) {
  let [seen, wanted, timer] = [false, false, 0];
  const later = () => {
    clearTimeout(timer);
    if (seen && wanted)
      timer = window.setTimeout(() => {
        wanted = false;
        act();
      }, STILL_MS);
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
