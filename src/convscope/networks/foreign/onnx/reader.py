"""A network from an ONNX file: its operators one after another, constants computed, the rest made layers."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from convscope.core.errors import ConvscopeError, ModelFileError
from convscope.networks.foreign.building.builder import Builder, ReadNetwork
from convscope.networks.foreign.building.unsupported import InexpressibleError, UnsupportedError
from convscope.networks.foreign.building.views import Value

from .call import Budget, Call
from .constants import folded
from .file import NEWEST, Body, OnnxFile, Operator, open_onnx
from .images import ImageInput, Pixels, image_input
from .names import layer_names
from .operators import OPERATORS

_WHOLE_NUMBERS = ("QLinear", "ConvInteger", "MatMulInteger", "DynamicQuantize")
_CONTROL = ("If", "Loop", "Scan", "SequenceMap")


def read_onnx(path: Path, *, size: tuple[int, int] | None = None, up_to: str = "") -> ReadNetwork:
    """Return the network of an ONNX file.

    A network that takes pixels, 0…255, usually standardizes them first: that becomes `mean` and `std` of the result.
    It takes them if they are uint8, or float and the first that it does is to divide them by such a number or to
    subtract one; else nobody knows their range, and what it does to them are layers. A softmax at the end is a layer
    as well.

    Args:
        path: of the file; weights that it stores in other files are in its folder.
        size: rows and columns of an image, where the file leaves them open.
        up_to: name of the layer to end with in place of the network's output, or of another output.

    Raises:
        ModelFileError: it is no ONNX file, damaged, too large, or leads out of its folder.
        UnsupportedError: an operator cannot be expressed as a layer.
        ParameterError: `size` is missing or does not fit, or there is no layer `up_to`.
    """
    file = open_onnx(path)
    try:
        return _OnnxReader(file, size).source(up_to)
    except ModelFileError as error:
        raise ModelFileError(f"{path.name} cannot be read as an ONNX file. {error}") from None


@final
class _OnnxReader:
    """Reads one file.

    Args:
        file: its content.
        size: rows and columns of an image, where the file leaves them open.
    """

    def __init__(self, file: OnnxFile, size: tuple[int, int] | None) -> None:
        self._file = file
        self._image: ImageInput = image_input(file.body, size)
        self._builder = Builder(self._image.shape)
        self._budget = Budget.of_file(file.size)
        self._values: dict[str, Any] = dict(file.body.constants)
        self._pixels: Pixels | None = None
        self._values[self._image.name] = Pixels.of(self._image)
        if file.opset > NEWEST:
            self._builder.notes.append(f"Its operators are of version {file.opset}; those up to {NEWEST} are known.")

    def source(self, up_to: str) -> ReadNetwork:
        """Return the network, up to a layer or output if one is named."""
        output = None
        is_output = up_to in self._file.body.outputs
        try:
            output = self._output([up_to] if is_output else self._file.body.outputs)
        except UnsupportedError:
            if not up_to or is_output:
                raise
        if is_output:
            up_to = ""
        source = dataclasses.replace(self._builder.finish(output, up_to=up_to), about=self._file.about)
        if self._pixels is None or not self._pixels.is_sure:
            return source
        mean, std = self._pixels.mean_and_std
        return dataclasses.replace(source, mean=mean, std=std)

    def _output(self, outputs: Sequence[str]) -> Value:
        """Return the first of some outputs that is a vector or maps.

        Raises:
            UnsupportedError: an operator cannot be expressed, or there is no such output.
        """
        body = self._file.body
        names = dict(zip(body.operators, _names(body), strict=True))
        for output in outputs:
            for operator in _needed(body, output):
                if not all(name in self._values for name in operator.outputs[:1]):
                    self._read(operator, *names[operator])
            value = self._values.get(output)
            if isinstance(value, Value) and len(value.axes) in (2, 4):
                if len(outputs) > 1:
                    others = ", ".join(repr(one[:60]) for one in body.outputs[:8] if one != output)
                    read = f"Of {len(outputs)} outputs, {output[:60]!r} is read."
                    self._builder.notes.append(f"{read} --up-to reads another by its name: {others}.")
                return value
        raise UnsupportedError("The output", outputs[0][:60], "it is neither a vector nor maps of the image")

    def _read(self, operator: Operator, name: str, place: str) -> None:
        """Compute or translate one operator."""
        with self._builder.operation(operator.kind, place):
            call = self._call(operator, name)
            if operator.kind == "Shape" and isinstance(call.inputs[0], Pixels):
                call = dataclasses.replace(call, inputs=(self._image_of(call.inputs[0]),))
            if any(isinstance(value, Pixels) for value in call.inputs):
                standardized = self._standardized(operator, call)
                if standardized is not None:
                    self._values[operator.outputs[0]] = standardized
                    return
                call = self._call(operator, name)
            results = self._results(call)
            if len(results) > len(operator.outputs):
                raise InexpressibleError("it has fewer outputs than results")
            self._values.update(zip(operator.outputs, results, strict=False))

    def _call(self, operator: Operator, name: str) -> Call:
        missing = [one for one in operator.inputs if one and one not in self._values]
        if missing:
            raise InexpressibleError(f"nothing gives its input {missing[0][:60]!r}")
        return Call(
            operator=operator,
            inputs=tuple(self._values[one] if one else None for one in operator.inputs),
            opset=self._file.opset,
            name=name,
            budget=self._budget,
        )

    def _standardized(self, operator: Operator, call: Call) -> Pixels | None:
        """Return what a step of standardization makes of pixels; None where it is another operator: they are done."""
        pixels, *others = (value for value in call.inputs if isinstance(value, Pixels))
        result = None if others else pixels.through(operator, call)
        if result is None:
            if self._pixels is not None and self._pixels.mean_and_std != pixels.mean_and_std:
                raise InexpressibleError("it reads pixels that are standardized in another way than elsewhere")
            self._pixels = pixels
            for name in operator.inputs:
                if self._values.get(name) is pixels:
                    self._values[name] = self._image_of(pixels)
        return result

    def _image_of(self, pixels: Pixels) -> Value:
        return self._builder.image("NHWC" if pixels.is_last else "NCHW")

    def _results(self, call: Call) -> Sequence[Any]:
        kind = call.operator.kind
        if kind == "If":
            return self._branch(call)
        if not any(isinstance(value, Value) for value in call.inputs):
            return folded(call)
        if kind not in OPERATORS:
            raise InexpressibleError(_reason(kind, call.name))
        try:
            result = OPERATORS[kind](self._builder, call)
        except ConvscopeError:
            raise
        except (ValueError, TypeError, IndexError, OverflowError, RuntimeError):
            raise InexpressibleError("what it reads and its attributes do not fit each other") from None
        return [result] if isinstance(result, Value | np.ndarray) else result

    def _branch(self, call: Call) -> Sequence[Any]:
        """Return the results of the branch that a constant chooses."""
        chosen = call.constant(0, "condition")
        body = call.attribute("then_branch" if chosen.size == 1 and bool(chosen.ravel()[0]) else "else_branch")
        if not isinstance(body, Body) or body.inputs:
            raise InexpressibleError("its branch is missing")
        self._values.update(body.constants)
        for operator, (name, place) in zip(body.operators, _names(body), strict=True):
            self._read(operator, name, place)
        with self._builder.operation(call.operator.kind, ""):
            return [self._values[name] for name in body.outputs]


def _names(body: Body) -> list[tuple[str, str]]:
    """Return the name of the layer that each operator becomes, and where it stands for messages."""
    return list(layer_names(body.operators, body.constants))


def _needed(body: Body, output: str) -> list[Operator]:
    """Return the operators that an output depends on, in order; branches read what they like."""
    wanted = {output}
    needed = []
    for operator in reversed(body.operators):
        if wanted.intersection(operator.outputs):
            needed.append(operator)
            wanted.update(operator.inputs)
            wanted.update(_read_by_branches(operator))
    return needed[::-1]


def _read_by_branches(operator: Operator) -> set[str]:
    """Return what the branches of an operator read from outside, and a few names more."""
    read: set[str] = set()
    for value in operator.attributes.values():
        if isinstance(value, Body):
            read.update(value.outputs)
            for inner in value.operators:
                read.update(inner.inputs, _read_by_branches(inner))
    return read


def _reason(kind: str, name: str) -> str:
    """Return why an operator is no layer."""
    if "random_" in name:
        return "it changes images at random, as training wants it; export the network without augmentation"
    domain, _, bare = kind.rpartition(".")
    if domain:
        return f"operators of {domain[:60]} are unknown; export with those of ONNX itself"
    if bare.startswith(_WHOLE_NUMBERS):
        return "it computes with whole numbers; export the network as float, or quantized as QDQ"
    if bare in _CONTROL:
        return "it runs operators again or on a condition"
    return "there is no layer for it"
