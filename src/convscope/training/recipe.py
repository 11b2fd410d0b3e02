"""The recipe: every number that training needs, chosen from the set unless the user says otherwise."""

from dataclasses import dataclass, field
from typing import Literal

from convscope.core.errors import ParameterError
from convscope.images.augmentation import Augmentation

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training pictures.
        batch: pictures a step, at most.
        learning_rate: the highest; it is reached after `warmup` of the way, then falls in a straight line to zero.
        weight_decay: decoupled (Loshchilov & Hutter 2019); on weights, not on normalization and biases.
        warmup: part of the way, 0…1, during which the learning rate rises.
        smoothing: label smoothing, 0…1 (Szegedy et al. 2016).
        averaging: horizon of the running mean of the weights, as a part of the way done; 0 for none.
        augmentation: how pictures are changed each time they are seen.
        balance: weight classes by the inverse of their number of pictures.
        precision: of convolutions and products; weights and sums stay float32.
    """

    epochs: int
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warmup: float = 0.2
    smoothing: float = 0.05
    averaging: float = 0.1
    augmentation: Augmentation = field(default_factory=Augmentation)
    balance: bool = False
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse numbers that no training can have."""
        ranges: dict[str, tuple[float, float]] = {
            "epochs": (1, 1_000_000),
            "batch": (1, 65_536),
            "learning_rate": (1e-9, 1_000),
            "weight_decay": (0, 100),
            "warmup": (0, 0.99),
            "smoothing": (0, 0.99),
            "averaging": (0, 1),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ParameterError(f"`{name}` must be from {low:,} to {high:,}. Got {getattr(self, name)}.")
