"""What the page of the explorer holds: folded layers with their weights, and images, as records."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.document import inline_values
from convscope.core.records import DIGITS, to_json
from convscope.core.text import image_in_words, printable
from convscope.core.version import __version__
from convscope.images.ink import Ink, ink_of
from convscope.images.values import ValueRanges
from convscope.layers.layer import Layer
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.planned import PlannedLayer
from convscope.layers.pooling import POOLINGS
from convscope.networks.folding import ready
from convscope.networks.graph import IMAGE
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model

from .comparison import ComparisonData
from .evaluation import RunEvaluation
from .invariance import InvarianceData
from .references import LayerReference, references_of
from .units import UnitsData
from .weights import CHECKED, Rounding, WeightDtype, rounding_of, tensor_texts, weight_dtype
from .where import WhereData, where_data

FORMAT_VERSION = 3
LONGEST_NAME = 1_000


@dataclass(frozen=True, kw_only=True)
class LayerData:
    """One layer: a node of the network's graph.

    Attributes:
        name: of the node, for example ``layer1.0.conv2``; what is before its last dot is the block it is in.
        planned: its title, the shape of its output, its receptive field and its cost.
        kind: what it does, a key of `LAYERS`.
        notation: a few letters that name what it does.
        inputs: which layers it reads, from 0; -1 is the image.
        nonlinearity: of its values, as `nonlinearity_of` takes it.
        settings: the layer's record.
        tensors: base64 by name, lowest byte first: `weight` of the network's `weight_dtype`, the rest float32.
        reference: its maps on other images; None where the page has none.
    """

    name: str
    planned: PlannedLayer
    kind: str
    notation: str
    inputs: tuple[int, ...]
    nonlinearity: str
    settings: dict[str, Any]
    tensors: dict[str, str]
    reference: LayerReference | None = field(default=None, metadata={DIGITS: 4})


@dataclass(frozen=True, kw_only=True)
class KindText:
    """A kind of layer, a pooling or a nonlinearity in words.

    Attributes:
        code: of the layout notation, or the kind.
        name: for the user.
        formula: in Unicode.
        phrase: the same in words.
        sees: the part of its window that a pooling's value depends on; empty for others.
        shift: what happens to the result of a layer when its input is moved; empty for others.
    """

    code: str
    name: str
    formula: str
    phrase: str
    sees: Literal["window", "first", "around", ""] = ""
    shift: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedImage:
    """An image to show: its name, its pixels (uint8 H W C of the network's size), its class if it is known."""

    name: str
    pixels: NDArray[np.uint8]
    truth: int | None = None


@dataclass(frozen=True, kw_only=True)
class ImageData:
    """One image in the page.

    Attributes:
        name: for the user.
        truth: its class; None if it is unknown.
        predicted: the class that the network predicts.
        pixels: base64 of uint8 H W C.
    """

    name: str
    truth: int | None
    predicted: int
    pixels: str


@dataclass(frozen=True, kw_only=True)
class ExplorerData:
    """A network that a page can compute, and images to begin with.

    Attributes:
        title: of the page.
        layout, version, classes: of the model.
        height, width, channels: of its images.
        mean, std: standardization of the images, one value a channel.
        fit, background, ranges: how other images become such images.
        weight_dtype: of the weights: float32; float24, without its last 8 bits (nearly five digits); float16 (about
            three digits); or, for the largest networks, int8 (one of 255 steps, as large as each unit needs).
        rounding: what weights of few digits change; None where they have four or more.
        layers: in an order in which they can be computed, the output last.
        sigmoids: whether the logits become probabilities by sigmoids, each divided by their sum; by softmax if not.
        kinds: those of its layers, in words.
        poolings, nonlinearities: in words.
        units: what the units respond to; None where that was not measured.
        evaluation: of the run; None where there is no report.
        beside: a second network with the same classes, for the same images; it has none of its own.
        invariance: robustness to distortions; None where that was not measured.
        comparison: of variants; None where there is none.
        where: what says where the network looked; None of one that answers with maps.
        ink: what the ink of the images has in common; None where they are no drawings on one paper.
    """

    format_version: int = FORMAT_VERSION
    title: str
    layout: str
    version: str = __version__
    classes: tuple[str, ...]
    height: int
    width: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: Literal["letterbox", "stretch", "crop"]
    background: tuple[int, ...]
    ranges: ValueRanges = field(default_factory=ValueRanges)
    weight_dtype: WeightDtype = "float32"
    rounding: Rounding | None = field(default=None, metadata={DIGITS: 4})
    layers: tuple[LayerData, ...]
    sigmoids: bool = False
    images: tuple[ImageData, ...] = ()
    kinds: tuple[KindText, ...] = ()
    poolings: tuple[KindText, ...] = ()
    nonlinearities: tuple[KindText, ...] = ()
    units: UnitsData | None = field(default=None, metadata={DIGITS: 4})
    evaluation: RunEvaluation | None = field(default=None, metadata={DIGITS: 4})
    beside: "ExplorerData | None" = None
    invariance: InvarianceData | None = field(default=None, metadata={DIGITS: 4})
    comparison: ComparisonData | None = None
    where: WhereData | None = None
    ink: Ink | None = field(default=None, metadata={DIGITS: 5})


def explorer_data(
    model: Model,
    images: Sequence[NamedImage] = (),
    *,
    title: str = "",
    beside: ExplorerData | None = None,
    others: NDArray[np.uint8] | None = None,
) -> ExplorerData:
    """Return the data of a page that shows `model` on `images`, and the network `beside` it.

    Args:
        model: the network.
        images: to begin with.
        title: of the page.
        beside: a second network for the same images.
        others: images N H W C that changes of the maps are compared with; `images` by default.

    Raises:
        DataError: the network has more weights than a page can hold.
        ParameterError: its classifier is no weighted sums.
    """
    network, preprocessing = model.network, model.preprocessing
    arithmetic = ready(network)
    poolings, nonlinearities = family_texts()
    dtype = weight_dtype(arithmetic)
    pixels = np.stack([image.pixels for image in images[:CHECKED]]) if images else None
    return ExplorerData(
        title=printable(title)[:LONGEST_NAME],
        layout=model.title,
        version=model.version,
        classes=tuple(printable(name)[:LONGEST_NAME] for name in model.classes),
        height=preprocessing.height,
        width=preprocessing.width,
        channels=preprocessing.channels,
        mean=tuple(arithmetic.mean.tolist()),
        std=tuple(arithmetic.std.tolist()),
        fit=preprocessing.fit,
        background=preprocessing.background,
        ranges=preprocessing.ranges,
        weight_dtype=dtype,
        rounding=rounding_of(arithmetic, dtype, pixels),
        layers=_layers(
            arithmetic,
            network.plan.layers,
            dtype,
            references_of(arithmetic, pixels if others is None else others, preprocessing.background),
        ),
        sigmoids=arithmetic.gives_margins,
        images=_predicted(model, images),
        beside=beside,
        kinds=_layer_texts(arithmetic),
        poolings=poolings,
        nonlinearities=nonlinearities,
        where=where_data(arithmetic),
        ink=ink_of(np.stack([image.pixels for image in images])) if images else None,
    )


def _predicted(model: Model, images: Sequence[NamedImage]) -> tuple[ImageData, ...]:
    if not images:
        return ()
    predictions = class_probabilities(model, np.stack([image.pixels for image in images])).argmax(1).tolist()
    return tuple(
        ImageData(
            name=printable(image_in_words(image.name))[:LONGEST_NAME],
            truth=image.truth,
            predicted=predicted,
            pixels=inline_values(image.pixels, "u1"),
        )
        for image, predicted in zip(images, predictions, strict=True)
    )


def class_probabilities(model: Model, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities of each class, N K; of a network that answers with maps, their means."""
    planned = model.network.plan.layers[-1]
    if planned.rows * planned.columns == 1:
        return model.predict_proba(pixels)
    with torch.no_grad():
        means = [model.network.probabilities(torch.from_numpy(image[None])).mean((2, 3)) for image in pixels]
    return torch.cat(means).numpy()


def _layers(
    network: GraphNetwork,
    planned: Sequence[PlannedLayer],
    dtype: WeightDtype,
    references: Sequence[LayerReference | None],
) -> tuple[LayerData, ...]:
    nodes = network.graph.nodes
    numbers = {IMAGE: -1, **{node.name: index for index, node in enumerate(nodes)}}
    return tuple(
        LayerData(
            name=node.name,
            planned=replace(here, name=printable(here.name)),
            kind=node.layer.KIND,
            notation=node.layer.notation,
            inputs=tuple(numbers[name] for name in node.inputs),
            nonlinearity=node.nonlinearity,
            settings=_settings(node.layer),
            tensors=tensor_texts(network.tensors_of(node), dtype),
            reference=reference,
        )
        for node, here, reference in zip(nodes, planned, references, strict=True)
    )


def _settings(layer: Layer) -> dict[str, Any]:
    """Return the layer's record; JSON has no infinite numbers, which become texts."""
    found = to_json(layer)
    infinite = {key: f"{value:+}" for key, value in found.items() if isinstance(value, float) and math.isinf(value)}
    return {**found, **{key: text.replace("inf", "Infinity") for key, text in infinite.items()}}


def _layer_texts(network: GraphNetwork) -> tuple[KindText, ...]:
    kinds = {node.layer.KIND: type(node.layer) for node in network.graph.nodes}
    return tuple(
        KindText(code=code, name=code.replace("-", " "), formula=kind.FORMULA, phrase=kind.PHRASE, shift=kind.SHIFT)
        for code, kind in kinds.items()
    )


def family_texts() -> tuple[tuple[KindText, ...], tuple[KindText, ...]]:
    """Return the poolings and the nonlinearities in words."""
    poolings = tuple(
        KindText(code=code, name=kind.name, formula=kind.formula, phrase=kind.phrase, sees=kind.sees)
        for code, kind in POOLINGS.items()
    )
    return poolings, tuple(
        KindText(code=code, name=code, formula=kind.formula, phrase=kind.phrase)
        for code, kind in NONLINEARITIES.items()
    )
