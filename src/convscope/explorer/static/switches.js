// @ts-check
/** Units that are turned off: their maps are 0 everywhere, and all that comes after goes without them. */

/** @typedef {{ layer: number, unit: number }} Unit layer from 1 */
/** @typedef {readonly Unit[]} Off */

/**
 * Whether there is such a unit, with a switch: not an image's channel, a pooled map or a class.
 * @param {import("./network.js").Network} network
 * @param {Unit} which
 */
export function canBeOff(network, { layer, unit }) {
  const here = network.layers[layer - 1];
  return (
    layer < network.layers.length && here !== undefined && here.kind !== "pooling" && unit >= 0 && unit < here.maps
  );
}

/** Whether both are the same units. @param {Off} one @param {Off} other */
export function sameOff(one, other) {
  return one.length === other.length && one.every((unit) => isOff(other, unit));
}

/** @param {Off} off @param {Unit} which */
export function isOff(off, which) {
  return off.some(({ layer, unit }) => layer === which.layer && unit === which.unit);
}

/** The same with one unit turned the other way. @param {Off} off @param {Unit} which @returns {Off} */
export function toggled(off, { layer, unit }) {
  if (!isOff(off, { layer, unit })) return [...off, { layer, unit }];
  return off.filter((one) => one.layer !== layer || one.unit !== unit);
}
