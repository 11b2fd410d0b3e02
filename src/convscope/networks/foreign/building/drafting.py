"""What all operations on foreign networks are made of: adding layers, and giving values the form that they need."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.geometry import MapShape
from convscope.layers.kinds.channel_shuffle import ChannelShuffle
from convscope.layers.kinds.flatten import Flatten
from convscope.layers.kinds.scale_and_shift import ScaleAndShift
from convscope.layers.layer import Layer
from convscope.networks.graph import IMAGE

from . import tidy, views
from .draft import Draft, Drafted
from .unsupported import InexpressibleError, UnsupportedError
from .views import MAPS, Value

Number = int | float
Pair = tuple[int, int]
Frame = tuple[Pair, Pair]
"""Zeros before and after the rows, and before and after the columns."""
NO_FRAME: Frame = ((0, 0), (0, 0))


class Drafting:
    """Collects the layers of a network; one image is traced, so that every first axis is 1.

    Args:
        image: shape of the network's input.

    Attributes:
        notes: what the user must know of the network, one sentence each.
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

    def _named(self, word: str) -> str:
        """Return the name of a layer that has none: the place, and a word."""
        return f"{self._place}.{word}" if self._place else word

    def _add(
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

    def _pointwise(self, value: Value, layer: Layer, name: str, tensors: Mapping[str, Tensor] | None = None) -> Value:
        """Add a layer that looks at one position at a time; its values are seen like those before it."""
        return replace(self._add(layer, (value.node,), name, tensors), axes=value.axes)

    def _on_maps(self, value: Value, layer: Layer, name: str, tensors: Mapping[str, Tensor] | None = None) -> Value:
        """Add a layer that takes maps N C H W."""
        return self._add(layer, (self._maps(value).node,), name, tensors)

    def _scaled(self, value: Value, scale: Tensor, shift: Tensor, name: str) -> Value:
        return self._pointwise(value, ScaleAndShift(), name, {"scale": scale, "shift": shift})

    def _maps(self, value: Value) -> Value:
        """Return values that the node gives as N C H W in the order in which they are seen.

        Raises:
            InexpressibleError: they are seen as something else.
        """
        if len(value.axes) != 4:
            raise InexpressibleError(f"values of {value.shape} are not maps N C H W")
        value = self._in_order(value)
        if value.is_maps:
            return value
        if value.shape[1] == value.maps.values and torch.equal(value.order, torch.arange(value.maps.values)):
            return self._rearranging(value, Flatten(), "flatten")
        raise InexpressibleError("its maps are made of rows or columns and not of channels")

    def _in_order(self, value: Value) -> Value:
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
            self._rearranged[key] = self._add(layer, (value.node,), self._named(word))
        return self._rearranged[key]

    def _flattened_mixture(self, value: Value, axis: int) -> Value:
        """Return a vector as channels where an axis holds the values of whole maps in a row."""
        own = value.axes[axis]
        if len({factor.side for factor in own}) < 2 or views.size_of(own) != value.maps.values:
            return value
        value = self._in_order(value)
        if not torch.equal(value.order, torch.arange(value.maps.values)):
            raise InexpressibleError("it flattens values in another order than channels, rows, columns")
        node = self._rearranging(value, Flatten(), "flatten")
        axes: list[views.Axis] = [()] * len(value.axes)
        axes[axis] = views.whole_side(MAPS, node.maps.maps)
        return replace(node, axes=tuple(axes))
