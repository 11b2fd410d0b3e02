// @ts-check
/**
 * The worker: takes the network once (`plain` asks for JavaScript only), then images, and gives the maps of every
 * layer.
 */
import { answerTo, prepare } from "./engine.js";

/** @type {ReturnType<typeof prepare> | null} */
let prepared = null;

addEventListener("message", (event) => {
  const { network, plain, job, turn } = event.data;
  if (network !== undefined) {
    prepared = prepare(network, plain);
  } else if (prepared) {
    const answer = answerTo(prepared, job);
    postMessage({ turn, answer }, { transfer: [...answer.all, ...(answer.intact ?? [])].map((maps) => maps.buffer) });
  }
});
