// @ts-check
/** Asks workers; while one computes maps, only the newest image waits. */
import { TASKS } from "./tasks.js";

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
 * Send messages to a worker; where there is none, or it fails, the same is done here.
 * @param {Network} network
 * @param {Started | null} started
 * @param {keyof typeof TASKS} task
 * @param {(reply: any) => void} heard
 * @returns {import("./tasks.js").Work & { close: () => void }} close ends the worker
 */
export function makeSending(network, started, task, heard) {
  const here = () => TASKS[task](network, heard);
  if (!started) return Object.assign(here(), { close: () => {} });
  const { worker, forget } = started;
  /** @type {import("./tasks.js").Work | null} */
  let instead = null;
  /** @type {any} */
  let last = null;
  worker.addEventListener("message", forget, { once: true });
  worker.addEventListener("message", ({ data }) => heard(data));
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    forget();
    instead = here();
    if (last) instead(last);
  });
  const { images, units, evaluation, invariance, comparison, beside, ...needed } = network;
  worker.postMessage({ network: needed, task });
  const send = (/** @type {any} */ message) => {
    last = message;
    if (instead) instead(message);
    else worker.postMessage(message);
  };
  const close = () => {
    worker.terminate();
    forget();
  };
  return Object.assign(send, { close });
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
  const send = makeSending(network, started, "maps", (reply) => {
    if (reply.turn !== turn || !busyWith) return;
    const job = busyWith;
    busyWith = null;
    if (waiting) ask(waiting);
    notify(reply.answer, job);
  });
  const ask = (/** @type {Job} */ job) => {
    waiting = null;
    busyWith = job;
    turn += 1;
    send({ job, turn });
  };
  const take = (/** @type {Job} */ job) => {
    if (busyWith) waiting = job;
    else ask(job);
  };
  return Object.assign(take, { close: send.close });
}
