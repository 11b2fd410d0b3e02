"""Builds a graph from the operations of a network of others; views cost nothing, and what is left is tidied."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.geometry import MapShape
from convscope.layers.kinds.channel_shuffle import ChannelShuffle
from convscope.layers.kinds.flatten import Flatten
from convscope.layers.kinds.scale_and_shift import ScaleAndShift
from convscope.layers.layer import Layer
from convscope.networks.graph import IMAGE, Graph

from . import tidy, views
from .draft import Draft, Drafted
from .unsupported import InexpressibleError, UnsupportedError
from .views import MAPS, Value

Number = int | float
Pair = tuple[int, int]
Frame = tuple[Pair, Pair]
"""Zeros before and after the rows, and before and after the columns."""
NO_FRAME: Frame = ((0, 0), (0, 0))


@dataclass(frozen=True, kw_only=True)
class ReadNetwork:
    """A network that was read.

    Attributes:
        graph: its layers.
        tensors: theirs, as the graph names them.
        notes: what the user must know, one sentence each.
        mean, std: how it standardizes pixels before its first layer, one number a channel in 0…1; empty if it does not
            say.
        about: what a file says beside the network, by name.
    """

    graph: Graph
    tensors: dict[str, Tensor]
    notes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)


class Builder:
    """Collects the operations of a network; one image is traced, so that every first axis is 1.

    The operations are functions of `sums`, `pools`, `functions` and `parts`. They are called within `operation`, which
    names them where they are refused, and gives the layers that they make their names where none is asked for.

    Args:
        image: shape of the network's input.

    Attributes:
        notes: what the user must know of the network, one sentence each.

    Examples:
        >>> import torch
        >>> from convscope.layers.geometry import MapShape
        >>> from convscope.networks.foreign.building import functions, sums
        >>> builder = Builder(MapShape(maps=3, rows=8, columns=8))
        >>> image = builder.image()
        >>> with builder.operation("Conv", "stem.conv"):
        ...     maps = sums.convolution(builder, image, torch.ones(4, 3, 3, 3), None, name="stem.conv")
        >>> with builder.operation("Relu", "stem"):
        ...     maps = functions.activation(builder, maps, "relu")
        >>> [(node.name, node.layer.notation, node.nonlinearity) for node in builder.finish(maps).graph.nodes]
        [('stem.conv', '4C3', 'relu')]
    """

    def __init__(self, image: MapShape) -> None:
        self._draft = Draft(image)
        self._operator = self._place = ""
        self._rearranged: dict[tuple[str, Layer], Value] = {}
        self.notes: list[str] = []

    @contextmanager
    def operation(self, operator: str, place: str) -> Iterator[None]:
        """Name what is read within: the operator, and the path of the module or block that it is in.

        Raises:
            UnsupportedError: in place of the error that says why it cannot be read.
        """
        self._operator, self._place = operator, place
        try:
            yield
        except (InexpressibleError, LayoutError, ParameterError) as error:
            raise self.refused(str(error).rstrip(".")) from None

    def refused(self, reason: str, remedy: str = "") -> UnsupportedError:
        """Return the error that names the present operation, with the last layer that can be had before it."""
        return UnsupportedError(self._operator, self._place, reason, tidy.last_layer(self._draft), remedy)

    def image(self, order: Literal["NCHW", "NHWC"] = "NCHW") -> Value:
        """Return the network's input."""
        image = views.value_of(IMAGE, self._draft.image)
        return image if order == "NCHW" else views.permuted(image, (0, 2, 3, 1))

    def named(self, word: str) -> str:
        """Return the name of a layer that has none: the place, and a word."""
        return f"{self._place}.{word}" if self._place else word

    def add_layer(
        self, layer: Layer, inputs: tuple[str, ...], name: str, tensors: Mapping[str, Tensor] | None = None
    ) -> Value:
        """Add a layer; return its values as N C H W."""
        drafted = Drafted(name=name, layer=layer, inputs=inputs, tensors=tensors or {}, operator=self._operator)
        expected = layer.tensors([self._draft.shapes[below] for below in inputs])
        for key, shape in expected.items():
            if tuple(drafted.tensors[key].shape) != shape:
                raise InexpressibleError(f"its {key} is {tuple(drafted.tensors[key].shape)} in place of {shape}")
        node = self._draft.add(drafted)
        return views.value_of(node, self._draft.shapes[node])

    def pointwise(self, value: Value, layer: Layer, name: str, tensors: Mapping[str, Tensor] | None = None) -> Value:
        """Add a layer that looks at one position at a time; its values are seen like those before it."""
        return replace(self.add_layer(layer, (value.node,), name, tensors), axes=value.axes)

    def on_maps(self, value: Value, layer: Layer, name: str, tensors: Mapping[str, Tensor] | None = None) -> Value:
        """Add a layer that takes maps N C H W."""
        return self.add_layer(layer, (self.as_maps(value).node,), name, tensors)

    def scaled(self, value: Value, scale: Tensor, shift: Tensor, name: str) -> Value:
        """Add a layer that multiplies each channel by a number and adds another."""
        return self.pointwise(value, ScaleAndShift(), name, {"scale": scale, "shift": shift})

    def as_maps(self, value: Value) -> Value:
        """Return values that the node gives as N C H W in the order in which they are seen.

        Raises:
            InexpressibleError: they are seen as something else.
        """
        if len(value.axes) != 4:
            raise InexpressibleError(f"values of {value.shape} are not maps N C H W")
        value = self.in_order(value)
        if value.is_maps:
            return value
        if value.shape[1] == value.maps.values and torch.equal(value.order, torch.arange(value.maps.values)):
            return self._rearranging(value, Flatten(), "flatten")
        raise InexpressibleError("its maps are made of rows or columns and not of channels")

    def in_order(self, value: Value) -> Value:
        """Return values whose channels the node gives in the order in which they are seen; a shuffle, if need be."""
        plain, sizes = views.in_natural_order(value)
        if len(sizes) < 2:
            return value
        if len(sizes) > 2:
            raise InexpressibleError("the channels are in an order that no shuffle of groups gives")
        node = self._rearranging(value, ChannelShuffle(groups=sizes[1]), "shuffle")
        return replace(plain, node=node.node)

    def _rearranging(self, value: Value, layer: Layer, word: str) -> Value:
        """Add a layer that changes no value, once for all that need it."""
        key = (value.node, layer)
        if key not in self._rearranged:
            self._rearranged[key] = self.add_layer(layer, (value.node,), self.named(word))
        return self._rearranged[key]

    def flattened_mixture(self, value: Value, axis: int) -> Value:
        """Return a vector as channels where an axis holds the values of whole maps in a row."""
        own = value.axes[axis]
        if len({factor.side for factor in own}) < 2 or views.size_of(own) != value.maps.values:
            return value
        value = self.in_order(value)
        if not torch.equal(value.order, torch.arange(value.maps.values)):
            raise InexpressibleError("it flattens values in another order than channels, rows, columns")
        node = self._rearranging(value, Flatten(), "flatten")
        axes: list[views.Axis] = [()] * len(value.axes)
        axes[axis] = views.whole_side(MAPS, node.maps.maps)
        return replace(node, axes=tuple(axes))

    def finish(self, output: Value | None, *, up_to: str = "") -> ReadNetwork:
        """Return the graph of what was collected, tidied.

        Args:
            output: the network's output; None if it was not reached.
            up_to: name of the layer to end with in its place.

        Raises:
            UnsupportedError: a piece of a function is left that is no layer by itself.
            ParameterError: there is no layer `up_to`.
        """
        end = ""
        if output is not None and not up_to:
            with self.operation("the output", ""):
                end = self._as_output(output).node
                if end == IMAGE:
                    raise InexpressibleError("it is the image itself, and no layer is before it")
        draft, notes = tidy.tidied(self._draft, end, up_to)
        graph = Graph(nodes=tidy.nodes(draft), image=draft.image)
        tensors = {
            f"{layer.name}.{name}": tensor.detach().float().contiguous()
            for layer in draft.layers.values()
            for name, tensor in layer.tensors.items()
        }
        return ReadNetwork(graph=graph, tensors=tensors, notes=(*self.notes, *notes))

    def _as_output(self, value: Value) -> Value:
        """Return maps or a vector whose values are the output, in the order C, H, W."""
        shown = self.in_order(self.flattened_mixture(value, len(value.axes) - 1))
        sides = [axis for axis in shown.axes if axis]
        whole = [axis for axis in views.natural(shown.maps) if axis]
        return shown if sorted(sides) == sorted(whole) else self.as_maps(value)
