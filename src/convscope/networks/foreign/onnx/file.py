"""An ONNX file as plain data: opened with care, and checked before anything is made of it.

No code runs. The package `onnx` unpacks the protocol buffers, and nothing else of it is used: neither its checker nor
its own way to other files. Everything of a file is bounded, and whatever is wrong with it is told in one sentence.
"""

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from convscope.core.errors import ModelFileError

from .tensors import LARGEST_FILE, MOST_DIMENSIONS, Array, TensorReader
from .wire import check_fields

LARGEST_OPERATORS = 20_000
OLDEST, NEWEST = 7, 28
"""Versions of the operators: their results in between are known."""
_MOST_BODIES = 500
_MOST_ABOUT = 100
_DEEPEST = 8
_OWN_DOMAINS = ("", "ai.onnx")
_SCOPES = "pkg.torch.onnx.name_scopes"


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """One node of the file.

    Attributes:
        kind: for example ``Conv``; operators that are not of ONNX itself have their domain before it.
        name: as the file has it, maybe empty.
        scopes: names of the modules that it was made by, outermost first, where the exporter says so.
        inputs, outputs: names of values; an empty one is left out.
        attributes: by name: numbers, texts, lists of them, arrays, or the `Body` of a branch.
    """

    kind: str
    name: str
    scopes: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        """Return what it is and where it stands, for messages."""
        return f"{self.kind} ({(self.name or next(filter(None, self.outputs), ''))[:80]})"


@dataclass(frozen=True, kw_only=True)
class OnnxInput:
    """An input of the network; a side of None may have any length."""

    name: str
    type: int
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, kw_only=True)
class Body:
    """Operators in an order in which they can be computed, and their constants."""

    operators: tuple[Operator, ...]
    constants: Mapping[str, Array] = field(repr=False)
    inputs: tuple[OnnxInput, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OnnxFile:
    """What a file holds.

    Attributes:
        body: the network.
        opset: the version of its operators.
        size: of the file, in bytes.
        about: what it says beside the network, by name.
    """

    body: Body
    opset: int
    size: int
    about: Mapping[str, str] = field(default_factory=dict)


def open_onnx(path: Path) -> OnnxFile:
    """Return the content of an ONNX file.

    Raises:
        ModelFileError: it is no ONNX file, damaged, too large, or leads out of its folder.
    """
    try:
        return parsed(_content(path), path.parent)
    except ModelFileError as error:
        raise ModelFileError(f"{path.name} cannot be read as an ONNX file. {error}") from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from None


def parsed(data: bytes, folder: Path) -> OnnxFile:
    """Return what the bytes of a file say; what it stores in other files must be in `folder`.

    Raises:
        ModelFileError: they are no ONNX file, damaged or too large.
    """
    import onnx  # 0.1 s
    from google.protobuf.message import DecodeError

    check_fields(data, onnx.ModelProto.DESCRIPTOR)
    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, UnicodeDecodeError, ValueError):
        raise ModelFileError("It is damaged, or no ONNX file.") from None
    size = len(data)
    del data  # the message holds a copy
    if not model.HasField("graph"):
        raise ModelFileError("It holds no network.")
    versions = [entry.version for entry in model.opset_import if entry.domain in _OWN_DOMAINS]
    if len(versions) != 1 or versions[0] < OLDEST:
        told = ", ".join(map(str, versions)) or "none"
        raise ModelFileError(f"The version of its operators (opset) must be {OLDEST} or later. Got {told}.")
    body = _Parser(TensorReader(folder)).body(model.graph, set())
    about = {entry.key: entry.value for entry in model.metadata_props[:_MOST_ABOUT]}
    return OnnxFile(body=body, opset=versions[0], size=size, about=about)


def _content(path: Path) -> bytes:
    """Return the bytes of a file of a bounded size."""
    known = path.stat()
    if not stat.S_ISREG(known.st_mode):
        raise ModelFileError("It must be a regular file. Got a folder, pipe or device. Name an .onnx file.")
    if not 1 <= known.st_size < LARGEST_FILE:
        raise ModelFileError(
            f"It must have 1 byte to {LARGEST_FILE >> 30} GiB. Got {known.st_size:,} bytes. Larger networks "
            "store their weights in a file beside."
        )
    with path.open("rb") as file:
        return file.read(known.st_size)


@final
class _Parser:
    """Turns the messages of one file into records."""

    def __init__(self, tensors: TensorReader) -> None:
        self._tensors = tensors
        self._operators = self._bodies = 0

    def body(self, graph: Any, above: set[str], depth: int = 0) -> Body:
        """Return the content of a GraphProto, whose operators may also read the values `above`."""
        self._operators += len(graph.node)
        if self._operators > LARGEST_OPERATORS:
            raise ModelFileError(f"A network must have at most {LARGEST_OPERATORS:,} operators. Got more.")
        self._bodies += 1
        if depth > _DEEPEST or self._bodies > _MOST_BODIES:
            raise ModelFileError(f"Branches must be at most {_MOST_BODIES:,}, and {_DEEPEST} deep.")
        if graph.sparse_initializer:
            raise ModelFileError("Sparse constants cannot be read.")
        constants: dict[str, Array] = {}
        for tensor in graph.initializer:
            if tensor.name in constants:
                raise ModelFileError(f"Two constants have the name {tensor.name[:60]!r}.")
            constants[tensor.name] = self._tensors.array(tensor, tensor.name)
        inputs = tuple(_input(value) for value in graph.input if value.name not in constants)
        known = {*above, *constants}
        _add(known, (value.name for value in inputs))
        operators = []
        for number, node in enumerate(graph.node):
            _check_inputs(graph.node, number, known)
            operators.append(self._operator(node, known, depth))
            _add(known, filter(None, node.output))
        outputs = tuple(value.name for value in graph.output)
        missing = [name for name in outputs if name not in known]
        if missing or not outputs:
            raise ModelFileError(
                f"No operator gives the output {missing[0][:60]!r}." if missing else "It has no output."
            )
        return Body(operators=tuple(operators), constants=constants, inputs=inputs, outputs=outputs)

    def _operator(self, node: Any, known: set[str], depth: int) -> Operator:
        domain = "" if node.domain in _OWN_DOMAINS else f"{node.domain}."
        where = f"{node.op_type[:40]} ({node.name[:60]})"
        return Operator(
            kind=f"{domain}{node.op_type}",
            name=node.name,
            scopes=_scopes(node),
            inputs=tuple(node.input),
            outputs=tuple(node.output),
            attributes={one.name: self._attribute(one, where, known, depth) for one in node.attribute},
        )

    def _attribute(self, attribute: Any, where: str, known: set[str], depth: int) -> Any:
        """Return the value of an attribute, by the numbers of AttributeProto.AttributeType."""
        kind = attribute.type
        if kind == 4:
            return self._tensors.array(attribute.t, f"{attribute.name} of {where}")
        if kind == 5:
            return self.body(attribute.g, known, depth + 1)
        if kind == 3:
            return attribute.s.decode("utf-8", "replace")
        if kind == 8:
            return [text.decode("utf-8", "replace") for text in attribute.strings]
        if kind in (1, 2):
            return attribute.f if kind == 1 else attribute.i
        if kind in (6, 7):
            return list(attribute.floats if kind == 6 else attribute.ints)
        raise ModelFileError(f"The attribute {attribute.name[:40]!r} of {where} is of a kind that cannot be read.")


def _input(value: Any) -> OnnxInput:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return OnnxInput(name=value.name, type=tensor.elem_type, shape=None)
    dims = tensor.shape.dim[: MOST_DIMENSIONS + 1]
    shape = tuple(one.dim_value if one.HasField("dim_value") and one.dim_value > 0 else None for one in dims)
    return OnnxInput(name=value.name, type=tensor.elem_type, shape=shape)


def _check_inputs(nodes: Any, number: int, known: set[str]) -> None:
    """Check that everything that an operator reads comes before it."""
    node = nodes[number]
    for name in node.input:
        if name and name not in known:
            is_later = any(name in rest.output for rest in nodes[number:])
            cause = "which does not come before it" if is_later else "which nothing gives"
            raise ModelFileError(f"{node.op_type[:40]} ({node.name[:60]}) reads {name[:60]!r}, {cause}.")


def _add(known: set[str], names: Iterable[str]) -> None:
    for name in names:
        if name in known:
            raise ModelFileError(f"Two values have the name {name[:60]!r}.")
        known.add(name)


def _scopes(node: Any) -> tuple[str, ...]:
    """Return the modules that PyTorch's newer exporter notes for an operator, a list as Python writes it."""
    for entry in node.metadata_props:
        if entry.key == _SCOPES:
            return tuple(text.strip(" '\"") for text in entry.value[:2_000].strip("[]").split(",")[:-1])
    return ()
