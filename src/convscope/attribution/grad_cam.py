"""Grad-CAM (Selvaraju et al. 2017), and exact class activation maps (Zhou et al. 2016) where there are such."""

import torch
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import ParameterError
from convscope.features.layers import find_layer, trunk
from convscope.layers.kinds import Convolution, Flatten, InstanceBased, Linear, Pooling, ScaleAndShift
from convscope.networks.graph import IMAGE, Graph
from convscope.networks.graph_network import GraphNetwork

from .method import Attribution, AttributionMethod, Settings, array, batches
from .occlusion import values_of


def weigh_maps(network: GraphNetwork, images: Tensor, targets: Tensor, settings: Settings) -> list[Attribution]:
    """Return the maps of a layer for each image, weighted by how much each moves the logit, and enlarged.

    The weight of a map is the mean of the logit's gradient over its positions. Values below 0 stay, unlike in the
    paper. Where only a global mean and weighted sums follow, weights are those of the classifier, and the mean of the
    map plus a bias is the logit.

    Raises:
        ParameterError: the layer is none of the network, or has no maps.
    """
    graph = network.graph
    name = maps_layer(graph, settings.layer)
    exact, found = ends_in_mean(graph, name), []
    for batch, chosen in batches(images, targets, settings):
        small = class_maps(network, batch, chosen, name)
        large = functional.interpolate(small[:, None], batch.shape[2:], mode="bilinear", align_corners=False)[:, 0]
        found += [
            Attribution(method=GRAD_CAM.name, values=array(one), layer=name, exact=exact) for one in large.detach()
        ]
    return found


def class_maps(network: GraphNetwork, images: Tensor, targets: Tensor, name: str) -> Tensor:
    """Return Σ weight × map of the layer `name`, N h w: of the class of each image, in the size of the maps."""
    with torch.no_grad():
        stored = values_of(network, images)
    maps = stored[name].detach().requires_grad_()
    with torch.enable_grad():
        logits = network.recomputed(stored, {name: maps})
        (gradient,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), maps)
    weights = gradient.mean((2, 3), keepdim=True)
    if ends_in_mean(network.graph, name):
        weights = weights * maps[0, 0].numel()  # those of the classifier: its gradient is divided among the positions
    return (weights * maps).sum(1).detach()


def maps_layer(graph: Graph, name: str | None) -> str:
    """Return the name of the layer with maps that `name` means; by default the last before the classifier.

    Raises:
        ParameterError: there is none, or it has no maps.
    """
    if name is None:
        found = [node.name for node in trunk(graph) if _area(graph, node.name) > 1]
        if not found:
            raise ParameterError(f"Grad-CAM {_NO_MAPS}")
        return found[-1]
    layer = find_layer(graph, name)
    if layer == IMAGE or _area(graph, layer) == 1:
        raise ParameterError(
            f"`layer` must have maps of several positions for Grad-CAM. Got {layer!r}. Name one before it."
        )
    return layer


def ends_in_mean(graph: Graph, name: str) -> bool:
    """Return whether only a global mean and weighted sums, without nonlinearity, follow the layer `name`."""
    shape, first = graph.shapes[name], True
    while name != graph.output.name:
        if len(graph.readers[name]) != 1:
            return False
        node = graph.by_name[graph.readers[name][0]]
        layer = node.layer
        if first:
            whole = isinstance(layer, Pooling) and layer.code == "AP" and _area(graph, node.name) == 1
            first = False
        else:
            whole = isinstance(layer, (Flatten, Linear, Convolution, ScaleAndShift)) and len(node.inputs) == 1
        if not whole or node.nonlinearity != "linear":
            return False
        name = node.name
    return not first and shape.rows * shape.columns > 1


def _area(graph: Graph, name: str) -> int:
    shape = graph.shapes[name]
    return shape.rows * shape.columns


_NO_MAPS = "needs maps of several positions before the classifier, which this network does not have."
NO_GRADIENT = "needs a gradient, which votes of nearest neighbors do not have."


def _refusal(graph: Graph) -> str:
    if isinstance(graph.output.layer, InstanceBased):
        return f"Grad-CAM {NO_GRADIENT}"
    return "" if any(_area(graph, node.name) > 1 for node in trunk(graph)) else f"Grad-CAM {_NO_MAPS}"


def _says(one: Attribution, _: float) -> str:
    return f"maps of {one.layer}{', exact: its mean and a bias are the logit' if one.exact else ''}"


GRAD_CAM = AttributionMethod(name="grad-cam", title="Grad-CAM", attribute=weigh_maps, says=_says, refusal=_refusal)
