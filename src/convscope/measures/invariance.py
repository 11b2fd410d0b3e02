"""How a network takes distorted images: its answers, and the maps of every layer of every stage."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import DataError
from convscope.core.progress import Reporter, Silent
from convscope.features.trace import each_layer
from convscope.networks.build import Network
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor, evaluating

from .distortions.family import Distortion, distort, share_that_left, with_margin
from .invariance_record import Curve, Invariance, Point
from .movement import Distance, Moved, Variation, by_place, with_edge

_COPIES = 6  # of all maps: before, with an edge, moved, after, and in double precision


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationImages:
    """Images with their classes.

    Attributes:
        images: uint8 N H W C of the network's size; may be mapped from a file.
        labels: int64 N.
        places: which of them are used, int64.
        name: of the set.
        part: of the set: ``test``, ``validation``, …
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    places: NDArray[np.int64]
    name: str = ""
    part: str = ""


def measure_invariance(
    model: Model,
    evaluated: EvaluationImages,
    strengths: Mapping[Distortion, Sequence[float]],
    *,
    margin_px: int = 0,
    seed: int = 0,
    batch: int | None = None,
    reporter: Reporter | None = None,
) -> Invariance:
    """Return how the answers and maps of `model` change with every strength of every distortion.

    The images are gone through twice, batch after batch: memory does not grow with their number. The result does not
    depend on the batch, but for rounding.

    Args:
        model: the network.
        evaluated: the images; at least two.
        strengths: by distortion.
        margin_px: background around the images, which are made smaller for it.
        seed: of what is random.
        batch: images at once; as memory allows if none.
        reporter: told how far it is; nobody if none.

    Raises:
        DataError: there are fewer than two images.
        ParameterError: a strength, the margin or the batch is out of range.
    """
    if len(evaluated.places) < 2:
        raise DataError(
            f"There must be at least 2 images to measure on. Got {len(evaluated.places)}: one alone does not tell how "
            "much maps differ between images."
        )
    for distortion, values in strengths.items():
        for strength in values:
            distortion.check(strength)
    size = fitting_batch(
        model.network.plan, min(model.batch, 64) if batch is None else check_batch(batch), copies=_COPIES
    )
    work = _Work(model, evaluated, margin_px, size)
    tallies = [
        _Tally(model.network, distortion, strength) for distortion, all_ in strengths.items() for strength in all_
    ]
    variations = [Variation() for _ in model.network.plan.layers]
    with (
        evaluating(model.network),
        torch.inference_mode(),
        (reporter or Silent()).task("distorting", len(evaluated.places), "images") as task,
    ):
        empty = work.maps_of_nothing()
        done = correct = 0
        for images, labels in work.batches():
            before = work.maps(images)
            for variation, maps in zip(variations, before, strict=True):
                variation.add(maps)
            correct += int((before[-1][0].argmax(1) == labels).sum())
            before = [with_edge(maps, nothing) for maps, nothing in zip(before, empty, strict=True)]
            for tally in tallies:
                changed = distort(
                    images, tally.distortion, tally.strength, background=work.background, seed=seed, first=done
                )
                left = share_that_left(images, changed, work.background) if tally.distortion.motion else 0.0
                tally.add(before, work.maps(changed), labels, left)
            done += len(images)
            task.update(done, "")
    points = iter([tally.point(variations) for tally in tallies])
    return Invariance(
        layout=str(model.layout),
        data=evaluated.name,
        part=evaluated.part,
        images=len(evaluated.places),
        correct=correct,
        margin_px=margin_px,
        seed=seed,
        layers=tuple(layer.name for layer in model.network.plan.layers),
        curves=tuple(
            Curve(distortion=one.name, unit=one.unit, points=tuple(next(points) for _ in values))
            for one, values in strengths.items()
        ),
        classes=model.network.plan.classes,
        most_of_one=int(np.bincount(evaluated.labels[evaluated.places]).max()),
    )


class _Work:
    """Images in batches, and their maps."""

    def __init__(self, model: Model, evaluated: EvaluationImages, margin_px: int, batch: int) -> None:
        self._network, self._evaluated, self._margin, self._batch = model.network, evaluated, margin_px, batch
        color = model.preprocessing.background
        self.background = tuple(map(float, color)) if model.preprocessing.channels == 3 else (float(color[0]),)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Give float32 N C H W from 0 to 255, and their classes."""
        places = self._evaluated.places
        for start in range(0, len(places), self._batch):
            some = places[start : start + self._batch]
            pixels = as_tensor(np.asarray(self._evaluated.images[some])).permute(0, 3, 1, 2).float()
            yield with_margin(pixels, self._margin, self.background), torch.from_numpy(self._evaluated.labels[some])

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps of every layer, places × N × C; vectors have one place; the last are the logits."""
        standardized = self._network.standardize(images.permute(0, 2, 3, 1))  # N C H W -> N H W C
        found = (maps.float() for maps in each_layer(self._network, standardized))
        return [by_place(maps) if maps.dim() == 4 else maps[None] for maps in found]

    def maps_of_nothing(self) -> list[Tensor]:
        """Return the value that each map has where the image is all background, C values: that in the middle."""
        planned = self._network.plan
        behind = torch.tensor(self.background)[:, None, None].expand(-1, planned.height, planned.width)[None]
        middles = (layer.rows // 2 * layer.columns + layer.columns // 2 for layer in planned.layers)
        return [maps[middle, 0] for maps, middle in zip(self.maps(behind), middles, strict=True)]


class _Tally:
    """One strength of one distortion: what is counted over the images."""

    def __init__(self, network: Network, distortion: Distortion, strength: float) -> None:
        self.distortion, self.strength = distortion, strength
        planned = network.plan
        motion = distortion.motion(strength, (planned.height, planned.width)) if distortion.motion else None
        self._distances = [
            Distance(
                Moved.of(layer, planned, motion, wrap=distortion.wrap)
                if motion and layer.rows * layer.columns > 1
                else None
            )
            for layer in planned.layers
        ]
        self._images = self._correct = self._same = self._same_of_correct = self._correct_before = 0
        self._probability = self._left = 0.0

    def add(self, before: list[Tensor], after: list[Tensor], labels: Tensor, left: float) -> None:
        """Take in some images: the maps of every layer before, with their edge, and after."""
        for distance, *maps in zip(self._distances, before, after, strict=True):
            distance.add(*maps)
        logits, distorted = before[-1][0], after[-1][0]
        answers, answers_now = logits.argmax(1), distorted.argmax(1)
        was_correct, same = answers == labels, answers == answers_now
        self._images += len(labels)
        self._correct += int((answers_now == labels).sum())
        self._same += int(same.sum())
        self._same_of_correct += int((same & was_correct).sum())
        self._correct_before += int(was_correct.sum())
        chances = [torch.softmax(one, 1).gather(1, answers[:, None]) for one in (logits, distorted)]
        self._probability += float((chances[1] - chances[0]).double().sum())
        self._left += left * len(labels)

    def point(self, variations: list[Variation]) -> Point:
        """Return what it came to."""
        return Point(
            strength=self.strength,
            images=self._images,
            correct=self._correct,
            same=self._same,
            same_of_correct=self._same_of_correct,
            correct_before=self._correct_before,
            probability_change=self._probability / self._images,
            left_canvas=self._left / self._images,
            layers=tuple(
                distance.compared(variation) for distance, variation in zip(self._distances, variations, strict=True)
            ),
        )
