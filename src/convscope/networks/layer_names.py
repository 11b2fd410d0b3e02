"""Layers as a user names them: by the name of the node or of its block, or by its number, from 1."""

from collections.abc import Sequence

from convscope.core.errors import ParameterError, did_you_mean

from .graph import Graph

_MOST_LISTED = 12


def layer_named(graph: Graph, wanted: str | int, among: Sequence[int], what: str = "a layer") -> int:
    """Return the index of the layer that `wanted` names, from 0.

    Args:
        graph: of the network.
        wanted: the name of a node, or of a block for the last of its layers that will do, or a number from 1, as text
            too.
        among: indices of the layers that will do.
        what: these are, with their article.

    Raises:
        ParameterError: there is none; the message lists those that there are, or the one with the closest name.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> graph = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2).graph
        >>> layer_named(graph, "pooling1", range(3)), layer_named(graph, "1", range(3))
        (1, 0)
    """
    text = str(wanted).strip()
    found = layer_index(graph, text, among)
    if found is not None:
        return found
    names = [node.name for node in graph.nodes]
    allowed = [names[index] for index in among]
    if len(allowed) > _MOST_LISTED:
        listed = f", for example {', '.join(allowed[:3])}"
    else:
        listed = f", one of {', '.join(f'{index + 1} ({names[index]})' for index in among)}" if allowed else ""
    close = did_you_mean(text, [*allowed, *blocks_with(graph, among)])
    raise ParameterError(f"`layer` must be {what}{listed or ', of which there is none here'}. Got {text!r}.{close}")


def layer_index(graph: Graph, text: str, among: Sequence[int]) -> int | None:
    """Return the index of the layer that `text` names, as `layer_named` does; None if there is none."""
    names = [node.name for node in graph.nodes]
    if text in names and names.index(text) in among:
        return names.index(text)
    inside = [index for index in among if names[index].startswith(f"{text}.")]
    if inside:
        return max(inside)
    if text.isascii() and text.isdigit() and int(text[:9]) - 1 in among:
        return int(text[:9]) - 1
    return None


def blocks_with(graph: Graph, among: Sequence[int]) -> list[str]:
    """Return the names of the blocks that have one of these layers."""
    return sorted({graph.nodes[index].block for index in among if graph.nodes[index].block})
