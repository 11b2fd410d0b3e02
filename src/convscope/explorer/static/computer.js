// @ts-check
/** Asks the worker; while it computes, only the newest image waits. */
import { makeEngine } from "./engine.js";

/** @typedef {import("./engine.js").Job} Job */
/** @typedef {import("./network.js").Network} Network */

/** @typedef {(answer: import("./engine.js").Answer, job: Job) => void} Listener */

/**
 * A worker whose program is on its way, and what forgets the program's address.
 * @typedef {{ worker: Worker, forget: () => void }} Started
 */

/**
 * Start a worker; its program arrives while the page goes on.
 * @param {string} program
 * @returns {Started | null} null where a viewer of HTML files allows none
 */
export function startWorker(program) {
  const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const forget = () => URL.revokeObjectURL(address);
  try {
    return { worker: new Worker(address), forget };
  } catch {
    forget();
    return null;
  }
}

/**
 * @param {Network} network
 * @param {Started | null} started
 * @param {Listener} notify
 * @returns {((job: Job) => void) & { close: () => void }} close ends the worker
 */
export function makeComputer(network, started, notify) {
  /** @type {Job | null} */
  let waiting = null;
  /** @type {Job | null} */
  let busyWith = null;
  let turn = 0;
  const here = () => {
    const engine = makeEngine(network);
    return (/** @type {Job} */ job) => notify(engine(job), job);
  };
  if (!started) return Object.assign(here(), { close: () => {} });
  const { worker, forget } = started;
  /** @type {((job: Job) => void) | null} */
  let instead = null;
  worker.addEventListener("message", forget, { once: true });
  worker.addEventListener("message", ({ data }) => {
    if (data.turn !== turn || !busyWith) return;
    const job = busyWith;
    busyWith = null;
    if (waiting) ask(waiting);
    notify(data.answer, job);
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    forget();
    instead = here();
    const last = waiting ?? busyWith;
    if (last) instead(last);
  });
  const { images, units, evaluation, invariance, comparison, beside, ...needed } = network;
  worker.postMessage({ network: needed });
  const ask = (/** @type {Job} */ job) => {
    waiting = null;
    busyWith = job;
    turn += 1;
    worker.postMessage({ job, turn });
  };
  const take = (/** @type {Job} */ job) => {
    if (instead) instead(job);
    else if (busyWith) waiting = job;
    else ask(job);
  };
  const close = () => {
    worker.terminate();
    forget();
  };
  return Object.assign(take, { close });
}
