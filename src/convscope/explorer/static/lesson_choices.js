// @ts-check
/** What can be chosen in the first lesson. */
import { select } from "./editable.js";
import { LESSON } from "./text_lesson.js";
import { IMAGES, MOST_CHANNELS, MOST_UNITS, PATCHES, SECOND_CHANNEL, UNITS, replaced } from "./toy.js";

/** @typedef {import("./toy.js").Toy} Toy */
/** @typedef {Pick<import("./network.js").Network, "poolings" | "nonlinearities">} Families */

/**
 * What can be chosen.
 * @param {() => Toy} now
 * @param {(some: Partial<Toy>) => void} change
 * @param {Families} families
 */
export function makeChoices(now, change, { poolings, nonlinearities }) {
  /**
   * The name of these numbers, none if they were changed.
   * @param {Record<string, number[]>} named
   * @param {number[]} values
   */
  const nameOf = (named, values) =>
    Object.keys(named).find((name) => named[name].every((value, index) => value === values[index])) ?? "";
  const takeImage = (/** @type {string} */ name) =>
    change({ channels: replaced(now().channels, 0, IMAGES[/** @type {keyof typeof IMAGES} */ (name)]) });
  const image = select(LESSON.images, LESSON.imageNames, takeImage, LESSON.changed);
  const takeUnit = (/** @type {string} */ name) => {
    const [first] = now().units;
    const weights = replaced(first.weights, 0, PATCHES[/** @type {keyof typeof PATCHES} */ (name)]);
    change({ units: replaced(now().units, 0, { ...first, weights }) });
  };
  const unit = select(LESSON.weights(1, 1), LESSON.unitNames, takeUnit, LESSON.changed);
  const count = (/** @type {number} */ most) =>
    Object.fromEntries(Array.from({ length: most }, (_, index) => [index + 1, String(index + 1)]));
  const channels = select(LESSON.channelCount, count(MOST_CHANNELS), (many) =>
    change({ channels: [...now().channels, SECOND_CHANNEL].slice(0, Number(many)) }),
  );
  const units = select(LESSON.unitCount, count(MOST_UNITS), (many) =>
    change({ units: [...now().units, UNITS[1]].slice(0, Number(many)) }),
  );
  const zeros = select(LESSON.zeros, LESSON.zeroNames, (name) => change({ zeros: Number(name) }));
  const stride = select(LESSON.stride, LESSON.strideNames, (name) => change({ stride: Number(name) }));
  const namesOf = (/** @type {Families["poolings"]} */ kinds) =>
    Object.entries(kinds).map(([code, { name }]) => [code, name]);
  const names = { ...Object.fromEntries(namesOf(nonlinearities)), linear: LESSON.none };
  const nonlinearity = select(LESSON.nonlinearity, names, (name) => change({ nonlinearity: name }));
  const pooling = select(LESSON.pooling, { "": LESSON.none, ...Object.fromEntries(namesOf(poolings)) }, (code) =>
    change({ code }),
  );
  return {
    image: image.element,
    unit: unit.element,
    others: [channels, units, zeros, stride, nonlinearity, pooling].map((one) => one.element),
    show(/** @type {Toy} */ toy) {
      image.set(nameOf(IMAGES, toy.channels[0]));
      unit.set(nameOf(PATCHES, toy.units[0].weights[0]));
      unit.name(LESSON.weights(toy.units.length, toy.channels.length));
      channels.set(String(toy.channels.length));
      units.set(String(toy.units.length));
      zeros.set(String(toy.zeros));
      stride.set(String(toy.stride));
      nonlinearity.set(toy.nonlinearity);
      pooling.set(toy.code);
    },
  };
}
