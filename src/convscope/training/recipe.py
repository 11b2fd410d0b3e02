"""The recipe: every number of a training, chosen for the dataset unless the user says otherwise."""

import math
from dataclasses import dataclass, field
from typing import get_args

from convscope.core.errors import ParameterError, choose
from convscope.core.numeric import is_integer, is_number
from convscope.core.precision import Precision
from convscope.images.augmentation import Augmentation
from convscope.layers.patch_learning import WAYS


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: epochs.
        batch: images per step, at most (one more where an image would be left alone).
        learning_rate: the highest; it is reached after `warmup` of the way, then falls in a straight line to zero. None
            takes what the number of steps asks for, see `highest_rate`.
        weight_decay: decoupled (Loshchilov & Hutter 2019); not on normalization, biases, and
            normalized weights that Muon learns.
        warmup: fraction of the training, 0…1, during which the learning rate rises.
        smoothing: label smoothing, 0…1 (Szegedy et al. 2016); of softmax, margins have none.
        averaging: horizon of the running mean of the weights, as a fraction of the training done; 0 for none.
        augmentation: how images are changed each time they are seen.
        progressive_resizing: fraction of the training, 0…1, at its start, that sees images at two thirds of their size,
            see `convscope.training.progressive_resizing`.
        balance: weights classes by the inverse of their number of images.
        precision: of convolutions and products; weights and sums stay float32.
        pretrain: how the first convolutions are pretrained without labels, one name of
            `convscope.layers.patch_learning.WAYS` each, from the image upward; empty for random ones.
        freeze: keeps these weights fixed, which shows how good they are by themselves; otherwise training starts from
            them.
        first_layer: learning rate of the first layer over that of the last, where a start is fine-tuned.
    """

    epochs: int
    batch: int = 256
    learning_rate: float | None = None
    weight_decay: float = 0.05
    warmup: float = 0.2
    smoothing: float = 0.05
    averaging: float = 0.1
    augmentation: Augmentation = field(default_factory=Augmentation)
    progressive_resizing: float = 0.0
    balance: bool = False
    precision: Precision = "float32"
    pretrain: tuple[str, ...] = ()
    freeze: bool = False
    first_layer: float = 1.0

    def __post_init__(self) -> None:
        """Validate the ranges."""
        ranges: dict[str, tuple[float, float]] = {
            "epochs": (1, 1_000_000),
            "batch": (2, 65_536),
            "learning_rate": (1e-9, 1_000),
            "weight_decay": (0, 100),
            "warmup": (0, 0.99),
            "smoothing": (0, 0.99),
            "averaging": (0, 1),
            "progressive_resizing": (0, 1),
            "first_layer": (1e-6, 1),
        }
        for name, (low, high) in ranges.items():
            value, whole = getattr(self, name), name in ("epochs", "batch")
            if name == "learning_rate" and value is None:
                continue
            if not (is_integer(value) if whole else is_number(value)) or not low <= value <= high:
                kind = "a whole number" if whole else "a number"
                raise ParameterError(f"`{name}` must be {kind} from {low:,} to {high:,}. Got {value!r}.")
        choose("precision", self.precision, get_args(Precision))
        for name in self.pretrain:
            choose("pretrain", name, WAYS)
        if self.freeze and not self.pretrain:
            raise ParameterError(
                "`freeze` needs pretrained weights. Got no `pretrain`. Name a way, for example kmeans."
            )

    def highest_rate(self, steps: float) -> float:
        """Return the highest learning rate of a training of `steps` steps.

        Unless one was asked for, it is 0.003 up to 300 steps, and in longer trainings smaller by the root of their
        length: the noise of single steps then adds up to as much as it does in short ones.

        Examples:
            >>> [round(Recipe(epochs=9).highest_rate(steps), 5) for steps in (100, 300, 1_200)]
            [0.003, 0.003, 0.0015]
            >>> Recipe(epochs=9, learning_rate=0.01).highest_rate(1_200)
            0.01
        """
        if self.learning_rate is not None:
            return self.learning_rate
        return _RATE * min(1.0, math.sqrt(_SHORT / steps))


_RATE = 3e-3
_SHORT = 300  # steps
