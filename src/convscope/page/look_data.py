"""What the page that looks inside a network holds: folded layers with their weights, and images, as records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.text import printable
from convscope.core.version import __version__
from convscope.images.values import ValueRanges
from convscope.layers.planned import PlannedLayer
from convscope.layers.pooling import Pooling
from convscope.networks.folding import Connections, Folded, FoldedLayer, Sums, fold
from convscope.networks.model import Model

from .comparison_data import ComparisonData
from .encoding import encoded
from .good_data import GoodData
from .invariance_data import InvarianceData
from .units_data import UnitsData

FORMAT_VERSION = 2
LARGEST_PARAMETERS = 8_000_000  # 21 MB of text; a browser still opens it
MOST_EXACT = 200_000  # parameters that go in as float32; those of larger networks as 24 of its 32 bits
MOST_NEARLY_EXACT = 1_200_000  # 4.8 MB of text; those of still larger networks as float16
_LARGEST_HALF = 65_504.0

Numbers = Literal["float32", "float24", "float16"]
_KINDS: dict[Numbers, str] = {"float32": "<f4", "float24": "<f3", "float16": "<f2"}
LONGEST_NAME = 1_000


@dataclass(frozen=True, kw_only=True)
class FieldData:
    """The pixels along one side that a value at place p depends on: start + p × stride … + size - 1."""

    size: int
    stride: int
    start: int


@dataclass(frozen=True, kw_only=True)
class LayerData:
    """One layer; pairs are down and across.

    Attributes:
        name: its notation.
        kind: what it does; the classifier is connected.
        maps, rows, columns: what it gives.
        window, stride: patch of a convolution, window of a pooling.
        before, after: zeros around the maps below.
        regions: parts of the map with weights of their own; (1, 1) where they are shared by all places.
        residual: whether the input is added.
        code: of a pooling; whole: whether its window is the whole map.
        nonlinearity: of a convolution or of connected units.
        weights: base64 of the network's kind of numbers, lowest byte first: regions, units, maps below, rows and
            columns of the patch.
        bias: base64 of float32, one a unit.
        field: receptive field down and across.
        parameters, macs: as the plan counts them.
    """

    name: str
    kind: Literal["convolution", "pooling", "connected"]
    maps: int
    rows: int
    columns: int
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
    field: tuple[FieldData, FieldData]
    parameters: int
    macs: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """An image to show: its name, its pixels (uint8 H W C of the network's size), its class's place if it is known."""

    name: str
    pixels: NDArray[np.uint8]
    truth: int | None = None


@dataclass(frozen=True, kw_only=True)
class ShownImage:
    """One image.

    Attributes:
        name: for the user.
        truth: place of its class; None if it is unknown.
        answer: place of the class that the network takes it for.
        pixels: base64 of uint8 H W C.
    """

    name: str
    truth: int | None
    answer: int
    pixels: str


@dataclass(frozen=True, kw_only=True)
class RangesData:
    """Which values of a file are black and white.

    Attributes:
        byte, integer: low and high for values of 8 bits and of more; None by their type.
        each: every image goes from its own least to its own greatest value instead.
    """

    byte: tuple[float, float] | None = None
    integer: tuple[float, float] | None = None
    each: bool = False

    @staticmethod
    def of(ranges: ValueRanges) -> "RangesData":
        """Return the part of the ranges that a browser can meet, which opens no files of floats."""
        byte, integer = ((one.low, one.high) if one else None for one in (ranges.byte, ranges.integer))
        return RangesData(byte=byte, integer=integer, each=ranges.each)


@dataclass(frozen=True, kw_only=True)
class LookData:
    """A network that a page can compute, and images to begin with.

    Attributes:
        title: of the page.
        layout, version, classes: of the model.
        height, width, channels: of its images.
        mean, std: images are standardized with, one a channel.
        fit, background, ranges: how other images become such images.
        numbers: what weights are kept as: exactly; float24, float32 without its last 8 bits (nearly five
            digits); or, to keep large networks small, rounded to about three digits.
        layers: the classifier last.
        sigmoids: whether the logits become probabilities by sigmoids, each divided by their sum; by softmax if not.
        units: what the units respond to, where that was measured.
        good: how good the network was when its run ended, where that is known.
        beside: a second network with the same classes, for the same images; it has none of its own.
        invariance: how it takes distorted images, where that was measured.
        comparison: it among other kinds of networks, where they were compared.
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
    ranges: RangesData = field(default_factory=RangesData)
    numbers: Numbers = "float32"
    layers: tuple[LayerData, ...]
    sigmoids: bool = False
    images: tuple[ShownImage, ...] = ()
    units: UnitsData | None = None
    good: GoodData | None = None
    beside: "LookData | None" = None
    invariance: InvarianceData | None = None
    comparison: ComparisonData | None = None


@dataclass(frozen=True, kw_only=True)
class Records:
    """What else the page shows of a network, each where it is known; None leaves no empty place."""

    units: UnitsData | None = None
    good: GoodData | None = None
    invariance: InvarianceData | None = None
    comparison: ComparisonData | None = None


def look_data(
    model: Model,
    images: Sequence[Shown] = (),
    *,
    title: str = "",
    records: Records | None = None,
    beside: LookData | None = None,
) -> LookData:
    """Return the record of a page that shows `model` on `images`, and further records where there are any.

    Raises:
        DataError: the network has more weights than a page can hold.
        ParameterError: its classifier is no weighted sums.
    """
    network, layer = model.network, model.preprocessing
    if network.plan.parameters > LARGEST_PARAMETERS:
        raise DataError(
            f"The network must have at most {LARGEST_PARAMETERS:,} parameters to fit into a page. "
            f"Got {network.plan.parameters:,}. Train one with fewer units, or subsample more before its last stages."
        )
    planned = network.plan.layers
    below = [(layer.height, layer.width), *((one.rows, one.columns) for one in planned[:-1])]
    folded = fold(network)
    numbers = _numbers(network.plan.parameters, folded)
    layers = tuple(
        _layer_data(one, here, sides, numbers) for one, here, sides in zip(folded.layers, planned, below, strict=True)
    )
    return LookData(
        title=printable(title)[:LONGEST_NAME],
        layout=str(model.layout),
        version=model.version,
        classes=tuple(printable(name)[:LONGEST_NAME] for name in model.classes),
        height=layer.height,
        width=layer.width,
        channels=layer.channels,
        mean=tuple(folded.mean.tolist()),
        std=tuple(folded.std.tolist()),
        fit=layer.fit,
        background=layer.background,
        ranges=RangesData.of(layer.ranges),
        numbers=numbers,
        layers=layers,
        sigmoids=folded.sigmoids,
        images=_answered(model, images),
        beside=beside,
        **({} if records is None else vars(records)),
    )


def _answered(model: Model, images: Sequence[Shown]) -> tuple[ShownImage, ...]:
    if not images:
        return ()
    answers = model.predict_proba(np.stack([one.pixels for one in images])).argmax(1).tolist()
    return tuple(
        ShownImage(
            name=printable(one.name)[:LONGEST_NAME], truth=one.truth, answer=answer, pixels=encoded(one.pixels, "u1")
        )
        for one, answer in zip(images, answers, strict=True)
    )


def _numbers(parameters: int, folded: Folded) -> Numbers:
    """Return what the weights of a network of so many parameters are kept as."""
    if parameters <= MOST_EXACT:
        return "float32"
    sums = [layer for layer in folded.layers if isinstance(layer, (Sums, Connections))]
    fit = all(float(np.abs(layer.weights).max(initial=0.0)) < _LARGEST_HALF for layer in sums)
    return "float16" if parameters > MOST_NEARLY_EXACT and fit else "float24"


def _layer_data(folded: FoldedLayer, here: PlannedLayer, sides: tuple[int, int], numbers: Numbers) -> LayerData:
    rows, columns = here.field_rows, here.field_columns
    common: dict[str, Any] = {
        "name": here.name,
        "maps": here.maps,
        "rows": here.rows,
        "columns": here.columns,
        "field": tuple(FieldData(size=side.size, stride=side.stride, start=side.start) for side in (rows, columns)),
        "parameters": here.parameters,
        "macs": here.macs,
    }
    return LayerData(**common, **_details(folded, sides, numbers))


def _details(folded: FoldedLayer, sides: tuple[int, int], numbers: Numbers) -> dict[str, Any]:
    """Return what the kinds of layers do not have in common; `sides` are rows and columns of the maps below."""
    match folded:
        case Sums(weights=weights):
            return {
                "kind": "convolution",
                "window": weights.shape[4:],
                "stride": (folded.stride, folded.stride),
                "before": folded.before,
                "after": folded.after,
                "regions": weights.shape[:2],
                "residual": folded.residual,
                **_weights(folded, numbers),
            }
        case Pooling():
            windows = [folded.window_over(side) for side in sides]
            return {
                "kind": "pooling",
                "window": (windows[0].kernel, windows[1].kernel),
                "stride": (windows[0].stride, windows[1].stride),
                "code": folded.code,
                "whole": folded.window is None,
            }
        case Connections():
            return {"kind": "connected", "window": sides, "stride": (1, 1), **_weights(folded, numbers)}


def _weights(folded: Sums | Connections, numbers: Numbers) -> dict[str, str]:
    return {
        "nonlinearity": folded.nonlinearity,
        "weights": encoded(folded.weights, _KINDS[numbers]),
        "bias": encoded(folded.biases, "<f4"),
    }
