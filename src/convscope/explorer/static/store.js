// @ts-check
/** One state that several views draw from, and who hears of its changes. */

/**
 * @template T
 * @typedef {object} Store
 * @property {() => T} get
 * @property {(change: Partial<T>) => void} set replaces some fields, and calls the listeners
 * @property {(listener: (now: T, before: T) => void) => void} subscribe
 */

/**
 * @template T
 * @param {T} initial
 * @returns {Store<T>}
 */
export function makeStore(initial) {
  let state = initial;
  /** @type {((now: T, before: T) => void)[]} */
  const listeners = [];
  return {
    get: () => state,
    set(change) {
      const before = state;
      state = { ...state, ...change };
      for (const listener of listeners) listener(state, before);
    },
    subscribe: (listener) => listeners.push(listener),
  };
}
