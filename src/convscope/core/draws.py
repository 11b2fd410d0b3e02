"""Random numbers for the images of a batch, of which a process may take a share."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Random numbers, one row per image; an image gets the same whoever else has a share of the batch.

    Attributes:
        generator: source of randomness; torch's own if None.
        before, after: images of the batch before and after those that numbers are drawn for.
    """

    generator: torch.Generator | None = None
    before: int = 0
    after: int = 0

    def uniform(self, images: int, *shape: int) -> Tensor:
        """Return numbers from 0 to 1: float32, images × shape, in the order of the images."""
        drawn = torch.rand(self.before + images + self.after, *shape, generator=self.generator)
        return drawn[self.before : self.before + images]

    def integers(self, images: int, low: int, high: int) -> Tensor:
        """Return whole numbers from `low` to `high - 1`: int64, images × 1."""
        drawn = torch.randint(low, high, (self.before + images + self.after, 1), generator=self.generator)
        return drawn[self.before : self.before + images]
