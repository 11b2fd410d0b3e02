"""Measure robustness, invariance and equivariance: predictions and the maps of layers on distorted images."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import DataError
from convscope.core.progress import Reporter, Silent
from convscope.core.text import counted, duration
from convscope.features.trace import each_layer
from convscope.networks.finite import check_finite
from convscope.networks.folding import check_classifies, fold
from convscope.networks.fused_graph import fuse
from convscope.networks.image_network import ImageNetwork, evaluating
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor

from .distortions.distortion import Distortion
from .distortions.family import distort, fraction_outside, with_margin
from .invariance_record import Curve, Invariance, LayerChange, Point, compared_layers
from .movement import Distance, ImageMotion, Variation, background_maps, by_position, with_edge

_TIMED = 2  # images from which the time is estimated
_COPIES = 6  # of all maps: clean, with an edge, moved, distorted, and in double precision


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationImages:
    """Images with their classes.

    Attributes:
        images: uint8 N H W C of the network's size; may be mapped from a file.
        labels: int64 N.
        indices: of those that are used, int64.
        name: of the dataset.
        split: ``test``, ``validation``, …
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    name: str = ""
    split: str = ""


def measure_invariance(
    model: Model,
    evaluated: EvaluationImages,
    strengths: Mapping[Distortion, Sequence[float]],
    *,
    margin_px: int = 0,
    seed: int = 0,
    batch: int | None = None,
    compared: int | None = None,
    reporter: Reporter | None = None,
) -> Invariance:
    """Return how the predictions and maps of `model` change with every strength of every distortion.

    Images stream in batches: memory does not grow with their number. Results depend on the batch only by rounding.
    The time is said before it is spent.

    Args:
        model: the network.
        evaluated: the images; at least two.
        strengths: by distortion.
        margin_px: width of the background around the images, which shrink for it.
        seed: of random distortions.
        batch: images at once; as memory allows by default.
        compared: images whose maps are compared, evenly spaced; of the others there are predictions only. By default
            all.
        reporter: receives the progress.

    Raises:
        DataError: there are fewer than two images, or the network's output are maps.
        ParameterError: a strength, the margin or the batch is out of range.
    """
    check_classifies(model.network, "invariance")
    if len(evaluated.indices) < 2:
        raise DataError(
            f"There must be at least 2 images, to compare the maps of different images. Got {len(evaluated.indices)}. "
            "Give more."
        )
    for distortion, values in strengths.items():
        for strength in values:
            distortion.check(strength)
    size = fitting_batch(
        model.network.plan, min(model.batch, 64) if batch is None else check_batch(batch), copies=_COPIES
    )
    names = tuple(layer.name for layer in model.network.plan.layers)
    layers = compared_layers(names, is_layout=model.layout is not None)
    tallies = [_Tally(model.network, layers, one, strength) for one, values in strengths.items() for strength in values]
    variations = [Variation() for _ in layers]
    work = _Work(model, evaluated, layers, margin_px=margin_px, batch=size, compared=compared)
    correct = _add_all(work, tallies, variations, seed=seed, reporter=reporter or Silent())
    points = iter([tally.point(variations) for tally in tallies])
    return Invariance(
        layout=model.title,
        data=evaluated.name,
        split=evaluated.split,
        images=len(evaluated.indices),
        compared=work.compared if work.compared < work.images else None,
        correct=correct,
        margin_px=margin_px,
        seed=seed,
        layers=names,
        is_layout=model.layout is not None,
        curves=tuple(
            Curve(distortion=one.name, unit=one.unit, points=tuple(next(points) for _ in values))
            for one, values in strengths.items()
        ),
        classes=model.network.plan.classes,
        largest_class=int(np.bincount(evaluated.labels[evaluated.indices]).max()),
    )


def _add_all(
    work: "_Work", tallies: Sequence["_Tally"], variations: Sequence[Variation], *, seed: int, reporter: Reporter
) -> int:
    """Add all images to the tallies and variations; return the number of correct predictions on clean images."""
    done = correct = 0
    with evaluating(work.network), torch.inference_mode():
        background, (map_s, image_s) = work.background_maps(), work.seconds(tallies[0])
        total_s = len(tallies) * (work.compared * map_s + (work.images - work.compared) * image_s)
        said = f"{counted(work.images, 'image')}, each distorted in {counted(len(tallies), 'way')}"
        fewer = f", layers compared on {work.compared:,} of them" if work.compared < work.images else ""
        reporter.say(f"{said}{fewer}: about {duration(total_s)} on this machine")
        with reporter.task("distorting", total_s) as task:
            for images, labels in work.batches():
                compares = done < work.compared
                clean = work.maps(images) if compares else [work.logits(images)]
                logits = clean[-1][0]
                correct += int((logits.argmax(1) == labels).sum())
                if compares:
                    for variation, maps in zip(variations, clean, strict=True):
                        variation.add(maps)
                    clean = [with_edge(maps, values) for maps, values in zip(clean, background, strict=True)]
                for tally in tallies:
                    changed, outside = work.distorted(images, tally, seed=seed, first=done)
                    found = work.maps(changed) if compares else [work.logits(changed)]
                    if compares:
                        tally.compare(clean, found)
                    tally.add(logits, found[-1][0], labels, outside)
                    task.advance(len(images) * (map_s if compares else image_s))
                done += len(images)
    return correct


class _Work:
    """Images in batches, and the maps of the layers that are compared, by index; the last is that of the logits.

    Attributes:
        network: that of the model.
        images: how many; compared: of how many the maps are compared. They come first.
        background: one number a channel, 0…255.
    """

    def __init__(
        self,
        model: Model,
        evaluated: EvaluationImages,
        layers: Sequence[int],
        *,
        margin_px: int,
        batch: int,
        compared: int | None,
    ) -> None:
        self.network, self._evaluated, self._margin, self._batch = model.network, evaluated, margin_px, batch
        self._layers = frozenset(layers)
        self._planned = [model.network.plan.layers[index] for index in layers]
        self._arithmetic = fold(model.network)
        self._predicting = fuse(self._arithmetic)
        self.images = len(evaluated.indices)
        self.compared = self.images if compared is None else max(2, min(compared, self.images))
        first = np.linspace(0, self.images - 1, self.compared).round().astype(int)
        self._indices = np.concatenate([evaluated.indices[first], np.delete(evaluated.indices, first)])
        color = model.preprocessing.background
        self.background = tuple(map(float, color)) if model.preprocessing.channels == 3 else (float(color[0]),)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Give float32 N C H W from 0 to 255, and their classes."""
        for part in (self._indices[: self.compared], self._indices[self.compared :]):
            for start in range(0, len(part), self._batch):
                batch = part[start : start + self._batch]
                yield self._pixels(batch), torch.from_numpy(self._evaluated.labels[batch])

    def _pixels(self, batch: NDArray[np.int64]) -> Tensor:
        pixels = as_tensor(np.asarray(self._evaluated.images[batch])).permute(0, 3, 1, 2).float()  # N H W C -> N C H W
        return with_margin(pixels, self._margin, self.background)

    def distorted(self, images: Tensor, tally: "_Tally", *, seed: int, first: int) -> tuple[Tensor, float]:
        """Return the images distorted, and which fraction of them has moved out."""
        changed = distort(images, tally.distortion, tally.strength, background=self.background, seed=seed, first=first)
        moves = tally.distortion.motion is not None
        return changed, fraction_outside(images, changed, self.background) if moves else 0.0

    def seconds(self, tally: "_Tally") -> tuple[float, float]:
        """Return the seconds that an image with a distortion takes, with its maps compared and without."""
        images = self._pixels(self._indices[:_TIMED])
        clean = [with_edge(maps, maps[0, 0]) for maps in self.maps(images)]  # it warms up, too
        other = tally.like()
        started = time.perf_counter()
        changed, _ = self.distorted(images, other, seed=0, first=0)
        other.compare(clean, self.maps(changed))
        compared = time.perf_counter()
        self.logits(self.distorted(images, other, seed=0, first=0)[0])
        return (compared - started) / len(images), (time.perf_counter() - compared) / len(images)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps of the layers, positions × N × C; vectors have one position; the last are the logits.

        The network's device computes them, the processor compares them, in double precision.
        """
        standardized = self.network.standardize(images.permute(0, 2, 3, 1))  # N C H W -> N H W C
        every = enumerate(each_layer(self._arithmetic, standardized))
        return [by_position(maps.float()).cpu() for index, maps in every if index in self._layers]

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits in the form of maps, 1 × N × K."""
        standardized = self.network.standardize(images.permute(0, 2, 3, 1))  # N C H W -> N H W C
        values: Tensor = self._predicting(standardized)
        check_finite(torch.softmax(values, dim=1), "in the logits")
        return values.cpu()[None]

    def background_maps(self) -> list[Tensor]:
        """Return the value of each map at its center on an image of background, C values a layer."""
        planned = self.network.plan
        behind = torch.tensor(self.background)[:, None, None].expand(-1, planned.height, planned.width)[None]
        return background_maps(self._planned, self.maps(behind))


class _Tally:
    """Counts and distances over the images, for one strength of one distortion."""

    def __init__(self, network: ImageNetwork, layers: Sequence[int], distortion: Distortion, strength: float) -> None:
        self.distortion, self.strength, self._network, self._layers = distortion, strength, network, layers
        planned = network.plan
        motion = distortion.motion(strength, (planned.height, planned.width)) if distortion.motion else None
        moved = None if motion is None else ImageMotion(planned, motion, wrap=distortion.wrap)
        self._distances = [
            Distance(moved.over(layer) if moved and layer.rows * layer.columns > 1 else None)
            for layer in (planned.layers[index] for index in layers)
        ]
        self._images = self._correct = self._same = self._same_of_correct = self._clean_correct = 0
        self._probability = self._outside = 0.0

    def like(self) -> "_Tally":
        """Return an empty one of the same distortion."""
        return _Tally(self._network, self._layers, self.distortion, self.strength)

    def compare(self, clean: list[Tensor], distorted: list[Tensor]) -> None:
        """Add the maps of the layers for some images when clean, with their edge, and when distorted."""
        for distance, *maps in zip(self._distances, clean, distorted, strict=True):
            distance.add(*maps)

    def add(self, clean: Tensor, distorted: Tensor, labels: Tensor, outside: float) -> None:
        """Add the logits of some images, N K, when clean and when distorted."""
        logits = clean, distorted
        before, after = (values.argmax(1) for values in logits)
        clean_correct, same = before == labels, before == after
        self._images += len(labels)
        self._correct += int((after == labels).sum())
        self._same += int(same.sum())
        self._same_of_correct += int((same & clean_correct).sum())
        self._clean_correct += int(clean_correct.sum())
        probabilities = [torch.softmax(values, 1).gather(1, before[:, None]) for values in logits]
        self._probability += float((probabilities[1] - probabilities[0]).double().sum())
        self._outside += outside * len(labels)

    def point(self, variations: list[Variation]) -> Point:
        """Return the results over all images."""
        found = {
            index: distance.compared(variation)
            for index, distance, variation in zip(self._layers, self._distances, variations, strict=True)
        }
        nothing = LayerChange(changed=None)
        return Point(
            strength=self.strength,
            images=self._images,
            correct=self._correct,
            same=self._same,
            same_of_correct=self._same_of_correct,
            clean_correct=self._clean_correct,
            probability_change=self._probability / self._images,
            fraction_outside=self._outside / self._images,
            layers=tuple(found.get(index, nothing) for index in range(len(self._network.plan.layers))),
        )
