"""What a layout costs, layer by layer: counted exactly, and timed on this machine; and what it would cost otherwise.

The counter-facts are the same layout with units that are not copied (locally connected), with units that each see
everything (fully connected), and without pooling. They are always counted; they are timed where they fit into memory.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from convscope.layers.convolution import Connected, Convolution
from convscope.layers.planned import PlannedLayer
from convscope.layers.pooling import Pooling
from convscope.networks.instance_based import Exemplars
from convscope.networks.layout import Layout
from convscope.networks.plan import Plan, plan

FORMAT_VERSION = 1
BYTES = 4  # of a float32
Variant = Literal["as it is", "locally connected", "fully connected", "without pooling"]


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """What one layer costs, for one image unless said.

    Attributes:
        name: its notation.
        maps, rows, columns: what it gives.
        parameters: numbers that are learned, or kept by a classifier that keeps images.
        macs: multiplications with an addition.
        training_bytes: of the maps that it gives; all layers' are kept until the backward pass has used them.
        predicting_bytes: of what goes in and what comes out, the only maps that are needed at once.
        field_rows, field_columns: sides of the receptive field, in pixels.
        forward_ms, backward_ms: median time a batch; None where it was not measured.
    """

    name: str
    maps: int
    rows: int
    columns: int
    parameters: int
    macs: int
    training_bytes: int
    predicting_bytes: int
    field_rows: int
    field_columns: int
    forward_ms: float | None = None
    backward_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class LayoutCost:
    """What a network costs.

    Attributes:
        variant: of the layout that was asked about.
        layout: its notation; empty where none can say it (units that see everything, yet have maps).
        layers: in order, the classifier last.
        why_untimed: why no time was measured; empty where it was.
    """

    variant: Variant
    layout: str
    layers: tuple[LayerCost, ...]
    why_untimed: str = ""

    @property
    def parameters(self) -> int:
        """Numbers that are learned."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiplications with an addition for one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def training_bytes(self) -> int:
        """Bytes of all maps of one image and of the image: what training keeps for it."""
        return (
            self.layers[0].predicting_bytes - self.layers[0].training_bytes + sum(s.training_bytes for s in self.layers)
        )

    @property
    def predicting_bytes(self) -> int:
        """Bytes of the maps of one image that are needed at once, at most."""
        return max(layer.predicting_bytes for layer in self.layers)

    @property
    def forward_ms(self) -> float | None:
        """Milliseconds that a batch takes forward, all layers together; None where it was not measured."""
        return _sum([layer.forward_ms for layer in self.layers])

    @property
    def backward_ms(self) -> float | None:
        """The same backward."""
        return _sum([layer.backward_ms for layer in self.layers])


@dataclass(frozen=True, kw_only=True)
class CostRecord:
    """What a layout costs on images of height × width × channels, and what its counter-facts would.

    Attributes:
        batch: images at once, where time was measured.
        threads: used for that.
        costs: of the layout itself first, then of each counter-fact that differs from it.
        exemplars: what the classifier keeps, where it is no weighted sums; counted in each of `costs`.
    """

    format_version: int = FORMAT_VERSION
    height: int
    width: int
    channels: int
    classes: int
    batch: int
    threads: int
    costs: tuple[LayoutCost, ...]
    exemplars: Exemplars | None = None


def count_costs(
    layout: Layout,
    *,
    height: int,
    width: int,
    channels: int,
    classes: int,
    exemplars: Exemplars | None = None,
    classifier: str = "",
) -> tuple[LayoutCost, ...]:
    """Return what `layout` costs, and its counter-facts that differ from it, counted exactly and not timed.

    Nothing is allocated, and there is no limit on how large a counter-fact is.

    Args:
        layout: the stages.
        height: of the images, in pixels.
        width: the same.
        channels: values a pixel.
        classes: number of logits.
        exemplars: what the classifier keeps, where it is no weighted sums; so many images in each counter-fact, too.
        classifier: its name, where it is not that of the layout.

    Raises:
        LayoutError: the layout does not fit the image.
        ParameterError: a size is out of range.

    Examples:
        >>> costs = count_costs(Layout.parse("8C3-MP2"), height=8, width=8, channels=1, classes=10)
        >>> [(cost.variant, cost.layout, cost.parameters) for cost in costs]  # doctest: +NORMALIZE_WHITESPACE
        [('as it is', '8C3-MP2', 1370), ('locally connected', '8U3-MP2', 5906), ('fully connected', '', 34570),
         ('without pooling', '8C3', 5210)]
    """
    itself = plan(layout, height=height, width=width, channels=channels, classes=classes)
    costs = [_cost("as it is", itself)]
    others: tuple[tuple[Variant, Layout], ...] = (
        ("locally connected", locally_connected(layout)),
        ("without pooling", without_pooling(layout)),
    )
    for variant, changed in others:
        if changed != layout:
            other = plan(changed, **itself.sizes, bounded=False)
            costs.append(_cost(variant, other))
    if any(isinstance(stage, Convolution) for stage in layout.stages):
        costs.insert(-1 if costs[-1].variant == "without pooling" else len(costs), connected_cost(itself))
    return tuple(_read_by(cost, exemplars, classifier) for cost in costs)


def _read_by(cost: LayoutCost, exemplars: Exemplars | None, classifier: str) -> LayoutCost:
    """Return the cost with the classifier that is there in place of the weighted sums of the layout."""
    *layers, last = cost.layers
    last = dataclasses.replace(last, name=classifier or last.name)
    if exemplars is not None:
        values, classes = last.macs // last.maps, last.maps
        last = dataclasses.replace(
            last,
            name=f"{classifier}: {exemplars}" if classifier else str(exemplars),
            parameters=exemplars.numbers(values, classes),
            macs=exemplars.macs(values, classes),
        )
    return dataclasses.replace(cost, layers=(*layers, last))


def locally_connected(layout: Layout) -> Layout:
    """Return the layout with weights of their own at each place.

    Examples:
        >>> str(locally_connected(Layout.parse("8C3-MP2-16C5/2v-10N")))
        '8U3-MP2-16U5/2v-10N'
    """
    return dataclasses.replace(
        layout,
        stages=tuple(
            dataclasses.replace(stage, regions=None) if isinstance(stage, Convolution) else stage
            for stage in layout.stages
        ),
    )


def without_pooling(layout: Layout) -> Layout:
    """Return the layout with every pooling left out; strides stay.

    Examples:
        >>> str(without_pooling(Layout.parse("8C3-MP2-16C5/2v-APg")))
        '8C3-16C5/2v'
    """
    return dataclasses.replace(layout, stages=tuple(stage for stage in layout.stages if not isinstance(stage, Pooling)))


def connected_cost(planned: Plan) -> LayoutCost:
    """Return what the same maps cost where each of their values is a unit of its own that sees everything below."""
    layers = []
    for place, layer in enumerate(planned.layers):
        cost = _layer(planned, place)
        stage = planned.layout.stages[place] if place < len(planned.layout.stages) else None
        if isinstance(stage, Convolution):
            weights = planned.below(place)[1] * layer.values
            cost = dataclasses.replace(
                cost,
                name=f"{layer.values}N",
                parameters=weights + layer.values,
                macs=weights,
            )
        whole = any(isinstance(before, (Convolution, Connected)) for before in planned.layout.stages[: place + 1])
        field = (planned.height, planned.width) if whole or stage is None else (cost.field_rows, cost.field_columns)
        layers.append(dataclasses.replace(cost, field_rows=field[0], field_columns=field[1]))
    return LayoutCost(variant="fully connected", layout="", layers=tuple(layers))


def _cost(variant: Variant, planned: Plan) -> LayoutCost:
    layers = tuple(_layer(planned, place) for place in range(len(planned.layers)))
    return LayoutCost(variant=variant, layout=str(planned.layout), layers=layers)


def _layer(planned: Plan, place: int) -> LayerCost:
    layer: PlannedLayer = planned.layers[place]
    return LayerCost(
        name=layer.name,
        maps=layer.maps,
        rows=layer.rows,
        columns=layer.columns,
        parameters=layer.parameters,
        macs=layer.macs,
        training_bytes=BYTES * layer.values,
        predicting_bytes=BYTES * (planned.below(place)[1] + layer.values),
        field_rows=layer.field_rows.size,
        field_columns=layer.field_columns.size,
    )


def _sum(times: list[float | None]) -> float | None:
    known = [one for one in times if one is not None]
    return sum(known) if len(known) == len(times) else None
