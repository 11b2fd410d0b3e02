"""A graph of operations in the ONNX format: its protocol buffers, written here, so that nothing need be installed.

Numbers of fields are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), version 9 of the
format with operators of version 17.
"""

import struct
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from .layer import Attribute

_FORMAT, _OPERATORS = 9, 17
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9}
_FLOAT, _INT, _TEXT, _INTS = 1, 2, 3, 7  # kinds of attributes


def varint(number: int) -> bytes:
    """Return a whole number as protocol buffers write it: 7 bits a byte, the lowest first; negative ones have ten.

    Examples:
        >>> varint(1).hex(), varint(300).hex(), len(varint(-1))
        ('01', 'ac02', 10)
    """
    rest = number & (1 << 64) - 1
    content = bytearray()
    while rest > 0x7F:
        content.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*content, rest])


def field(number: int, value: float | str | bytes) -> bytes:
    """Return one field of a message: a whole number, a float32, a text or a message within."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


@final
class OnnxGraph:
    """Operations one after another; each gives a value, known by its name.

    Examples:
        >>> graph = OnnxGraph()
        >>> twice = graph.node("Add", "image", "image")
        >>> len(graph.model({"image": ("float32", ["N", 3])}, {twice: ("float32", ["N", 3])})) > 50
        True
    """

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._vectors: dict[str, str] = {}  # what was unsqueezed to make a value

    def constant(self, values: NDArray[Any]) -> str:
        """Put in values of one of the types that ONNX has; return their name."""
        name = f"constant{len(self._constants)}"
        content = b"".join(field(1, side) for side in values.shape) + field(2, _TYPES[values.dtype.name])
        self._constants.append(field(5, content + field(8, name) + field(9, np.ascontiguousarray(values).tobytes())))
        return name

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Attribute) -> str:
        """Put in an operation on the values named; return the name of what it gives, or call that `name`."""
        if kind == "Flatten" and inputs[0] in self._vectors:
            return self._vectors[inputs[0]]
        name = name or f"value{len(self._nodes)}"
        content = b"".join(field(1, name_in) for name_in in inputs) + field(2, name) + field(4, kind)
        content += b"".join(field(5, _attribute(key, value)) for key, value in attributes.items())
        self._nodes.append(field(1, content))
        if kind == "Unsqueeze":
            self._vectors[name] = inputs[0]
        return name

    def model(
        self, inputs: dict[str, tuple[str, list[int | str]]], outputs: dict[str, tuple[str, list[int | str]]]
    ) -> bytes:
        """Return the file: type and shape of each input and output by name; a text stands for a side of any length."""
        content = b"".join(self._nodes) + field(2, "network") + b"".join(self._constants)
        content += b"".join(field(11, _value(name, *kind)) for name, kind in inputs.items())
        content += b"".join(field(12, _value(name, *kind)) for name, kind in outputs.items())
        operators = field(8, field(1, "") + field(2, _OPERATORS))
        return field(1, _FORMAT) + field(2, "convscope") + field(7, content) + operators


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, _FLOAT)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, _INT)
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, _TEXT)
    return field(1, name) + b"".join(field(8, number) for number in value) + field(20, _INTS)


def _value(name: str, kind: str, shape: list[int | str]) -> bytes:
    sides = b"".join(field(1, field(1 if isinstance(side, int) else 2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, _TYPES[kind]) + field(2, sides)))
