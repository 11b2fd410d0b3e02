"""Networks of others become models: what both ways in have in common."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from convscope.core.arguments import TEXT, check_value
from convscope.core.errors import DataError, ParameterError
from convscope.core.text import printable
from convscope.images.preprocessing import Preprocessing
from convscope.layers.kinds import ChannelSelection, Convolution
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork, plan_of
from convscope.networks.plan import check_bounds, check_built
from convscope.networks.sources.building.builder import ReadNetwork
from convscope.networks.sources.proof import Proof

from .standardization import Standardization


@dataclass(frozen=True, kw_only=True)
class ForeignParts:
    """What a model is made of: its fields."""

    network: GraphNetwork
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    training: dict[str, Any]


def checked_end(up_to: Any) -> str:
    """Return the name of the last layer that is wanted; empty for all.

    Raises:
        ParameterError: it is no text.
    """
    if up_to is not None:
        check_value("up_to", up_to, TEXT)
    return up_to or ""


def network_of(source: ReadNetwork, standardization: Standardization, title: str) -> GraphNetwork:
    """Return the network, which takes pixels in the order red, green, blue.

    Raises:
        DataError: a weight is not a finite number.
        ParameterError: it takes other than gray or colour images, or mean and std do not fit it.
        LayoutError: it is too large.
    """
    graph, tensors = source.graph, dict(source.tensors)
    for tensor, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise DataError(f"A network must have finite weights. {printable(tensor)!r} holds values that are not.")
    if graph.image.maps not in (1, 3):
        raise ParameterError(f"A network must take images of 1 or 3 channels. Got one of {graph.image.maps}.")
    mean, std = standardization.of(graph.image.maps)
    if standardization.color == "bgr":
        graph, tensors = _with_rgb(graph, tensors)
    planned = plan_of(graph, title)
    check_bounds(planned)
    check_built(planned)
    network = GraphNetwork(graph, tensors, mean=mean, std=std, title=printable(title)[:200] or "network")
    return network.eval().requires_grad_(requires_grad=False)


def _with_rgb(graph: Graph, tensors: dict[str, Tensor]) -> tuple[Graph, dict[str, Tensor]]:
    """Return the network for images in the order red, green, blue in place of blue, green, red.

    The weights of the first convolutions change their order; if something else reads the image, a layer turns it.
    """
    readers = [graph.by_name[name] for name in graph.readers[IMAGE]]
    if all(
        isinstance(node.layer, Convolution) and node.layer.groups == 1 and node.inputs == (IMAGE,) for node in readers
    ):
        turned = {f"{node.name}.weight": tensors[f"{node.name}.weight"].flip(1) for node in readers}
        return graph, {**tensors, **turned}
    name = "bgr"
    while name in graph.by_name:
        name += "_"
    first = Node(name=name, layer=ChannelSelection(start=2, count=3, step=-1), inputs=(IMAGE,))
    others = (
        dataclasses.replace(node, inputs=tuple(name if below == IMAGE else below for below in node.inputs))
        for node in graph.nodes
    )
    return Graph(nodes=(first, *others), image=graph.image), tensors


def foreign_parts(
    network: GraphNetwork,
    standardization: Standardization,
    *,
    classes: tuple[str, ...],
    kind: str,
    name: str,
    notes: list[str],
    proof: Proof | None,
) -> ForeignParts:
    """Return the parts of a model, with where it comes from as the record of its training."""
    image = network.graph.image
    return ForeignParts(
        network=network,
        classes=classes,
        preprocessing=Preprocessing(
            height=image.rows, width=image.columns, channels=image.maps, fit=standardization.fit
        ),
        training={
            "source": {
                "kind": kind,
                "name": printable(name)[:200],
                "notes": notes,
                "proof": None if proof is None else dataclasses.asdict(proof),
            }
        },
    )


def _sums_channels(node: Node) -> bool:
    """Return whether a node sums over all channels of the image, and reads nothing else."""
    return isinstance(node.layer, Convolution) and node.layer.groups == 1 and node.inputs == (IMAGE,)
