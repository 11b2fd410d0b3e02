// @ts-check
/** The address: it says where the reader is, and leads there. */
import { fromHash, toHash } from "./address.js";
import { knownRange } from "./graph_blocks.js";
import { STILL, isStill, moved } from "./motion.js";
import { sameOff } from "./switches.js";
import { TEXT } from "./text.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./session.js").Pixels} Pixels */
/** @typedef {ReturnType<typeof import("./session.js").makeSession>} Reader */

const ADDRESS_MS = 400; // after the last move of a pen or slider: browsers refuse to write an address for each

/**
 * Writes where the reader is into the address; to open or close a block is a step that the browser goes back. What the
 * address says when the page is opened stays there until the reader goes on.
 * @param {Network} network
 */
export function makeAddress(network) {
  const blockOf = (/** @type {string} */ hash) => /;open=[^;]*/.exec(hash)?.[0] ?? "";
  const names = location.hash.slice(1).split("/")[0];
  let keeps = names !== "" && document.getElementById(names) !== null;
  /** @type {string | null} */
  let block = null;
  let timer = 0;
  /** @type {import("./session.js").View | null} */
  let written = null;
  const write = (/** @type {string} */ hash) => {
    try {
      const before = block;
      block = blockOf(hash);
      if (hash === location.hash) return; // writing it takes longer than the network
      const isStep = before !== null && block !== before && block !== blockOf(location.hash);
      if (isStep) history.pushState(null, "", hash);
      else history.replaceState(null, "", hash);
    } catch {
      // a page inside another one has no address of its own
    }
  };
  return (
    /** @type {import("./session.js").View} */ view,
    /** @type {import("./session.js").Scene | null} */ scene,
  ) => {
    clearTimeout(timer);
    const { image, off, open, motion } = view;
    const position = view.pressed ? view.position : null;
    const drawn = image === null && scene?.name === TEXT.drawing ? Uint8Array.from(scene.original) : null;
    const address = { image, position, off, open, motion };
    const again = written?.image === image && written.position === view.position && written.off === off;
    written = view;
    if (keeps) return void (keeps = false);
    if (!again) write(toHash(network, { ...address, drawing: null, motion: STILL }));
    if (drawn || !isStill(motion)) {
      timer = window.setTimeout(() => write(toHash(network, { ...address, drawing: drawn })), ADDRESS_MS);
    } else if (again) write(toHash(network, { ...address, drawing: null }));
  };
}

/**
 * Go where the address says.
 * @param {Network} network
 * @param {Reader} session
 * @param {(pixels: Pixels, image: number | null, name: string, motion: import("./motion.js").Motion, change: object) =>
 *   void} take
 * @returns {import("./address.js").Address | null} what it says; null where that is nothing
 */
export function followHash(network, session, take) {
  const target = fromHash(network, location.hash);
  if (!target) return null;
  const { image, motion, drawing, position: wanted } = target;
  session.open(target.open && knownRange(session.entries, target.open));
  const { view, off, scene } = session.store.get();
  const change = { ...(wanted ? { wanted } : {}), ...(sameOff(target.off, off) ? {} : { off: target.off }) };
  const sameMotion = Object.entries(motion).every(
    ([name, value]) => value === (view?.motion ?? STILL)[/** @type {keyof import("./motion.js").Motion} */ (name)],
  );
  if (drawing) take(drawing, null, TEXT.drawing, motion, change);
  else if (image !== null && (image !== view?.image || !sameMotion))
    take(network.images[image].pixels, image, network.images[image].name, motion, change);
  else if (!view || !scene) return null;
  else {
    if (wanted) session.go(wanted, true);
    if (!sameOff(target.off, off)) session.turnOff(target.off);
  }
  return target;
}

/**
 * The same image, moved.
 * @param {Network} network
 * @param {Pixels} original
 * @param {import("./motion.js").Motion} motion
 */
export function movedImage(network, original, motion) {
  return isStill(motion) ? original : moved(network, original, motion);
}
