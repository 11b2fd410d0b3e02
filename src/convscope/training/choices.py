"""What convscope chooses for a set when the user does not: the recipe, and the sentences that say so."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.core.machine import machine
from convscope.images.augmentation import Augmentation
from convscope.images.image_set import ImageSet
from convscope.images.sources import TRAIN
from convscope.images.symmetry import judge_symmetry

from .recipe import Precision, Recipe
from .settings import Settings

_VISITS = 480_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 8, 60


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A recipe, and what the user should know of how it came about."""

    recipe: Recipe
    notes: tuple[str, ...]


def choose_recipe(images: ImageSet, settings: Settings) -> Choice:
    """Return the recipe for `images`; what `settings` says goes before what convscope would choose."""
    count = len(images.indices(TRAIN))
    epochs = settings.epochs or default_epochs(count)
    augmentation, notes = _choose_augmentation(images, settings)
    given = {
        "batch": settings.batch or default_batch(count),
        "learning_rate": settings.learning_rate,
        "smoothing": settings.smoothing,
    }
    known = {name: value for name, value in given.items() if value is not None}
    recipe = Recipe(
        epochs=epochs,
        augmentation=augmentation,
        balance=settings.balance,
        precision=choose_precision(settings.precision),
        **known,
    )
    return Choice(recipe=recipe, notes=notes)


def default_epochs(pictures: int) -> int:
    """Return the number of epochs: few for many pictures, many for few."""
    return int(np.clip(round(_VISITS / max(1, pictures)), _FEWEST_EPOCHS, _MOST_EPOCHS))


def default_batch(pictures: int) -> int:
    """Return pictures a step: at least about 40 steps an epoch, 32 to 256 pictures each.

    Examples:
        >>> default_batch(60_000), default_batch(1_437), default_batch(20)
        (256, 32, 32)
    """
    return int(np.clip(2 ** round(np.log2(max(1, pictures) / 40)), 32, 256))


def choose_precision(asked: str) -> Precision:
    """Return bfloat16 where the processor multiplies it natively, else float32, unless asked for one of them."""
    if asked == "auto":
        return "bfloat16" if machine().bfloat16 else "float32"
    return "bfloat16" if asked == "bfloat16" else "float32"


def _choose_augmentation(images: ImageSet, settings: Settings) -> tuple[Augmentation, tuple[str, ...]]:
    shape = images.images.shape
    defaults = Augmentation(shift=max(0, round(0.07 * min(shape[1], shape[2]))))
    names = ("shift", "rotate", "scale", "erase")
    given: dict[str, Any] = {name: getattr(settings, name) for name in names if getattr(settings, name) is not None}
    flip, reason = _choose_flip(images, settings)
    augmentation = dataclasses.replace(defaults, flip=flip, **given)
    note = f"changes while training: {augmentation}; {'flips' if flip else 'no flips'}: {reason}"
    return augmentation, (note,)


def _choose_flip(images: ImageSet, settings: Settings) -> tuple[bool, str]:
    if settings.flip is not None:
        return settings.flip, "asked for"
    if images.mirror is not None:
        return images.mirror, f"known of {images.name}"
    places = images.indices(TRAIN)
    places = places[:: max(1, len(places) // 20_000)]
    symmetry = judge_symmetry(images.images[places], images.labels[places], images.classes)
    return symmetry.flip, f"{symmetry.reason}; --flip or --no-flip changes it"
