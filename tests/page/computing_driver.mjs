// Makes computers with workers that only listen, and counts the addresses that stay. Called by test_engine.py.
import { readFileSync, writeFileSync } from "node:fs";
import { makeComputer, startWorker } from "./look/computer.js";

const [source, target] = process.argv.slice(2);
const { ends } = JSON.parse(readFileSync(source, "utf8"));
const open = new Set();
let made = 0;
URL.createObjectURL = () => (open.add(`blob:${++made}`), `blob:${made}`);
URL.revokeObjectURL = (address) => void open.delete(address);
let last = null;
let refused = false;
globalThis.Worker = class extends EventTarget {
  constructor() {
    super();
    if (refused) throw new Error("no workers here");
    last = this;
  }
  postMessage() {}
  terminate() {}
};
const left = {};
for (const end of ends) {
  refused = end === "refused";
  const before = made;
  const network = { images: [], layers: [] };
  const compute = makeComputer(network, startWorker(""), () => {});
  if (made !== before + 1) throw new Error("a computer needs an address for its worker");
  if (end === "message") last.dispatchEvent(Object.assign(new Event("message"), { data: { turn: -1 } }));
  if (end === "error") last.dispatchEvent(new Event("error"));
  if (end === "close") compute.close();
  left[end] = open.size;
  open.clear();
}
writeFileSync(target, JSON.stringify(left));
