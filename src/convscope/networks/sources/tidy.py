"""Passes over a draft: pieces become layers, and what a layer before or after can do becomes part of it."""

from convscope.core.errors import ParameterError, did_you_mean
from convscope.layers.kinds import Nonlinearity
from convscope.networks.graph import IMAGE, Node

from .draft import Draft
from .elementary import Piece
from .unsupported import UnsupportedError


def tidied(draft: Draft, end: str, up_to: str = "") -> tuple[Draft, list[str]]:
    """Return the draft that ends with a layer, and notes."""
    draft = draft.copy()
    _fuse_nonlinearities(draft, end)
    if up_to:
        if draft.present(up_to) not in draft.layers:
            raise ParameterError(
                f"The network has no layer {up_to!r} that can be read.{did_you_mean(up_to, draft.layers)}"
            )
        end = draft.present(up_to)
    draft.drop_unread((draft.present(end),))
    for drafted in draft.in_order():
        if isinstance(drafted.layer, Piece):
            raise UnsupportedError(drafted.operator, drafted.name, f"there is no layer {drafted.layer.notation}")
    return draft, []


def _fuse_nonlinearities(draft: Draft, end: str) -> None:
    """Make nonlinearities a field of the layer before, where nothing else reads that."""
    for drafted in draft.in_order():
        if not isinstance(drafted.layer, Nonlinearity) or drafted.nonlinearity != "linear":
            continue
        (name,) = drafted.inputs
        below = draft.layers.get(name)
        if below is None or below.nonlinearity != "linear" or len(draft.readers(name)) > 1 or name == end:
            continue
        draft.change(below, nonlinearity=drafted.layer.function)
        draft.bypass(drafted.name, name)


def last_layer(draft: Draft) -> str:
    """Return the name of the last layer that can be had; empty if there is none."""
    names = [name for name, drafted in draft.layers.items() if not isinstance(drafted.layer, Piece)]
    return draft.present(names[-1]) if names else ""


def nodes(draft: Draft) -> tuple[Node, ...]:
    """Return the nodes of a graph."""
    return tuple(
        Node(name=layer.name, layer=layer.layer, inputs=layer.inputs, nonlinearity=layer.nonlinearity)
        for layer in draft.layers.values()
        if layer.name != IMAGE
    )
