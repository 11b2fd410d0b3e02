"""An ONNX file becomes a model: read as data, and compared with what ONNX Runtime computes from it."""

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.core.text import counted, printable
from convscope.networks.class_names import class_names
from convscope.networks.foreign.building.builder import ReadNetwork
from convscope.networks.foreign.onnx.reader import read_onnx
from convscope.networks.graph import Graph
from convscope.networks.graph_network import GraphNetwork

from .models import ForeignParts, checked_end, foreign_parts, network_of
from .proof import (
    Proof,
    noted,
    proof_of,
    some_images,
    trials_of_file,
)
from .standardization import NAMED, Standardization

_QUANTIZED = "quantized"
_NOTHING: dict[str, tuple[Any, ...]] = {"mean": ((0.0,),), "std": ((1.0,),), "scale": (1.0, 255.0)}
_NAMES = {"mean": "mean", "std": "standard deviation"}
_LONGEST = 1 << 20  # characters of names of layers in a file


def of_onnx(
    path: Path,
    *,
    standardization: Standardization | Mapping[str, Any] | None = None,
    classes: Any = None,
    up_to: str | None = None,
    prove: bool = True,
) -> ForeignParts:
    """Return the network of an ONNX file, compared with ONNX Runtime where that is installed.

    Args:
        path: of the file.
        standardization: of images, where the file does not do it itself; by default what the file says beside the
            network, else that of ImageNet for color, and pixels from 0 to 1 for gray. A dict replaces some fields.
        classes: as `class_names` takes them; by default what the file says.
        up_to: name of the last layer that is wanted.
        prove: compare it with ONNX Runtime; without, it is only to be counted.

    Raises:
        ModelFileError: it is no ONNX file, damaged or too large.
        DataError: it has an operator that no layer expresses, or computes something else than what was read.
        ParameterError: an argument does not fit the network.
    """
    end = checked_end(up_to)
    size = (
        standardization.get("size") if isinstance(standardization, Mapping) else getattr(standardization, "size", None)
    )
    source = read_onnx(path, size=size, up_to=end)
    source = _named_as_before(source)
    notes = list(source.notes)
    chosen = _chosen(source, standardization, path, notes)
    network = network_of(source, chosen, path.stem, notes, whole=not end)
    proof = _proof_of_file(source, path, notes, whole=not end) if prove else None
    return foreign_parts(
        network,
        chosen,
        classes=_classes(source, network.plan.classes, classes, notes, whole=not end),
        kind="onnx",
        name=path.name,
        notes=notes,
        proof=proof,
    )


def _chosen(
    source: ReadNetwork, given: Standardization | Mapping[str, Any] | None, path: Path, notes: list[str]
) -> Standardization:
    """Return how pixels are standardized, and note what was assumed."""
    channels = source.graph.image.maps
    if source.mean:
        said = given if isinstance(given, Mapping) else vars(given or Standardization())
        if any(said.get(name, usual[0]) not in usual for name, usual in _NOTHING.items()):
            raise ParameterError(
                "`mean`, `std` and `scale` must be left out for a network that takes pixels and standardizes them "
                f"itself, as {printable(path.name)} does."
            )
        color, fit = said.get("color", "rgb"), said.get("fit", "crop")
        if color == "bgr" and channels != 3:
            raise ParameterError(f"`color` must be rgb for a network of {counted(channels, 'channel')}. Got 'bgr'.")
        return Standardization(mean=source.mean, std=source.std, color=color, fit=fit, note="the file itself")
    if isinstance(given, Standardization):
        notes.extend(given.remarks)
        return given
    given = given or {}
    chosen = _completed(_said(source) or NAMED["imagenet" if channels == 3 else "unit"], given)
    assumed = [name for name in ("mean", "std") if name not in given] if _said(source) is None else []
    notes.extend(chosen.remarks)
    if assumed:
        what = chosen.note if len(assumed) == 2 else f"{_NAMES[assumed[0]]} of {chosen.note.rpartition(' of ')[2]}"
        ending = f", for pixels from 0 to {chosen.scale:g}" if given.get("scale", 1) != 1 else ""
        notes.append(
            f"It was assumed that images are standardized by: {what}{ending}. To set it: convscope convert "
            f"{printable(path.name)} -o model.safetensors --mean … --std …"
        )
    return chosen


def _completed(assumed: Standardization, given: Mapping[str, Any]) -> Standardization:
    """Return a standardization with what was given in place of what was assumed, in the same units and order."""
    factor = given.get("scale", assumed.scale) / assumed.scale
    step = -1 if given.get("color", assumed.color) != assumed.color else 1
    fitting = {
        name: tuple(value * factor for value in getattr(assumed, name)[::step])
        for name in ("mean", "std")
        if name not in given
    }
    return dataclasses.replace(assumed, **{**fitting, **given})


def _said(source: ReadNetwork) -> Standardization | None:
    """Return the standardization that convscope wrote beside the network."""
    try:
        mean, std = (tuple(json.loads(source.about[name][:10_000])) for name in ("mean", "std"))
        said = Standardization(mean=mean, std=std, note="said by the file")
        said.of(source.graph.image.maps)
    except (KeyError, ValueError, TypeError):
        return None
    return said


def _named_as_before(source: ReadNetwork) -> ReadNetwork:
    """Return a network that convscope wrote with the names that its layers had."""
    try:
        said = json.loads(source.about["layers"][:_LONGEST])
        kinds = [[name, node.layer.KIND] for (name, _), node in zip(said, source.graph.nodes, strict=True)]
        names = {node.name: str(name) for (name, _), node in zip(said, source.graph.nodes, strict=True)}
        if said != kinds or len(set(names.values())) != len(names):
            return source
        nodes = tuple(
            dataclasses.replace(
                node, name=names[node.name], inputs=tuple(names.get(below, below) for below in node.inputs)
            )
            for node in source.graph.nodes
        )
        graph = Graph(nodes=nodes, image=source.graph.image)
    except (KeyError, ValueError, TypeError, RecursionError):
        return source
    tensors = {}
    for name, value in source.tensors.items():
        node, _, own = name.rpartition(".")
        tensors[f"{names[node]}.{own}"] = value
    return dataclasses.replace(source, graph=graph, tensors=tensors)


def _classes(source: ReadNetwork, count: int, given: Any, notes: list[str], *, whole: bool) -> tuple[str, ...]:
    """Return the names of the outputs: those given, those that the file says, or numbers."""
    if given is None and whole and "classes" in source.about:
        try:
            return class_names(json.loads(source.about["classes"][: 1 << 24]), count)
        except (ValueError, RecursionError):
            notes.append("The names of classes in the file are not those of its outputs.")
    return class_names(given, count)


def _proof_of_file(source: ReadNetwork, path: Path, notes: list[str], *, whole: bool) -> Proof | None:
    """Return how far the network differs from what ONNX Runtime computes; None where that cannot run it."""
    original = GraphNetwork(source.graph, source.tensors).eval()
    images: list[Tensor] = some_images(source.graph)
    pixels: Callable[[Tensor], Tensor] | None = None
    if source.mean:
        mean, std = (torch.tensor(values)[None, :, None, None] for values in (source.mean, source.std))
        levels = [(64 * image + 128).round().clamp(0, 255) for image in images]
        images = [(level / 255 - mean) / std for level in levels]
        pixels = functools.partial(_pixels, mean=mean, std=std)
    try:
        trials = trials_of_file(path, source.graph, images, whole=whole, pixels=pixels)
    except Exception as error:  # noqa: BLE001  # those of ONNX Runtime have no other base
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        notes.append(f"It was not compared with ONNX Runtime, which cannot run it ({printable(reason)}).")
        return None
    strict = not any(_QUANTIZED in note for note in source.notes)
    return noted(proof_of(original, trials, "ONNX Runtime", strict=strict), notes)


def _pixels(image: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return the levels 0…255 of a standardized image."""
    return ((image * std + mean) * 255).round().clamp(0, 255)
