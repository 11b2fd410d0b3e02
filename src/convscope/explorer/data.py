"""What the page of the explorer holds: folded layers with their weights, and images, as records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convscope.core.document import inline_values
from convscope.core.errors import DataError
from convscope.core.records import DIGITS
from convscope.core.text import printable
from convscope.core.version import __version__
from convscope.images.values import ValueRanges
from convscope.layers.kinds import Convolution, Linear, LocallyConnected, Pooling
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.planned import PlannedLayer
from convscope.layers.pooling import POOLINGS
from convscope.networks.folding import ready
from convscope.networks.graph import Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model

from .comparison import ComparisonData
from .evaluation import RunEvaluation
from .invariance import InvarianceData
from .units import UnitsData

FORMAT_VERSION = 2
LARGEST_PARAMETERS = 8_000_000  # 21 MB of text; a browser still opens it
MOST_EXACT = 200_000  # parameters that go in as float32; those of larger networks as 24 of its 32 bits
MOST_NEARLY_EXACT = 1_200_000  # 4.8 MB of text; those of still larger networks as float16
_LARGEST_HALF = 65_504.0

WeightDtype = Literal["float32", "float24", "float16"]
_NUMPY_DTYPES: dict[WeightDtype, str] = {"float32": "<f4", "float24": "<f3", "float16": "<f2"}
LONGEST_NAME = 1_000


@dataclass(frozen=True, kw_only=True)
class LayerData:
    """One layer; pairs are down and across.

    Attributes:
        planned: its notation, the shape of its output, its receptive field and its cost.
        kind: what it does; the classifier is connected.
        window, stride: kernel of a convolution, window of a pooling.
        before, after: zeros around the maps below.
        regions: regions of the map with weights of their own; (1, 1) where all positions share them.
        residual: whether the input is added.
        code: of a pooling; whole: whether its window is the whole map.
        nonlinearity: of a convolution or of fully connected units.
        weights: base64 of numbers of the network's `weight_dtype`, lowest byte first: regions, units, maps below, rows
            and columns of the kernel.
        bias: base64 of float32, one a unit.
    """

    planned: PlannedLayer
    kind: Literal["convolution", "pooling", "connected"]
    window: tuple[int, int]
    stride: tuple[int, int]
    before: int = 0
    after: int = 0
    regions: tuple[int, int] = (1, 1)
    residual: bool = False
    code: str = ""
    whole: bool = False
    nonlinearity: str = "linear"
    weights: str = ""
    bias: str = ""


@dataclass(frozen=True, kw_only=True)
class KindText:
    """A pooling or a nonlinearity in words.

    Attributes:
        code: of the layout notation.
        name: for the user.
        formula: in Unicode.
        phrase: the same in words.
        sees: the part of its window that a pooling's value depends on; empty for a nonlinearity.
    """

    code: str
    name: str
    formula: str
    phrase: str
    sees: Literal["window", "first", "around", ""] = ""


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
        weight_dtype: of the weights: float32; float24, without its last 8 bits (nearly five digits); or, for large
            networks, float16 (about three digits).
        layers: the classifier last.
        sigmoids: whether the logits become probabilities by sigmoids, each divided by their sum; by softmax if not.
        poolings, nonlinearities: in words.
        units: what the units respond to; None where that was not measured.
        evaluation: of the run; None where there is no report.
        beside: a second network with the same classes, for the same images; it has none of its own.
        invariance: robustness to distortions; None where that was not measured.
        comparison: of variants; None where there is none.
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
    layers: tuple[LayerData, ...]
    sigmoids: bool = False
    images: tuple[ImageData, ...] = ()
    poolings: tuple[KindText, ...] = ()
    nonlinearities: tuple[KindText, ...] = ()
    units: UnitsData | None = field(default=None, metadata={DIGITS: 4})
    evaluation: RunEvaluation | None = field(default=None, metadata={DIGITS: 4})
    beside: "ExplorerData | None" = None
    invariance: InvarianceData | None = field(default=None, metadata={DIGITS: 4})
    comparison: ComparisonData | None = None


def explorer_data(
    model: Model,
    images: Sequence[NamedImage] = (),
    *,
    title: str = "",
    beside: ExplorerData | None = None,
) -> ExplorerData:
    """Return the data of a page that shows `model` on `images`, and the network `beside` it.

    Raises:
        DataError: the network has more weights than a page can hold.
        ParameterError: its classifier is no weighted sums.
    """
    network, preprocessing = model.network, model.preprocessing
    if network.plan.parameters > LARGEST_PARAMETERS:
        raise DataError(
            f"The network must have at most {LARGEST_PARAMETERS:,} parameters to fit into a page. "
            f"Got {network.plan.parameters:,}. Train one with fewer units, or pool more before its last stages."
        )
    arithmetic = ready(network)
    nodes = arithmetic.graph.nodes
    dtype = _weight_dtype(network.plan.parameters, arithmetic)
    layers = tuple(
        LayerData(planned=planned, **_details(arithmetic, node, dtype))
        for node, planned in zip(nodes, network.plan.layers, strict=True)
    )
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
        layers=layers,
        sigmoids=arithmetic.temperature is None,
        images=_predicted(model, images),
        beside=beside,
        poolings=_pooling_texts(),
        nonlinearities=_nonlinearity_texts(),
    )


def _predicted(model: Model, images: Sequence[NamedImage]) -> tuple[ImageData, ...]:
    if not images:
        return ()
    predictions = model.predict_proba(np.stack([image.pixels for image in images])).argmax(1).tolist()
    return tuple(
        ImageData(
            name=printable(image.name)[:LONGEST_NAME],
            truth=image.truth,
            predicted=predicted,
            pixels=inline_values(image.pixels, "u1"),
        )
        for image, predicted in zip(images, predictions, strict=True)
    )


def _pooling_texts() -> tuple[KindText, ...]:
    return tuple(
        KindText(code=code, name=kind.name, formula=kind.formula, phrase=kind.phrase, sees=kind.sees)
        for code, kind in POOLINGS.items()
    )


def _nonlinearity_texts() -> tuple[KindText, ...]:
    return tuple(
        KindText(code=code, name=code, formula=kind.formula, phrase=kind.phrase)
        for code, kind in NONLINEARITIES.items()
    )


def _weight_dtype(parameters: int, network: GraphNetwork) -> WeightDtype:
    """Return the dtype of the weights of a network of so many parameters."""
    if parameters <= MOST_EXACT:
        return "float32"
    weights = [value for name, value in network.tensors.items() if name.endswith(".weight")]
    fit = all(float(value.abs().max()) < _LARGEST_HALF for value in weights)
    return "float16" if parameters > MOST_NEARLY_EXACT and fit else "float24"


def _details(network: GraphNetwork, node: Node, dtype: WeightDtype) -> dict[str, Any]:
    """Return what the kinds of layers do not have in common."""
    layer, below = node.layer, network.graph.inputs_of(node)[0]
    match layer:
        case Convolution(rows=window) | LocallyConnected(window=window):
            return {
                "kind": "convolution",
                "window": (window.kernel, window.kernel),
                "stride": (window.stride, window.stride),
                "before": window.before,
                "after": window.after,
                "regions": layer.regions if isinstance(layer, LocallyConnected) else (1, 1),
                "residual": len(node.inputs) == 2,
                **_weights(network, node, dtype),
            }
        case Pooling():
            rows, columns = layer.windows(below)
            return {
                "kind": "pooling",
                "window": (rows.kernel, columns.kernel),
                "stride": (rows.stride, columns.stride),
                "code": layer.code,
                "whole": layer.rows is None,
            }
        case Linear():
            sides = (below.rows, below.columns)
            return {"kind": "connected", "window": sides, "stride": (1, 1), **_weights(network, node, dtype)}
    raise DataError(f"The page cannot show a layer of the kind {layer.KIND} yet. Got {node.name}.")


def _weights(network: GraphNetwork, node: Node, dtype: WeightDtype) -> dict[str, str]:
    tensors = network.tensors_of(node)
    return {
        "nonlinearity": node.nonlinearity,
        "weights": inline_values(tensors["weight"].numpy(), _NUMPY_DTYPES[dtype]),
        "bias": inline_values(tensors["bias"].numpy(), "<f4"),
    }
