"""Names of layers from what exporters write: paths of modules, in dots."""

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence

from convscope.core.text import printable

from .file import Operator

_LONGEST = 160
_COPY = re.compile(r"__\d+$")  # tf2onnx numbers what it makes
_NUMBERED = re.compile(r"_?\d+$")
_WRAPPERS = re.compile(r"^((Stateful)?PartitionedCall/)*((functional|model|sequential)(_\d+)*/)?")  # the whole network
_WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization", "PRelu"})
_SILENT = frozenset({"Constant", "ConstantOfShape", "Shape", "Identity", "Cast", "Dropout", "Transpose", "Reshape"})
"""Operators that are no layer by themselves."""
_WEIGHT = re.compile(r"^(?P<module>[A-Za-z_][\w.]*)\.(weight|bias|running_mean|running_var)$")


def layer_names(operators: Sequence[Operator], constants: Container[str]) -> Iterator[tuple[str, str]]:
    """Give for each operator the name of its layer, and where it stands.

    The name is the path of its module, with its kind where a module has several operators.

    Args:
        operators: of the file.
        constants: names of its weights, which name the module where the operators do not.

    Examples:
        >>> one = {"scopes": (), "inputs": (), "outputs": (), "attributes": {}}
        >>> conv = Operator(kind="Conv", name="/layer1/layer1.0/conv1/Conv", **one)
        >>> add = Operator(kind="Add", name="/layer1/layer1.0/Add_1", **one)
        >>> list(layer_names([conv, add], ()))
        [('layer1.0.conv1', 'layer1.0.conv1'), ('layer1.0.add', 'layer1.0')]
    """
    paths = [_weights_path(operator, constants) or _path(operator) for operator in operators]
    rivals = Counter(
        (path, operator.kind in _WEIGHTED)
        for path, operator in zip(paths, operators, strict=True)
        if operator.kind not in _SILENT
    )
    above = {ancestor for path in set(paths) for ancestor in _ancestors(path)}
    for operator, path in zip(operators, paths, strict=True):
        kind, is_weighted = operator.kind.rpartition(".")[2].lower(), operator.kind in _WEIGHTED
        alone = rivals[path, is_weighted] == 1 and (is_weighted or not (rivals[path, True] or path in above))
        is_said = alone or _NUMBERED.sub("", path.rpartition(".")[2].lower()) == kind
        name = path if path and is_said else f"{path}.{kind}".strip(".")
        yield printable(name)[:_LONGEST] or "layer", printable(path or operator.name.strip("/"))[:_LONGEST]


def _ancestors(path: str) -> Iterator[str]:
    for _ in range(16):
        path = path.rpartition(".")[0]
        if not path:
            return
        yield path


def _path(operator: Operator) -> str:
    """Return the path of the module that an operator belongs to; empty if nothing says so."""
    if operator.scopes:
        return next((scope for scope in reversed(operator.scopes) if scope), "")
    written = operator.name
    if operator.kind in _WEIGHTED and _says_nothing(operator) and "/" in "".join(operator.inputs[1:2]):
        written = operator.inputs[1].rpartition("/")[0]  # tf2onnx joins what it folds under a number
    parts = [part for part in re.split(r"[/:;]", _WRAPPERS.sub("", _COPY.sub("", written))) if part]
    if not parts or (len(parts) == 1 and "/" not in written):
        return _single(operator)
    path: list[str] = []
    for part in parts[:-1]:
        if path and part.startswith(f"{path[-1]}."):
            path.pop()  # layer1, layer1.0: the second holds the first
        path.append(part)
    return ".".join(path).strip(".")


def _single(operator: Operator) -> str:
    """Return a name without a path, unless it is the kind with a number, which says nothing."""
    name = _COPY.sub("", operator.name)
    return "" if _says_nothing(operator) else name.replace("/", ".").strip(".")


def _says_nothing(operator: Operator) -> bool:
    name = _COPY.sub("", operator.name)
    return re.fullmatch(rf"(node_.*|({re.escape(operator.kind)}|n|op)?_?\d*)", name) is not None


def _weights_path(operator: Operator, constants: Container[str]) -> str:
    """Return the module that the weights of an operator belong to."""
    for name in operator.inputs[1:]:
        found = _WEIGHT.match(name[:_LONGEST])
        if found and name in constants:
            return found["module"]
    return ""
