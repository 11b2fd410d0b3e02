"""Importance of units at first look, by gradients; and which of them are worth a look at exactly."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.progress import Reporter, Silent
from convscope.networks.finite import check_finite
from convscope.networks.folding import fold
from convscope.networks.graph import Graph
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor

from .ablation import LEAST_BATCH, Chosen
from .measuring import Images, Labels, check_images, unit_layers
from .records import AblationRecord, ImportanceRecord, LayerImportance

BATCH_VALUES = 2**24  # of all maps of one batch, which the backward pass needs
BUDGET_MACS = 4 * 10**12  # of the exact ablation of some units: a minute or two
LEAST_UNITS, LEAST_IMAGES = 40, 20  # that the budget is divided among, as far as it goes


def measure_importance(
    model: Model, images: Images, labels: Labels, *, batch: int | None = None, reporter: Reporter | None = None
) -> ImportanceRecord | None:
    """Return the importance of every unit of `model` at first look: gradient × activation.

    None where the logits have no gradient, as those of votes of neighbors.

    Args:
        model: the network.
        images: uint8 N H W C of the network's size, N at least 1.
        labels: class of each, int64 N.
        batch: images at once; as memory allows by default.
        reporter: receives the progress.

    Raises:
        DataError: the images or labels are not such arrays, or a logit is not finite.
        ParameterError: `batch` is not a whole number above 0.

    Examples:
        >>> from convscope.images.preprocessing import Preprocessing
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("3C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> found = measure_importance(model, np.full((4, 8, 8, 1), 9, np.uint8), np.array([0, 0, 1, 1]))
        >>> found.images, [len(layer.units) for layer in found.layers]
        (4, [3])
    """
    planned, arithmetic = model.network.plan, fold(model.network)
    check_images(images, labels, planned)
    largest = max(LEAST_BATCH, BATCH_VALUES // planned.values) if batch is None else check_batch(batch)
    size = fitting_batch(planned, largest, copies=3)
    indices = unit_layers(arithmetic.graph)
    totals = {index: torch.zeros(planned.layers[index].maps, dtype=torch.float64) for index in indices}
    with (reporter or Silent()).task("importance", len(images), "images") as task:
        for start in range(0, len(images), size):
            image = arithmetic.standardize(as_tensor(images[start : start + size]))
            truth = torch.from_numpy(labels[start : start + size].copy()).to(image.device)
            effects = _effects(arithmetic, image, truth, indices)
            if effects is None:
                return None
            for index, effect in zip(indices, effects, strict=True):
                totals[index] += effect.cpu().double().abs().sum(0)
            task.update(min(start + size, len(images)))
    layers = (
        LayerImportance(layer=index + 1, name=planned.layers[index].name, units=tuple((total / len(images)).tolist()))
        for index, total in totals.items()
    )
    return ImportanceRecord(images=len(images), layers=tuple(layers))


def _effects(network: GraphNetwork, image: Tensor, truth: Tensor, indices: Sequence[int]) -> list[Tensor] | None:
    """Return Σ activation × gradient over positions, N × units for each layer; None if there is no gradient."""
    wanted = {network.graph.nodes[index].name for index in indices}
    kept: list[Tensor] = []
    values = {"image": image}
    with torch.enable_grad():
        for node in network.graph.nodes:
            maps = network.compute(node, [values[name] for name in node.inputs])
            if node.name in wanted:
                maps = maps if maps.requires_grad else maps.requires_grad_()
                kept.append(maps)
            values[node.name] = maps
        logits = values[network.graph.output.name].flatten(1)
        check_finite(torch.softmax(logits.detach(), dim=1), "in the logits")
        if not logits.requires_grad:
            return None if kept else []
        chosen = logits.gather(1, truth[:, None]).sum()
        gradients = torch.autograd.grad(chosen, kept, allow_unused=True)
    return [
        maps.new_zeros(maps.shape[:2]) if gradient is None else (maps.detach() * gradient).flatten(2).sum(2)
        for maps, gradient in zip(kept, gradients, strict=True)
    ]


def ablation_macs(graph: Graph) -> dict[int, int]:
    """Return the MACs of one image that the ablation of a unit takes, by the index of its layer."""
    costs = {node.name: graph.planned(node).macs for node in graph.nodes}
    return {
        index: sum(costs[name] for name in graph.descendants(graph.nodes[index].name)) for index in unit_layers(graph)
    }


def most_important(
    importance: ImportanceRecord, graph: Graph, images: int, budget: int = BUDGET_MACS
) -> tuple[Chosen, int]:
    """Return the units to ablate exactly and the images to do it on, of at most `images`, within a budget of MACs.

    The most important ones at first look come first. Fewer images are taken before fewer than 40 units are.
    """
    costs = ablation_macs(graph)
    ranked = sorted(
        ((value, -layer.layer, -unit) for layer in importance.layers for unit, value in enumerate(layer.units)),
        reverse=True,
    )
    of_first = sum(costs[-layer - 1] for _, layer, _ in ranked[:LEAST_UNITS])
    count = max(min(images, LEAST_IMAGES), min(images, budget // max(1, of_first)))
    chosen: dict[int, list[int]] = {}
    spent = 0
    for _, layer, unit in ranked:
        spent += costs[-layer - 1] * count
        if spent > budget and chosen:
            break
        chosen.setdefault(-layer - 1, []).append(-unit)
    return chosen, count


def agreement(importance: ImportanceRecord, ablation: AblationRecord) -> tuple[int, float | None]:
    """Return how many units were ablated, and the rank correlation (Spearman) of their importance with the change."""
    first: dict[tuple[int, int], float] = {
        (layer.layer, unit): value for layer in importance.layers for unit, value in enumerate(layer.units)
    }
    pairs = [
        (first[layer.layer, unit.unit], unit.logit_change)
        for layer in ablation.layers
        for unit in layer.units
        if unit.logit_change is not None
    ]
    values = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    ranks = np.stack([_ranks(values[:, 0]), _ranks(values[:, 1])])
    if len(values) < 3 or ranks.std(axis=1).min() == 0:
        return len(values), None
    return len(values), float(np.asarray(np.corrcoef(ranks))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return shared
