"""The recipe that trains a start further: brief, in small steps, and smaller ones in lower layers."""

from dataclasses import replace

import numpy as np

from convscope.core.errors import ParameterError
from convscope.core.text import counted
from convscope.images.dataset import Dataset
from convscope.networks.graph import Graph
from convscope.networks.model import Model
from convscope.options.train import TrainOptions
from convscope.training.choices import choose_recipe
from convscope.training.loop import steps_of
from convscope.training.progressive_resizing import reduced_size
from convscope.training.recipe import Recipe
from convscope.training.training_data import TrainingData

from .sizes import graph_of_size

_VISITS, _EPOCHS = 10_000, (4, 30)  # images × epochs; the fewest and the most epochs
FIRST_LAYER = 0.1
"""Learning rate of the first layer over that of the last."""
_SCALE = 0.2
_AVERAGING = 1.0  # horizon of the mean of the weights: those near the start belong to it
_RESIZING = 0.4  # of the training
_SMALLEST_SIDE = 96  # of reduced images
_BATCH_VALUES = 2**29  # of all maps of one step, stored for the backward pass: 2 GiB


def choose_start_recipe(
    settings: TrainOptions, dataset: Dataset, model: Model, boundary: str
) -> tuple[Recipe, list[str]]:
    """Return how a start is trained, with notes on what was chosen.

    Args:
        settings: come before the defaults.
        dataset: the images.
        model: the start.
        boundary: the layer up to which it stays frozen; empty for none.

    Raises:
        ParameterError: progressive resizing is asked for, and the weights do not fit smaller images.
    """
    data = TrainingData.of(dataset)
    images, graph = len(data.training), model.network.graph
    chosen = choose_recipe(data, settings)
    notes = list(chosen.notes[1:])  # without the one on efforts
    augmentation = chosen.recipe.augmentation
    images *= 2 if boundary and augmentation.flip else 1  # a stored flip is an image of its own
    epochs = settings.epochs or int(np.clip(round(_VISITS / images), *_EPOCHS))
    fraction = 0.0
    if boundary:
        stride = max(1.0, graph.image.rows / _rows(graph, boundary))
        augmentation = replace(augmentation, shift=round(augmentation.shift / stride), rotate=0.0, scale=0.0, erase=0.0)
        notes = [f"stored maps are shifted by up to {counted(augmentation.shift, 'position')}; {notes[0]}"]
    else:
        if settings.scale is None:
            augmentation = replace(augmentation, scale=_SCALE)
        notes = [note.replace(str(chosen.recipe.augmentation), str(augmentation)) for note in notes]
        fraction = _resizing(settings, graph)
    most = images_within_memory(graph, boundary)
    recipe = replace(
        chosen.recipe,
        epochs=epochs,
        batch=chosen.recipe.batch if settings.batch is not None else min(chosen.recipe.batch, most),
        augmentation=augmentation,
        progressive_resizing=fraction,
        first_layer=FIRST_LAYER,
        averaging=_AVERAGING,
        # depthwise convolutions are several times slower in bfloat16
        precision="float32" if settings.precision == "auto" else chosen.recipe.precision,
    )
    if settings.minutes is None:
        recipe = replace(recipe, learning_rate=recipe.highest_rate(steps_of(recipe, images)))
    if fraction:
        height, width = reduced_size(graph.image.rows, graph.image.columns)
        notes.append(
            f"the first {fraction:.0%} of the training sees images of {width}x{height}; --progressive-resizing 0 "
            "changes it"
        )
    return recipe, notes


def _rows(graph: Graph, layer: str) -> int:
    """Return the rows of the maps of a layer, or of `AUTO` those of the middle of the network."""
    return graph.shapes[layer].rows if layer in graph.shapes else max(1, graph.image.rows // 16)


def _resizing(settings: TrainOptions, graph: Graph) -> float:
    """Return the fraction of the training that sees smaller images.

    Raises:
        ParameterError: it is asked for, and the weights do not fit them.
    """
    size = reduced_size(graph.image.rows, graph.image.columns)
    fits = graph_of_size(graph, *size) is not None
    if settings.progressive_resizing is None:
        return _RESIZING if fits and min(size) >= _SMALLEST_SIDE else 0.0
    if settings.progressive_resizing and not fits:
        raise ParameterError(
            f"`progressive_resizing` needs a start whose weights fit images of {size[1]}x{size[0]}, too. Leave it out."
        )
    return settings.progressive_resizing


def images_within_memory(graph: Graph, boundary: str = "") -> int:
    """Return how many images a training step of the layers above a boundary may have.

    It stores the values of each layer, before and after its nonlinearity.
    """
    trained = graph.descendants(boundary) if boundary in graph.by_name else graph.by_name
    values = sum((1 + (graph.by_name[name].nonlinearity != "linear")) * graph.shapes[name].values for name in trained)
    return max(2, _BATCH_VALUES // max(1, values))
