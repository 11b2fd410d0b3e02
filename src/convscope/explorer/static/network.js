// @ts-check
/** The network and everything else that the file holds, with its numbers unpacked. */

/** @typedef {{ maps: number, rows: number, columns: number }} Shape */

/** Along one side of the image: a value at position p depends on pixels start + p × stride … + size - 1.
 * @typedef {{ size: number, stride: number, start: number }} Field */

/**
 * @typedef {object} Layer
 * @property {string} name the notation, for example 8C3
 * @property {"convolution" | "pooling" | "connected"} kind
 * @property {number} maps
 * @property {number} rows
 * @property {number} columns
 * @property {[number, number]} window patch or window, down and across
 * @property {[number, number]} stride
 * @property {number} before zeros before each side
 * @property {number} after zeros behind each side
 * @property {[number, number]} regions with weights of their own, down and across
 * @property {boolean} residual whether the input is added
 * @property {string} code of the pooling
 * @property {boolean} whole whether the window is the whole map
 * @property {string} nonlinearity
 * @property {Float32Array} weights regions, units, maps below, rows, columns of the patch
 * @property {Float32Array} bias
 * @property {[Field, Field]} field down and across
 * @property {number} parameters
 * @property {number} macs
 */

/** An image with its class, if that is known, and the class that the network predicts.
 * @typedef {{ name: string, truth: number | null, predicted: number, pixels: Uint8Array }} NamedImage */

/** A pooling or a nonlinearity in words; sees is the part of its window that a pooling's value depends on.
 * @typedef {{ name: string, formula: string, phrase: string, sees: "window" | "first" | "around" | "" }} KindText */

/**
 * @typedef {object} Network
 * @property {string} title
 * @property {string} layout
 * @property {string} version of the convscope that wrote the file
 * @property {string[]} classes
 * @property {number} height
 * @property {number} width
 * @property {number} channels
 * @property {number[]} mean
 * @property {number[]} std
 * @property {"letterbox" | "stretch" | "crop"} fit
 * @property {number[]} background
 * @property {import("./levels.js").Ranges} ranges which values of a file are black and white
 * @property {"float32" | "float24" | "float16"} weight_dtype of the weights in the file
 * @property {Layer[]} layers
 * @property {boolean} sigmoids whether logits become probabilities by sigmoids, each divided by their sum; by softmax
 *   if not
 * @property {NamedImage[]} images
 * @property {Record<string, KindText>} poolings by their codes
 * @property {Record<string, KindText>} nonlinearities by their names
 * @property {import("./units.js").Units | null} [units] where they were measured
 * @property {import("./evaluation.js").Evaluation | null} [evaluation] of the run, where there is a report
 * @property {import("./invariance.js").Invariance | null} [invariance] robustness, where it was measured
 * @property {import("./comparison.js").Comparison | null} [comparison] of variants, where there is one
 * @property {Network | null} [beside] a second network for the same images
 */

/**
 * @param {Network} network
 * @param {number} layer 0 is the image, 1 the first layer
 * @returns {Shape}
 */
export function shapeAt(network, layer) {
  return layer === 0
    ? { maps: network.channels, rows: network.height, columns: network.width }
    : network.layers[layer - 1];
}
