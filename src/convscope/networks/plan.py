"""The plan of a layout on an image: shapes, parameters, MACs and receptive fields, in exact integers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from convscope.core.errors import LayoutError, ParameterError
from convscope.core.numeric import is_integer
from convscope.core.text import counted
from convscope.images.preprocessing import LARGEST_PIXELS, LARGEST_SIDE
from convscope.layers.geometry import LARGEST_UNITS, MapShape, ReceptiveField, Window
from convscope.layers.kinds import Linear
from convscope.layers.layer import Layer
from convscope.layers.planned import PlannedLayer

from .layout import Layout, Stage
from .stages import ConnectedStage, ConvolutionStage

LARGEST_PARAMETERS = 1_000_000_000
LARGEST_MACS = 10**13  # for one image: minutes
LARGEST_VALUES = 2**29  # of all maps of one image: 2 GiB
LARGEST_COMPUTED = 2**27  # of one image and all its maps, in a network that is built: 512 MiB
LARGEST_FIELD = 10**9  # pixels


class PlanSizes(TypedDict):
    """Rows and columns of an image in pixels, values per pixel, and the number of classes."""

    height: int
    width: int
    channels: int
    classes: int


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """The layers of a network on an image, with their sums.

    Attributes:
        title: names the network to a reader; of a layout, its notation.
        height, width: rows and columns of an image, in pixels.
        channels: values per pixel.
        classes: logits of an image.
        layers: in an order in which they can be computed, the classifier last.
    """

    title: str
    height: int
    width: int
    channels: int
    classes: int
    layers: tuple[PlannedLayer, ...]

    @property
    def sizes(self) -> PlanSizes:
        """What the layout is planned for, by name: enough to plan another one for the same, or to build a network."""
        return {"height": self.height, "width": self.width, "channels": self.channels, "classes": self.classes}

    @property
    def parameters(self) -> int:
        """Number of learned numbers in all."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiplications with an addition for one image, in all."""
        return sum(layer.macs for layer in self.layers)

    @property
    def values(self) -> int:
        """Values of one image and of all its maps."""
        return self.channels * self.height * self.width + sum(layer.values for layer in self.layers)

    @property
    def stored_values(self) -> int:
        """Values of one image that a prediction may store at once."""
        return self.values

    @property
    def working_values(self) -> int:
        """Values of one image, laid out for the layer that needs most, that a prediction works on at once."""
        return max(layer.values for layer in self.layers)

    @property
    def text(self) -> str:
        """The layout as text; empty where there is none."""
        return ""

    def batch_within(self, values: int) -> int:
        """Return how many images store at most `values` values at once; at least one."""
        return max(1, values // self.stored_values)


@dataclass(frozen=True, kw_only=True)
class Plan(NetworkPlan):
    """The layers of a layout on an image, with their sums."""

    layout: Layout

    @property
    def text(self) -> str:
        """The layout as text."""
        return str(self.layout)

    @property
    def working_values(self) -> int:
        """The maps below and above the layer that needs most, and the patches of locally connected units."""
        most = 3 * self.below(0).values  # as it comes, scaled, and in the network's order
        for index, layer in enumerate(self.layers):
            stage = self.layout.stages[index] if index < len(self.layout.stages) else None
            below, patches = self.below(index), 0
            if isinstance(stage, ConvolutionStage) and stage.regions != 1:
                patches = 2 * below.maps * stage.patch**2 * layer.rows * layer.columns  # and in the order of regions
            most = max(most, below.values + layer.values + patches)
        return most

    def below(self, index: int) -> MapShape:
        """Return the shape of the maps that reach layer `index` (from 0)."""
        if index == 0:
            return MapShape(maps=self.channels, rows=self.height, columns=self.width)
        return self.layers[index - 1].shape


def plan(layout: Layout, *, height: int, width: int, channels: int, classes: int, bounded: bool = True) -> Plan:
    """Return the layers of `layout` on images of height × width × channels with `classes` classes.

    Nothing is allocated: this is arithmetic on integers.

    Args:
        layout: the stages.
        height: rows of the image, in pixels.
        width: columns of the image, in pixels.
        channels: values per pixel.
        classes: number of logits that the classifier gives.
        bounded: refuse absurdly large networks; without, they are only counted.

    Raises:
        LayoutError: a stage does not fit what is left of the image, or the network would be absurdly large.
        ParameterError: the image's size or the number of classes is out of range.

    Examples:
        >>> lenet = plan(Layout.parse("20C5v-MP2-50C5v-MP2-500N-nonorm"), height=28, width=28, channels=1, classes=10)
        >>> lenet.parameters, lenet.macs
        (431080, 2293000)
    """
    last = _image(height, width, channels, classes)
    height, width, channels, classes = last.rows, last.columns, last.maps, int(classes)
    layers: list[PlannedLayer] = []
    for number, stage in enumerate(layout.stages, start=1):
        last = _next(stage, number, last)
        layers.append(last)
    layers.append(_planned(layout.classifier, Linear(units=classes), last))
    result = Plan(
        title=str(layout),
        layout=layout,
        height=height,
        width=width,
        channels=channels,
        classes=classes,
        layers=tuple(layers),
    )
    if bounded:
        check_bounds(result)
    return result


def check_bounds(planned: NetworkPlan) -> None:
    """Raise an error for a network that no computer of its users can hold or work through.

    Raises:
        LayoutError: it has too many values, parameters or MACs, or too large receptive fields.
    """
    for bound in _BOUNDS:
        bound.check(planned)


def check_built(planned: NetworkPlan) -> None:
    """Raise an error for a network that is too large to compute: a file of a few kB can describe one of gigabytes.

    Raises:
        LayoutError: an image and its maps have too many values.
    """
    if planned.values > LARGEST_COMPUTED:
        raise LayoutError(
            f"An image and all its maps must have at most {LARGEST_COMPUTED:,} values. Got {planned.values:,} of "
            f"{planned.title} on {planned.width}x{planned.height} pixels. Use fewer units, pool earlier, or use "
            "smaller images (--size)."
        )


@dataclass(frozen=True, kw_only=True)
class _Bound:
    """What no network may exceed: sizes that no computer of its users can hold or work through."""

    largest: int
    what: str
    of_layer: Callable[[PlannedLayer], int]
    total: bool
    remedy: str

    def check(self, planned: NetworkPlan) -> None:
        """Raise LayoutError if `planned` exceeds the bound; the message names its largest stage."""
        counts = [self.of_layer(layer) for layer in planned.layers]
        got = sum(counts) if self.total else max(counts)
        if got > self.largest:
            largest = counts.index(max(counts))
            raise LayoutError(
                f"The layout must have at most {self.largest:,} {self.what}. Got {got:,} on {planned.width}x"
                f"{planned.height} pixels (most in layer {largest + 1}, {planned.layers[largest].name}). {self.remedy}."
            )


_BOUNDS = (
    _Bound(
        largest=LARGEST_VALUES,
        what="values in the maps of all layers",
        of_layer=lambda layer: layer.values,
        total=True,
        remedy="Use fewer units, pool earlier, or use smaller images (--size)",
    ),
    _Bound(
        largest=LARGEST_PARAMETERS,
        what="parameters",
        of_layer=lambda layer: layer.parameters,
        total=True,
        remedy="Use fewer units, or pool more before that stage",
    ),
    _Bound(
        largest=LARGEST_MACS,
        what="MACs for one image",
        of_layer=lambda layer: layer.macs,
        total=True,
        remedy="Use fewer units or smaller patches, pool earlier, or use smaller images (--size)",
    ),
    _Bound(
        largest=LARGEST_FIELD,
        what="pixels along the side of a receptive field",
        of_layer=lambda layer: max(
            math.ceil(number)
            for field in (layer.field_rows, layer.field_columns)
            for number in (field.size, field.stride)
        ),
        total=False,
        remedy="Use smaller strides",
    ),
)


def _image(height: int, width: int, channels: int, classes: int) -> PlannedLayer:
    """Return what the first stage stands on."""
    for name, value, largest in (
        ("height", height, LARGEST_SIDE),
        ("width", width, LARGEST_SIDE),
        ("channels", channels, LARGEST_UNITS),
        ("classes", classes, LARGEST_UNITS),
    ):
        if not is_integer(value) or not 1 <= value <= largest:
            raise ParameterError(f"`{name}` must be a whole number from 1 to {largest:,}. Got {value}.")
    height, width, channels = int(height), int(width), int(channels)  # those of NumPy overflow
    if height * width > LARGEST_PIXELS or height * width * channels > LARGEST_VALUES:
        raise ParameterError(
            f"`height` × `width` must be at most {LARGEST_PIXELS:,}, and {LARGEST_VALUES:,} with `channels`. Got "
            f"{height * width:,} ({width}x{height} pixels of {channels}). Use smaller images (--size)."
        )
    pixel = ReceptiveField()
    return PlannedLayer(
        name="image",
        maps=channels,
        rows=height,
        columns=width,
        parameters=0,
        macs=0,
        field_rows=pixel,
        field_columns=pixel,
    )


def _next(stage: Stage, number: int, below: PlannedLayer) -> PlannedLayer:
    """Return the layer of a stage on the layer below.

    Raises:
        LayoutError: it does not fit; the message names the stage.
    """
    _check_fits(stage, number, below)
    try:
        layer = stage.layer(below.shape)
    except LayoutError as error:
        raise LayoutError(f"Stage {number}: {error}") from None
    result = layer.shape([below.shape])
    if stage.inputs == 2 and result != below.shape:
        raise LayoutError(
            f"Stage {number}, {stage}, must give the shape of its input to add it. Got {counted(result.maps, 'map')} "
            f"of {result.columns}x{result.rows} from {below.maps} of {below.columns}x{below.rows}. "
            f"Use {counted(below.maps, 'unit')}, stride 1 and no 'v', or remove the '+'."
        )
    return _planned(str(stage), layer, below, inputs=stage.inputs)


def _planned(name: str, layer: Layer, below: PlannedLayer, *, inputs: int = 1) -> PlannedLayer:
    shapes, fields = [below.shape] * inputs, [(below.field_rows, below.field_columns)] * inputs
    return layer.planned(name, shapes, layer.fields(fields, shapes))


def _check_fits(stage: Stage, number: int, below: PlannedLayer) -> None:
    """Raise an error for a window that is larger than the map below.

    Raises:
        LayoutError: it is; the message says what to change.
    """
    if isinstance(stage, ConnectedStage):
        return
    convolves = isinstance(stage, ConvolutionStage)
    window = stage.window if isinstance(stage, ConvolutionStage) else Window(kernel=stage.window or 1)
    if window.kernel <= min(below.rows, below.columns) + window.before + window.after:
        return
    remedies = [
        *(["drop its 'v' (same padding keeps the side)"] if convolves else [f"remove {stage}"]),
        *(["remove a pooling or a stride before it"] if number > 1 else []),
        f"use a smaller {'patch' if convolves else 'window'}",
        "or use larger images (--size)",
    ]
    raise LayoutError(
        f"Stage {number}, {stage}, does not fit: its window of {window.kernel} pixels is larger than the map "
        f"below, {below.columns}x{below.rows} pixels (after {below.name}). To change it, {', '.join(remedies)}."
    )
