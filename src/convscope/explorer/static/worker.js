// @ts-check
/**
 * The worker: takes the network once (`plain` asks for JavaScript only), then images, and gives the maps of every
 * layer.
 */
import { makeEngine } from "./engine.js";

/** @type {import("./engine.js").Engine | null} */
let engine = null;

addEventListener("message", (event) => {
  const { network, plain, job, turn } = event.data;
  if (network !== undefined) {
    engine = makeEngine(network, plain);
  } else if (engine) {
    const answer = engine(job);
    const buffers = new Set([...answer.all, ...(answer.intact ?? [])].map((maps) => maps.buffer)); // some are in both
    postMessage({ turn, answer }, { transfer: [...buffers] });
  }
});
