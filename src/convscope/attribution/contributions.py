"""Contributions of pixels: gradient × input, which with those of the biases add up to the logit.

A network of straight pieces (ReLU, max pooling, weighted sums) is linear around an image: its logit is Σ gradient ×
pixel + what the biases add (Shrikumar et al. 2016; Srinivas & Fleuret 2019). The same holds, by Euler's theorem, for
layers whose output grows in proportion to their input, such as root-mean-square pooling.
"""

import torch
from torch import Tensor

from convscope.layers.kinds import ChannelNormalization, InstanceBased, LocalResponse, Multiply, Nonlinearity, Softmax
from convscope.layers.nonlinearity import LEAKY, nonlinearity_of
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork

from .grad_cam import NO_GRADIENT
from .method import Attribution, AttributionMethod, Settings, array, batches

CURVED = (ChannelNormalization, LocalResponse, Multiply, Softmax, InstanceBased)
STRAIGHT = ("linear", "relu", "abs", LEAKY)
CLIPPED = ("relu6", "hardsigmoid")  # straight too; where they are flat they add a constant


def contribute(network: GraphNetwork, images: Tensor, targets: Tensor, settings: Settings) -> list[Attribution]:
    """Return the contribution of each pixel (its channels together) to the logit of the class of each image.

    A pixel counts from the mean of the training images, which is 0 after standardization.
    """
    exact, found = is_straight(network.graph), []
    for batch, chosen in batches(images, targets, settings):
        pixels, biases, logits = _parts(network, batch, chosen)
        rest = logits - pixels.sum((1, 2)) - biases
        found += [
            Attribution(method=CONTRIBUTIONS.name, values=array(one), exact=exact, biases=float(bias), rest=float(left))
            for one, bias, left in zip(pixels, biases, rest, strict=True)
        ]
    return found


def is_straight(graph: Graph) -> bool:
    """Return whether the network is linear around every image, or grows in proportion to it."""
    names = {name for node in graph.nodes for name in _functions(node)}
    curved = any(isinstance(node.layer, CURVED) for node in graph.nodes)
    return not curved and names <= {*STRAIGHT, *CLIPPED}


def _functions(node: Node) -> tuple[str, ...]:
    """Return the names of the nonlinearities that a node applies, without the slope of a leaky one."""
    own = [node.layer.function] if isinstance(node.layer, Nonlinearity) else []
    return tuple(text.partition(":")[0] for text in (*own, node.nonlinearity))


def _parts(network: GraphNetwork, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the contributions of pixels, N H W, those of biases, N, and the logits, N."""
    values, sums, flat = {IMAGE: images.detach().requires_grad_()}, [], []
    with torch.enable_grad():
        for node in network.graph.nodes:
            inputs = [values[name] for name in node.inputs]
            made = node.layer.compute(inputs, network.tensors_of(node))
            sums.append(made)
            values[node.name] = nonlinearity_of(node.nonlinearity).apply(made)
            flat += [(values[node.name], _flat_part(node.nonlinearity, made))]
            if isinstance(node.layer, Nonlinearity):
                flat += [(made, _flat_part(node.layer.function, inputs[0]))]
        logits = values[network.graph.output.name].flatten(1).gather(1, targets[:, None])[:, 0]
        wanted = [values[IMAGE], *sums, *(one for one, _ in flat)]
        found = torch.autograd.grad(logits.sum(), wanted, allow_unused=True)
    gradient, of_sums, of_flat = found[0], found[1 : len(sums) + 1], found[len(sums) + 1 :]
    biases = torch.zeros_like(logits.detach())
    with torch.no_grad():
        for node, one in zip(network.graph.nodes, of_sums, strict=True):
            biases += _against(one, _of_nothing(network, node))
        for (_, constant), one in zip(flat, of_flat, strict=True):
            biases += _against(one, constant)
    pixels = images * gradient if gradient is not None else torch.zeros_like(images)
    return pixels.sum(1).detach(), biases, logits.detach()


def _of_nothing(network: GraphNetwork, node: Node) -> Tensor | None:
    """Return what a layer gives where all its inputs are 0, its biases in place: 1 C h w; None of one without."""
    if isinstance(node.layer, CURVED):
        return None
    nothing = [network.mean.new_zeros(1, one.maps, one.rows, one.columns) for one in network.graph.inputs_of(node)]
    return node.layer.compute(nothing, network.tensors_of(node))


def _flat_part(name: str, values: Tensor) -> Tensor | None:
    """Return f(x) − f′(x) x of a clipped function, which is constant on each piece; None for others."""
    if name not in CLIPPED:
        return None
    given = values.detach().requires_grad_()
    made = nonlinearity_of(name).apply(given)
    (slope,) = torch.autograd.grad(made.sum(), given)
    return (made - slope * given).detach()


def _against(gradient: Tensor | None, constant: Tensor | None) -> Tensor | float:
    """Return Σ gradient × constant of each image; a frame of -∞ that nothing depends on counts 0."""
    if gradient is None or constant is None:
        return 0.0
    return torch.where(gradient == 0, 0.0, gradient * constant).flatten(1).sum(1)


def _refusal(graph: Graph) -> str:
    voting = isinstance(graph.output.layer, InstanceBased)
    return f"Contributions of pixels {NO_GRADIENT}" if voting else ""


def _says(one: Attribution, logit: float) -> str:
    pixels = f"pixels {float(one.values.sum(dtype='f8')):.3g}, biases {one.biases or 0:.3g}"
    if one.exact:
        return f"{pixels}: logit {logit:.3g}"
    return f"{pixels}, not accounted for {one.rest or 0:.3g}: logit {logit:.3g} (not piecewise linear)"


CONTRIBUTIONS = AttributionMethod(
    name="contributions", title="Contributions", attribute=contribute, says=_says, refusal=_refusal
)
