"""The model file: one safetensors file whose metadata hold one JSON document; written whole, read without trust."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from convscope.core.arguments import PATH, check_value, shown
from convscope.core.atomic import write_bytes
from convscope.core.devices import DeviceChoice, choose_device
from convscope.core.errors import ConvscopeError, ModelFileError, ParameterError
from convscope.core.machine import usual_settings
from convscope.core.progress import Reporter
from convscope.core.records import finite_json, from_json, strict_json, to_json
from convscope.core.text import printable
from convscope.core.version import __version__
from convscope.images.preprocessing import Preprocessing
from convscope.layers.instance_based import Exemplars, Tensors
from convscope.layers.kinds import InstanceBased

from .build import Network
from .class_names import LONGEST_NAME, check_class_names
from .graph import graph_from_json, graph_json
from .graph_network import GraphNetwork, GraphPlan, plan_of
from .image_network import ImageNetwork
from .layout import Layout
from .memory import fitting_batch
from .model import Model
from .plan import Plan, check_bounds, check_built, plan
from .tensor_file import LARGEST_HEADER, UnfitError, content_digest, open_tensors, refusal
from .tensors import expected_tensors

FORMAT = "convscope"
FORMAT_VERSION = 1
FILE_NAME = "model.safetensors"
ONNX = ".onnx"
_PICKLED = (".pt", ".pth")
_UNFINISHED = "checkpoint"  # what a run folder has until its end
_DOCUMENT = "convscope"
_ABOVE_ZERO = {
    "std": "deviation of the pixels",
    "temperature": "temperature of the logits",
}
_KEPT_ABOVE_ZERO = {"scale": "scale of the features", "sharpness": "sharpness of the kernel"}


@dataclass(frozen=True, kw_only=True)
class Document:
    """What the metadata say about a model: the JSON document of format version 1.

    The network is that of a `layout`, or, where that is empty, of a `graph` with a `title`. `exemplars` says what the
    classifier keeps, where it is no weighted sums. `digest`, at the end of the text, stands for the text before it and
    for the tensors.
    """

    format: str
    format_version: int
    library_version: str
    layout: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    training: dict[str, Any]
    exemplars: Exemplars | None = None
    title: str = ""
    graph: dict[str, Any] | None = None
    digest: str = ""


def write_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write `model` to `path` atomically; an existing file is replaced.

    Class names are written as `core.text.printable` shows them; numbers of the training record that are not finite
    become null.

    Raises:
        StorageError: the folder cannot be written or the disk is full.
        ParameterError: the model is optimized for inference, a class name cannot be read back, or the training record
            is not JSON, or too large.
    """
    if not isinstance(model, Model):
        raise ParameterError(f"`model` must be a trained network. Got {shown(model)}. convscope.load reads one.")
    if path is None:
        raise ParameterError("`path` must name the file to write. Got None.")
    check_value("path", path, PATH)
    write_bytes(Path(path), model_bytes(model))


def model_bytes(model: Model) -> bytes:
    """Return the bytes of the model file of `model`; the same model has the same bytes.

    Raises:
        ParameterError: as for `write_model`.
    """
    if model.network.only_predicts:
        raise ParameterError("A model that is optimized for inference cannot be saved. Save the one it was made from.")
    check_class_names(model.classes)
    model = model.to("cpu")
    try:
        document = Document(
            format=FORMAT,
            format_version=FORMAT_VERSION,
            library_version=model.version,
            layout="" if model.layout is None else str(model.layout),
            classes=tuple(printable(name) for name in model.classes),
            preprocessing=model.preprocessing,
            training=finite_json(to_json(model.training)),
            exemplars=model.network.exemplars,
            title=printable(model.title)[:LONGEST_NAME] if model.layout is None else "",
            graph=graph_json(model.network.graph) if model.layout is None else None,
        )
        text = json.dumps(to_json(document), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(f"`training` must be what JSON can hold: dicts, lists, texts, numbers. {error}.") from None
    if len(text) > LARGEST_HEADER // 4:  # the header holds it once more escaped, and the tensors' names
        raise ParameterError(
            f"`training` must make a document below {LARGEST_HEADER // 4:,} characters. Got {len(text):,}."
        )
    tensors = {name: value.detach().contiguous() for name, value in _stored(model.network).items()}
    body = text.removesuffix(_ending(""))
    return save(tensors, metadata={_DOCUMENT: body + _ending(content_digest(body, tensors))})


def _stored(network: ImageNetwork) -> dict[str, Tensor]:
    """Return the tensors of a network by the names that the file gives them."""
    if not isinstance(network, GraphNetwork):
        return network.state_dict()
    own = {name: value for name, value in network.named_buffers() if "." not in name}
    return {**{f"graph.{name}": value for name, value in network.tensors.items()}, **own}


def read_model(path: str | os.PathLike[str], *, prove: bool = True) -> Model:
    """Return the model in the model file `path`, in the run folder `path`, or in the ONNX file `path`.

    An ONNX file is compared with ONNX Runtime if `prove`.

    The file is validated before memory is allocated for it: the header against the size of the file, the document, the
    layout, then names, types and shapes of the tensors against those of the layout.

    Raises:
        ModelFileError: it is missing, damaged, of a newer version, or no model file; the message says which.
        DataError: an ONNX file has an operator that no layer expresses.
        ParameterError: `path` is not a path.
    """
    if isinstance(path, nn.Module):
        raise ParameterError(
            f"The model must be a model or the path of one. Got a {type(path).__name__} of torch. Make it one with: "
            "convscope.load(module, …)."
        )
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str) or not os.fspath(path):
        raise ParameterError(f"The model must be named by the path of a file or run folder. Got {shown(path)}.")
    path = Path(path)
    if is_onnx(path):
        return read_onnx_model(path, prove=prove)
    if path.suffix.lower() in _PICKLED and path.is_file():
        raise refusal(
            path,
            "it is a pickle of PyTorch, which could run code; in Python, make the module and use "
            "convscope.load(module, …), or write it with torch.onnx.export and give the .onnx",
        )
    try:
        with usual_settings():
            return _read(_in_folder(path))
    except UnfitError as error:
        raise refusal(path, str(error)) from None


def read_onnx_model(path: Path, **settings: Any) -> Model:
    """Return the network of an ONNX file as a model; `settings` are those of `of_onnx`."""
    from .foreign.onnx_models import of_onnx

    with usual_settings():
        return Model(**vars(of_onnx(path, **settings)))


def opened(
    model: Model | str | os.PathLike[str],
    reporter: Reporter | None = None,
    *,
    device: DeviceChoice = "cpu",
    prove: bool = True,
) -> Model:
    """Return the model itself, or the one in the file or run folder `model`, on a device.

    Args:
        model: one of these.
        reporter: is told what was assumed of an ONNX file.
        device: what computes.
        prove: compare an ONNX file with ONNX Runtime; it takes time, and what is only counted needs none.

    Raises:
        ModelFileError: there is none that can be used.
        ParameterError: `model` is neither, or torch does not find the device.
    """
    place = choose_device(device)
    if isinstance(model, Model):
        return model.to(place)
    read = read_model(model, prove=prove)
    if reporter is not None and is_onnx(model):
        for note in read.training["source"]["notes"]:
            reporter.say(f"note: {note}")
    return read.to(place)


def is_onnx(path: str | os.PathLike[str]) -> bool:
    """Return whether a path has the ending of an ONNX file and is no folder."""
    return Path(path).suffix.lower() == ONNX and not os.path.isdir(path)  # noqa: PTH112  # pathlib raises on long names


def _in_folder(folder: Path) -> Path:
    """Return the model file in a folder, the path itself where it is none."""
    if not os.path.isdir(folder):  # noqa: PTH112  # pathlib raises on names that are too long
        return folder
    if (folder / FILE_NAME).is_file():
        return folder / FILE_NAME
    name = printable(os.fsdecode(folder))
    if (folder / _UNFINISHED).exists():
        raise ModelFileError(
            f"{name} is a run that was cut off and has no {FILE_NAME} yet. "
            f"Finish it with: convscope train --resume {name}"
        )
    raise ModelFileError(f"{name} is a folder without a {FILE_NAME}. Give a run folder or a model file.")


def _read(path: Path) -> Model:
    with open_tensors(path) as file:
        text = file.metadata.get(_DOCUMENT)
        if text is None:
            raise UnfitError("it is a safetensors file that was not written by convscope")
        document = _document(text)
        planned = _planned(document)
        expected = _expected(document, planned, margins="slopes" in file.entries)
        if {name: (entry.dtype, entry.shape) for name, entry in file.entries.items()} != expected:
            what = f"layout {planned.title}" if isinstance(planned, Plan) else "graph"
            raise UnfitError(f"its tensors are not those of the {what}")
        tensors = file.read()
    body = text.removesuffix(_ending(document.digest))
    if body == text or document.digest != content_digest(body, tensors):
        raise UnfitError("it is damaged: its contents are not what was written")
    _check_values(tensors, _kept(planned))
    return Model(
        network=_network(document, planned, tensors).eval(),
        classes=document.classes,
        preprocessing=document.preprocessing,
        training=document.training,
        version=document.library_version,
    )


def _expected(document: Document, planned: Plan | GraphPlan, *, margins: bool) -> Tensors:
    """Return type and shape of each tensor in the file; `margins` says that the logits of a graph are margins."""
    if isinstance(planned, Plan):
        return expected_tensors(planned, document.exemplars)
    result: Tensors = {f"graph.{name}": (torch.float32, shape) for name, shape in planned.graph.tensors.items()}
    for layer in _kept(planned):
        result[f"{layer}.labels"] = (torch.int64, result[f"{layer}.labels"][1])
    result |= dict.fromkeys(("mean", "std"), (torch.float32, (planned.channels,)))
    if margins:
        return result | dict.fromkeys(("slopes", "offsets"), (torch.float32, (planned.classes,)))
    return result | {"temperature": (torch.float32, (1,))}


def _kept(planned: Plan | GraphPlan) -> dict[str, int]:
    """Return the number of classes of every layer that compares with stored images, by its name in the file."""
    if isinstance(planned, Plan):
        return {"classifier": planned.classes}  # if it is one that does
    layers = {node.name: node.layer for node in planned.graph.nodes}
    return {f"graph.{name}": layer.classes for name, layer in layers.items() if isinstance(layer, InstanceBased)}


def _network(document: Document, planned: Plan | GraphPlan, tensors: dict[str, Tensor]) -> ImageNetwork:
    """Return the network with the tensors of the file."""
    if isinstance(planned, Plan):
        network = Network(planned.layout, **planned.sizes)
        if document.exemplars is not None:
            below = planned.below(len(planned.layout.stages)).values
            network.classifier = document.exemplars.build(below, planned.classes)
        network.load_state_dict(tensors)
        return network
    own = {name: tensors[f"graph.{name}"] for name in planned.graph.tensors}
    mean, std = tensors["mean"].tolist(), tensors["std"].tolist()
    margins = "slopes" in tensors
    read = GraphNetwork(planned.graph, own, mean=mean, std=std, title=planned.title, margins=margins)
    for name in ("slopes", "offsets") if margins else ("temperature",):
        setattr(read, name, tensors[name])
    return read.requires_grad_(requires_grad=False)  # figures and the page take its values


def _document(text: str) -> Document:
    try:
        value = strict_json(text)
    except ValueError:
        raise UnfitError("it is damaged: its document is no valid JSON") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UnfitError("its document does not say that convscope wrote it")
    version, writer = value.get("format_version"), value.get("library_version")
    if type(version) is int and version > FORMAT_VERSION:
        written_by = printable(writer[:40]) if isinstance(writer, str) else "of a later version"
        raise UnfitError(
            f"it was written by convscope {written_by}, which is newer than this one, {__version__}; "
            "update with: pip install -U convscope"
        )
    if version != FORMAT_VERSION or type(version) is not int:
        raise UnfitError("it is damaged: its format version is not 1")
    try:
        document = from_json(Document, value)
    except (ConvscopeError, RecursionError, TypeError) as error:
        raise UnfitError(f"its document is not valid ({_short(error)})") from None
    _check_names(document)
    return document


def _check_names(document: Document) -> None:
    names = (*document.classes, document.library_version)
    if len(set(document.classes)) != len(document.classes):
        raise UnfitError("two of its classes have the same name")
    if any(not 1 <= len(name) <= LONGEST_NAME for name in names):
        raise UnfitError(f"a name in it has not 1 to {LONGEST_NAME:,} characters")
    if any(printable(name) != name for name in names):
        raise UnfitError("a name in it holds control characters")


def _planned(document: Document) -> Plan | GraphPlan:
    """Return the plan of the network, whose sizes are within bounds: nothing is allocated yet."""
    preprocessing = document.preprocessing
    what = "layout" if document.graph is None else "graph"
    sizes = (preprocessing.channels, preprocessing.height, preprocessing.width, len(document.classes))
    try:
        if document.graph is None:
            channels, height, width, classes = sizes
            planned: Plan | GraphPlan = plan(
                Layout.parse(document.layout), height=height, width=width, channels=channels, classes=classes
            )
        else:
            planned = plan_of(graph_from_json(document.graph), document.title or "network")
            check_bounds(planned)
            if (planned.channels, planned.height, planned.width, planned.classes) != sizes:
                raise UnfitError("its graph is not for its images and classes")
        check_built(planned)
        fitting_batch(planned, 1)
    except (ConvscopeError, RecursionError) as error:
        raise UnfitError(f"its {what} cannot be built ({_short(error)})") from None
    return planned


def _check_values(tensors: dict[str, Tensor], kept: dict[str, int]) -> None:
    """Raise an error for values that no network has; `kept`: the classes of layers that compare with stored images."""
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise UnfitError(f"its tensor '{name}' holds values that are not finite")
        if name.endswith("running_var") and bool((value < 0).any()):
            raise UnfitError(f"its tensor '{name}' holds a negative variance")
    above_zero = _ABOVE_ZERO | {f"{layer}.{name}": what for layer in kept for name, what in _KEPT_ABOVE_ZERO.items()}
    for name, what in above_zero.items():
        if name in tensors and bool((tensors[name] <= 0).any()):
            raise UnfitError(f"its {what} is not above 0")
    for layer, classes in kept.items():
        labels = tensors.get(f"{layer}.labels")
        if labels is not None and not bool(((labels >= 0) & (labels < classes)).all()):
            raise UnfitError("an image that its classifier keeps is of no class")


def _ending(digest: str) -> str:
    """Return how the text of a document ends."""
    return f', "digest": "{digest}"}}'


def _short(error: Exception) -> str:
    """Return the message of an error on one line, without the full stop at its end."""
    text = printable(str(error))
    return (text if len(text) <= 200 else text[:200] + "…").rstrip(".")
