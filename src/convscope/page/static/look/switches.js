// @ts-check
/** Units that are turned off: their maps are 0 everywhere, and all that comes after goes without them. */

/** @typedef {{ step: number, unit: number }} Unit step from 1 */
/** @typedef {readonly Unit[]} Off */

/** @param {Off} off @param {Unit} which */
export function isOff(off, which) {
  return off.some(({ step, unit }) => step === which.step && unit === which.unit);
}

/** The same with one unit turned the other way. @param {Off} off @param {Unit} which @returns {Off} */
export function toggled(off, { step, unit }) {
  if (!isOff(off, { step, unit })) return [...off, { step, unit }];
  return off.filter((one) => one.step !== step || one.unit !== unit);
}
