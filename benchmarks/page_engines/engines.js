// The engines that benchmarks/page.py compares, all in one page: each is made from the network as the page reads it,
// and then gives the scores of an image. Ours (`makeEngine`, `standardize`) is in the page before this file.

/** A convolution with its nonlinearity, or fully connected units, in TensorFlow.js: images are rows, columns, channels there. */
function tensorflowLayers(network) {
  let below = { maps: network.channels, rows: network.height, columns: network.width };
  return network.layers.map((step) => {
    const from = below;
    below = step;
    const activation = step.nonlinearity === "relu" && !step.residual ? "relu" : "linear";
    if (step.kind === "convolution") {
      const [tall, wide] = step.window;
      const filter = tf.transpose(tf.tensor4d(step.weights, [step.maps, from.maps, tall, wide]), [2, 3, 1, 0]);
      const bias = tf.tensor1d(step.bias);
      const same = tall % 2 === 1 && step.stride[0] === 1;
      const pad = same ? "same" : [[0, 0], [step.before[0], step.after[0]], [step.before[1], step.after[1]], [0, 0]];
      return (x) => {
        const sums = tf.fused.conv2d({ x, filter, bias, strides: step.stride, pad, activation });
        return step.residual ? tf.relu(tf.add(sums, x)) : sums;
      };
    }
    if (step.kind === "pooling") return step.whole ? (x) => tf.max(x, [1, 2]) : (x) => tf.maxPool(x, step.window, step.stride, "valid");
    const ordered = tf.tensor4d(step.weights, [step.maps, from.maps, from.rows, from.columns]);
    const matrix = tf.reshape(tf.transpose(ordered, [2, 3, 1, 0]), [-1, step.maps]);
    const bias = tf.tensor1d(step.bias);
    return (x) => tf.fused.matMul({ a: tf.reshape(x, [1, -1]), b: matrix, bias, activation });
  });
}

async function tensorflow(backend, network) {
  const use = async () => {
    await tf.setBackend(backend);
    await tf.ready();
  };
  await use();
  const layers = tensorflowLayers(network);
  const scores = (pixels) =>
    tf.tidy(() => {
      const maps = tf.tensor(standardize(network, pixels), [1, network.channels, network.height, network.width]);
      let values = network.channels === 1 ? tf.reshape(maps, [1, network.height, network.width, 1]) : tf.transpose(maps, [0, 2, 3, 1]);
      for (const layer of layers) values = layer(values);
      return values.dataSync();
    });
  return { use, scores: async (pixels) => scores(pixels) };
}

async function onnxRuntime(network, graph) {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/onnxruntime-web/dist/";
  const session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  const shape = [1, network.channels, network.height, network.width];
  const scores = async (pixels) => {
    const answer = await session.run({ [input]: new ort.Tensor("float32", standardize(network, pixels), shape) });
    return answer[output].data;
  };
  return { use: async () => {}, scores };
}

function convscope(network, plain) {
  const engine = makeEngine(network, plain);
  const answer = (pixels) => engine({ pixels, off: [] });
  const { loops } = answer(new Uint8Array(network.height * network.width * network.channels));
  return { use: async () => {}, loops, scores: async (pixels) => answer(pixels).all.at(-1) };
}

const MAKERS = {
  convscope: async (network) => convscope(network, false),
  "convscope, JavaScript": async (network) => convscope(network, true),
  "TensorFlow.js, cpu": (network) => tensorflow("cpu", network),
  "TensorFlow.js, wasm": (network) => tensorflow("wasm", network),
  "ONNX Runtime Web, wasm": (network, graph) => onnxRuntime(network, graph),
};

/** The share of the scores; ONNX's graph gives probabilities, the others scores. */
function asProbabilities(values) {
  const numbers = Array.from(values);
  const sum = numbers.reduce((total, value) => total + value, 0);
  return Math.abs(sum - 1) < 1e-3 && numbers.every((value) => value >= 0) ? numbers : softmax(numbers);
}

/** The clock of a page has steps of a tenth of a millisecond; a sample lasts for many of them. */
const LEAST_MS = 2;

/** Return the mean milliseconds that an engine takes for an image, over as many as take `LEAST_MS`. */
async function meanTime(engine, images) {
  const from = performance.now();
  let count = 0;
  while (!count || performance.now() - from < LEAST_MS) await engine.scores(images[count++ % images.length].pixels);
  return (performance.now() - from) / count;
}

/** Milliseconds of every engine in turn, `rounds` times for `budget` milliseconds each. */
async function compareEngines(network, graph, rounds, budget) {
  const engines = {};
  const found = { milliseconds: {}, probabilities: {}, loops: "" };
  for (const [name, make] of Object.entries(MAKERS)) {
    engines[name] = await make(network, graph);
    found.milliseconds[name] = [];
    found.probabilities[name] = asProbabilities(await engines[name].scores(network.images[0].pixels));
  }
  found.loops = engines.convscope.loops;
  for (let round = 0; round < rounds; round++) {
    for (const [name, engine] of Object.entries(engines)) {
      await engine.use();
      const begun = performance.now();
      for (let turn = 0; turn < 3 || (performance.now() - begun < budget / 2); turn++) await engine.scores(network.images[0].pixels);
      const started = performance.now();
      for (let turn = 0; turn < 3 || performance.now() - started < budget; turn++) {
        found.milliseconds[name].push(await meanTime(engine, network.images));
      }
    }
  }
  return found;
}
