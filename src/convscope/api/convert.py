"""Convert networks: an ONNX file to a model file, and any model to an ONNX file."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from convscope.core.arguments import is_path, shown
from convscope.core.atomic import check_output, write_bytes
from convscope.core.errors import ParameterError, did_you_mean
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, Size, documented, options_from
from convscope.core.text import printable
from convscope.networks.class_names import class_names
from convscope.networks.export.onnx_check import difference_of_written
from convscope.networks.export.onnx_export import onnx_bytes
from convscope.networks.export.onnx_writer import OPSET, check_opset
from convscope.networks.folding import fold
from convscope.networks.foreign.models import checked_end
from convscope.networks.foreign.standardization import rows_and_columns
from convscope.networks.layer_names import layer_index
from convscope.networks.model import Model
from convscope.networks.model_file import ONNX, opened, read_onnx_model, write_model
from convscope.options.convert import ConvertOptions

from .kept_inputs import keep_inputs

_FILE = ".safetensors"
_OF_ONNX = ("mean", "std", "scale", "color", "size")
_INTO_ONNX = ("opset", "preprocessing")


@dataclass(frozen=True, kw_only=True)
class ConvertResult:
    """A network that was converted.

    Attributes:
        path: of the file that was written.
        layers, parameters: of the network.
        width, height, channels: of its images.
        classes: number of its outputs.
        difference: of the output from what ONNX Runtime or the module computes, relative to its largest value; None
            where it was not compared.
        proof: how an ONNX file was compared with what was read; None of others.
        notes: what was assumed, and what the user must know.
    """

    path: Path
    layers: int
    parameters: int
    width: int
    height: int
    channels: int
    classes: int
    difference: float | None
    proof: dict[str, Any] | None
    notes: tuple[str, ...]


@documented(ConvertOptions)
def convert(
    model: Model | AnyPath,
    output: AnyPath,
    *,
    classes: AnyPath | Sequence[str] | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    scale: Literal["255", "1"] | None = None,
    color: Literal["rgb", "bgr"] | None = None,
    size: Size | None = None,
    up_to: str | None = None,
    opset: int | None = None,
    preprocessing: Literal["inside", "outside"] | None = None,
    force: bool = False,
) -> ConvertResult:
    """Convert an ONNX file to a model file, or a model to an ONNX file, by the ending of `output`.

    The result is compared with what ONNX Runtime computes, where that is installed; more than 1e-4 of the largest value
    is an error.

    Args:
        model: a model, or the path of an ONNX file, a model file or a run folder. `convscope.load` reads a module.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from torch import nn
        >>> from convscope.api.load import load
        >>> module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 2))
        >>> model = load(module, (3, 8, 8), preprocessing="unit")
        >>> result = convert(model, tempfile.mkdtemp() + "/model.onnx")
        >>> result.layers, result.parameters, result.difference < 1e-4
        (2, 802, True)
    """
    is_list = classes is not None and not isinstance(classes, (str, os.PathLike))
    options = options_from(ConvertOptions, {**locals(), "classes": None if is_list else classes})
    path = _checked_output(options, model, classes)
    with tuned():
        used = _opened(model, options, classes)
        return (
            _into_onnx(used, path, options)
            if path.suffix.lower() == ONNX
            else _into_file(used, path, is_read=_is_onnx(model))
        )


def _checked_output(options: ConvertOptions, model: Any, classes: Any) -> Path:
    """Return where the file goes, which can be written, before anything takes time.

    Raises:
        ParameterError: it has another ending, is the model itself, or an option is of the other direction.
        StorageError: it exists, or cannot be written.
    """
    if options.output is None:
        raise ParameterError(f"`output` must be given, a file that ends in {_FILE} or {ONNX}. Got none.")
    path = Path(options.output)
    if path.suffix.lower() not in (_FILE, ONNX):
        raise ParameterError(f"`output` must end in {_FILE} or {ONNX}. Got {printable(path.name)!r}.")
    if path.suffix.lower() == _FILE:
        for name in _INTO_ONNX:
            if getattr(options, name) is not None:
                raise ParameterError(f"`{name}` must be left out, unless the `output` ends in {ONNX}. Got it.")
    elif options.opset is not None:
        check_opset(options.opset)
    keep_inputs([path], models=[model], data=[classes])
    check_output(path, force=options.force)
    return path


def _opened(model: Any, options: ConvertOptions, classes: Any) -> Model:
    """Return the network that is converted, up to the layer that is wanted."""
    is_named = is_path(model)
    checked_end(options.up_to)
    if _is_onnx(model):
        return read_onnx_model(Path(model), standardization=_said(options), classes=classes, up_to=options.up_to)
    for name in _OF_ONNX:
        if getattr(options, name) not in (None, (), []):
            raise ParameterError(f"`{name}` must be left out, unless the model is an {ONNX} file. Got it.")
    if not is_named and not isinstance(model, Model):
        raise ParameterError(f"`model` must be a model or a path. Got {shown(model)}. convscope.load reads modules.")
    used = opened(model)
    if options.up_to is not None:
        used = _cut(used, options.up_to)
    if classes is not None:
        used = dataclasses.replace(used, classes=class_names(classes, used.network.plan.classes))
    return used


def _is_onnx(model: Any) -> bool:
    return is_path(model) and Path(model).suffix.lower() == ONNX and Path(model).is_file()


def _said(options: ConvertOptions) -> dict[str, Any]:
    """Return what the options say of pixels: fields of a `Standardization`."""
    said = {name: getattr(options, name) for name in _OF_ONNX if getattr(options, name) not in (None, (), [])}
    for name in ("mean", "std"):
        if name in said:
            said[name] = tuple(map(float, said[name]))
    if "scale" in said:
        said["scale"] = float(said["scale"])
    if "size" in said:
        said["size"] = rows_and_columns(said["size"])
    return said


def _cut(model: Model, up_to: str) -> Model:
    """Return the part of a network that ends with a layer, or with the last one of a block.

    Raises:
        ParameterError: there is no such layer.
    """
    whole = fold(model.network)
    last = layer_index(whole.graph, up_to, range(len(whole.graph.nodes)))
    if last is None:
        raise ParameterError(
            f"`up_to` must be a layer of the network. Got {up_to!r}.{did_you_mean(up_to, whole.graph.by_name)} "
            f"The first ones are {', '.join(list(whole.graph.by_name)[:5])}."
        )
    graph = whole.graph.up_to(whole.graph.nodes[last].name)
    tensors = {name: value for name, value in whole.tensors.items() if name in graph.tensors}
    part = whole.like(graph, tensors, title=model.title)
    return Model(
        network=part,
        classes=class_names(None, part.plan.classes),
        preprocessing=model.preprocessing,
        training=model.training,
    )


def _into_onnx(model: Model, path: Path, options: ConvertOptions) -> ConvertResult:
    content = onnx_bytes(
        model.network,
        opset=options.opset or OPSET,
        preprocessing=options.preprocessing or "inside",
        classes=model.classes,
    )
    notes: list[str] = []
    difference = difference_of_written(content, model.network, notes)
    write_bytes(path, content)
    return _result(model, path, difference, _source(model).get("proof"), notes)


def _into_file(model: Model, path: Path, *, is_read: bool) -> ConvertResult:
    """Write a model file; `is_read` says that the network was compared with its original now, not earlier."""
    write_model(model, path)
    proof = _source(model).get("proof") if is_read else None
    return _result(model, path, proof["output"] if isinstance(proof, dict) else None, proof)


def _source(model: Model) -> dict[str, Any]:
    source = model.training.get("source")
    return source if isinstance(source, dict) else {}


def _result(
    model: Model, path: Path, difference: float | None, proof: dict[str, Any] | None, more: Sequence[str] = ()
) -> ConvertResult:
    planned = model.network.plan
    source = _source(model)
    notes = source.get("notes")
    return ConvertResult(
        path=path,
        layers=len(planned.layers),
        parameters=planned.parameters,
        width=planned.width,
        height=planned.height,
        channels=planned.channels,
        classes=planned.classes,
        difference=difference,
        proof=proof,
        notes=(*(map(str, notes) if isinstance(notes, list) else ()), *more),
    )
