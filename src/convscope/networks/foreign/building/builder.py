"""Builds a graph from a foreign network's operations, one call each; views cost nothing, and what is left is tidied."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from convscope.networks.graph import IMAGE, Graph

from . import tidy, views
from .drafting import Frame, Number, Pair
from .functions import Functions
from .parts import Parts
from .sums import Sums
from .unsupported import InexpressibleError
from .views import Value

__all__ = ["Builder", "Frame", "Number", "Pair", "ReadNetwork", "Value"]


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


class Builder(Sums, Functions, Parts):
    """Collects the operations of a network; one image is traced, so that every first axis is 1.

    Operations are called within `operation`, which names them where they are refused, and gives the layers that they
    make their names where none is asked for.

    Args:
        image: shape of the network's input.

    Examples:
        >>> import torch
        >>> from convscope.layers.geometry import MapShape
        >>> builder = Builder(MapShape(maps=3, rows=8, columns=8))
        >>> image = builder.image()
        >>> with builder.operation("Conv", "stem.conv"):
        ...     maps = builder.convolution(image, torch.ones(4, 3, 3, 3), None, name="stem.conv")
        >>> with builder.operation("Relu", "stem"):
        ...     maps = builder.activation(maps, "relu")
        >>> [(node.name, node.layer.notation, node.nonlinearity) for node in builder.finish(maps).graph.nodes]
        [('stem.conv', '4C3', 'relu')]
    """

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
        shown = self._in_order(self._flattened_mixture(value, len(value.axes) - 1))
        sides = [axis for axis in shown.axes if axis]
        whole = [axis for axis in views.natural(shown.maps) if axis]
        return shown if sorted(sides) == sorted(whole) else self._maps(value)
