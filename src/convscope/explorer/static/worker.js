// @ts-check
/** The worker: takes a network once, with its task, and then messages. */
import { TASKS } from "./tasks.js";

/** @type {import("./tasks.js").Work | null} */
let work = null;

addEventListener("message", ({ data }) => {
  const { network, task = "maps", plain } = data;
  if (network === undefined) work?.(data);
  else
    work = TASKS[task](network, (reply, transfer = []) => postMessage(reply, /** @type {any} */ ({ transfer })), plain);
});
