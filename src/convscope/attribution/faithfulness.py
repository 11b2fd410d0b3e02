"""Measure how far attributions can be trusted: deletion, insertion and random weights, beside an edge filter."""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from convscope.core.machine import memory_format
from convscope.core.progress import Task
from convscope.networks.fused_graph import fuse
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model, as_tensor

from .faithfulness_record import EDGES, RANDOM, Average, NearestFaithfulness, OrderFaithfulness, RandomizedLayer
from .method import AttributionMethod, Settings, attributed, passes_of
from .nearest import TrainingFeatures, features_of, nearest_rows

STEPS = 16
FRACTIONS = tuple(step / STEPS for step in range(STEPS + 1))
MOST_RANDOM_LAYERS = 6
MOST_RANDOM_IMAGES = 10  # whose maps are computed again for each of these layers
_CURVES = 2 * len(FRACTIONS)  # images that a deletion and an insertion compute
_BLUR = 0.1  # standard deviation of the blur, of the image's shorter side
_PIXEL_SIDE, _PIXEL_BATCH = 32, 500
Values = NDArray[np.float32]
Curves = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """What is measured: a network, and standardized images with the class that it predicts for each.

    Attributes:
        settings: of the methods.
        seed: of the random order and weights.
        again: of how many images the maps are computed again with random weights.
    """

    network: GraphNetwork
    images: Tensor
    targets: Tensor
    settings: Settings
    seed: int
    again: int = MOST_RANDOM_IMAGES

    @functools.cached_property
    def predicting(self) -> GraphNetwork:
        """The network, as it predicts fastest."""
        return fuse(self.network)


def measure_orders(subject: Subject, methods: Sequence[AttributionMethod], task: Task) -> tuple[OrderFaithfulness, ...]:
    """Return the faithfulness of the maps of `methods`, of a random order and of an edge filter.

    Args:
        subject: network and images.
        methods: with maps.
        task: advances by the forward passes that are done, of `work`.
    """
    rng = np.random.default_rng(subject.seed)
    maps = {}
    for method in methods:
        maps[method.name] = _maps(subject.network, method, subject, len(subject.images), task)
    curves = {}
    shape = (len(subject.images), *subject.images.shape[2:])
    baselines = {EDGES: edges(subject.images), RANDOM: rng.random(shape, np.float32)}
    for name, values in {**maps, **baselines}.items():
        curves[name] = deletion_and_insertion(subject, values, rng, task)
    correlations = _correlations(subject, methods, maps, task)
    areas = {name: tuple(map(_area, pair)) for name, pair in curves.items()}
    balance = areas[EDGES][1] - areas[EDGES][0]
    return tuple(
        OrderFaithfulness(
            name=name,
            deleted=tuple(deleted.mean(0).tolist()),
            inserted=tuple(inserted.mean(0).tolist()),
            deletion=Average.of(areas[name][0].tolist()),
            insertion=Average.of(areas[name][1].tolist()),
            gain=None if name == EDGES else Average.of((areas[name][1] - areas[name][0] - balance).tolist()),
            randomized=correlations.get(name, ()),
        )
        for name, (deleted, inserted) in curves.items()
    )


def deletion_and_insertion(
    subject: Subject, values: Values, rng: np.random.Generator, task: Task
) -> tuple[Curves, Curves]:
    """Return the probability of each image's class as its pixels go, and as they come: N × steps each.

    Pixels are taken in the order of `values`, N H W, the largest first, equal ones in random order. `task` advances by
    the images that are computed.
    """
    flat = values.reshape(len(values), -1)
    order = np.lexsort((rng.random(flat.shape), -flat), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(flat.shape[1])[None], axis=1)
    counts = torch.tensor(FRACTIONS) * flat.shape[1]
    rank = torch.from_numpy(ranks).view(len(values), 1, 1, *values.shape[1:])
    taken = (rank < counts.round().view(1, -1, 1, 1, 1)).to(subject.images.device)  # N × steps × 1 × H × W
    deleted: list[Curves] = []
    inserted: list[Curves] = []
    with torch.inference_mode():
        for image, mask, target in zip(subject.images, taken, subject.targets.tolist(), strict=True):
            blurred = torch.from_numpy(_blurred(image.cpu().numpy())).to(image.device)
            both = torch.cat([torch.where(mask, 0.0, image), torch.where(mask, image, blurred)])
            going, coming = _probabilities(subject, both)[:, target].cpu().double().chunk(2)
            deleted.append(going.numpy())
            inserted.append(coming.numpy())
            task.advance(_CURVES)
    return np.stack(deleted), np.stack(inserted)


def _probabilities(subject: Subject, images: Tensor) -> Tensor:
    images = images.contiguous(memory_format=memory_format())
    network = subject.predicting
    return torch.cat([network.probabilities(some) for some in torch.split(images, subject.settings.batch)])


def _blurred(image: Values) -> Values:
    """Return an image C H W, blurred."""
    from scipy.ndimage import gaussian_filter

    sigma = max(1.0, _BLUR * min(image.shape[1:]))
    result: Values = gaussian_filter(image, (0, sigma, sigma), mode="nearest")
    return result


def edges(images: Tensor) -> Values:
    """Return the magnitude of Sobel's filter, N H W, of the channels together."""
    from scipy.ndimage import sobel

    pixels = images.cpu().numpy()
    squares = sobel(pixels, axis=2) ** 2 + sobel(pixels, axis=3) ** 2
    result: Values = np.sqrt(squares.sum(axis=1))
    return result


def _area(curves: Curves) -> Curves:
    """Return the area under each curve from 0 to 1, N."""
    result: Curves = ((curves[:, :-1] + curves[:, 1:]) / 2).mean(axis=1)
    return result


def _maps(network: GraphNetwork, method: AttributionMethod, subject: Subject, most: int, task: Task) -> Values:
    """Return the maps of a method for the first images, N H W."""
    images, targets = subject.images[:most], subject.targets[:most]
    found = attributed(method, network, images, targets, settings=subject.settings, task=task)
    return np.stack([one.values for one in found])


def _correlations(
    subject: Subject, methods: Sequence[AttributionMethod], maps: Mapping[str, Values], task: Task
) -> dict[str, tuple[RandomizedLayer, ...]]:
    found: dict[str, list[RandomizedLayer]] = {method.name: [] for method in methods}
    for layer, network in randomized(subject.network, most=MOST_RANDOM_LAYERS, seed=subject.seed):
        for method in methods:
            random = _maps(network, method, subject, subject.again, task)
            pairs = zip(maps[method.name], random, strict=False)
            average = Average.of([rank_correlation(one, other) for one, other in pairs])
            found[method.name].append(RandomizedLayer(layer=layer, correlation=average))
    return {name: tuple(layers) for name, layers in found.items()}


def rank_correlation(one: Values, other: Values) -> float:
    """Return the correlation of the ranks of two maps' values (Spearman); 0 where a map is the same everywhere."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(values, axis=None) for values in (one, other)])
    return float(np.corrcoef(ranks)[0, 1]) if ranks.std(axis=1).min() > 0 else 0.0


def measure_nearest(
    model: Model, images: NDArray[np.uint8], targets: NDArray[np.int64], training: TrainingFeatures, count: int
) -> NearestFaithfulness:
    """Return how often the nearest training images have the predicted class, by features and by pixels."""
    by_features = nearest_rows(features_of(model, images), training.values, count)[0]
    rows = _pixels(training.dataset.images, training.indices)
    by_pixels = nearest_rows(_pixels(images, np.arange(len(images))), rows, count)[0]
    agree, in_pixels = (
        np.array([_majority(training.labels[chosen]) == target for chosen, target in zip(found, targets, strict=True)])
        for found in (by_features, by_pixels)
    )
    return NearestFaithfulness(
        count=by_features.shape[1],
        training_images=len(training.indices),
        agree=float(agree.mean()),
        agree_in_pixels=float(in_pixels.mean()),
        gain=Average.of((agree.astype(float) - in_pixels).tolist()),
    )


def _majority(labels: NDArray[np.int64]) -> int:
    """Return the most frequent class; of equally many, that of the nearest image."""
    return int(Counter(labels.tolist()).most_common(1)[0][0])


def _pixels(images: NDArray[np.uint8], indices: NDArray[np.int64]) -> Values:
    """Return some of the images N H W C as vectors, of large ones the means of parts."""
    side = (min(_PIXEL_SIDE, images.shape[1]), min(_PIXEL_SIDE, images.shape[2]))
    parts = []
    for start in range(0, len(indices), _PIXEL_BATCH):
        maps = as_tensor(images[indices[start : start + _PIXEL_BATCH]]).permute(0, 3, 1, 2).float()  # N C H W
        parts.append(functional.adaptive_avg_pool2d(maps, side))
    return torch.cat(parts).flatten(1).numpy()


def work(subject: Subject, methods: Sequence[AttributionMethod]) -> int:
    """Return how many forward passes `measure_orders` takes."""
    images, size = len(subject.images), (subject.images.shape[2], subject.images.shape[3])
    layers = sum(name.endswith(".weight") for name in subject.network.tensors)
    again = min(MOST_RANDOM_LAYERS, layers) * min(subject.again, images) * passes_of(methods, subject.settings, size)
    return images * passes_an_image(methods, subject.settings, size) + again


def passes_an_image(methods: Sequence[AttributionMethod], settings: Settings, size: tuple[int, int]) -> int:
    """Return how many forward passes an image takes: for its maps, and for two curves of each order of its pixels."""
    return passes_of(methods, settings, size) + _CURVES * (len(methods) + len((EDGES, RANDOM)))


def randomized(network: GraphNetwork, *, most: int, seed: int) -> Iterator[tuple[str, GraphNetwork]]:
    """Give the network with random weights from the last layer down to ever earlier ones, and the name of that one.

    The weights of a layer are drawn from a normal distribution of their own standard deviation; biases become 0
    (Adebayo et al. 2018).

    Args:
        network: trained; unchanged.
        most: how many networks; evenly spread over the layers with weights, the last is random throughout.
        seed: of the weights.
    """
    graph, tensors = network.graph, {name: value.detach().cpu().clone() for name, value in network.tensors.items()}
    layers = [node.name for node in reversed(graph.nodes) if f"{node.name}.weight" in tensors]
    given = {layers[index] for index in np.linspace(0, len(layers) - 1, min(most, len(layers))).round().astype(int)}
    generator = torch.Generator().manual_seed(seed)
    for name in layers:
        weight, bias = tensors[f"{name}.weight"], tensors.get(f"{name}.bias")
        weight.normal_(0.0, float(weight.std(correction=0)) or 1.0, generator=generator)
        if bias is not None:
            bias.zero_()
        if name in given:
            made = network.like(graph, tensors, margins=network.gives_margins)
            yield name, made.requires_grad_(requires_grad=False).to(network.device)
