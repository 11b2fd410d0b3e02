"""Training of a variant that begins with a trained network, or with the same layers and random weights."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.devices import Device
from convscope.core.progress import Silent
from convscope.features.layers import stage_layers
from convscope.images.dataset import Dataset
from convscope.layers.kinds import Convolution, Linear
from convscope.networks.folding import ready
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.training.training_data import TrainingData
from convscope.transfer.head_choice import choose_head
from convscope.transfer.head_model import model_with_head, normalized
from convscope.transfer.sizes import copied
from convscope.transfer.start_features import StartFeatures, Wanted
from convscope.transfer.views import FLIPPED, ITSELF

from .start_network import StartNetwork

_NORMALIZING = 64  # images on which the outputs of random units are normalized


def with_head(
    start: StartNetwork, dataset: Dataset, indices: NDArray[np.int64], *, seed: int, device: Device = "cpu"
) -> Model:
    """Return the start with a softmax on its features, which the images at `indices` have taught it.

    A device computes the features; the model is where the start is.
    """
    layer = stage_layers(start.model.network)[-1]
    wanted = [Wanted(view=view, indices=indices) for view in (ITSELF, FLIPPED)[: 1 + start.flip]]
    there = start.model.to(device)
    features = StartFeatures(there, [layer], dataset, cache_dir=start.cache_dir, reporter=Silent())
    views = [normalized(view[layer]) for view in features.of(wanted)]
    labels = dataset.labels[indices]
    head = choose_head("softmax", views, labels, seed=seed)
    return model_with_head(start.model, layer, views[0], labels, classes=dataset.classes, head=head)


def trainable(model: Model) -> GraphNetwork:
    """Return a copy of the network of a model that can be trained."""
    return copied(ready(model.network))


def randomized(network: GraphNetwork, data: TrainingData, *, seed: int) -> GraphNetwork:
    """Return the same layers with random weights.

    They are normal, and scaled and shifted so that every unit has mean 0 and deviation 1 on some training images, as
    normalization does (Mishkin & Matas 2016).
    """
    generator = torch.Generator().manual_seed(seed)
    result = copied(network)
    tensors = result.tensors
    chosen = data.training[torch.randperm(len(data.training), generator=generator)[:_NORMALIZING]]
    with torch.no_grad():
        stored = {"image": result.standardize(data.images[chosen])}
        for node in result.graph.nodes:
            if isinstance(node.layer, (Convolution, Linear)):
                weight, bias = tensors[f"{node.name}.weight"], tensors[f"{node.name}.bias"]
                weight.normal_(0, 1 / math.sqrt(weight[0].numel()), generator=generator)
                bias.zero_()
                sums = node.layer.compute([stored[name] for name in node.inputs[:1]], result.tensors_of(node))
                mean, std = sums.mean(dim=(0, 2, 3)), sums.std(dim=(0, 2, 3)).clamp_min(1e-3)
                weight.div_(std.view(-1, *[1] * (weight.ndim - 1)))
                bias.copy_(-mean / std)
            stored[node.name] = result.compute(node, [stored[name] for name in node.inputs])
    return result
