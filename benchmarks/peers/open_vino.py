"""The peer "OpenVINO": compiled for throughput in the precision that the description asks for."""

import numpy as np
import openvino
from onnx_graph import graph
from protocol import description, random_images, serve


def main() -> None:
    """Predict, for as long as asked."""
    given = description()
    images, _ = random_images(given)
    maps = np.ascontiguousarray(images.transpose(0, 3, 1, 2))  # N H W C -> N C H W
    core = openvino.Core()
    hints = {
        "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, on all threads
        "INFERENCE_NUM_THREADS": given["threads"],
        "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[given["precision"]],
    }
    compiled = core.compile_model(core.read_model(graph(given)), "CPU", hints)
    request = compiled.create_infer_request()
    serve(
        lambda: request.infer({0: maps}, share_inputs=True),
        given,
        lambda: next(iter(request.infer({0: maps}).values())),
    )


if __name__ == "__main__":
    main()
