// @ts-check
/** The network and everything else that the file holds, with its numbers unpacked. */

/** @typedef {{ maps: number, rows: number, columns: number }} Shape */

/** Along one side of the image: a value at position p depends on pixels start + p × stride … + size - 1.
 * @typedef {{ size: number, stride: number, start: number }} Field */

/** The distance of a layer's maps between two different images, and their values on an image of background, one a map.
 * @typedef {{ between: number, background: number[] }} Reference */

/** What a layer does. @typedef {"convolution" | "transposed-convolution" | "locally-connected" | "linear" | "pooling"
 *   | "nonlinearity" | "scale-and-shift" | "channel-normalization" | "local-response" | "softmax" | "add" | "multiply"
 *   | "concatenate" | "resize" | "padding" | "channel-selection" | "channel-shuffle" | "flatten"} Kind */

/**
 * @typedef {object} Layer
 * @property {string} name for the reader: of a layout the notation, for example 8C3; else the path
 * @property {string} path the name of the node, for example layer1.0.conv2; before its last dot is its block
 * @property {string} notation a few letters that name what it does
 * @property {Kind} kind
 * @property {number[]} inputs the layers that it reads, from 0; -1 is the image
 * @property {number} maps
 * @property {number} rows
 * @property {number} columns
 * @property {any} settings what its kind has besides
 * @property {[number, number]} window patch or window, down and across; 1 where it looks at one position
 * @property {[number, number]} stride
 * @property {[number, number]} before zeros above and to the left
 * @property {[number, number]} after zeros below and to the right
 * @property {[number, number]} dilation distance between neighboring values of a patch
 * @property {number} groups of the maps below and of the units
 * @property {[number, number]} regions with weights of their own, down and across
 * @property {boolean} residual whether its second input is added to the sums
 * @property {string} code of the pooling
 * @property {boolean} whole whether the window is the whole map
 * @property {string} nonlinearity of its values, for example relu or leakyrelu:0.1
 * @property {Float32Array} weights regions, units, maps below in a group, rows, columns of the patch
 * @property {Float32Array} bias
 * @property {Float32Array} scale one a map, where it has such
 * @property {Float32Array} shift
 * @property {[Field, Field]} field down and across
 * @property {boolean} gated whether a value depends on the whole image, through a gate
 * @property {number} parameters
 * @property {number} macs
 * @property {Reference | null} reference what its maps are like on other images; null where the file has none
 */

/** An image with its class, if that is known, and the class that the network predicts.
 * @typedef {{ name: string, truth: number | null, predicted: number, pixels: Uint8Array }} NamedImage */

/** A kind of layer, a pooling or a nonlinearity in words; sees is the part of its window that a pooling's value depends
 * on, shift what happens to a layer's result when its input is moved.
 * @typedef {{ name: string, formula: string, phrase: string, sees: "window" | "first" | "around" | "", shift: string }}
 *   KindText */

/** What weights of few digits change: on how many images, or random ones, how many have the same class, and the largest
 * difference of two logits.
 * @typedef {{ images: number, random: boolean, same: number, largest_difference: number, largest_logit: number }}
 *   Rounding */

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
 * @property {"float32" | "float24" | "float16" | "int8"} weight_dtype of the weights in the file
 * @property {Rounding | null} rounding where they have few digits
 * @property {Layer[]} layers
 * @property {boolean} sigmoids whether logits become probabilities by sigmoids, each divided by their sum; by softmax
 *   if not
 * @property {NamedImage[]} images
 * @property {Record<string, KindText>} kinds of its layers
 * @property {Record<string, KindText>} poolings by their codes
 * @property {Record<string, KindText>} nonlinearities by their names
 * @property {import("./units.js").Units | null} [units] where they were measured
 * @property {import("./evaluation.js").Evaluation | null} [evaluation] of the run, where there is a report
 * @property {import("./invariance.js").Invariance | null} [invariance] robustness, where it was measured
 * @property {import("./comparison.js").Comparison | null} [comparison] of variants, where there is one
 * @property {import("./where_view.js").WhereData | null} [where] what says where the network looked
 * @property {import("./ink.js").Ink | null} [ink] what the ink of its images has in common
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

/**
 * The numbers of the layers that a layer reads.
 * @param {Network} network
 * @param {number} layer from 1
 * @returns {number[]} 0 is the image
 */
export function inputsOf(network, layer) {
  return network.layers[layer - 1].inputs.map((input) => input + 1);
}

/**
 * The number of the layer that a layer computes from: its first input.
 * @param {Network} network
 * @param {number} layer from 1
 * @returns {number} 0 is the image
 */
export function belowOf(network, layer) {
  return network.layers[layer - 1].inputs[0] + 1;
}

/**
 * The numbers of the layers that read a layer.
 * @param {Network} network
 * @param {number} layer 0 is the image
 * @returns {number[]}
 */
export function readersOf(network, layer) {
  return network.layers.flatMap(({ inputs }, index) => (inputs.includes(layer - 1) ? [index + 1] : []));
}

/**
 * What the network computes with for a pixel from 0 to 255.
 * @param {Network} network
 * @param {number} channel
 * @param {number} pixel
 */
export function standardized(network, channel, pixel) {
  return (pixel / 255 - network.mean[channel]) / network.std[channel];
}

/**
 * What a convolution would have if no weights were copied, as a locally connected layer does: own weights at each
 * position, and one bias for each map.
 * @param {Pick<Layer, "parameters" | "maps" | "rows" | "columns">} layer
 */
export function separateParameters({ parameters, maps, rows, columns }) {
  return (parameters - maps) * rows * columns + maps;
}

/**
 * The first convolution whose units are copied, with its parameters and those of separate units.
 * @param {Layer[]} layers
 * @returns {{ name: string, shared: number, separate: number } | null}
 */
export function savedBySharing(layers) {
  const first = layers.find((layer) => layer.kind === "convolution" && layer.rows * layer.columns > 1);
  return first ? { name: first.name, shared: first.parameters, separate: separateParameters(first) } : null;
}
