"""The images that every kind is evaluated on, as they are and distorted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.images.preprocessing import Preprocessing
from convscope.measures.distortions.family import DISTORTIONS, Distortion, distort

from .by_image import ByImage, by_image, digits_of
from .records import Disturbed

Images = NDArray[np.uint8]
Answers = Callable[[Images], NDArray[np.int64]]
_SHIFTS = (0.035, 0.07, 0.145, 0.215, 0.3)  # parts of the shorter side
STRENGTHS: dict[str, tuple[float, ...]] = {
    "shift-x": tuple(sorted([*(-part for part in _SHIFTS), *_SHIFTS])),
    "shift-y": tuple(sorted([*(-part for part in _SHIFTS), *_SHIFTS])),
    "rotation": (-60, -45, -30, -20, -10, 10, 20, 30, 45, 60),
    "scale": (-0.5, -0.35, -0.2, -0.1, 0.1, 0.25, 0.5, 1.0),
    "elastic": (0.02, 0.04, 0.08, 0.125),
    "noise": (0.05, 0.1, 0.2, 0.4),
}
"""What is measured: shifted, turned, scaled, bent and noisy; strengths in pixels as parts of the shorter side."""

_KEPT_BYTES = 1 << 28
_AT_ONCE = 250


@dataclass(frozen=True, kw_only=True)
class DistortedResult:
    """Answers on the images that are distorted, as they are and distorted; the fields are those of `Trial`."""

    undisturbed: int = 0
    disturbed: tuple[Disturbed, ...] = ()
    undistorted: str = ""
    by_image: tuple[ByImage, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Exam:
    """Images that a kind is evaluated on.

    Attributes:
        images: uint8 N H W C, of the whole set; may be mapped from a file.
        labels: int64 N.
        places: of those that are evaluated.
        disturbed: of those among them that are distorted, too; may be empty.
        preprocessing: says what comes in at the edge.
        seed: of what is random in distortions.
        kept: distorted images that are used again, in batches, as memory allows.
    """

    images: Images
    labels: NDArray[np.int64]
    places: NDArray[np.int64]
    disturbed: NDArray[np.int64]
    preprocessing: Preprocessing
    seed: int
    kept: dict[tuple[str, float], tuple[Images, ...]] = field(default_factory=dict)

    def strengths(self) -> Mapping[Distortion, tuple[float, ...]]:
        """Return what is measured on images of this size."""
        side = min(self.images.shape[1:3])
        return {DISTORTIONS[name]: _strengths(DISTORTIONS[name], side) for name in STRENGTHS}

    @property
    def answers_wanted(self) -> int:
        """Number of distorted images in all."""
        return len(self.disturbed) * sum(map(len, self.strengths().values()))

    def right(self, answers: Answers) -> NDArray[np.bool_]:
        """Return which of the evaluated images are recognized: bool N."""
        right: NDArray[np.bool_] = self._answers(answers, self.places) == self.labels[self.places]
        return right

    def evaluate_distorted(self, answers: Answers) -> DistortedResult:
        """Return which of the images to distort are recognized as they are, and the answers to each distortion."""
        if not len(self.disturbed):
            return DistortedResult()
        labels, before = self.labels[self.disturbed], self._answers(answers, self.disturbed)
        found, counts = [], []
        for distortion, strengths in self.strengths().items():
            right = []
            for strength in strengths:
                now = np.concatenate([answers(some) for some in self._distorted(distortion, strength)])
                right.append(now == labels)
                found.append(
                    Disturbed(
                        distortion=distortion.name,
                        unit=distortion.unit,
                        strength=strength,
                        images=len(labels),
                        right=int(right[-1].sum()),
                        same=int((now == before).sum()),
                    )
                )
            counts.append(by_image(distortion.name, right))
        return DistortedResult(
            undisturbed=int((before == labels).sum()),
            disturbed=tuple(found),
            undistorted=digits_of(before == labels),
            by_image=tuple(counts),
        )

    def _answers(self, answers: Answers, places: NDArray[np.int64]) -> NDArray[np.int64]:
        parts = [answers(np.asarray(self.images[some])) for some in _batches(places)]
        return np.concatenate(parts)

    def _distorted(self, distortion: Distortion, strength: float) -> Iterator[Images]:
        """Give the images in batches, distorted and rounded to what a file of an image can hold."""
        if (key := (distortion.name, strength)) in self.kept:
            yield from self.kept[key]
            return
        size = len(self.disturbed) * self.images[:1].nbytes
        room = sum(one.nbytes for batches in self.kept.values() for one in batches) + size <= _KEPT_BYTES
        color = self.preprocessing.background
        background = tuple(map(float, color)) if self.preprocessing.channels == 3 else (float(color[0]),)
        parts, first = [], 0
        for some in _batches(self.disturbed):
            pixels = torch.from_numpy(np.array(self.images[some])).permute(0, 3, 1, 2).float()  # N H W C -> N C H W
            moved = distort(pixels, distortion, strength, background=background, seed=self.seed, first=first)
            batch = moved.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
            first += len(some)
            if room:
                parts.append(batch)
            yield batch
        if room:
            self.kept[key] = tuple(parts)


def _strengths(distortion: Distortion, side: int) -> tuple[float, ...]:
    """Return the strengths for images with this shorter side; those in pixels are whole or halves."""
    values = STRENGTHS[distortion.name]
    if distortion.unit != "px":
        return values
    return tuple(sorted({round(2 * part * side) / 2 for part in values} - {0.0}))


def _batches(places: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(places), _AT_ONCE):
        yield places[start : start + _AT_ONCE]
