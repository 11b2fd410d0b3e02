"""Measure how a network takes distorted images, layer by layer."""

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
from convscope.networks.model import Model
from convscope.networks.model_file import opened

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
    """Return how the answers and the maps of a network change when its images are distorted.

    Args:
        model: a model, or the path of a run folder or model file.
        data: what `convscope.train` takes, with the classes of the model; the images that a training would be evaluated
            on are used.
        distortions: names from `convscope.measures.distortions.family.DISTORTIONS`, or ``shift@DEGREES``; all if none.
        strengths: in the unit of the `distortions`, which must be named then; the usual ones if none.
        images: how many at most, drawn by `seed`.
        margin: pixels of background around each image, which is made smaller for it: a shift by less loses nothing.
        seed: of what is drawn and of what is random in distortions.
        class_depth: of a folder, how many levels of folders name a class; as the model was trained if none.
        output: a JSON file for the record. If none, a run folder keeps it as ``invariance.json``.
        force: replace what stands at `output`; and in the run folder with a record of a part only (some
            distortions, strengths or images, or with a margin).
        batch: images at once; as memory allows if none.
        data_dir: where named sets are looked for first.
        cache_dir: where decoded images are kept; the user's cache folder if none.
        reporter: told how far it is; nobody if none.

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
            "`strengths` must come with `distortions`: pixels, degrees and sigmas have nothing in common. Got "
            f"{', '.join(f'{one:g}' for one in strengths)} for all. Name the distortions too, for example shift-x."
        )
    chosen = [distortion_named(name) for name in distortions or DISTORTIONS]
    run, part = run_of(model), bool(distortions or strengths or margin or images < MOST_IMAGES)
    kept = run.invariance if run else None
    path = check_output(output, kept=kept, part=part, force=force)
    used = opened(model)
    side = min(used.preprocessing.height, used.preprocessing.width)
    asked = {one: strengths or one.strengths(side) for one in chosen}
    small = [one.name for one, values in asked.items() if not values]
    if len(small) == len(asked):
        raise DataError(
            f"The images must be large enough to be distorted. Got {used.preprocessing.width}x"
            f"{used.preprocessing.height}, too small for {', '.join(small)}. Name `distortions` with `strengths`."
        )
    if small:
        (reporter or Silent()).say(f"left out, for the images are too small: {', '.join(small)}")
    asked = {one: values for one, values in asked.items() if values}
    with tuned():
        source = open_for(used, data, class_depth=class_depth, data_dir=data_dir, reporter=reporter or Silent())
        dataset = images_for(used, source, cache_dir=cache_dir, reporter=reporter)
        places = dataset.indices(dataset.evaluation_split)
        some = np.sort(np.random.default_rng(seed).permutation(places)[:images])
        evaluated = EvaluationImages(
            images=dataset.images,
            labels=dataset.labels,
            places=some,
            name=printable(dataset.name),
            part=PARTS[int(dataset.evaluation_split)],
        )
        found = measure_invariance(used, evaluated, asked, margin_px=margin, seed=seed, batch=batch, reporter=reporter)
        found = dataclasses.replace(found, unusable=dataset.inspection.unusable)
    keep(found, output=path, kept=kept, part=part, force=force, reporter=reporter)
    return found
