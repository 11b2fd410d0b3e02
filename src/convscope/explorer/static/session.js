// @ts-check
/** What the reader looks at: an image, how it is moved, which units are off, and the maps that follow from them. */
import { openAt, opensIntoColumns } from "./graph_blocks.js";
import { hasValues, layersShown } from "./layers_shown.js";
import { isStill } from "./motion.js";
import { reached, strongest } from "./position.js";
import { makeStore } from "./store.js";

/** @typedef {import("./explain.js").Position} Position */
/** @typedef {import("./graph_blocks.js").Range} Range */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./switches.js").Off} Off */

/** @typedef {Uint8Array | Uint8ClampedArray} Pixels */

/**
 * An image, moved and not moved.
 * @typedef {object} Scene
 * @property {Pixels} original not moved
 * @property {Pixels} pixels
 * @property {number | null} image null for one that is not in the file
 * @property {string} name of the image
 * @property {import("./motion.js").Motion} motion
 */

/**
 * The maps of a scene, and where the reader is in them.
 * @typedef {object} View
 * @property {number | null} image null for one that is not in the file
 * @property {string} name of the image
 * @property {Pixels} pixels
 * @property {Float32Array[]} all the standardized image and the maps of every layer; empty for those of a large network
 *   that are not drawn
 * @property {Float32Array[] | null} before the same for the image before it was moved, with no unit turned off; null
 *   where that is all
 * @property {import("./motion.js").Motion} motion
 * @property {Off} off
 * @property {number} milliseconds that computing all maps took
 * @property {Position} position
 * @property {boolean} pressed whether the reader went to a value
 * @property {Range | null} open the block of the map of a large network that is open; null for the map
 */

/** The colors, and what was measured of each layer, where the reader asked for it.
 * @typedef {{ palette: import("./colors.js").Palette, sensitivity: import("./invariance.js").Sensitivity | null }}
 *   Look */

/** Everything that the views draw from. @typedef {View & Look} State */

/**
 * @typedef {object} SessionFields
 * @property {Scene | null} scene asked for last; its maps may not be there yet
 * @property {Off} off
 * @property {(Partial<Position> & { layer: number }) | null} wanted where to go when the maps of the scene are there
 * @property {boolean} pressed whether the reader went to a value
 * @property {Range | null} open the block that is to be open
 * @property {{ of: Pixels, all: Float32Array[] } | null} unmoved the maps of the image before it was moved
 * @property {View | null} view
 * @property {boolean} computing whether the maps have been waited for so long that the reader is told
 *
 * @typedef {SessionFields & Look} Session
 */

/**
 * Computes what was asked for last, and tells the listener.
 * @typedef {(job: import("./engine.js").Job) => void} Compute
 */

const LATE_MS = 250; // after which a reader wonders whether anything happens

/**
 * @param {Network} network
 * @param {(listener: import("./computer.js").Listener) => Compute} computer
 * @param {import("./colors.js").Palette} palette
 * @param {import("./graph_blocks.js").Entry[]} [entries] of the map, where the network has one
 */
export function makeSession(network, computer, palette, entries = []) {
  const store = makeStore(
    /** @type {Session} */ ({
      scene: null,
      off: [],
      wanted: null,
      pressed: false,
      unmoved: null,
      view: null,
      palette,
      sensitivity: null,
      open: null,
      computing: false,
    }),
  );
  /** Whose pixels they are. @type {WeakMap<Pixels, Scene>} */
  const scenes = new WeakMap();
  const shown = (/** @type {Session} */ session) => shownIn(network, entries, session);
  const waiting = makeWaiting((computing) => store.set({ computing }));
  const compute = computer((answer, job) => {
    const scene = scenes.get(job.pixels);
    waiting.end();
    // what else is drawn by now has been asked for since
    if (scene && hasValues(answer.all, shown(store.get())))
      store.set(received(network, store.get(), scene, answer, job));
  });
  /** Every scene that is asked for is the newest, but those in between may get no answer. */
  const request = () => {
    const { scene, off, unmoved } = store.get();
    if (!scene) return;
    waiting.begin();
    const open = shown(store.get());
    const known = isStill(scene.motion) || (unmoved?.of === scene.original && hasValues(unmoved.all, open));
    compute({ pixels: scene.pixels, off, original: known ? null : scene.original, open });
  };
  const turnTo = (/** @type {Partial<Session>} */ change) => {
    const view = viewTurned(network, { ...store.get(), ...change }, shown({ ...store.get(), ...change }));
    store.set(view ? { ...change, wanted: null, view } : change);
    if (!view) request();
  };
  return {
    store,
    entries,
    /** Show a scene, and perhaps other units off. */
    follow(/** @type {Scene} */ scene, /** @type {Partial<Pick<Session, "off" | "wanted">>} */ change = {}) {
      scenes.set(scene.pixels, scene);
      store.set({ scene, ...change, ...(change.wanted ? { pressed: true } : {}) });
      request();
    },
    turnOff: (/** @type {Off} */ off) => (store.set({ off }), request()),
    go(/** @type {Partial<Position> & { layer: number }} */ position, stays = false) {
      if (store.get().view) turnTo({ ...goingTo(entries, store.get().open, position, stays), pressed: true });
    },
    /** Open a block of the map, and go to its first layer from outside of it; null for the map itself. */
    open(/** @type {Range | null} */ range) {
      const layer = store.get().view?.position.layer ?? 0;
      turnTo(range ? openingOf(range, layer) : { open: null });
    },
  };
}

/**
 * Tells when something has been waited for too long, and when it has come.
 * @param {(waits: boolean) => void} tell
 */
function makeWaiting(tell) {
  let timer = 0;
  let told = false;
  const change = (/** @type {boolean} */ waits) => tell((told = waits));
  return {
    begin() {
      timer ||= window.setTimeout(() => change(true), LATE_MS);
    },
    end() {
      clearTimeout(timer);
      timer = 0;
      if (told) change(false);
    },
  };
}

/**
 * The layers whose values are needed; null for all.
 * @param {Network} network
 * @param {import("./graph_blocks.js").Entry[]} entries
 * @param {Session} session
 */
function shownIn(network, entries, { open, wanted, view }) {
  return layersShown(network, entries, open, (wanted ?? view?.position ?? { layer: 1 }).layer);
}

/**
 * Another part of the same maps.
 * @param {Network} network
 * @param {Session} session
 * @param {number[] | null} needed layers
 * @returns {View | null} null where their values are not there yet
 */
function viewTurned(network, { view, wanted, pressed, open }, needed) {
  if (!view || !hasValues(view.all, needed) || !hasValues(view.before, needed)) return null;
  return { ...view, position: wanted ? reached(network, view, wanted) : view.position, pressed, open };
}

/**
 * @param {import("./graph_blocks.js").Entry[]} entries
 * @param {Range | null} open
 * @param {Partial<Position> & { layer: number }} position
 * @param {boolean} stays whether what is open stays so, where the position is in another block
 * @returns {Partial<Session>}
 */
function goingTo(entries, open, position, stays) {
  return { wanted: position, open: stays ? open : openAt(entries, open, position.layer) };
}

/** @param {Range} range @param {number} layer where the reader is @returns {Partial<Session>} */
function openingOf({ first, last }, layer) {
  const stays = (layer > first && layer <= last + 1) || !opensIntoColumns({ first, last });
  return { open: { first, last }, ...(stays ? {} : { wanted: { layer: first + 1 } }) };
}

/**
 * What changes when the maps of a scene are there.
 * @param {Network} network
 * @param {Session} session
 * @param {Scene} scene
 * @param {import("./engine.js").Answer} answer
 * @param {import("./engine.js").Job} job
 * @returns {Pick<Session, "wanted" | "unmoved" | "view">}
 */
function received(
  network,
  { wanted, pressed, unmoved, view, open },
  scene,
  { all, intact, milliseconds },
  { off, original },
) {
  const { image, name, pixels, motion } = scene;
  const still = isStill(motion);
  const reference = still || (original && intact) ? { of: scene.original, all: intact ?? all } : unmoved;
  const start = view?.position ?? strongest(network, all, Math.min(1, network.layers.length));
  const position = wanted ? reached(network, { position: start, all }, wanted) : start;
  const before = still && !off.length ? null : (reference?.all ?? null);
  const again = view?.pixels === pixels && view.off === off; // the same maps, of which more were needed
  return {
    wanted: null,
    unmoved: reference,
    view: {
      image,
      name,
      pixels,
      all,
      before,
      motion,
      off,
      milliseconds: again ? view.milliseconds : milliseconds,
      position,
      pressed,
      open,
    },
  };
}

/**
 * Everything that the views draw from, once there are maps.
 * @param {Session} session
 * @returns {State | null}
 */
export function stateOf({ view, palette, sensitivity }) {
  return view && { ...view, palette, sensitivity };
}
