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
from convscope.layers.kinds import ChannelSelection, Convolution, Linear
from convscope.networks.foreign.building.builder import ReadNetwork
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork, plan_of
from convscope.networks.plan import check_bounds, check_built

from .proof import Proof
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
        ParameterError: it is no text, or empty.
    """
    if up_to is not None:
        check_value("up_to", up_to, TEXT)
        if not up_to:
            raise ParameterError("`up_to` must be the name of a layer. Got ''.")
    return up_to or ""


def network_of(
    source: ReadNetwork, standardization: Standardization, title: str, notes: list[str], *, whole: bool = True
) -> GraphNetwork:
    """Return the network, which takes pixels in the order red, green, blue.

    Args:
        source: what was read.
        standardization: of its images.
        title: names it to a reader.
        notes: gets what the user must know of its answers.
        whole: whether it ends where the original does, so that its output is its answer.

    Raises:
        DataError: a weight is not a finite number.
        ParameterError: it takes other than gray or color images, or mean and std do not fit it.
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
    margins = False
    if whole:
        graph, tensors, margins = _with_logits(graph, tensors, notes)
    planned = plan_of(graph, title)
    check_bounds(planned)
    check_built(planned)
    title = printable(title)[:200] or "network"
    network = GraphNetwork(graph, tensors, mean=mean, std=std, title=title, margins=margins)
    return network.eval().requires_grad_(requires_grad=False)


def _with_logits(graph: Graph, tensors: dict[str, Tensor], notes: list[str]) -> tuple[Graph, dict[str, Tensor], bool]:
    """Return the network without the sigmoid at its end, and whether its logits are margins.

    The sigmoid of one number is the second of two probabilities whose logits are 0 and that number.
    """
    last, shape = graph.output, graph.shapes[graph.output.name]
    if shape.rows * shape.columns > 1:
        return graph, tensors, False
    if last.nonlinearity != "sigmoid":
        if shape.maps == 1:
            notes.append("It has one output and no sigmoid: as a classifier it has one class, of probability 1.")
        return graph, tensors, False
    end = dataclasses.replace(last, nonlinearity="linear")
    if shape.maps > 1:
        notes.append(
            "It answers for each class by itself, with a sigmoid: shown is each sigmoid divided by the sum of all."
        )
        return Graph(nodes=(*graph.nodes[:-1], end), image=graph.image), tensors, True
    notes.append("Its one output, a sigmoid, became two classes: the first is no, the second is yes.")
    tensors = dict(tensors)
    if isinstance(last.layer, Linear) or (isinstance(last.layer, Convolution) and last.layer.groups == 1):
        for name in last.layer.tensors(graph.inputs_of(last)):
            own = tensors[f"{last.name}.{name}"]
            tensors[f"{last.name}.{name}"] = torch.cat([torch.zeros_like(own), own])
        nodes = [dataclasses.replace(end, layer=dataclasses.replace(last.layer, units=2))]
    else:
        pair = Node(name=_free_name(graph, "classes"), layer=Linear(units=2), inputs=(last.name,))
        tensors |= {f"{pair.name}.weight": torch.tensor([[0.0], [1.0]]), f"{pair.name}.bias": torch.zeros(2)}
        nodes = [end, pair]
    return Graph(nodes=(*graph.nodes[:-1], *nodes), image=graph.image), tensors, False


def _free_name(graph: Graph, name: str) -> str:
    """Return a name that no node has."""
    while name in graph.by_name:
        name += "_"
    return name


def _with_rgb(graph: Graph, tensors: dict[str, Tensor]) -> tuple[Graph, dict[str, Tensor]]:
    """Return the network for images in the order red, green, blue in place of blue, green, red.

    The weights of the first convolutions change their order; if something else reads the image, a layer turns it.
    """
    readers = [graph.by_name[name] for name in graph.readers[IMAGE]]
    if all(map(_sums_channels, readers)):
        turned = {f"{node.name}.weight": tensors[f"{node.name}.weight"].flip(1) for node in readers}
        return graph, {**tensors, **turned}
    name = _free_name(graph, "bgr")
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
