// @ts-check
/**
 * What the reader sees is drawn with the maps; what stands elsewhere on the page when nothing has changed for a moment.
 */

/** @typedef {import("./session.js").State} State */

const REST_MS = 60;
const NEAR = "25%"; // of the window's height: what will be seen soon

/**
 * @param {[HTMLElement, (state: State) => void][]} views
 * @returns {(state: State, everything: boolean) => void} draws what is seen, or everything; what is left is marked as
 *   busy until it is drawn
 */
export function makeViews(views) {
  /** @type {State | null} */
  let latest = null;
  let timer = 0;
  /** @type {Set<Element>} */
  const seen = new Set();
  /** @type {Set<Element>} */
  const stale = new Set();
  const catchUp = (/** @type {boolean} */ everything) => {
    for (const [where, draw] of views) {
      if (!latest || !stale.has(where) || !(everything || seen.has(where))) continue;
      stale.delete(where);
      where.removeAttribute("aria-busy");
      draw(latest);
    }
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target);
      catchUp(false);
    },
    { rootMargin: NEAR },
  );
  for (const [where] of views) observer.observe(where);
  return (state, everything) => {
    latest = state;
    for (const [where] of views) stale.add(where);
    catchUp(everything);
    for (const where of stale) where.setAttribute("aria-busy", "true");
    clearTimeout(timer);
    if (stale.size) timer = window.setTimeout(() => catchUp(true), REST_MS);
  };
}

/** Call when the next frame has been shown. @param {() => void} then */
export function afterFrame(then) {
  requestAnimationFrame(() => setTimeout(then));
}
