"""Small ONNX files, written by hand, and what ONNX Runtime and the graphs that are read from them compute."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from convscope.networks.foreign.building.builder import ReadNetwork
from convscope.networks.foreign.building.tidy import LOGITS
from convscope.networks.graph_network import GraphNetwork

Array = NDArray[Any]
Shape = Sequence[int | str]
IMAGE_SHAPE = (1, 4, 6, 8)


class Written:
    """An ONNX file while it is written: operators one after another on the values ``image``.

    Args:
        opset: version of the operators.
    """

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self.kinds: list[str] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(3)

    def op(self, kind: str, *inputs: str, outputs: int = 1, name: str = "", **attributes: Any) -> Any:
        """Add an operator; return the name of its result, or those of several."""
        number = len(self._nodes)
        names = [f"v{number}"] if outputs == 1 else [f"v{number}.{part}" for part in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, name=name, **attributes))
        self.kinds.append(kind)
        return names[0] if outputs == 1 else names

    def add(self, node: onnx.NodeProto) -> str:
        """Add a node as it is; return the name of its first result."""
        self._nodes.append(node)
        return node.output[0]

    def array(self, values: Any, dtype: Any = np.float32, name: str = "") -> str:
        """Put in a constant."""
        name = name or f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        """Put in whole numbers."""
        return self.array(values, np.int64)

    def random(self, *shape: int, low: float = -1, high: float = 1, name: str = "") -> str:
        """Put in random numbers."""
        return self.array(self._random.uniform(low, high, shape), name=name)

    def model(
        self,
        *outputs: str,
        shape: Shape = IMAGE_SHAPE,
        dtype: int = TensorProto.FLOAT,
        other_inputs: Mapping[str, Shape] | None = None,
    ) -> onnx.ModelProto:
        """Return the file, which gives `outputs`."""
        inputs = [helper.make_tensor_value_info("image", dtype, shape)]
        for name, sides in (other_inputs or {}).items():
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, sides))
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self._nodes, "network", inputs, results, self._constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)


Writing = Callable[[Written], str]


def written(writing: Writing, opset: int = 17, **settings: Any) -> onnx.ModelProto:
    """Return the file of one output that a function writes."""
    file = Written(opset)
    return file.model(writing(file), **settings)


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    """Write a file and return its path."""
    path = folder / "network.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def some_image(shape: Sequence[int] = IMAGE_SHAPE, seed: int = 1) -> NDArray[np.float32]:
    """Return an image of random numbers, with values beyond the bends of all nonlinearities."""
    return np.random.default_rng(seed).normal(0, 3, tuple(shape)).astype(np.float32)


def expected(path: Path, image: Array, output: str | None = None) -> Array:
    """Return what ONNX Runtime computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    found: Array = session.run([output] if output else None, {session.get_inputs()[0].name: image})[0]
    return found


def computed(source: ReadNetwork, image: Array) -> Array:
    """Return what the graph computes; probabilities where the network has them and the graph gives logits."""
    network = GraphNetwork(source.graph, source.tensors)
    values = torch.from_numpy(np.asarray(image, np.float32))
    with torch.no_grad():
        for _, values in network.values(values):  # noqa: B007, B020  # the last ones are the output
            pass
    return (values.softmax(1) if LOGITS in source.notes else values).numpy()


def assert_same(found: Array, wanted: Array, most: float = 1e-5) -> None:
    """Check that numbers are the same, relative to the largest."""
    assert found.size == wanted.size
    assert np.abs(found.ravel() - wanted.ravel()).max() <= most * max(1e-3, np.abs(wanted).max())
