"""Prediction from an image and its flipped image: a second look, for a second time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from convscope.images.preprocessing import Preprocessing

from .finite import check_probabilities

if TYPE_CHECKING:
    from .model import Model


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FlipTTA:
    """Predicts as `model` does, with the means of the probabilities of each image and of its flipped image.

    It can do nothing else: what is shown, measured or saved is the model, which looks at images as they are.

    Attributes:
        model: predicts each side.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> from convscope.networks.model import Model
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, layout=network.layout, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> images = np.tile(np.arange(8, dtype=np.uint8), (1, 8, 1))[..., None]
        >>> both, flipped = FlipTTA(model=model), images[:, :, ::-1]
        >>> bool((both.predict_proba(images) == both.predict_proba(flipped)).all())
        True
    """

    model: "Model"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.model.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes the network's input."""
        return self.model.preprocessing

    @property
    def batch(self) -> int:
        """Images at once unless said."""
        return self.model.batch

    def predict_proba(self, images: NDArray[np.uint8], *, batch: int | None = None) -> NDArray[np.float32]:
        """Return the probability of every class, float32 N K, as `Model.predict_proba` does; in twice the time."""
        result = self.rows_of_proba(images, batch=batch)
        check_probabilities(result)
        return result

    def rows_of_proba(self, images: NDArray[np.uint8], *, batch: int | None = None) -> NDArray[np.float32]:
        """Return the same, with a row of NaN for an image where either side has no number."""
        found = self.model.rows_of_proba(images, batch=batch)
        flipped = np.flip(images, axis=2).copy()  # N H W C, or N H W
        return (found + self.model.rows_of_proba(flipped, batch=batch)) * np.float32(0.5)
