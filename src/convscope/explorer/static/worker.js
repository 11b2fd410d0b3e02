// @ts-check
/**
 * The worker: takes the network once (`plain` asks for JavaScript only), then images, and gives the maps of every
 * layer. Or, `explained` a network, takes questions where it looked.
 */
import { makeEngine } from "./engine.js";
import { makeWhereWork } from "./where_work.js";

/** @type {import("./engine.js").Engine | null} */
let engine = null;
/** @type {ReturnType<typeof makeWhereWork> | null} */
let whereWork = null;

addEventListener("message", (event) => {
  const { network, plain, job, turn, explained, question } = event.data;
  if (explained) whereWork = makeWhereWork(explained, (reply) => postMessage(reply));
  else if (question) whereWork?.(question);
  else if (network !== undefined) {
    engine = makeEngine(network, plain);
  } else if (engine) {
    const answer = engine(job);
    const buffers = new Set([...answer.all, ...(answer.intact ?? [])].map((maps) => maps.buffer)); // some are in both
    postMessage({ turn, answer }, { transfer: [...buffers] });
  }
});
