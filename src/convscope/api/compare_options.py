"""What a comparison was asked for, and the contest that it makes of a set of images."""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.errors import DataError, LayoutError, ParameterError
from convscope.core.text import printable
from convscope.images.augmentation import Augmentation
from convscope.images.dataset import Dataset
from convscope.images.sources.opening import TRAIN
from convscope.layers.convolution import Convolution
from convscope.measures.comparison.budget import Budget
from convscope.measures.comparison.disturbing import Exam
from convscope.measures.comparison.kinds import Base, named_kinds
from convscope.measures.comparison.parts import part_of
from convscope.measures.comparison.run import Contest
from convscope.networks.layout import Layout
from convscope.options.compare import MOST_DISTORTED, MOST_TEST_IMAGES, CompareOptions
from convscope.options.train import TrainOptions
from convscope.training.choices import choose_network
from convscope.training.training_data import TrainingData

QUICK_IMAGES, QUICK_TEST_IMAGES, QUICK_DISTURBED, QUICK_SECONDS = 5_000, 5_000, 300, 30.0
_QUICK_VISITS, _QUICK_EPOCHS = 15_000, (2, 16)  # images seen; fewest and most epochs
QUICK_SIDE, QUICK_LAYOUT = 32, "16C5-MP2-32C3-MP2-128N"
_TURN_DEG, _SCALE = 15.0, 0.15  # of training images, for the kinds that learn from distorted ones


def with_defaults(options: CompareOptions) -> CompareOptions:
    """Return the options with every number set, checked before any image is read.

    Raises:
        ParameterError: a variant or a budget cannot be.
        LayoutError: the layout cannot be read, or has no convolution.
    """
    named_kinds(tuple(options.variants))
    if options.layout is not None:
        _refuse_without_convolution(Layout.parse(options.layout))
    if options.epochs is not None or options.seconds is not None:
        Budget(epochs=options.epochs, seconds=options.seconds)
    quick = options.quick
    return dataclasses.replace(
        options,
        seeds=options.seeds or (1 if quick else 3),
        test_images=options.test_images or (QUICK_TEST_IMAGES if quick else MOST_TEST_IMAGES),
        distorted=(QUICK_DISTURBED if quick else MOST_DISTORTED) if options.distorted is None else options.distorted,
    )


def _refuse_without_convolution(layout: Layout) -> None:
    """Raise LayoutError for a layout without a stage whose units are copied to every place."""
    if not any(isinstance(stage, Convolution) and stage.regions == 1 for stage in layout.stages):
        raise LayoutError(
            f"`layout` must have a convolution to compare with. Got {layout}. "
            f"Give one that has, for example {QUICK_LAYOUT}, or leave it out."
        )


def contest_of(options: CompareOptions, dataset: Dataset) -> Contest:
    """Return what is compared on which images.

    Raises:
        DataError: nothing is held out to evaluate on.
        ParameterError: there are more classes than images to learn from.
        LayoutError: the layout cannot be read, or does not fit the images.
    """
    if dataset.evaluation_split == TRAIN:
        raise DataError(
            f"`{printable(dataset.name)}` must have images that are held out to evaluate on. Got training images "
            "only. "
            "Give more images of each class, or a folder with train/ and test/."
        )
    places = dataset.indices(TRAIN)
    most = options.images or (QUICK_IMAGES if options.quick else len(places))
    classes = len(np.unique(dataset.labels[places]))
    if most < classes:
        raise ParameterError(
            f"`images` must be at least {classes:,}, one of each class. Got {most:,}. Give more with --images."
        )
    if most < len(places):
        places = part_of(dataset.labels, places, most / len(places), seed=0)
    base, chosen_epochs = _base(options, dataset, places)
    budget = Budget(epochs=None if options.seconds else options.epochs or chosen_epochs, seconds=options.seconds)
    evaluated = dataset.indices(dataset.evaluation_split)
    rng = np.random.default_rng(0)
    test = np.sort(rng.permutation(evaluated)[: options.test_images])
    disturbed = np.sort(rng.permutation(test)[: options.distorted])
    kinds = named_kinds(tuple(options.variants))
    curves = tuple(kind.name for kind in kinds if kind.curve or options.variants) if options.learning_curve else ()
    return Contest(
        images=dataset,
        places=places,
        exam=Exam(
            images=dataset.images,
            labels=dataset.labels,
            places=test,
            disturbed=disturbed,
            preprocessing=dataset.preprocessing,
            seed=0,
        ),
        base=base,
        budget=budget,
        seeds=options.seeds or 1,
        kinds=kinds,
        curves=curves,
        most_seconds=QUICK_SECONDS if options.quick and not options.variants else None,
    )


def _base(options: CompareOptions, dataset: Dataset, places: NDArray[np.int64]) -> tuple[Base, int]:
    """Return what all kinds are made after, and the epochs for this set unless others are asked for."""
    text = options.layout
    if text is None and options.quick and min(dataset.images.shape[1:3]) > 12:
        text = QUICK_LAYOUT
    data = dataclasses.replace(TrainingData.of(dataset), training=torch.from_numpy(places))
    fewest, most = _QUICK_EPOCHS
    quick = min(most, max(fewest, round(_QUICK_VISITS / len(places))))
    settings = TrainOptions(
        layout=text, epochs=quick if options.quick else None, progressive_resizing=0
    )  # not all kinds could have it
    planned, choice = choose_network(data, settings, None if text is None else Layout.parse(text))
    usual = choice.recipe.augmentation
    change = Augmentation(shift=usual.shift, flip=usual.flip, rotate=_TURN_DEG, scale=_SCALE)
    recipe = dataclasses.replace(choice.recipe, augmentation=Augmentation(), learning_rate=None)  # by each kind's steps
    return Base(plan=planned, recipe=recipe, change=change), recipe.epochs
