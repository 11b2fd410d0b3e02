"""What every kind has the same of: passes over the images, or seconds."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from convscope.core.errors import ParameterError
from convscope.training.choices import default_batch
from convscope.training.loop import steps_of
from convscope.training.recipe import Recipe

_MOST_TIMES = 8  # as many passes over few images as over all


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Passes over all training images, or seconds; exactly one of them.

    Raises:
        ParameterError: both are given, or neither, or one is out of range.
    """

    epochs: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is none."""
        if (self.epochs is None) == (self.seconds is None):
            raise ParameterError("Only one of `epochs` and `seconds` can be given. Leave one out.")
        if self.epochs is not None and not 1 <= self.epochs <= 10_000:
            raise ParameterError(f"`epochs` must be a whole number from 1 to 10,000. Got {self.epochs}.")
        if self.seconds is not None and not 1 <= self.seconds <= 1_000_000:
            raise ParameterError(f"`seconds` must be from 1 to 1,000,000. Got {self.seconds:g}.")

    @property
    def kind(self) -> Literal["epochs", "seconds"]:
        """What is the same."""
        return "seconds" if self.epochs is None else "epochs"

    @property
    def amount(self) -> float:
        """How much of it."""
        return float(self.seconds or self.epochs or 0)

    @property
    def minutes(self) -> float | None:
        """The time as training takes it; None where passes are counted."""
        return None if self.seconds is None else self.seconds / 60

    def recipe(self, base: Recipe, count: int, total: int) -> Recipe:
        """Return the recipe for `count` of `total` training images.

        As many images are seen as with all of them, but none more than eight times as often: with few images a
        training takes as many steps as it can use.

        Examples:
            >>> base = Recipe(epochs=1, batch=256)
            >>> parts = [Budget(epochs=2).recipe(base, count, 10_000) for count in (10_000, 3_000, 100)]
            >>> [(part.epochs, part.batch) for part in parts]
            [(2, 256), (7, 128), (16, 32)]
        """
        epochs = self.epochs or base.epochs
        if count < total:
            epochs = min(_MOST_TIMES * epochs, round(epochs * total / count))
        return dataclasses.replace(base, epochs=epochs, batch=min(base.batch, default_batch(count)))

    def reckoned_s(self, recipe: Recipe, count: int, step_s: float) -> float:
        """Return how long a training on `count` images takes, from the seconds of a step of `recipe`."""
        if self.seconds is not None:
            return self.seconds
        return steps_of(recipe, count) * step_s
