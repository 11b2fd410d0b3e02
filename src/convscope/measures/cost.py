"""Cost of a network, layer by layer: parameters, MACs and memory, counted exactly; of a layout, its variants too.

The variants are locally connected, fully connected (each unit sees the whole layer below), and without pooling.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from convscope.layers.instance_based import Exemplars
from convscope.layers.planned import PlannedLayer
from convscope.networks.graph import Graph
from convscope.networks.layout import Layout
from convscope.networks.plan import Plan, plan
from convscope.networks.stages import ConnectedStage, ConvolutionStage
from convscope.networks.variants import locally_connected, without_pooling

FORMAT_VERSION = 1
BYTES = 4  # of a float32
CostVariant = Literal["baseline", "locally connected", "fully connected", "without pooling"]


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """Cost of one layer for one image.

    Attributes:
        name: its notation, or its name in a network that is no layout.
        notation: what it is, where `name` does not say so.
        maps, rows, columns: of its output.
        parameters: that are learned, or stored by an instance-based classifier.
        macs: multiply-accumulate operations.
        training_bytes: of its output; those of all layers are stored until the backward pass.
        predicting_bytes: of its input, its output and what later layers still read: the maps that prediction stores at
            once.
        field_rows, field_columns: sides of the receptive field, in pixels.
        forward_ms, backward_ms: median time of a batch; None if not measured.
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
    notation: str = ""


@dataclass(frozen=True, kw_only=True)
class LayoutCost:
    """Cost of a network.

    Attributes:
        variant: of the layout.
        layout: its notation; empty where there is none (fully connected units in maps, a network that is no layout).
        layers: in order, the classifier last.
        why_untimed: why no time is measured; empty if it is.
    """

    variant: CostVariant
    layout: str
    layers: tuple[LayerCost, ...]
    why_untimed: str = ""

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations for one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def training_bytes(self) -> int:
        """Bytes that training stores for one image: the image and all maps."""
        return (
            self.layers[0].predicting_bytes - self.layers[0].training_bytes + sum(s.training_bytes for s in self.layers)
        )

    @property
    def predicting_bytes(self) -> int:
        """Largest number of bytes of maps that prediction stores at once for one image."""
        return max(layer.predicting_bytes for layer in self.layers)

    @property
    def forward_ms(self) -> float | None:
        """Milliseconds of the forward pass of a batch; None if not measured."""
        return _sum([layer.forward_ms for layer in self.layers])

    @property
    def backward_ms(self) -> float | None:
        """Milliseconds of the backward pass of a batch; None if not measured."""
        return _sum([layer.backward_ms for layer in self.layers])


@dataclass(frozen=True, kw_only=True)
class CostRecord:
    """Cost of a network, and of the variants of a layout, on images of height × width × channels.

    Attributes:
        batch: images at once, for timing.
        threads: for timing.
        costs: of the network, then of each variant of a layout that differs from it.
        exemplars: stored by an instance-based classifier; counted in each of `costs`.
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
    """Return the cost of `layout` and of its variants that differ from it, counted exactly and not timed.

    Nothing is allocated, and variants have no size limit.

    Args:
        layout: the stages.
        height: of the images, in pixels.
        width: the same.
        channels: values per pixel.
        classes: number of logits.
        exemplars: stored by an instance-based classifier, the same number in each variant.
        classifier: its name, if it is not that of the layout.

    Raises:
        LayoutError: the layout does not fit the image.
        ParameterError: a size is out of range.

    Examples:
        >>> costs = count_costs(Layout.parse("8C3-MP2"), height=8, width=8, channels=1, classes=10)
        >>> [(cost.variant, cost.layout, cost.parameters) for cost in costs]  # doctest: +NORMALIZE_WHITESPACE
        [('baseline', '8C3-MP2', 1370), ('locally connected', '8U3-MP2', 5906), ('fully connected', '', 34570),
         ('without pooling', '8C3', 5210)]
    """
    itself = plan(layout, height=height, width=width, channels=channels, classes=classes)
    costs = [_cost("baseline", itself)]
    others: tuple[tuple[CostVariant, Layout], ...] = (
        ("locally connected", locally_connected(layout)),
        ("without pooling", without_pooling(layout)),
    )
    for variant, changed in others:
        if changed != layout:
            other = plan(changed, **itself.sizes, bounded=False)
            costs.append(_cost(variant, other))
    if any(isinstance(stage, ConvolutionStage) for stage in layout.stages):
        costs.insert(-1 if costs[-1].variant == "without pooling" else len(costs), connected_cost(itself))
    return tuple(_read_by(cost, exemplars, classifier) for cost in costs)


def count_graph(graph: Graph) -> LayoutCost:
    """Return the cost of a network that is no layout, one layer a node.

    Examples:
        >>> from convscope.layers.kinds import Linear
        >>> from convscope.layers.geometry import MapShape
        >>> from convscope.networks.graph import Node
        >>> nodes = (Node(name="classifier", layer=Linear(units=2), inputs=("image",)),)
        >>> cost = count_graph(Graph(nodes=nodes, image=MapShape(maps=3, rows=2, columns=2)))
        >>> cost.parameters, cost.macs, cost.predicting_bytes
        (26, 24, 56)
    """
    layers = (
        _of_layer(graph.planned(node), live, notation=node.layer.notation)
        for node, live in zip(graph.nodes, graph.live_values, strict=True)
    )
    return LayoutCost(variant="baseline", layout="", layers=tuple(layers))


def _read_by(cost: LayoutCost, exemplars: Exemplars | None, classifier: str) -> LayoutCost:
    """Return the cost with another classifier than that of the layout."""
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


def connected_cost(planned: Plan) -> LayoutCost:
    """Return the cost of the same maps if each of their values is a unit that sees the whole layer below."""
    layers = []
    for index, layer in enumerate(planned.layers):
        cost = _layer(planned, index)
        stage = planned.layout.stages[index] if index < len(planned.layout.stages) else None
        if isinstance(stage, ConvolutionStage):
            weights = planned.below(index).values * layer.values
            cost = dataclasses.replace(
                cost,
                name=f"{layer.values}N",
                parameters=weights + layer.values,
                macs=weights,
            )
        whole = any(
            isinstance(before, (ConvolutionStage, ConnectedStage)) for before in planned.layout.stages[: index + 1]
        )
        field = (planned.height, planned.width) if whole or stage is None else (cost.field_rows, cost.field_columns)
        layers.append(dataclasses.replace(cost, field_rows=field[0], field_columns=field[1]))
    return LayoutCost(variant="fully connected", layout="", layers=tuple(layers))


def _cost(variant: CostVariant, planned: Plan) -> LayoutCost:
    layers = tuple(_layer(planned, index) for index in range(len(planned.layers)))
    return LayoutCost(variant=variant, layout=str(planned.layout), layers=layers)


def _layer(planned: Plan, index: int) -> LayerCost:
    layer = planned.layers[index]
    return _of_layer(layer, planned.below(index).values + layer.values)


def _of_layer(layer: PlannedLayer, live: int, *, notation: str = "") -> LayerCost:
    """Return the cost of a layer; `live` is the number of values stored while it is computed."""
    return LayerCost(
        name=layer.name,
        notation=notation,
        maps=layer.maps,
        rows=layer.rows,
        columns=layer.columns,
        parameters=layer.parameters,
        macs=layer.macs,
        training_bytes=BYTES * layer.values,
        predicting_bytes=BYTES * live,
        field_rows=layer.field_rows.size,
        field_columns=layer.field_columns.size,
    )


def _sum(times: list[float | None]) -> float | None:
    known = [time for time in times if time is not None]
    return sum(known) if len(known) == len(times) else None
