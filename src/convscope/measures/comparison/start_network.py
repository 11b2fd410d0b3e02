"""A trained network that variants of a comparison start from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from convscope.networks.model import Model

StartMode = Literal["frozen", "fine-tuned", "random"]


@dataclass(frozen=True, kw_only=True, eq=False)
class StartNetwork:
    """A trained network for the images of a comparison.

    Attributes:
        name: as the user wrote it.
        model: the network, with the preprocessing of the images.
        digest: of layers and weights.
        most_images: of a training step, for its memory.
        flip: whether flipped images are learned from, too.
        cache_dir: the cache folder, for features; None for the usual one.
    """

    name: str
    model: Model
    digest: str
    most_images: int
    flip: bool
    cache_dir: Path | None
