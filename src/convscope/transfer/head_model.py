"""A start up to a layer, with a classifier on the means of its maps, as one model."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.features.extraction import FeatureSet
from convscope.features.heads import free_name, with_classifier
from convscope.features.layers import network_up_to
from convscope.features.reading import Reading
from convscope.layers.kinds import ChannelNormalization, Pooling
from convscope.networks.graph import Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.networks.plan import NetworkPlan

from .feature_store import Vectors
from .head_choice import ChosenHead
from .linear import SoftmaxClassifier
from .modes import HEADS
from .start_features import reading_of

_FEWEST_VALUES = 64  # that are normalized: the mean and deviation of fewer say too much of single ones
_NORMALIZATION = ChannelNormalization()


def normalized(features: Vectors) -> Vectors:
    """Return features, n × values, with mean 0 and deviation 1 for each image; few values as they are.

    With ten photographs per class it brings 0.8 ± 0.4 points; with many it makes no difference.
    """
    if features.shape[1] < _FEWEST_VALUES:
        return features
    centered = features - features.mean(axis=1, keepdims=True)
    variance = np.square(centered).mean(axis=1, keepdims=True)
    return np.asarray(centered / np.sqrt(variance + _NORMALIZATION.epsilon), np.float32)


def model_with_head(
    model: Model,
    layer: str,
    features: Vectors,
    labels: NDArray[np.int64],
    *,
    classes: tuple[str, ...],
    head: ChosenHead,
) -> Model:
    """Return a start up to a layer with a classifier, its temperature and its classes.

    Args:
        model: the start.
        layer: whose features were learned from.
        features: normalized ones of the training images as they are, n × values.
        labels: of these images.
        classes: their names.
        head: the classifier.
    """
    found = FeatureSet(
        values=features,
        labels=labels,
        splits=("train",) * len(labels),
        images=("",) * len(labels),
        classes=classes,
        names=(),
    )
    reading = reading_of(model.network, layer)
    if features.shape[1] >= _FEWEST_VALUES:
        model, reading = _with_normalization(model, layer)
    result = with_classifier(model, reading, found, head.name, head.fitted, scores=head.scores)
    if result.network.temperature is not None:
        result.network.temperature.fill_(head.temperature)
    return replace(result, classes=classes, training={"classifier": result.training["classifier"]})


def plan_with_head(model: Model, layer: str, classes: tuple[str, ...], head: str) -> NetworkPlan:
    """Return the layers of a start up to one, with those of the classifier on it where that is weighted sums."""
    if head not in HEADS:
        return network_up_to(model.network, layer).plan
    values = model.network.graph.shapes[layer].maps
    fitted = SoftmaxClassifier(coef_=np.zeros((len(classes), values)), intercept_=np.zeros(len(classes)))
    features, labels = np.zeros((len(classes), values), np.float32), np.arange(len(classes))
    chosen = ChosenHead(name=head, fitted=fitted)
    return model_with_head(model, layer, features, labels, classes=classes, head=chosen).network.plan


def _with_normalization(model: Model, layer: str) -> tuple[Model, Reading]:
    """Return the start up to a layer, the means of its maps normalized, and what reads these."""
    cut = network_up_to(model.network, layer)
    shape, nodes, below = cut.graph.shapes[layer], list(cut.graph.nodes), layer
    if shape.rows * shape.columns > 1:
        below = free_name("mean", cut.graph.by_name)
        nodes.append(Node(name=below, layer=Pooling(code="AP"), inputs=(layer,)))
    name = free_name("normalization", cut.graph.by_name)
    nodes.append(Node(name=name, layer=_NORMALIZATION, inputs=(below,)))
    tensors = {**cut.tensors, f"{name}.scale": torch.ones(shape.maps), f"{name}.shift": torch.zeros(shape.maps)}
    mean, std = cut.mean.tolist(), cut.std.tolist()
    network = GraphNetwork(
        Graph(nodes=tuple(nodes), image=cut.graph.image), tensors, mean=mean, std=std, title=model.network.plan.title
    )
    values = tuple(f"value {number + 1}" for number in range(shape.maps))  # its logits, until a classifier follows
    return replace(model, network=network.eval(), classes=values), Reading(layer=name, pool="none")
