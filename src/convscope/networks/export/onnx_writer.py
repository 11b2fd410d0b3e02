"""Writes operators of ONNX one after another, under names that a reader of the file understands."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.version import __version__
from convscope.layers.layer import Attribute

OPSET, OLDEST_OPSET = 17, 13
_WRAPPING = 19  # the first version of Pad that takes values from the other side
_REDUCING = 18  # the first version of ReduceMean that takes its axes as an input
_LARGEST = 2**31 - 2**20  # bytes of a protocol buffer
Sides = Sequence[int | str]


def check_opset(opset: int) -> int:
    """Return the version of the operators.

    Raises:
        ParameterError: it is older than is written here, or newer than the package onnx knows.
    """
    import onnx

    newest = onnx.defs.onnx_opset_version()
    if isinstance(opset, bool) or not isinstance(opset, int) or not OLDEST_OPSET <= opset <= newest:
        raise ParameterError(f"`opset` must be a whole number from {OLDEST_OPSET} to {newest}. Got {opset!r}.")
    return opset


@dataclass(frozen=True, kw_only=True)
class _Operator:
    """One operator, with the layer that it is a part of."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Attribute]
    scope: str


@final
class OnnxGraph:
    """Operators one after another; each gives a value, known by its name.

    Args:
        opset: version of the operators.
        reserved: names of inputs and outputs, which no value gets that is called after a layer.

    Examples:
        >>> graph = OnnxGraph()
        >>> twice = graph.node("Add", "image", "image")
        >>> len(graph.model({"image": ("float32", ["N", 3])}, {twice: ("float32", ["N", 3])})) > 50
        True
    """

    def __init__(self, opset: int = OPSET, *, reserved: Iterable[str] = ()) -> None:
        self.opset = check_opset(opset)
        self._taken = set(reserved)
        self._operators: list[_Operator] = []
        self._constants: dict[str, NDArray[Any]] = {}
        self._vectors: dict[str, str] = {}  # what was unsqueezed to make a value
        self._given: set[str] = set()  # by operators
        self._named: dict[str, str] = {}
        self._scope = ""
        self._tensors: Mapping[str, NDArray[Any]] = {}

    @contextlib.contextmanager
    def layer(self, name: str, tensors: Mapping[str, NDArray[Any]]) -> Iterator[None]:
        """Write what follows as a part of the layer `name`, whose weights are `tensors`."""
        self._scope, self._tensors = name, tensors
        try:
            yield
        finally:
            self._scope, self._tensors = "", {}

    def call(self, value: str, name: str) -> None:
        """Name a value `name` in the file, if an operator gives it and it has no name of its own yet."""
        value = self._vectors.get(value, value)
        if value not in self._named and value in self._given:
            self._named[value] = self._unique(name)

    def constant(self, values: NDArray[Any]) -> str:
        """Put in values of one of the types that ONNX has; return their name."""
        own = [name for name, tensor in self._tensors.items() if _is_same(tensor, values)]
        name = f"{self._scope}.{own[0]}" if own else f"{self._scope or 'network'}.constant{len(self._constants)}"
        name = self._unique(name)
        self._constants[name] = values
        return name

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Attribute) -> str:
        """Put in an operator on the values named; return the name of what it gives, or call that `name`."""
        if kind == "Flatten" and inputs[0] in self._vectors:
            return self._vectors[inputs[0]]
        name = name or self._unique(f"{self._scope or 'network'}.value{len(self._operators)}")
        self._operators.append(
            _Operator(kind=kind, inputs=inputs, output=name, attributes=attributes, scope=self._scope)
        )
        self._given.add(name)
        if kind == "Unsqueeze":
            self._vectors[name] = inputs[0]
        return name

    def model(
        self,
        inputs: Mapping[str, tuple[str, Sides]],
        outputs: Mapping[str, tuple[str, Sides]],
        about: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the file: operators that an output depends on, with their constants.

        Args:
            inputs: type and shape of each by name; a text stands for a side of any length.
            outputs: the same.
            about: further facts on the network, by name.

        Raises:
            ParameterError: an operator needs another version, or the file would be larger than the format allows.
        """
        from onnx import helper, numpy_helper

        used = [_at_version(operator, self.opset, self._constants) for operator in self._read_by(set(outputs))]
        read = {name for operator in used for name in operator.inputs}
        constants = {name: values for name, values in self._constants.items() if name in read}
        if sum(values.nbytes for values in constants.values()) > _LARGEST:
            raise ParameterError("An ONNX file must have weights below 2 GiB. Got more. Take a smaller network.")
        graph = helper.make_graph(
            [self._written(operator, name) for operator, name in zip(used, _names(used), strict=True)],
            "network",
            [_value(name, *kind) for name, kind in inputs.items()],
            [_value(name, *kind) for name, kind in outputs.items()],
            [numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in constants.items()],
        )
        versions = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(
            graph,
            opset_imports=versions,
            ir_version=max(8, helper.find_min_ir_version_for(versions)),
            producer_name="convscope",
            producer_version=__version__,
        )
        helper.set_model_props(model, dict(about or {}))
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _unique(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def _read_by(self, wanted: set[str]) -> list[_Operator]:
        """Return the operators that the values `wanted` depend on, in order."""
        needed = []
        for operator in reversed(self._operators):
            if operator.output in wanted:
                needed.append(operator)
                wanted.update(operator.inputs)
        return needed[::-1]

    def _written(self, operator: _Operator, name: str) -> Any:
        from onnx import helper

        attributes: dict[str, Any] = dict(operator.attributes)
        return helper.make_node(
            operator.kind,
            [self._named.get(name, name) for name in operator.inputs],
            [self._named.get(operator.output, operator.output)],
            name=name,
            **attributes,
        )


def _names(operators: Sequence[_Operator]) -> Iterator[str]:
    """Give a name of each operator: that of its layer and its kind, with a number where that is there already."""
    counts: Counter[str] = Counter()
    for operator in operators:
        name = f"/{operator.scope}/{operator.kind}" if operator.scope else operator.kind
        yield f"{name}_{counts[name]}" if counts[name] else name
        counts[name] += 1


def _is_same(tensor: NDArray[Any], values: NDArray[Any]) -> bool:
    """Return whether two arrays are the same numbers in the same place, maybe of another shape."""
    return tensor.size == values.size and tensor.dtype == values.dtype and tensor.ctypes.data == values.ctypes.data


def _at_version(operator: _Operator, opset: int, constants: Mapping[str, NDArray[Any]]) -> _Operator:
    """Return the operator as a version has it.

    Raises:
        ParameterError: that version has no such operator.
    """
    if operator.kind == "ReduceMean" and opset < _REDUCING and len(operator.inputs) == 2:
        axes = [int(axis) for axis in constants[operator.inputs[1]]]
        return replace(operator, inputs=operator.inputs[:1], attributes={**operator.attributes, "axes": axes})
    if operator.kind == "Pad" and operator.attributes.get("mode") == "wrap" and opset < _WRAPPING:
        raise ParameterError(
            f"`opset` must be at least {_WRAPPING} for padding from the other side ({operator.scope}). Got {opset}."
        )
    return operator


def _value(name: str, kind: str, shape: Sides) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape)
