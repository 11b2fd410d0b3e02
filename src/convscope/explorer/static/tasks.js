// @ts-check
/** What a worker computes with a network; where there can be none, the page does the same itself. */
import { makeEngine } from "./engine.js";
import { makeWhereWork } from "./where_work.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {(reply: any, transfer?: ArrayBufferLike[]) => void} Reply */
/** @typedef {(message: any) => void} Work what is done with a message */

/** @type {Record<string, (network: Network, reply: Reply, plain?: boolean) => Work>} */
export const TASKS = {
  /** The maps of every layer, for an image; `plain` asks for JavaScript only. */
  maps(network, reply, plain) {
    const engine = makeEngine(network, plain);
    return ({ job, turn }) => {
      const answer = engine(job);
      const buffers = new Set([...answer.all, ...(answer.intact ?? [])].map((maps) => maps.buffer)); // some are in both
      reply({ turn, answer }, [...buffers]);
    };
  },
  where: makeWhereWork,
};
