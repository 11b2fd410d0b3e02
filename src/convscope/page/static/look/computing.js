// @ts-check
/** Asks the worker; while it computes, only the newest picture waits. */
import { prepare, run } from "./engine.js";

/** @typedef {import("./format.js").Network} Network */
/** @typedef {Uint8Array | Uint8ClampedArray} Pixels */
/** @typedef {(all: Float32Array[], pixels: Pixels) => void} Told */

/**
 * @param {Network} network
 * @param {string} program of the worker
 * @param {Told} told
 * @returns {(pixels: Pixels) => void}
 */
export function makeComputer(network, program, told) {
  /** @type {Worker} */
  let worker;
  /** @type {Pixels | null} */
  let waiting = null;
  /** @type {Pixels | null} */
  let busyWith = null;
  let turn = 0;
  const here = () => {
    const prepared = prepare(network);
    return (/** @type {Pixels} */ pixels) => told(run(prepared, pixels), pixels);
  };
  try {
    worker = new Worker(URL.createObjectURL(new Blob([program], { type: "text/javascript" })));
  } catch {
    return here(); // some viewers of HTML files allow no worker
  }
  /** @type {((pixels: Pixels) => void) | null} */
  let instead = null;
  worker.addEventListener("message", ({ data: answer }) => {
    if (answer.turn !== turn || !busyWith) return;
    const pixels = busyWith;
    busyWith = null;
    if (waiting) ask(waiting);
    told(answer.all, pixels);
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    instead = here();
    const last = waiting ?? busyWith;
    if (last) instead(last);
  });
  worker.postMessage({ network: { ...network, pictures: [] } });
  const ask = (/** @type {Pixels} */ pixels) => {
    waiting = null;
    busyWith = pixels;
    turn += 1;
    worker.postMessage({ pixels, turn });
  };
  return (pixels) => {
    if (instead) instead(pixels);
    else if (busyWith) waiting = pixels;
    else ask(pixels);
  };
}
