"""Proof that a graph computes what the network does that it was read from: both run on the same images."""

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree

from convscope.core.errors import DataError
from convscope.core.machine import usable_cores
from convscope.core.text import counted
from convscope.networks.graph import IMAGE, Graph
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.image_network import evaluating

LARGEST = 1e-4
"""The largest difference, relative to the largest value."""
_ROUNDINGS = 8
"""So many times what the graph's output loses in single precision, another order of its sums may lose."""
_MOST = 0.1  # more is never rounding
_UNRELATED = 0.5  # what differs more from all values of its size has none that it should be
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")
_TYPES = {"tensor(uint8)": np.uint8, "tensor(float16)": np.float16, "tensor(double)": np.float64}
_SAMPLED = 1_000  # values of a layer that a first look compares
_LARGEST_FILE = 1 << 30  # bytes of a network whose layers are compared one by one


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How far a graph and the network that it was read from differ.

    Attributes:
        by: what computed the network.
        images: number of images.
        output: largest difference of the output, relative to the largest value; None where only layers were compared.
        layers: largest difference of the layers that both have.
        compared: number of those layers.
        of: number of all layers.
        rounding: how far the graph's output in single precision is from that in double precision; None where the
            difference to the original is so small that it was not asked.
        ended: whether the output was compared, or at least the last layer.
    """

    by: str
    images: int
    output: float | None
    layers: float
    compared: int
    of: int
    rounding: float | None = None
    ended: bool = True

    def __str__(self) -> str:
        """Return a sentence.

        Examples:
            >>> str(Proof(by="ONNX Runtime", images=2, output=3e-7, layers=4e-7, compared=48, of=49))
            'compared with ONNX Runtime on 2 images: the output differs by 3e-07, 48 of 49 layers by at most 4e-07'
        """
        output = "" if self.output is None else f"the output differs by {self.output:.0e}, "
        layers = f"{self.compared:,} of {counted(self.of, 'layer')} by at most {self.layers:.0e}"
        rounding = "" if self.rounding is None else f"; its own rounding is {self.rounding:.0e}"
        return f"compared with {self.by} on {counted(self.images, 'image')}: {output}{layers}{rounding}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One image in both networks.

    Attributes:
        image: what the graph takes, 1 C H W.
        output: what the network gives for it; empty where it has no output of the graph's.
        values: of its parts, in their order, without their names.
    """

    image: Tensor
    output: Tensor | None
    values: Sequence[Tensor]


def proof_of(network: GraphNetwork, trials: Sequence[Trial], by: str, *, strict: bool = True) -> Proof:
    """Return how far the graph differs from what it was read from.

    Args:
        network: the graph with its weights.
        trials: the same images in the original.
        by: what computed the original.
        strict: refuse a graph that differs; without it, only one that does so without bounds.

    Raises:
        DataError: they differ by more than `LARGEST`, and by more than rounding explains; the message names the first
            layer that does. Without an output to compare, this is about the last layer, if it can be compared.
    """
    layers = {node.name: 0.0 for node in network.graph.nodes}
    output: float | None = None
    broken = 0.0
    for trial in trials:
        values = _values(network, trial.image)
        if not bool(torch.isfinite(values[network.graph.output.name]).all()):
            broken = float("inf")
        if trial.output is not None:
            output = max(output or 0.0, _output_differs(values[network.graph.output.name], trial.output))
        for name, difference in _closest(values, trial.values).items():
            layers[name] = max(layers[name], difference)
    equal = [difference for difference in layers.values() if difference <= LARGEST]
    last = layers[network.graph.output.name]
    is_lonely = output is None and broken == 0 and _is_lonely(network.graph, layers)
    worst = max(output if output is not None else 0.0 if is_lonely else last, broken)
    rounding = None if worst <= LARGEST else _rounding(network, [trial.image for trial in trials])
    is_bounded = not strict and np.isfinite(worst)
    if rounding is not None and not is_bounded and not worst <= min(_ROUNDINGS * rounding, _MOST):
        raise DataError(
            f"The network that was read must compute what {by} does. Got an output that differs by {worst:.1g} of its "
            f"largest value; the first layer that differs is {_first(network.graph, layers)!r}. Take the part before "
            "it with `up_to`, and please report it to the authors."
        )
    return Proof(
        by=by,
        images=len(trials),
        output=output,
        layers=max(equal, default=0.0),
        compared=len(equal),
        of=len(layers),
        rounding=rounding,
        ended=not is_lonely,
    )


def _rounding(network: GraphNetwork, images: Sequence[Tensor]) -> float:
    """Return how far the output in single precision is from that in double precision, relative to the largest value.

    A network that amplifies rounding differs so much between any two orders of its sums.
    """
    exact, output, worst = copy.deepcopy(network).double(), network.graph.output.name, 0.0
    for image in images:
        with torch.inference_mode():
            *_, (_, values) = exact.values(image.double())
        worst = max(worst, _differs(_values(network, image)[output].double(), values))
    return worst


def _values(network: GraphNetwork, image: Tensor) -> dict[str, Tensor]:
    with torch.inference_mode():
        return {node.name: values for node, values in network.values(image)}


def _output_differs(own: Tensor, other: Tensor) -> float:
    """Return the difference of logits, or of the probabilities or their logarithms if the other gives those."""
    own = own.reshape(len(own), -1) if own.shape[2:] == (1, 1) else own
    turned = _turned(other, own) if own.numel() == other.numel() else []
    choices = (own, own.softmax(1), own.log_softmax(1))
    return min((_differs(choice, one) for choice in choices for one in turned or [other]), default=float("inf"))


def _closest(values: Mapping[str, Tensor], others: Sequence[Tensor]) -> dict[str, float]:
    """Return for each layer the difference to the closest value of its shape in the original; infinity if none is.

    A value that one layer equals is not what another should be.
    """
    by_size: dict[int, list[int]] = defaultdict(list)
    for index, other in enumerate(others):
        by_size[other.numel()].append(index)
    found, taken = {}, set[int]()
    for name, own in values.items():
        found[name], index = _nearest(own, others, by_size[own.numel()])
        if found[name] <= LARGEST:
            taken.add(index)
    for name, own in values.items():
        if found[name] > LARGEST:
            found[name], _ = _nearest(own, others, [index for index in by_size[own.numel()] if index not in taken])
    return found


def _nearest(own: Tensor, others: Sequence[Tensor], indices: Sequence[int]) -> tuple[float, int]:
    """Return the difference to the closest of some values, and which it is; infinity if there is none."""
    turned = [(one, index) for index in indices for one in _turned(others[index], own)]
    likely = min(turned, key=lambda other: _differs(*_some(own, other[0])), default=None)
    return (float("inf"), -1) if likely is None else (_differs(own, likely[0]), likely[1])


def _some(own: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Return up to about a thousand of the values of both, at the same positions."""
    step = max(1, own.numel() // _SAMPLED)
    if own.is_contiguous() and other.is_contiguous():
        return own.view(-1)[::step], other.view(-1)[::step]
    rows, columns = own.shape[2:]
    positions = [min(rows, columns) // 2] if rows * columns > 1 else [0]
    return own[:, :, positions], other[:, :, positions]


def _turned(other: Tensor, own: Tensor) -> list[Tensor]:
    """Return the values in the shape of `own`: as they are, and with channels last."""
    if other.dim() == 4 and other.shape != own.shape:
        last = other.permute(0, 3, 1, 2)  # N H W C -> N C H W
        return [last] if last.shape == own.shape else []
    return [other.reshape(own.shape)]


def _differs(own: Tensor, other: Tensor) -> float:
    """Return the largest difference, relative to the largest value."""
    if own.numel() != other.numel():
        return float("inf")
    difference = float((own.reshape(other.shape) - other).abs().max() / other.abs().max().clamp_min(1e-12))
    return difference if np.isfinite(difference) else float("inf")


def _first(graph: Graph, layers: Mapping[str, float]) -> str:
    """Return the first layer that differs though all that it reads is equal."""
    equal = {IMAGE} | {name for name, difference in layers.items() if difference <= LARGEST}
    for node in graph.nodes:
        near = LARGEST < layers[node.name] < float("inf")
        if near and (equal.issuperset(node.inputs) or graph.output.name == node.name):
            return node.name
    return next((node.name for node in graph.nodes if node.name not in equal), graph.output.name)


def _is_lonely(graph: Graph, layers: Mapping[str, float]) -> bool:
    """Return whether the original has no value that the last layer should be, and no layer before is wrong.

    A layer is wrong that differs from the closest value, though not as much as from one that is something else.
    """
    equal = {IMAGE} | {name for name, difference in layers.items() if difference <= LARGEST}
    wrong = (LARGEST < layers[node.name] < _UNRELATED and equal.issuperset(node.inputs) for node in graph.nodes)
    return graph.output.name not in equal and layers[graph.output.name] >= _UNRELATED and not any(wrong)


def noted(proof: Proof, notes: list[str]) -> Proof | None:
    """Return a proof, with a note on what it leaves open; None where nothing was compared."""
    if proof.output is None and not proof.compared:
        notes.append(f"Nothing of it could be compared with {proof.by}, which computes no value that a layer gives.")
        return None
    if not proof.ended:
        notes.append(
            f"Its last layer could not be compared: {proof.by} gives no such value. The layers before it were."
        )
    return proof


def some_images(graph: Graph, more: Sequence[Tensor] = ()) -> list[Tensor]:
    """Return images 1 C H W: noise, a smooth one, and those given."""
    generator = torch.Generator().manual_seed(0)
    shape = (graph.image.maps, graph.image.rows, graph.image.columns)
    noise = torch.randn(1, *shape, generator=generator)
    blocks = 2 * torch.randn(1, shape[0], 4, 4, generator=generator)
    return [noise, nn.functional.interpolate(blocks, shape[1:], mode="bilinear"), *more]


# A module of torch


def trials_of_module(module: nn.Module, graph: Graph, images: Sequence[Tensor], *, whole: bool) -> list[Trial]:
    """Return what a module gives for images, with the output of each of its parts; it stays as it is.

    Args:
        module: the original.
        graph: what was read.
        images: 1 C H W each, as the module takes them.
        whole: whether the graph ends where the module does.
    """
    values: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, result: Any) -> None:
        values.extend(leaf.detach().float().cpu().clone() for leaf in _tensors(result))  # a part after may change it

    hooks = [part.register_forward_hook(keep) for part in module.modules()]
    place = next((tensor.device for tensor in module.parameters()), torch.device("cpu"))
    trials = []
    try:
        with evaluating(module), torch.no_grad():
            for image in images:
                values.clear()
                outputs = _tensors(module(image.to(place)))
                output = _output(graph, [value.float().cpu() for value in outputs]) if whole else None
                trials.append(Trial(image=image, output=output, values=tuple(values)))
    finally:
        for hook in hooks:
            hook.remove()
    return trials


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Mapping):
        result = [*([result["out"]] if "out" in result else []), *result.values()]
    leaves = _pytree.tree_leaves(result)
    return [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.is_floating_point()]


def _output(graph: Graph, outputs: Sequence[Tensor]) -> Tensor | None:
    """Return the first output of the size that the graph's output has."""
    size = graph.shapes[graph.output.name].values
    return next((output for output in outputs if output.numel() == size), None)


# An ONNX file


def trials_of_file(
    path: Path, graph: Graph, images: Sequence[Tensor], *, whole: bool, pixels: Callable[[Tensor], Tensor] | None = None
) -> list[Trial]:
    """Return what ONNX Runtime gives for images, with every value on the way.

    Args:
        path: of the file, which was read already.
        graph: what was read.
        images: 1 C H W each, as the graph takes them.
        whole: whether the graph ends where the file does.
        pixels: makes of such an image the pixels, 1 C H W, that the file takes; None where it takes the image.

    Raises:
        Exception: ONNX Runtime cannot run it.
    """
    session, names, ends = _session(path)
    known = session.get_inputs()[0]
    is_last = not _fits(known.shape[1:], (graph.image.maps, graph.image.rows, graph.image.columns))
    trials = []
    for image in images:
        given = image if pixels is None else pixels(image)
        array = (given.permute(0, 2, 3, 1) if is_last else given).contiguous().numpy()
        found = session.run(names, {known.name: array.astype(_TYPES.get(known.type, np.float32))})
        values = [torch.from_numpy(np.asarray(one, np.float32)) for one in found]
        output = _output(graph, values[:ends]) if whole else None
        trials.append(Trial(image=image, output=output, values=values))
    return trials


def _fits(sides: Sequence[Any], shape: Sequence[int]) -> bool:
    return all(side == own or not isinstance(side, int) for side, own in zip(sides, shape, strict=True))


def _session(path: Path) -> tuple[Any, list[str], int]:
    """Return a session that gives every value of a file of moderate size, their names, and how many are outputs."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = usable_cores()
    settings: dict[str, Any] = {"sess_options": options, "providers": ["CPUExecutionProvider"]}
    if path.stat().st_size > _LARGEST_FILE:
        session = onnxruntime.InferenceSession(path, **settings)
        names = [output.name for output in session.get_outputs()]
        return session, names, len(names)
    model = onnx.load(path)
    ends = [output.name for output in model.graph.output]
    values = [name for node in model.graph.node for name in node.output[:1] if name and name not in ends]
    read = {name for node in model.graph.node for name in node.input}
    for unread in [one for one in model.graph.input if one.name not in read]:
        model.graph.input.remove(unread)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in values)
    session = onnxruntime.InferenceSession(model.SerializeToString(), **settings)
    floats = {one.name for one in session.get_outputs() if one.type in _FLOATS}
    outputs = [name for name in ends if name in floats]
    return session, [*outputs, *(name for name in values if name in floats)], len(outputs)
