"""The numbers that are stored for each position: a probability per class, or the best class with its probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError, choose
from convscope.core.text import counted

DTYPES = ("uint8", "uint16", "float16", "float32")


@dataclass(frozen=True, kw_only=True)
class Bands:
    """What a position stores.

    Attributes:
        classes: of the model, in the order of its logits.
        chosen: those that have a band; all classes of the model by default.
        best: two bands in place of one a class: the number of the most probable class, and its probability.
        dtype: of a band; integers stand for 0…1 in equal steps.
        stability: one more band: the share of the shifts around a position that name the same class.

    Raises:
        ParameterError: a class is unknown, or the type has no room for the number of the class.

    Examples:
        >>> bands = Bands(classes=("cat", "dog"), chosen=("dog",))
        >>> bands.encode(np.array([[[0.25, 0.75]]], np.float32)).tolist(), bands.step
        ([[[191]]], 0.00392156862745098)
    """

    classes: tuple[str, ...]
    chosen: tuple[str, ...] = ()
    best: bool = False
    dtype: str = "uint8"
    stability: bool = False

    def __post_init__(self) -> None:
        """Validate names and type."""
        choose("dtype", self.dtype, DTYPES)
        for name in self.chosen:
            choose("classes", name, self.classes)
        if self.best and self.dtype == "uint8" and len(self.classes) > 256:
            many = counted(len(self.classes), "class", "classes")
            raise ParameterError(f"`dtype` must be uint16 or float32 for the numbers of {many}. Got {self.dtype}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the bands."""
        own = ("class", "probability") if self.best else self.chosen or self.classes
        return (*own, "stability") if self.stability else own

    @property
    def step(self) -> float:
        """Distance between two probabilities that can be stored; 0 for floats, which have digits."""
        return 0.0 if self.dtype.startswith("float") else 1 / float(np.iinfo(self.dtype).max)

    @property
    def numbers(self) -> list[int]:
        """The indices of the chosen classes, from 0."""
        return [self.classes.index(name) for name in self.chosen or self.classes]

    def encode(
        self, probabilities: NDArray[np.float32], stability: NDArray[np.float32] | None = None
    ) -> NDArray[np.generic]:
        """Return rows × columns × bands from rows × columns × classes, and from the stability, rows × columns."""
        more = [] if stability is None else [self._stored(stability[..., None])]
        if not self.best:
            return np.concatenate([self._stored(probabilities[..., self.numbers]), *more], axis=-1)
        best = probabilities.argmax(axis=-1)
        own = np.take_along_axis(probabilities, best[..., None], axis=-1)
        return np.concatenate([best[..., None].astype(self.dtype), self._stored(own), *more], axis=-1)

    def _stored(self, values: NDArray[np.float32]) -> NDArray[np.generic]:
        if not self.step:
            plain: NDArray[np.generic] = values.astype(self.dtype)
            return plain
        levels: NDArray[np.generic] = np.rint(values / np.float32(self.step)).astype(self.dtype)
        return levels

    def probabilities(self, stored: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the probability of every class of the model from what is stored; 0 where it is not stored."""
        result = np.zeros((*stored.shape[:2], len(self.classes)), np.float32)
        scale = np.float32(self.step or 1.0)
        if self.best:
            own = stored[..., 1:2].astype(np.float32) * scale
            np.put_along_axis(result, stored[..., :1].astype(np.int64), own, axis=-1)
        else:
            result[..., self.numbers] = stored[..., : len(self.numbers)].astype(np.float32) * scale
        return result
