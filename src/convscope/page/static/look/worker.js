// @ts-check
/** The worker: takes the network once, then pixels, and gives the maps of every step. */
import { prepare, run } from "./engine.js";

/** @type {ReturnType<typeof prepare> | null} */
let prepared = null;

addEventListener("message", (event) => {
  const { network, pixels, turn } = event.data;
  if (network !== undefined) {
    prepared = prepare(network);
  } else if (prepared) {
    const all = run(prepared, pixels);
    postMessage({ turn, all }, { transfer: all.map((maps) => maps.buffer) });
  }
});
