"""A network as a plain module of torch, which needs convscope no more: `torch.fx` over layers of `torch.nn`.

Layers write themselves as operators of ONNX; here each operator becomes a module or function of torch. So a new kind of
layer that can be written as ONNX is written as torch, too.
"""

import keyword
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.nn import functional

from convscope.core.errors import ParameterError
from convscope.layers.geometry import MapShape
from convscope.layers.kinds import Nonlinearity
from convscope.layers.layer import Attribute
from convscope.layers.nonlinearity import LEAKY, nonlinearity_of
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.image_network import ImageNetwork

_OWN = frozenset(dir(nn.Module()))
_Attributes: TypeAlias = Mapping[str, Any]
_Value: TypeAlias = "fx.Node | NDArray[Any] | None"


def torch_module(network: ImageNetwork) -> fx.GraphModule:
    """Return a network as a module of torch alone: standardized images N C H W in, logits out.

    Its submodules have the names of the layers; characters that Python does not allow there become ``_``.

    Raises:
        ParameterError: it has a layer that torch has no module for.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2).eval()
        >>> module = torch_module(network)
        >>> [name for name, _ in module.named_children()]
        ['convolution1', 'pooling1', 'classifier']
    """
    arithmetic = fold(network)
    writer = _TorchWriter()
    values = {IMAGE: writer.begin()}
    for node in arithmetic.graph.nodes:
        values[node.name] = writer.layer(arithmetic, node, values)
    return writer.module(values[arithmetic.graph.output.name], is_vector=arithmetic.gives_vector)


@final
class _TorchWriter:
    """What layers write themselves to, as they do to an ONNX file."""

    def __init__(self) -> None:
        self._graph = fx.Graph()
        self._parts: dict[str, Any] = {}
        self._values: dict[str, fx.Node] = {}
        self._constants: dict[str, NDArray[Any]] = {}
        self._flat: set[str] = set()  # vectors of two dimensions
        self._name, self.shape = "", MapShape(maps=1)
        self._tensors: Mapping[str, NDArray[np.float32]] = {}
        self._names: set[str] = set()

    def begin(self) -> str:
        """Return the name of the image."""
        return self._kept(self._graph.placeholder("images"))

    def layer(self, network: GraphNetwork, node: Node, values: Mapping[str, str]) -> str:
        """Write a node; return the name of its values."""
        self._name, self.shape = self._unique(node.name), network.graph.shapes[node.name]
        self._tensors = {name: value.detach().numpy() for name, value in network.tensors_of(node).items()}
        inputs = [values[name] for name in node.inputs]
        if isinstance(node.layer, Nonlinearity):
            value = self._bent(inputs[0], node.layer.function)
        else:
            value = node.layer.export(self, inputs, self._tensors, network.graph.inputs_of(node))
        return self._bent(value, node.nonlinearity)

    def module(self, value: str, *, is_vector: bool) -> fx.GraphModule:
        """Return the module whose output is a value."""
        result = self._values[value]
        if is_vector and value not in self._flat:
            result = self._graph.call_function(torch.flatten, (result, 1))
        self._graph.output(result)
        return fx.GraphModule(self._parts, self._graph, class_name="Network").eval()

    def constant(self, values: NDArray[Any]) -> str:
        """Keep an array until it is known what it is for."""
        name = f"constant {len(self._constants)}"
        self._constants[name] = values
        return name

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Attribute) -> str:
        """Write an operator of ONNX; return the name of its result."""
        if kind in ("Flatten", "Unsqueeze"):
            return self._reshaped(kind, inputs[0])
        if kind not in _WRITTEN:
            raise ParameterError(f"A module of torch cannot be made of {self._name}: there is none for {kind}.")
        given = [self._constants[one] if one in self._constants else self._maps(one) for one in inputs]
        result = _WRITTEN[kind](self, given, attributes)
        return self._kept(result, flat=kind == "Gemm")

    def part(self, module: nn.Module, value: Any) -> fx.Node:
        """Write a module under the name of the layer."""
        target = self._free(self._name)
        self._parts[target] = module
        return self._graph.call_module(target, (value,))

    def call(self, function: Callable[..., Any], *arguments: Any, **settings: Any) -> fx.Node:
        """Write a function; arrays among the arguments become parameters, buffers or numbers."""
        given = tuple(self._stored(one) if isinstance(one, np.ndarray) else one for one in arguments)
        return self._graph.call_function(function, given, settings)

    def tensor(self, values: NDArray[Any]) -> Tensor:
        """Return an array as a tensor of its own."""
        return torch.from_numpy(np.array(values))

    def _stored(self, values: NDArray[Any]) -> Any:
        if values.size == 1 and values.ndim == 0:
            return values.item()
        own = [name for name, tensor in self._tensors.items() if tensor.ctypes.data == values.ctypes.data]
        target = self._free(f"{self._name}.{own[0]}" if own else f"{self._name}.constant")
        tensor = self.tensor(values)
        self._parts[target] = nn.Parameter(tensor) if own else tensor
        return self._graph.get_attr(target)

    def _bent(self, value: str, nonlinearity: str) -> str:
        """Return a value after a nonlinearity."""
        if nonlinearity == "linear":
            return value
        apply = nonlinearity_of(nonlinearity).apply
        settings: dict[str, Any] = {}
        if nonlinearity.startswith(LEAKY):
            apply, settings = functional.leaky_relu, {"negative_slope": float(nonlinearity.partition(":")[2] or 0.01)}
        elif nonlinearity == "gelutanh":
            apply, settings = functional.gelu, {"approximate": "tanh"}
        return self._kept(self.call(apply, self._values[value], **settings), flat=value in self._flat)

    def _reshaped(self, kind: str, value: str) -> str:
        """Return a value as a vector of two dimensions; maps of one value are made of it where they are needed."""
        if kind == "Unsqueeze" or value in self._flat:
            return value
        return self._kept(self.call(torch.flatten, self._values[value], 1), flat=True)

    def _maps(self, value: str) -> fx.Node | None:
        """Return a value as maps; None for an input that is left out."""
        if not value:
            return None
        if value not in self._flat:
            return self._values[value]
        everything = slice(None)
        return self.call(operator.getitem, self._values[value], (everything, everything, None, None))

    def _kept(self, result: fx.Node, *, flat: bool = False) -> str:
        name = f"value {len(self._values)}"
        self._values[name] = result
        if flat:
            self._flat.add(name)
        return name

    def _unique(self, name: str) -> str:
        """Return the name of a submodule: the node's, with what Python cannot read replaced."""
        parts = [_readable(part) for part in unicodedata.normalize("NFKC", name).split(".")]
        wanted = ".".join(parts)
        while wanted in self._names:
            wanted += "_"
        self._names.add(wanted)
        return wanted

    def _free(self, target: str) -> str:
        while target in self._parts:
            target += "_"
        return target


def _readable(part: str) -> str:
    """Return a part of a name of letters, digits, ``_`` and ``-`` that is no word of Python: it goes into a program."""
    plain = re.sub(r"[^\w-]", "_", part) or "_"
    return f"{plain}_" if keyword.iskeyword(plain) or plain in _OWN else plain


# Operators of ONNX


def _conv(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    maps, weight, bias = given[0], _array(given[1]), given[2] if len(given) > 2 else None
    groups, kernel = attributes.get("group", 1), weight.shape[2:]
    before, after = _pads(attributes)
    padding = before if before == after else (0, 0)
    if before != after:
        maps = _framed(writer, maps, before, after, 0.0)
    module = nn.Conv2d(
        weight.shape[1] * groups,
        len(weight),
        kernel,
        stride=attributes.get("strides", 1),
        padding=padding,
        dilation=attributes.get("dilations", 1),
        groups=groups,
        bias=bias is not None,
    )
    return writer.part(_with(writer, module, weight, bias), maps)


def _conv_transpose(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    weight, groups = _array(given[1]), attributes["group"]
    before, after = _pads(attributes)
    is_even = before == after
    module = nn.ConvTranspose2d(
        len(weight),
        weight.shape[1] * groups,
        weight.shape[2:],
        stride=attributes["strides"],
        padding=before if is_even else (0, 0),
        output_padding=attributes["output_padding"],
        dilation=attributes["dilations"],
        groups=groups,
    )
    value = writer.part(_with(writer, module, weight, given[2]), given[0])
    if is_even:
        return value
    rows, columns = (slice(first, -last or None) for first, last in zip(before, after, strict=True))
    return writer.call(operator.getitem, value, (slice(None), slice(None), rows, columns))


def _gemm(writer: _TorchWriter, given: Sequence[_Value], _: _Attributes) -> fx.Node:
    weight = _array(given[1])
    module = nn.Linear(weight.shape[1], len(weight))
    flat = writer.call(torch.flatten, given[0], 1)
    return writer.part(_with(writer, module, weight, given[2]), flat)


def _with(writer: _TorchWriter, module: nn.Module, weight: NDArray[Any], bias: _Value) -> nn.Module:
    module.weight = nn.Parameter(writer.tensor(weight))
    if bias is not None:
        module.bias = nn.Parameter(writer.tensor(_array(bias)))
    return module


def _max_pool(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    maps = given[0]
    kernel, dilation = tuple(attributes["kernel_shape"]), tuple(attributes.get("dilations", (1, 1)))
    before, after = _pads(attributes)
    fits = before == after and all(2 * pad <= side for pad, side in zip(before, kernel, strict=True))
    if not fits:
        maps = _framed(writer, maps, before, after, -torch.inf)
    module = nn.MaxPool2d(
        kernel,
        tuple(attributes["strides"]),
        padding=before if fits else (0, 0),
        dilation=dilation,
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
    )
    return writer.part(module, maps)


def _average_pool(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    kernel = tuple(attributes["kernel_shape"])
    before, after = _pads(attributes)
    if before != after or any(2 * pad > side for pad, side in zip(before, kernel, strict=True)):
        raise ParameterError("A module of torch cannot have a mean over windows with other zeros before than after.")
    module = nn.AvgPool2d(
        kernel,
        tuple(attributes["strides"]),
        padding=before,
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
        count_include_pad=bool(attributes.get("count_include_pad", 0)),
    )
    return writer.part(module, given[0])


def _scaled(writer: _TorchWriter, given: Sequence[_Value], _: _Attributes) -> fx.Node:
    scale, shift = (_array(one)[:, None, None] for one in given[1:3])
    return writer.call(operator.add, writer.call(operator.mul, given[0], scale), shift)


def _pad(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    frame, mode = _array(given[1]).tolist(), attributes["mode"]
    settings: dict[str, Any] = {"mode": {"edge": "replicate", "wrap": "circular"}.get(mode, mode)}
    if mode == "constant":
        settings["value"] = _array(given[2]).item() if len(given) > 2 else 0.0
    return writer.call(functional.pad, given[0], (frame[3], frame[7], frame[2], frame[6]), **settings)


def _slice(writer: _TorchWriter, given: Sequence[_Value], _: _Attributes) -> fx.Node:
    starts, ends, axes, steps = (_array(one).tolist() for one in given[1:])
    taken = [slice(None)] * 4
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        taken[axis] = slice(start, end, step)
    return writer.call(operator.getitem, given[0], tuple(taken))


def _gather(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    return writer.call(torch.index_select, given[0], attributes["axis"], given[1])


def _mean(writer: _TorchWriter, given: Sequence[_Value], _: _Attributes) -> fx.Node:
    return writer.call(torch.mean, given[0], dim=_array(given[1]).tolist(), keepdim=True)


def _resize(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    size = (writer.shape.rows, writer.shape.columns)
    if attributes["mode"] != "linear":
        return writer.call(functional.interpolate, given[0], size, mode="nearest")
    corners = attributes["coordinate_transformation_mode"] == "align_corners"
    return writer.call(functional.interpolate, given[0], size, mode="bilinear", align_corners=corners)


def _local_response(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    module = nn.LocalResponseNorm(
        attributes["size"], alpha=attributes["alpha"], beta=attributes["beta"], k=attributes["bias"]
    )
    return writer.part(module, given[0])


def _function(function: Callable[..., Any]) -> Callable[..., fx.Node]:
    def write(writer: _TorchWriter, given: Sequence[_Value], _: _Attributes) -> fx.Node:
        return writer.call(function, *given)

    return write


def _module(kind: type[nn.Module], **settings: Any) -> Callable[..., fx.Node]:
    def write(writer: _TorchWriter, given: Sequence[_Value], _: _Attributes) -> fx.Node:
        return writer.part(kind(**settings), given[0])

    return write


def _concat(writer: _TorchWriter, given: Sequence[_Value], attributes: _Attributes) -> fx.Node:
    return writer.call(torch.cat, list(given), attributes["axis"])


def _array(value: _Value) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise ParameterError("A module of torch cannot have weights that are computed.")
    return value


def _pads(attributes: _Attributes) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return zeros before and after, each down and across."""
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    return (top, left), (bottom, right)


def _framed(writer: _TorchWriter, maps: Any, before: tuple[int, int], after: tuple[int, int], value: float) -> fx.Node:
    return writer.call(functional.pad, maps, (before[1], after[1], before[0], after[0]), value=value)


_WRITTEN: dict[str, Callable[[_TorchWriter, Sequence[_Value], _Attributes], fx.Node]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalMaxPool": _module(nn.AdaptiveMaxPool2d, output_size=1),
    "GlobalAveragePool": _module(nn.AdaptiveAvgPool2d, output_size=1),
    "BatchNormalization": _scaled,
    "Softmax": _module(nn.Softmax, dim=1),
    "LRN": _local_response,
    "Add": _function(operator.add),
    "Sub": _function(operator.sub),
    "Mul": _function(operator.mul),
    "Div": _function(operator.truediv),
    "Sqrt": _function(torch.sqrt),
    "Relu": _function(functional.relu),
    "Sign": _function(torch.sign),
    "ReduceMean": _mean,
    "Concat": _concat,
    "Pad": _pad,
    "Slice": _slice,
    "Gather": _gather,
    "Resize": _resize,
}
"""What each operator that layers write becomes."""
