"""The same network with random weights: what units respond to before anything is learned."""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.draws import Draws
from convscope.layers.normalization import BatchNormalization
from convscope.networks.build import Network
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model, as_tensor

from .gabor import fit_filters
from .measuring import Labels, measure_units
from .records import UnitsRecord, UnitsReport

_GRAPH_IMAGES = 32  # that the values of other networks are scaled on


def beside_random(
    record: UnitsRecord,
    model: Model,
    images: NDArray[np.uint8],
    *,
    labels: Labels | None,
    seed: int = 0,
    batch: int | None = None,
) -> UnitsReport:
    """Return a record of the units of `model` with what random weights give: selectivity of `images`, Gabor fits."""
    random = with_random_weights(model.to("cpu"), images, seed)
    random.network.to(model.network.device)
    chance = measure_units(random, images, labels=labels, top=1, batch=batch)
    return UnitsReport(
        units=record,
        random=tuple(layer.mean_selectivity for layer in chance.layers),
        gabor_fits=fit_filters(model.network),
        random_gabor_fits=fit_filters(random.network),
    )


def with_random_weights(model: Model, images: NDArray[np.uint8], seed: int) -> Model:
    """Return the model with random weights, and values that are normalized on some of the images."""
    network = model.network
    made = _of_layout(network, model, images, seed) if isinstance(network, Network) else _of_graph(model, images, seed)
    return dataclasses.replace(model, network=made, training={})


def _of_layout(trained: Network, model: Model, images: NDArray[np.uint8], seed: int) -> Network:
    network = Network(
        trained.layout,
        **trained.plan.sizes,
        mean=trained.mean.tolist(),
        std=trained.std.tolist(),
        seed=seed,
    ).train()
    batch = as_tensor(images[: max(2, min(len(images), model.batch))])
    if len(batch) > 1:
        for module in network.modules():
            if isinstance(module, BatchNormalization):
                module.momentum = 1.0  # the statistics of this batch
        with torch.no_grad(), network.drawing_from(Draws(generator=torch.Generator().manual_seed(seed))):
            network(batch)
    return network.eval()


def _of_graph(model: Model, images: NDArray[np.uint8], seed: int) -> GraphNetwork:
    """Return the graph with weights drawn anew; each unit's sums get mean 0 and standard deviation 1.

    This is what batch normalization behind each sum would do (Mishkin & Matas 2016), for normalization is part of the
    weights of a graph.
    """
    trained = fold(model.network)
    tensors = {name: value.detach().clone() for name, value in trained.tensors.items()}
    generator = torch.Generator().manual_seed(seed)
    summing = [node.name for node in trained.graph.nodes if f"{node.name}.weight" in tensors]
    for name in summing:  # in the order of the layers: a seed gives the same weights in every process
        weight = tensors[f"{name}.weight"]
        weight.normal_(0.0, 1.0, generator=generator)
        tensors[f"{name}.bias"].zero_()
    network = trained.like(trained.graph, tensors, margins=trained.gives_margins)
    network.requires_grad_(requires_grad=False)
    batch = as_tensor(images[: min(_GRAPH_IMAGES, len(images), model.batch)])
    with torch.inference_mode():
        values: dict[str, Tensor] = {IMAGE: network.standardize(batch)}
        for node in network.graph.nodes:
            inputs = [values[name] for name in node.inputs]
            if node.name in summing:
                _normalize(network, node, inputs)
            values[node.name] = network.compute(node, inputs)
    return network


def _normalize(network: GraphNetwork, node: Node, inputs: list[Tensor]) -> None:
    """Scale and shift the weights of a node so that its sums have mean 0 and standard deviation 1."""
    tensors = network.tensors_of(node)
    sums = node.layer.compute(inputs[:1], tensors).transpose(0, 1).flatten(1)
    scale = 1 / sums.std(dim=1, correction=0).clamp_min(1e-6)
    units = {"locally-connected": 2, "transposed-convolution": 1}.get(node.layer.KIND, 0)
    weight = tensors["weight"]
    if weight.shape[units] == len(scale):  # not of a transposed convolution in groups
        weight.mul_(scale.view([-1 if axis == units else 1 for axis in range(weight.ndim)]))
        tensors["bias"].copy_(-sums.mean(dim=1) * scale)
    else:
        weight.mul_(scale.mean())
