"""The interface of feature extractors: a shape, a name for each value, and features of images in batches."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Extractor(ABC):
    """Makes features of images of one size."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of the features of one image: values, or maps × rows × columns."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """A name for each value, in order."""

    @abstractmethod
    def identity(self) -> str:
        """Return a text that identifies the features: it changes whenever they do."""

    @abstractmethod
    def batch(self) -> int:
        """Return the default batch size."""

    @abstractmethod
    def of(self, images: NDArray[np.uint8], *, batch: int | None = None) -> Iterator[Vectors]:
        """Give the features of images, uint8 N H W C, batch after batch: float32 n × `shape`."""
