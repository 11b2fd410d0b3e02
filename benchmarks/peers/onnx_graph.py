"""The network that everybody predicts with, as an ONNX graph: what ONNX Runtime and OpenVINO are given."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from protocol import Description, folded


def graph(given: Description) -> bytes:
    """Return the model: images N C H W in, probabilities N K out."""
    remaining = iter(folded(given))
    nodes, constants, name = [], [], "image"

    def constant(values: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values), f"constant{len(constants)}"))
        return str(constants[-1].name)

    def node(kind: str, *inputs: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"value{len(nodes)}"], **attributes))
        return str(nodes[-1].output[0])

    flat = False
    for stage in given["stages"]:
        if stage["kind"] == "convolution":
            weights, biases = next(remaining)
            half, stride = stage["patch"] // 2, stage["stride"]
            below = name
            name = node("Conv", name, constant(weights), constant(biases), pads=[half] * 4, strides=[stride] * 2)
            name = node("Add", name, below) if stage["residual"] else name
            name = node("Relu", name)
        elif stage["kind"] == "max":
            window = stage["window"]
            if window is None:
                name = node("GlobalMaxPool", name)
            else:
                name = node("MaxPool", name, kernel_shape=[window] * 2, strides=[window] * 2)
        else:
            name = name if flat else node("Flatten", name)
            flat = True
            weights, biases = next(remaining)
            name = node("Relu", node("Gemm", name, constant(weights), constant(biases), transB=1))
    weights, biases = next(remaining)
    name = name if flat else node("Flatten", name)
    name = node("Softmax", node("Gemm", name, constant(weights), constant(biases), transB=1))
    shape = [given["batch"], given["channels"], given["height"], given["width"]]
    made = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [given["batch"], given["classes"]])],
        constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
