"""Measure the robustness, invariance and equivariance of a network, layer by layer."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.arguments import WHOLE, check_arguments
from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import tuned
from convscope.core.progress import Reporter, Silent
from convscope.core.text import printable
from convscope.features.extraction import PARTS, images_for, open_for
from convscope.measures.distortions.family import DISTORTIONS, distortion_named
from convscope.measures.invariance import EvaluationImages, measure_invariance
from convscope.measures.invariance_record import Invariance
from convscope.networks.model import Model, opened

from .kept import check_output, keep, run_of

MOST_IMAGES = 1_000


def measure(
    model: Model | str | os.PathLike[str],
    data: Any,
    *,
    distortions: Sequence[str] = (),
    strengths: Sequence[float] = (),
    images: int = MOST_IMAGES,
    margin: int = 0,
    seed: int = 0,
    class_depth: int | None = None,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    batch: int | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> Invariance:
    """Return how the predictions and the maps of a network change on distorted images.

    Args:
        model: a model, or the path of a run folder or model file.
        data: as for `convscope.train`, with the classes of the model; its validation or test split is used.
        distortions: names from `convscope.measures.distortions.family.DISTORTIONS`, or ``shift@DEGREES``; all by
            default.
        strengths: in the unit of the `distortions`, which must be named too; the usual ones by default.
        images: how many at most, a random subset.
        margin: pixels of background around each image, which shrinks for it: a smaller shift loses nothing.
        seed: of the random subset and of random distortions.
        class_depth: of a folder, how many levels of folders name a class; as in the training by default.
        output: a JSON file for the record. By default it is saved in a run folder as ``invariance.json``.
        force: replace an existing `output`; and the record of a run folder by a partial one (some distortions,
            strengths or images, or with a margin).
        batch: images at once; as memory allows by default.
        data_dir: where named datasets are looked for first.
        cache_dir: of decoded images; the user's cache folder by default.
        reporter: receives the progress.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> found = measure(trained.model, "digits", distortions=["shift-x"], strengths=[1], images=50)
        >>> found.layers, [point.strength for point in found.curves[0].points]
        (('8C3', 'MP2', 'softmax'), [1])
    """
    check_arguments(locals(), images=WHOLE)
    distortions, strengths = tuple(distortions), tuple(strengths)
    if strengths and not distortions:
        raise ParameterError(
            "`strengths` must come with `distortions`, whose units differ. Got "
            f"{', '.join(f'{strength:g}' for strength in strengths)} for all. Name the distortions, such as shift-x."
        )
    chosen = [distortion_named(name) for name in distortions or DISTORTIONS]
    run, part = run_of(model), bool(distortions or strengths or margin or images < MOST_IMAGES)
    kept = run.invariance if run else None
    path = check_output(output, kept=kept, part=part, force=force)
    used = opened(model)
    side = min(used.preprocessing.height, used.preprocessing.width)
    by_distortion = {one: strengths or one.strengths(side) for one in chosen}
    small = [one.name for one, values in by_distortion.items() if not values]
    if len(small) == len(by_distortion):
        raise DataError(
            f"The images must be large enough to be distorted. Got {used.preprocessing.width}x"
            f"{used.preprocessing.height}, too small for {', '.join(small)}. Name `distortions` with `strengths`."
        )
    if small:
        (reporter or Silent()).say(f"skipped, because the images are too small: {', '.join(small)}")
    by_distortion = {one: values for one, values in by_distortion.items() if values}
    with tuned():
        source = open_for(used, data, class_depth=class_depth, data_dir=data_dir, reporter=reporter or Silent())
        dataset = images_for(used, source, cache_dir=cache_dir, reporter=reporter)
        indices = dataset.indices(dataset.evaluation_split)
        subset = np.sort(np.random.default_rng(seed).permutation(indices)[:images])
        evaluated = EvaluationImages(
            images=dataset.images,
            labels=dataset.labels,
            indices=subset,
            name=printable(dataset.name),
            split=PARTS[int(dataset.evaluation_split)],
        )
        found = measure_invariance(
            used, evaluated, by_distortion, margin_px=margin, seed=seed, batch=batch, reporter=reporter
        )
        found = dataclasses.replace(found, unusable=dataset.inspection.unusable)
    keep(found, output=path, kept=kept, part=part, force=force, reporter=reporter)
    return found
