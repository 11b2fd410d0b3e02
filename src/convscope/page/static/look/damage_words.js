// @ts-check
/** English text for files that cannot be read. */

export const DAMAGE = {
  unreadable: "The file is damaged: its data cannot be read.",
  missing: "The file is damaged: a part of its data is missing.",
  weights: (/** @type {number} */ needed, /** @type {number} */ there) =>
    `The file is damaged: it needs ${needed} bytes of weights, and has ${there}.`,
  sizes: (/** @type {string} */ name) =>
    `The file is damaged: the sizes of the layer ${name} are no whole numbers from 1.`,
  image: "The file is damaged: an image has not its size.",
  version: (/** @type {string} */ found, /** @type {number} */ known) =>
    `The data have version ${found}; this page reads version ${known}.`,
};
