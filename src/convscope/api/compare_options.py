"""The options of a comparison, and the experiment that they make of a dataset."""

import dataclasses
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.devices import choose_device
from convscope.core.errors import DataError, LayoutError, ParameterError
from convscope.core.text import printable
from convscope.features.layers import stage_layers
from convscope.images.augmentation import Augmentation
from convscope.images.dataset import Dataset
from convscope.images.sources.opening import TRAIN
from convscope.measures.comparison.experiment import EvaluationSet, Experiment, TrainingBudget, stratified
from convscope.measures.comparison.start_network import StartNetwork
from convscope.measures.comparison.variants import Baseline, named_variants
from convscope.networks.layout import Layout
from convscope.networks.stages import ConvolutionStage
from convscope.networks.starts import Start
from convscope.options.compare import MOST_DISTORTED, MOST_TEST_IMAGES, CompareOptions
from convscope.options.train import TrainOptions
from convscope.training.choices import choose_flip, choose_network
from convscope.training.training_data import TrainingData
from convscope.transfer.preparing import cuts_of
from convscope.transfer.recipes import images_within_memory
from convscope.transfer.sizes import with_size
from convscope.transfer.start_features import identity_of

QUICK_IMAGES, QUICK_TEST_IMAGES, QUICK_DISTORTED, QUICK_SECONDS = 5_000, 5_000, 300, 30.0
_QUICK_SAMPLES, _QUICK_EPOCHS = 15_000, (2, 16)  # images over all epochs; fewest and most epochs
_EACH = (1, 2, 5, 10, 25, 50, 100)  # images per class of a learning curve with a start
QUICK_SIDE, QUICK_LAYOUT = 32, "16C5-MP2-32C3-MP2-128N"
_ROTATION_DEG, _SCALE = 15.0, 0.15  # of training images, for the variants that train on distorted ones


def with_defaults(options: CompareOptions) -> CompareOptions:
    """Return the options with every number set, checked before any image is read.

    Raises:
        ParameterError: a variant or a budget cannot be.
        LayoutError: the layout cannot be read, or has no convolution.
    """
    for variant in named_variants(tuple(options.variants), start=options.start is not None):
        if variant.group == "start" and options.start is None:
            raise ParameterError(f"The variant {variant.name} needs a trained network. Got none. Name one as `start`.")
    if options.layout is not None:
        _check_convolution(Layout.parse(options.layout))
    if options.epochs is not None or options.seconds is not None:
        TrainingBudget(epochs=options.epochs, seconds=options.seconds)
    quick = options.quick
    return dataclasses.replace(
        options,
        device=choose_device(options.device),
        seeds=options.seeds or (1 if quick else 3),
        test_images=options.test_images or (QUICK_TEST_IMAGES if quick else MOST_TEST_IMAGES),
        distorted=(QUICK_DISTORTED if quick else MOST_DISTORTED) if options.distorted is None else options.distorted,
    )


def _check_convolution(layout: Layout) -> None:
    """Raise LayoutError for a layout without a convolution."""
    if not any(isinstance(stage, ConvolutionStage) and stage.regions == 1 for stage in layout.stages):
        raise LayoutError(
            f"`layout` must have a convolution to compare with. Got {layout}. "
            f"Give one that has, for example {QUICK_LAYOUT}, or leave it out."
        )


def experiment_of(options: CompareOptions, dataset: Dataset, start: StartNetwork | None = None) -> Experiment:
    """Return the experiment on a dataset, with the trained network that variants start from, where there is one.

    Raises:
        DataError: there is no validation or test split.
        ParameterError: there are more classes than training images.
        LayoutError: the layout cannot be read, or does not fit the images.
    """
    if dataset.evaluation_split == TRAIN:
        raise DataError(
            f"`{printable(dataset.name)}` must have a validation or test split. Got training images only. "
            "Give more images of each class, or a folder with train/ and test/."
        )
    indices = dataset.indices(TRAIN)
    most = options.images or (QUICK_IMAGES if options.quick else len(indices))
    classes = len(np.unique(dataset.labels[indices]))
    if most < classes:
        raise ParameterError(
            f"`images` must be at least {classes:,}, one of each class. Got {most:,}. Give more with --images."
        )
    if most < len(indices):
        indices = stratified(dataset.labels, indices, most / len(indices), seed=0)
    baseline, chosen_epochs = _baseline(options, dataset, indices)
    budget = TrainingBudget(
        epochs=None if options.seconds else options.epochs or chosen_epochs, seconds=options.seconds
    )
    evaluated = dataset.indices(dataset.evaluation_split)
    rng = np.random.default_rng(0)
    test = np.sort(rng.permutation(evaluated)[: options.test_images])
    distorted = np.sort(rng.permutation(test)[: options.distorted])
    variants = named_variants(tuple(options.variants), start=start is not None)
    curves = (
        tuple(variant.name for variant in variants if variant.curve or options.variants)
        if options.learning_curve
        else ()
    )
    counts = np.bincount(dataset.labels[indices], minlength=len(dataset.classes))
    each = tuple(number for number in _EACH if number < counts.max()) if start is not None and curves else ()
    return Experiment(
        dataset=dataset,
        indices=indices,
        evaluation=EvaluationSet(
            images=dataset.images,
            labels=dataset.labels,
            indices=test,
            distorted=distorted,
            preprocessing=dataset.preprocessing,
            seed=0,
        ),
        baseline=dataclasses.replace(baseline, start=start),
        budget=budget,
        seeds=options.seeds or 1,
        variants=variants,
        curves=curves,
        each=each,
        most_seconds=QUICK_SECONDS if options.quick and not options.variants else None,
        device=choose_device(options.device),
    )


def start_network(start: Start, dataset: Dataset, *, cache_dir: Path | None) -> StartNetwork:
    """Return a start for the images of a comparison.

    Raises:
        ParameterError: its weights do not fit their size, or it takes other channels.
    """
    _, height, width, channels = dataset.images.shape
    own = start.model.preprocessing
    model = with_size(start.model, height, width) if channels == own.channels else None
    if model is None:
        raise ParameterError(
            f"`start` must take the images of the comparison, {width}x{height}x{channels}. Got {start.name}, which "
            f"takes {own.width}x{own.height}x{own.channels}. Give --size and --channels."
        )
    cuts_of(start, None)  # it has a layer before its classifier
    return StartNetwork(
        name=start.name,
        model=dataclasses.replace(model, preprocessing=dataset.preprocessing),
        digest=identity_of(model, stage_layers(model.network)[-1]),
        most_images=images_within_memory(model.network.graph),
        flip=choose_flip(TrainingData.of(dataset), TrainOptions())[0],
        cache_dir=cache_dir,
    )


def _baseline(options: CompareOptions, dataset: Dataset, indices: NDArray[np.int64]) -> tuple[Baseline, int]:
    """Return the baseline, and the default number of epochs for this dataset."""
    text = options.layout
    if text is None and options.quick and min(dataset.images.shape[1:3]) > 12:
        text = QUICK_LAYOUT
    data = dataclasses.replace(TrainingData.of(dataset), training=torch.from_numpy(indices))
    fewest, most = _QUICK_EPOCHS
    quick = min(most, max(fewest, round(_QUICK_SAMPLES / len(indices))))
    settings = TrainOptions(
        layout=text, epochs=quick if options.quick else None, progressive_resizing=0
    )  # not all variants can have it
    planned, choice = choose_network(data, settings, None if text is None else Layout.parse(text))
    default = choice.recipe.augmentation
    augmentation = Augmentation(shift=default.shift, flip=default.flip, rotate=_ROTATION_DEG, scale=_SCALE)
    # the learning rate depends on each variant's number of steps
    recipe = dataclasses.replace(choice.recipe, augmentation=Augmentation(), learning_rate=None)
    return Baseline(plan=planned, recipe=recipe, augmentation=augmentation), recipe.epochs
