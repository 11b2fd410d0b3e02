"""Measure how a network takes distorted pictures, step by step."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.atomic import refuse_existing, write_text
from convscope.core.machine import tuned
from convscope.core.progress import Reporter, Silent
from convscope.core.records import to_json
from convscope.core.statistics import wilson_interval
from convscope.core.text import columns_of, counted, printable
from convscope.features.extraction import PARTS, pictures_for
from convscope.images.sources.opening import open_source
from convscope.measures.distortions.family import DISTORTIONS, distortion_named
from convscope.measures.invariance import Judged, measure_invariance
from convscope.measures.invariance_record import Curve, Invariance, Point, limits
from convscope.networks.model import Model

MOST_PICTURES = 1_000


def measure(
    model: Model | str | os.PathLike[str],
    data: Any,
    *,
    distortions: Sequence[str] = (),
    strengths: Sequence[float] = (),
    pictures: int = MOST_PICTURES,
    margin: int = 0,
    seed: int = 0,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    batch: int | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> Invariance:
    """Return how the answers and the maps of a network change when its pictures are distorted.

    Args:
        model: a model, or the path of a run folder or model file.
        data: what `convscope.train` takes, with the classes of the model; the pictures that a training would be judged
            on are used.
        distortions: names from `convscope.measures.distortions.family.DISTORTIONS`, or ``shift@DEGREES``; all if none.
        strengths: in the unit of each distortion; the usual ones if none.
        pictures: how many at most, drawn by `seed`.
        margin: pixels of background around each picture, which is made smaller for it: a shift by less loses nothing.
        seed: of what is drawn and of what is random in distortions.
        output: a JSON file for the record.
        force: replace what stands at `output`.
        batch: pictures at once; as memory allows if none.
        data_dir: where named sets are looked for first.
        cache_dir: where decoded pictures are kept; the user's cache folder if none.
        reporter: told how far it is; nobody if none.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from convscope.verbs.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> found = measure(trained.model, "digits", distortions=["shift-x"], strengths=[1], pictures=50)
        >>> found.steps, [point.strength for point in found.curves[0].points]
        (('8C3', 'MP2', 'softmax'), [1])
    """
    chosen = [distortion_named(name) for name in distortions or DISTORTIONS]
    if output is not None:
        refuse_existing(Path(output), force=force)
    used = model if isinstance(model, Model) else Model.load(Path(model))
    side = min(used.preprocessing.height, used.preprocessing.width)
    asked = {one: tuple(strengths) or one.strengths(side) for one in chosen}
    with tuned():
        source = open_source(data, data_dir=data_dir, reporter=reporter or Silent())
        images = pictures_for(used, source, cache_dir=cache_dir, reporter=reporter)
        places = images.indices(images.judged)
        some = np.sort(np.random.default_rng(seed).permutation(places)[:pictures])
        judged = Judged(
            images=images.images,
            labels=images.labels,
            places=some,
            name=printable(images.name),
            part=PARTS[int(images.judged)],
        )
        found = measure_invariance(used, judged, asked, margin_px=margin, seed=seed, batch=batch, reporter=reporter)
    if output is not None:
        write_text(Path(output), json.dumps(to_json(found), indent=1, allow_nan=False) + "\n")
    return found


def measure_text(found: Invariance) -> str:
    """Return the record as text: accuracy by strength, the limits, and the ledger of steps for each distortion."""
    head = f"{found.layout} on {counted(found.pictures, 'picture')} of {found.data} ({found.part})"
    low, high = wilson_interval(found.right, found.pictures)
    lines = [head, f"accuracy {found.accuracy:.2%} undistorted (95 % interval {low:.2%} to {high:.2%})", ""]
    lines += ["Accuracy, and in brackets the part that keeps its class, by strength:", ""]
    for curve in found.curves:
        lines += [f"{curve.distortion} ({curve.unit})", *columns_of(_by_strength(curve)), ""]
    lines += ["Where accuracy falls below a part of the undistorted one:", "", *columns_of(_limit_rows(found)), ""]
    lines += [
        "What each step's maps make of it, as a part of the distance between two different pictures:",
        "changed: how far the maps are from what they were; left: how far when they are moved along with the picture;",
        "moved: the part of the change that is movement (equivariance). Inside: where no edge is seen.",
        "",
    ]
    for curve in found.curves:
        point = _middle(curve)
        title = f"{curve.distortion} by {point.strength:g} {curve.unit}"
        gone = f"; {point.left_canvas:.0%} of the picture left the canvas" if point.left_canvas > 0.005 else ""
        lines += [title + gone, *columns_of(_ledger(found, point)), ""]
    return "\n".join(lines).rstrip()


def _by_strength(curve: Curve) -> list[list[str]]:
    points = curve.points
    return [
        ["", *(f"{point.strength:g}" for point in points)],
        ["  right", *(f"{point.accuracy:.1%}" for point in points)],
        ["  same", *(f"({point.consistency:.1%})" for point in points)],
    ]


def _limit_rows(found: Invariance) -> list[list[str]]:
    rows = [["", "95 %", "90 %", "50 %"]]
    every = limits(found)
    for name, sign in dict.fromkeys((one.distortion, one.sign) for one in every):
        mine = [one for one in every if (one.distortion, one.sign) == (name, sign)]
        cells = [f"beyond {one.farthest:g}" if one.strength is None else f"{one.strength:.3g}" for one in mine]
        rows.append([f"  {name}", *cells])
    return rows


def _middle(curve: Curve) -> Point:
    """Return the point whose step-by-step changes are shown: of the weaker strengths above 0, the middle one."""
    above = sorted((point for point in curve.points if point.strength > 0), key=lambda point: point.strength)
    ranked = above or sorted(curve.points, key=lambda point: -point.strength)
    return ranked[(len(ranked) - 1) // 2]


def _ledger(found: Invariance, point: Point) -> list[list[str]]:
    rows = [["  step", "changed", "left", "moved", "changed inside", "left inside"]]
    for number, (name, step) in enumerate(zip(found.steps, point.steps, strict=True), start=1):
        values = (step.changed, step.left, step.moved, step.changed_inside, step.left_inside)
        rows.append([f"  {number}: {name}", *("-" if value is None else f"{value:.1%}" for value in values)])
    return rows
