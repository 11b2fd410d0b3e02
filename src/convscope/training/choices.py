"""The recipe and network that convscope chooses for a dataset where the user does not, with a note on each choice."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from convscope.core.devices import choose_device
from convscope.core.errors import ParameterError
from convscope.core.precision import choose_precision
from convscope.core.text import counted
from convscope.images.augmentation import Augmentation
from convscope.images.symmetry import detect_symmetry
from convscope.networks.defaults import MIDDLE, SMALL, default_layout, takes_wide
from convscope.networks.layout import Layout
from convscope.networks.plan import Plan, check_built, plan
from convscope.networks.variants import without_zeros
from convscope.options.train import Effort, TrainOptions

from .loop import steps_of
from .pretraining import check_pretraining
from .progressive_resizing import SMALLEST_SIDE, obstacle_to_resizing, pixel_fraction, reduced_size
from .recipe import Recipe
from .training_data import TrainingData

_SHIFT, _SMALL_SHIFT = 0.07, 0.04  # fractions of the shorter side: gray images of things are centered already
_RESIZING_FRACTION = 0.4  # of the training
_BATCH_VALUES = 2**28  # of all maps of one step, stored for the backward pass: 1 GiB, and as much again for gradients


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A recipe, with notes for the user on what was chosen and why."""

    recipe: Recipe
    notes: tuple[str, ...]


def choose_recipe(data: TrainingData, settings: TrainOptions) -> Choice:
    """Return the recipe for `data`; `settings` come before the defaults."""
    count = len(data.training)
    augmentation, notes = _choose_augmentation(data, settings)
    given = {"learning_rate": settings.learning_rate, "smoothing": settings.smoothing}
    recipe = Recipe(
        epochs=_choose_epochs(data, settings, augmentation) if settings.epochs is None else settings.epochs,
        batch=default_batch(count) if settings.batch is None else settings.batch,
        augmentation=augmentation,
        balance=settings.balance,
        pretrain=tuple(name.strip() for name in settings.pretrain.split(",")) if settings.pretrain is not None else (),
        freeze=settings.freeze,
        precision=choose_precision(settings.precision, choose_device(settings.device)),
        **{name: value for name, value in given.items() if value is not None},
    )
    return Choice(recipe=recipe, notes=(_RECIPE_NOTES[settings.recipe], *notes))


_RECIPE_NOTES = {
    "quick": "recipe quick: a first answer; --recipe balanced or best takes longer",
    "balanced": "recipe balanced; --recipe quick is faster, --recipe best takes two to nine times as long",
    "best": "recipe best: accuracy before time; --recipe balanced is faster",
}


def choose_network(data: TrainingData, settings: TrainOptions, layout: Layout | None) -> tuple[Plan, Choice]:
    """Return the plan of `layout`, or of the default for `data`, and the recipe to train it with.

    Raises:
        LayoutError: the layout does not fit the images.
        ParameterError: its first convolutions cannot be learned without labels as `settings` says, or it does not fit
            the smaller images that they ask for.
    """
    if layout is not None and not layout.stages and settings.shift is None:
        settings = dataclasses.replace(settings, shift=0)  # one weighted sum cannot learn what moves
    choice = choose_recipe(data, settings)
    height, width, channels = data.images.shape[1:]
    chosen = layout or default_layout(
        height=height,
        width=width,
        channels=channels,
        images=len(data.training),
        flipped=choice.recipe.augmentation.flip,
        effort=settings.recipe,
    )
    if settings.for_scan:
        chosen = without_zeros(chosen, height=height, width=width, channels=channels, classes=data.classes)
    planned = plan(chosen, height=height, width=width, channels=channels, classes=data.classes)
    check_built(planned)
    first = check_pretraining(choice.recipe, planned, images=len(data.training))
    choice = dataclasses.replace(choice, notes=(*choice.notes, *first))
    choice = _within_memory(_with_resizing(choice, planned, settings), planned, settings)
    return planned, choice if settings.minutes is not None else _with_rate(choice, len(data.training))


def _with_rate(choice: Choice, images: int) -> Choice:
    """Return `choice` with the learning rate that its number of steps asks for, unless it has one."""
    rate = choice.recipe.highest_rate(steps_of(choice.recipe, images))
    return dataclasses.replace(choice, recipe=dataclasses.replace(choice.recipe, learning_rate=rate))


def _with_resizing(choice: Choice, planned: Plan, settings: TrainOptions) -> Choice:
    """Return `choice` with progressive resizing where the layout allows it, and a note on it.

    Raises:
        ParameterError: `settings` asks for them, and they do not fit.
    """
    obstacle = obstacle_to_resizing(planned)  # of numbers alone: nothing is built
    usual = min(planned.height, planned.width) >= SMALLEST_SIDE and obstacle is None and not choice.recipe.pretrain
    fraction = (
        (_RESIZING_FRACTION if usual else 0.0)
        if settings.progressive_resizing is None
        else settings.progressive_resizing
    )
    recipe = dataclasses.replace(choice.recipe, progressive_resizing=fraction)
    if not fraction:
        return choice
    if obstacle is not None:
        raise ParameterError(
            "`progressive_resizing` needs images, and a layout like 32C3-MP2-64C3-MPg, whose weights fit smaller "
            "ones, too. Got "
            f"{planned.layout} on {planned.width}x{planned.height}: {obstacle}. Leave `progressive_resizing` out."
        )
    height, width = reduced_size(planned.height, planned.width)
    pixels = pixel_fraction(planned.height, planned.width)
    note = f"the first {fraction:.0%} of the training sees images of {width}x{height}, {pixels:.0%} of the pixels"
    note += "; --progressive-resizing 0 changes it"
    return Choice(recipe=recipe, notes=(*choice.notes, note))


def _within_memory(choice: Choice, planned: Plan, settings: TrainOptions) -> Choice:
    """Return `choice` with a batch that fits into memory, and a note on it."""
    most = max(2, planned.batch_within(_BATCH_VALUES))
    if settings.batch is not None or choice.recipe.batch <= most:
        return choice
    note = f"{counted(most, 'image')} per step: more would not fit into memory; --batch changes it"
    return Choice(recipe=dataclasses.replace(choice.recipe, batch=most), notes=(*choice.notes, note))


def _choose_epochs(data: TrainingData, settings: TrainOptions, augmentation: Augmentation) -> int:
    height, width, channels = data.images.shape[1:]
    side, images = min(height, width), len(data.training)
    count = default_epochs(
        images,
        flip=augmentation.flip,
        gray=channels == 1 and side <= MIDDLE,
        recipe=settings.recipe,
        wide=settings.layout is None and takes_wide(height=height, width=width, channels=channels, images=images),
    )
    return math.ceil(count / 3) if side <= SMALL else count  # few pixels have less to learn


def default_epochs(
    images: int, *, flip: bool, gray: bool = True, recipe: Effort = "balanced", wide: bool = False
) -> int:
    """Return the number of epochs: few for many images, many for few; more where each has a flipped image.

    `gray`: they are gray, and at most 40 pixels high or wide. `wide`: there is a wider network for best.

    Examples:
        >>> [default_epochs(60_000, flip=False, recipe=name) for name in ("quick", "balanced", "best")]
        [1, 2, 5]
        >>> default_epochs(60_000, flip=True), default_epochs(50_000, flip=True, gray=False)
        (9, 10)
        >>> [default_epochs(50_000, flip=True, gray=False, recipe="best", wide=wide) for wide in (False, True)]
        [29, 14]
        >>> default_epochs(500, flip=False)
        24
    """
    kind, shown = "small gray" if gray else "others", "flipped" if flip else "as they are"
    others = _EPOCHS[kind, shown, recipe]
    visits, fewest, most = _EPOCHS.get(("wide", shown, recipe), others) if wide else others
    return int(np.clip(round(visits / max(1, images)), fewest, most))


_EPOCHS = {  # images × epochs; the fewest epochs and the most
    ("small gray", "as they are", "quick"): (30_000, 1, 5),
    ("small gray", "as they are", "balanced"): (150_000, 2, 24),
    ("small gray", "as they are", "best"): (300_000, 5, 48),
    ("small gray", "flipped", "quick"): (72_000, 1, 10),
    ("small gray", "flipped", "balanced"): (540_000, 9, 48),
    ("small gray", "flipped", "best"): (720_000, 12, 96),
    ("others", "as they are", "quick"): (48_000, 1, 5),
    ("others", "as they are", "balanced"): (240_000, 4, 24),
    ("others", "as they are", "best"): (480_000, 8, 48),
    ("others", "flipped", "quick"): (144_000, 2, 10),
    ("others", "flipped", "balanced"): (500_000, 10, 48),
    ("others", "flipped", "best"): (1_440_000, 24, 96),
    ("wide", "flipped", "best"): (700_000, 14, 96),  # it learns more in each
}


def default_batch(images: int) -> int:
    """Return the batch size: at least about 20 steps an epoch, 32 to 256 images each.

    Examples:
        >>> default_batch(60_000), default_batch(1_437), default_batch(20)
        (256, 64, 32)
    """
    return int(np.clip(2 ** round(np.log2(max(1, images) / 20)), 32, 256))


def _choose_augmentation(data: TrainingData, settings: TrainOptions) -> tuple[Augmentation, tuple[str, ...]]:
    height, width = data.images.shape[1:3]
    names = ("shift", "rotate", "scale", "erase")
    given: dict[str, Any] = {name: getattr(settings, name) for name in names if getattr(settings, name) is not None}
    flip, reason = choose_flip(data, settings)
    centered = flip and data.images.shape[3] == 1
    if centered and settings.recipe == "quick" and settings.flip is None:
        flip, reason = False, "recipe quick trains too briefly for flips; use --flip or --recipe balanced"
    hurried = settings.recipe == "quick" and data.images.shape[3] == 1  # one epoch is short
    shift = round((_SMALL_SHIFT if centered or hurried else _SHIFT) * min(height, width))
    augmentation = dataclasses.replace(Augmentation(shift=shift), flip=flip, **given)
    return augmentation, (f"augmentation: {augmentation}; horizontal flip {'on' if flip else 'off'} ({reason})",)


def choose_flip(data: TrainingData, settings: TrainOptions) -> tuple[bool, str]:
    """Return whether horizontal flips keep the class of these images, and why."""
    if settings.flip is not None:
        return settings.flip, "--flip" if settings.flip else "--no-flip"
    if data.flippable is not None:
        return data.flippable, f"known for {data.name}; --flip or --no-flip changes it"
    labels = torch.full_like(data.labels, -1)  # images of other splits belong to no class here
    labels[data.training] = data.labels[data.training]
    symmetry = detect_symmetry(data.images.numpy(), labels.numpy(), data.class_names)
    return symmetry.flip, f"{symmetry.reason}; --flip or --no-flip changes it"
