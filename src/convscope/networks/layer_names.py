"""Layers as a user names them: by the name of the node or by its number, from 1."""

from collections.abc import Sequence

from convscope.core.errors import ParameterError, did_you_mean

from .graph import Graph

_MOST_LISTED = 12


def layer_named(graph: Graph, wanted: str | int, among: Sequence[int], what: str = "a layer") -> int:
    """Return the index of the layer that `wanted` names, from 0.

    Args:
        graph: of the network.
        wanted: the name of a node, or its number from 1, as text too.
        among: indices of the layers that will do.
        what: these are, with their article.

    Raises:
        ParameterError: there is none; the message lists those that there are, or the one with the closest name.

    Examples:
        >>> from convscope.networks.folding import graph_of
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> graph = graph_of(Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2))
        >>> layer_named(graph, "pooling1", range(3)), layer_named(graph, "1", range(3))
        (1, 0)
    """
    names = [node.name for node in graph.nodes]
    text = str(wanted).strip()
    if text in names and names.index(text) in among:
        return names.index(text)
    if text.isascii() and text.isdigit() and int(text[:9]) - 1 in among:
        return int(text[:9]) - 1
    allowed = [names[index] for index in among]
    if len(allowed) > _MOST_LISTED:
        listed = f", for example {', '.join(allowed[:3])}"
    else:
        listed = f", one of {', '.join(f'{index + 1} ({names[index]})' for index in among)}" if allowed else ""
    close = did_you_mean(text, allowed)
    raise ParameterError(f"`layer` must be {what}{listed or ', of which there is none here'}. Got {text!r}.{close}")
