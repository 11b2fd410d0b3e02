// @ts-check
/** Answers where the network looked, part by part; a newer question ends the one before it. */
import { makeWhereMaps } from "./where_maps.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./where_maps.js").Occluded} Occluded */
/** @typedef {import("./where_maps.js").Quick} Quick */

/** What is asked: the image, the class (null for the predicted one), and the number of the question.
 * @typedef {{ pixels: import("./engine.js").Pixels, target: number | null, turn: number }} Question */

/** @typedef {{ turn: number, quick?: Quick, occluded?: Occluded }} Reply */

const WORK_MS = 30; // before others have their turn

/** @param {Network} network @param {(reply: Reply) => void} reply @returns {(question: Question) => Promise<void>} */
export function makeWhereWork(network, reply) {
  const maps = makeWhereMaps(network);
  let newest = 0;
  return async ({ pixels, target, turn }) => {
    newest = turn;
    const quick = maps.look(pixels, target);
    reply({ turn, quick });
    let began = performance.now();
    for (const occluded of maps.occlude(quick.target)) {
      if (occluded) reply({ turn, occluded });
      if (performance.now() - began < WORK_MS) continue;
      await new Promise((done) => setTimeout(done));
      if (newest !== turn) return;
      began = performance.now();
    }
  };
}
