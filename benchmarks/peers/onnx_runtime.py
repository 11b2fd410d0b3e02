"""The peer "ONNX Runtime": its session with all optimizations, float32."""

import numpy as np
import onnxruntime
from onnx_graph import graph
from protocol import description, random_images, serve


def main() -> None:
    """Predict, for as long as asked."""
    given = description()
    images, _ = random_images(given)
    maps = np.ascontiguousarray(images.transpose(0, 3, 1, 2))  # N H W C -> N C H W
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = given["threads"]
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(graph(given), options, providers=["CPUExecutionProvider"])
    serve(lambda: session.run(None, {"image": maps}), given, lambda: session.run(None, {"image": maps})[0])


if __name__ == "__main__":
    main()
