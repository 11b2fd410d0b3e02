"""How far attributions can be trusted, as a record that pages and figures read."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from convscope.core.records import DIGITS
from convscope.core.statistics import mean_half_width

_SHORT = {DIGITS: 4}
EDGES, RANDOM = "edges", "random"
"""Names of the baselines: the magnitude of Sobel's filter, and a random order of the pixels."""


@dataclass(frozen=True, kw_only=True)
class Average:
    """A mean over images, and half the width of its 95 % confidence interval (Student's t)."""

    mean: float
    half: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Average":
        """Return the average of `values`; of a single one, the interval is everything that there can be.

        Examples:
            >>> f"{Average.of([0.2, 0.3, 0.4]).half:.3f}", Average.of([0.2]).half
            ('0.248', 1.0)
        """
        half = mean_half_width(values) if len(values) > 1 else 1.0
        return cls(mean=statistics.fmean(values), half=half)

    def compared_with(self, other: str) -> str:
        """Return how something compares with `other`, of the difference to which this is the average.

        Examples:
            >>> [Average(mean=mean, half=0.1).compared_with("chance") for mean in (0.2, 0.1, -0.2)]
            ['better than chance', 'not significantly better than chance', 'worse than chance']
        """
        word = "better" if self.mean > self.half else "worse" if self.mean < -self.half else "not significantly better"
        return f"{word} than {other}"


@dataclass(frozen=True, kw_only=True)
class RandomizedLayer:
    """How like the maps of the trained network are to those with random weights from the last layer to this one.

    Attributes:
        layer: its name.
        correlation: of the ranks of the pixels (Spearman): 1 where the weights make no difference.
    """

    layer: str
    correlation: Average


@dataclass(frozen=True, kw_only=True)
class OrderFaithfulness:
    """What happens to the probability of the predicted class as pixels go or come in the order of a map.

    Attributes:
        name: of the method, or of a baseline.
        deleted: mean probability as ever more pixels, the highest first, become the mean of the training images.
        inserted: the same, as they come back into the blurred image.
        deletion: area under the curve `deleted`: small where the first pixels matter.
        insertion: area under the curve `inserted`: large where they do.
        gain: insertion − deletion, less the same of the edge filter on the same image; None of the edge filter.
        randomized: the maps with random weights.
    """

    name: str
    deleted: tuple[float, ...]
    inserted: tuple[float, ...]
    deletion: Average
    insertion: Average
    gain: Average | None = None
    randomized: tuple[RandomizedLayer, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NearestFaithfulness:
    """On how many images the nearest training images have, by majority, the class that the network predicts.

    Attributes:
        count: neighbors of each image.
        training_images: among how many they are.
        agree: fraction of images, by the features.
        agree_in_pixels: by the pixels, of large images by the means of 32 × 32 parts.
        gain: the first less the second, on the same images.
    """

    count: int
    training_images: int
    agree: float
    agree_in_pixels: float
    gain: Average


@dataclass(frozen=True, kw_only=True)
class Faithfulness:
    """How far the attributions of a network can be trusted.

    Attributes:
        layout: of the network.
        data, split: where the images are from.
        images: how many.
        randomized_images: of how many of them the maps were computed again with random weights; None if unknown.
        seed: of the choice of images, the random order and the random weights.
        patch: side of the patches of occlusion, in pixels.
        fractions: of the pixels that are gone or back, at the points of the curves.
        orders: methods, then the baselines.
        nearest: of the nearest training images; None where it was not measured.
    """

    layout: str
    data: str
    split: str
    images: int
    seed: int
    patch: int
    fractions: tuple[float, ...]
    orders: tuple[OrderFaithfulness, ...] = field(metadata=_SHORT)
    nearest: NearestFaithfulness | None = field(default=None, metadata=_SHORT)
    randomized_images: int | None = None
