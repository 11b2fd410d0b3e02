"""The options of a training: all that `--resume` needs to continue it."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from convscope.core.errors import ParameterError, choose
from convscope.core.numeric import at_least
from convscope.core.precision import PrecisionChoice
from convscope.images.sizes import size_as_text
from convscope.images.splits import check_fraction
from convscope.images.values import parse_value_range, value_range_as_text
from convscope.networks.defaults import Effort

Fit = Literal["letterbox", "stretch", "crop"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of ``convscope train``; None leaves the choice to convscope. Numbers of NumPy are made plain ones.

    Attributes:
        data: folder, list, file or name of a set.
        data_dir: the folder searched first for named datasets.
        class_depth: how many levels of folders name a class, of a folder.
        layout: the network as text.
        recipe: the trade-off between time and accuracy where layout and epochs are chosen by convscope.
        epochs, minutes: how long; at most one of them.
        target_accuracy: stop at this accuracy (0…1) on images held out.
        seed: of everything random.
        size: ``64`` or ``64x48`` (width x height), in pixels; of numbers (64, or 64 and 48) it is made here.
        fit, background: how images of other shapes are fitted.
        channels: 1 turns colour into gray, 3 gives gray images three equal channels.
        value_range: which values of the files are black and white, ``LOW,HIGH``, for all of them; ``each`` stretches
            every image by itself; chosen from the images by default.
        validation: fraction of the training images for validation.
        batch, learning_rate, smoothing: of the recipe.
        flip, shift, rotate, scale, erase: augmentation.
        progressive_resizing: part of the training, from its start, that sees images at two thirds of their size.
        balance: weight classes by the inverse of their number of images.
        pretrain: how the first convolutions are pretrained without labels:
            ``kmeans``, or ``kmeans,rica`` for two, the second on the maps of the first.
        freeze: keeps them fixed; otherwise training with labels starts from them.
        threads, precision: of the machine.
    """

    data: str = "digits"
    data_dir: str | None = None
    class_depth: int | None = None
    layout: str | None = None
    recipe: Effort = "balanced"
    epochs: int | None = None
    minutes: float | None = None
    target_accuracy: float | None = None
    seed: int = 0
    size: str | None = None
    fit: Fit = "letterbox"
    background: str = "auto"
    channels: int | None = None
    value_range: str | None = None
    validation: float | None = None
    batch: int | None = None
    learning_rate: float | None = None
    smoothing: float | None = None
    flip: bool | None = None
    shift: int | None = None
    rotate: float | None = None
    scale: float | None = None
    erase: float | None = None
    progressive_resizing: float | None = None
    balance: bool = False
    pretrain: str | None = None
    freeze: bool = False
    threads: int | None = None
    precision: PrecisionChoice = "auto"

    def __post_init__(self) -> None:
        """Validate the options."""
        for name, value in vars(self).items():
            if isinstance(value, np.generic):
                object.__setattr__(self, name, value.item())
        if self.size is not None:
            object.__setattr__(self, "size", size_as_text(self.size))
        if self.value_range is not None:
            object.__setattr__(self, "value_range", value_range_as_text(self.value_range))
            parse_value_range(self.value_range)
        choose("fit", self.fit, get_args(Fit))
        choose("precision", self.precision, get_args(PrecisionChoice))
        choose("recipe", self.recipe, get_args(Effort))
        if self.epochs is not None and self.minutes is not None:
            raise ParameterError("Only one of `epochs` and `minutes` can be given. Leave one out.")
        if self.minutes is not None and not 0 < self.minutes <= 100_000:
            raise ParameterError(f"`minutes` must be above 0 and at most 100,000. Got {self.minutes}.")
        if self.target_accuracy is not None and not 0 < self.target_accuracy <= 1:
            raise ParameterError(
                f"`target_accuracy` must be an accuracy above 0 and at most 1. Got {self.target_accuracy}. Write 0.99 "
                "for 99 %."
            )
        check_fraction(self.validation)
        if self.class_depth is not None:
            at_least(1, "class_depth", self.class_depth)
        if self.channels not in (None, 1, 3):
            raise ParameterError(f"`channels` must be 1 (gray) or 3 (colour). Got {self.channels!r}.")
        if self.threads is not None and not 1 <= self.threads <= 1_024:
            raise ParameterError(f"`threads` must be from 1 to 1,024. Got {self.threads}.")
        if not 0 <= self.seed < 2**31:
            raise ParameterError(f"`seed` must be from 0 to 2147483647. Got {self.seed}.")
