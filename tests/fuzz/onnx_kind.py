"""Damaged ONNX files, and whole ones with odd contents: refused in one sentence, or read as a network that computes."""

import itertools
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

from convscope.core.errors import ConvscopeError
from convscope.networks.foreign.building.builder import ReadNetwork
from convscope.networks.foreign.onnx.reader import read_onnx
from convscope.networks.graph_network import GraphNetwork
from tests.networks.foreign.onnx_cases import CASES
from tests.networks.foreign.onnx_models import Written, written

from .bytewise import damaged, splice
from .cases import Kind, Random, Verdict, Watch, pick

_EVERY = 16
_SECONDS = 5.0
_LARGEST = 1 << 22  # values of a layer that are computed
_NUMBERS = (0, 1, -1, 2, 3, 7, 255, 65_536, 2**31 - 1, 2**31, -(2**31), 2**40, 2**62, -(2**63))
Change = Callable[[onnx.ModelProto, Random], None]


class Onnx(Kind):
    """ONNX files."""

    name = "onnx"
    title = "ONNX files, read as graphs"
    cpu_s = 20.0
    memory_mb = 1_024

    def prepare(self, folder: Path) -> None:
        """Make good files of every operator, and what they may lead to."""
        torch.set_num_threads(1)
        self._folder = folder / "folder"
        self._folder.mkdir()
        (folder / "secret").write_bytes(bytes(100_000))
        (self._folder / "weights").write_bytes(bytes(range(256)) * 100)
        (self._folder / "link").symlink_to(folder / "secret")
        self._good = [written(case.write, case.opset).SerializeToString() for case in CASES.values()]
        self._good += [written(_residual).SerializeToString()] * len(self._good)

    def case(self, seed: int) -> tuple[bytes, bool]:
        """Return a file, and whether it is a good one."""
        random = self.random(seed)
        good = pick(random, self._good)
        if seed % _EVERY == 0:
            return good, True
        what = int(random.integers(8))
        if what == 0:
            return damaged(good, random), False
        if what == 1:
            return splice(good, pick(random, self._good), random), False
        model = onnx.ModelProto.FromString(good)
        for _ in range(1 + int(random.integers(3))):
            pick(random, _CHANGES)(model, random)
        return model.SerializeToString(), False

    def save(self, seed: int, folder: Path) -> None:
        """Write the file of one case."""
        (folder / "network.onnx").write_bytes(self.case(seed)[0])

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Read each, and compute with what can be read."""
        for seed in seeds:
            watch.begin(seed)
            data, is_good = self.case(seed)
            path = self._folder / "network.onnx"
            path.write_bytes(data)
            self._read(path, watch, is_good=is_good)

    def _read(self, path: Path, watch: Watch, *, is_good: bool) -> None:
        start = time.process_time()
        source = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                source = read_onnx(path)
        except ConvscopeError as error:
            if is_good:
                watch.found(Verdict.WRONG, "a whole network is refused", str(error))
            if "\n" in str(error) or len(str(error)) > 1_000:
                watch.found(Verdict.WRONG, "more than a sentence", str(error))
        except Exception as error:  # noqa: BLE001  # what is looked for
            watch.crashed(error)
        if time.process_time() - start > _SECONDS:
            watch.found(Verdict.HANG, f"more than {_SECONDS:g} s")
        if source is not None:
            self._compute(source, watch)

    def _compute(self, source: ReadNetwork, watch: Watch) -> None:
        """Compute the network, where it is small."""
        graph = source.graph
        if (
            max(shape.values for shape in graph.shapes.values()) > _LARGEST
            or sum(graph.planned(n).macs for n in graph.nodes) > 1e9
        ):
            return
        image = torch.zeros(1, graph.image.maps, graph.image.rows, graph.image.columns)
        try:
            network = GraphNetwork(graph, source.tensors)
            with torch.no_grad():
                for node, values in network.values(image):
                    shape = graph.shapes[node.name]
                    if tuple(values.shape) != (1, shape.maps, shape.rows, shape.columns):
                        watch.found(Verdict.WRONG, f"a {node.layer.KIND} has another shape than it says", str(node))
        except ConvscopeError:
            return
        except Exception as error:  # noqa: BLE001  # what is looked for
            watch.crashed(error)


def _residual(g: Written) -> str:
    """A network of what most networks have."""
    stem = g.op("Relu", g.op("Conv", "image", g.random(4, 4, 3, 3, name="stem.weight"), pads=[1, 1, 1, 1]))
    norm = g.op("BatchNormalization", stem, *(g.random(4, low=0.1) for _ in range(4)))
    maps = g.op("MaxPool", g.op("Add", norm, "image"), kernel_shape=[2, 2], strides=[2, 2])
    gate = g.op("Sigmoid", g.op("Conv", g.op("GlobalAveragePool", maps), g.random(4, 4, 1, 1)))
    maps = g.op("Concat", g.op("Mul", maps, gate), maps, axis=1)
    return str(g.op("Gemm", g.op("Flatten", maps), g.random(96, 5), g.random(5)))


def _some(random: Random, items: Any) -> Any:
    return items[int(random.integers(len(items)))] if len(items) else None


def _dims(model: onnx.ModelProto, random: Random) -> None:
    """Give a constant other dimensions: a number changed, more or fewer of them, or far too many values."""
    tensor = _some(random, model.graph.initializer)
    if tensor is None:
        return
    what = int(random.integers(4))
    if what == 0:
        tensor.dims[:] = [2**20, 2**20]
    elif what == 1 and tensor.dims:
        tensor.dims[int(random.integers(len(tensor.dims)))] = pick(random, _NUMBERS)
    elif what == 2:
        tensor.dims.append(pick(random, _NUMBERS))
    else:
        tensor.dims[:] = list(tensor.dims)[::-1]


def _constant(model: onnx.ModelProto, random: Random) -> None:
    """Take a constant away, change its type or its values."""
    constants = model.graph.initializer
    if not constants:
        return
    at, what = int(random.integers(len(constants))), int(random.integers(4))
    if what == 0:
        del constants[at]
    elif what == 1:
        constants[at].data_type = int(random.integers(0, 30))
    elif what == 2:
        constants[at].raw_data = damaged(constants[at].raw_data, random)
    elif constants[at].data_type == TensorProto.INT64:
        count = len(constants[at].raw_data) // 8
        constants[at].raw_data = np.array([pick(random, _NUMBERS) for _ in range(count)], np.int64).tobytes()
    else:
        size = len(constants[at].raw_data) // 4
        value = pick(random, (0.0, np.nan, np.inf, 1e30, -1.0))
        constants[at].raw_data = np.full(size, value, np.float32).tobytes()


def _wiring(model: onnx.ModelProto, random: Random) -> None:
    """Let an operator read another value, maybe its own, or none."""
    node = _some(random, model.graph.node)
    if node is None or not node.input:
        return
    names = [*itertools.chain.from_iterable(other.output for other in model.graph.node), "image", "", "nowhere"]
    names += [tensor.name for tensor in model.graph.initializer]
    node.input[int(random.integers(len(node.input)))] = pick(random, names)


def _order(model: onnx.ModelProto, random: Random) -> None:
    """Take an operator away, repeat it, or put all in another order."""
    nodes, what = model.graph.node, int(random.integers(3))
    if not nodes:
        return
    at = int(random.integers(len(nodes)))
    if what == 0:
        del nodes[at]
    elif what == 1:
        nodes.append(nodes[at])
    else:
        shuffled = [
            onnx.NodeProto.FromString(nodes[int(number)].SerializeToString())
            for number in random.permutation(len(nodes))
        ]
        del nodes[:]
        nodes.extend(shuffled)


def _kind(model: onnx.ModelProto, random: Random) -> None:
    """Make an operator another one."""
    node = _some(random, model.graph.node)
    if node is not None:
        kinds = sorted({name.split()[0].strip(",") for name in CASES})
        node.op_type = pick(random, [*kinds, "Loop", "If", "QLinearConv", "Det", "", "Conv\n"])
        node.domain = pick(random, ["", "", "", "ai.onnx", "com.microsoft", "ai.onnx.ml"])


def _attribute(model: onnx.ModelProto, random: Random) -> None:
    """Change, add or take away an attribute."""
    node = _some(random, model.graph.node)
    if node is None:
        return
    names = [
        "axis",
        "perm",
        "pads",
        "strides",
        "dilations",
        "group",
        "kernel_shape",
        "keepdims",
        "axes",
        "alpha",
        "mode",
    ]
    if node.attribute and random.integers(2):
        names = [pick(random, node.attribute).name]
    name = pick(random, names)
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)
    value = pick(random, (
        pick(random, _NUMBERS), [pick(random, _NUMBERS) for _ in range(int(random.integers(1, 6)))], 1.5, float("nan"),
        "text", [0, 1, 1, 0], [3, 3], 1, 2,
    ))  # fmt: skip
    if random.integers(4):
        node.attribute.append(helper.make_attribute(name, value))


def _outside(model: onnx.ModelProto, random: Random) -> None:
    """Store a constant in another file, here or elsewhere."""
    tensor = _some(random, model.graph.initializer)
    if tensor is None:
        return
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    places = (
        "weights",
        "link",
        "../secret",
        "/etc/passwd",
        "/dev/zero",
        "",
        ".",
        "nothing",
        "weights\0",
        "a/../weights",
    )
    tensor.external_data.add(key="location", value=pick(random, places))
    if random.integers(2):
        tensor.external_data.add(key="offset", value=str(pick(random, _NUMBERS)))
    if random.integers(3) == 0:
        tensor.external_data.add(key="length", value=pick(random, ("12", "-1", "x", "9" * 40)))


def _input(model: onnx.ModelProto, random: Random) -> None:
    """Change shape or type of the image, or add an input."""
    graph = model.graph
    what = int(random.integers(3))
    if what == 0 or not graph.input:
        graph.input.append(helper.make_tensor_value_info(pick(random, ("image", "other", "v0")), 1, (1, 3)))
    elif what == 1:
        graph.input[0].type.tensor_type.elem_type = int(random.integers(0, 20))
    elif graph.input[0].type.tensor_type.shape.dim:
        pick(random, graph.input[0].type.tensor_type.shape.dim).dim_value = pick(random, _NUMBERS)


def _many(model: onnx.ModelProto, random: Random) -> None:
    """Add a long chain of operators: more than a file may have, or nearly."""
    if random.integers(8) or not model.graph.output:
        return
    count = pick(random, (1_000, 4_000, 19_000, 100_000))
    kind = pick(random, ("Relu", "Erf", "Tanh", "Neg", "Identity", "Exp"))
    last = model.graph.output[0].name
    graph = onnx.GraphProto()
    for number in range(count):
        graph.node.add(op_type=kind, input=[last], output=[f"more{number}"])
        last = f"more{number}"
    model.graph.MergeFrom(graph)
    model.graph.output[0].name = last


def _version(model: onnx.ModelProto, random: Random) -> None:
    """Give the operators another version."""
    for entry in model.opset_import:
        entry.version = int(random.integers(-1, 40))


_CHANGES: tuple[Change, ...] = (
    _dims, _dims, _constant, _constant, _wiring, _wiring, _order, _kind, _kind, _attribute, _attribute, _attribute,
    _outside, _input, _many, _version,
)  # fmt: skip
