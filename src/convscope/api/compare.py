"""Why it works, measured: many kinds of networks and classifiers on the same images, with the same budget."""

import dataclasses
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope import __version__
from convscope.core.arguments import MAYBE_WHOLE, check_arguments
from convscope.core.atomic import check_folder
from convscope.core.machine import machine, usual_settings
from convscope.core.progress import Reporter, Silent
from convscope.core.text import are, counted, duration, printable
from convscope.features.extraction import PARTS
from convscope.images.dataset import Dataset, classes_in_words, prepare
from convscope.images.inspection import Problem
from convscope.images.sizes import ImageOptions, parse_size
from convscope.images.sources.opening import TRAIN, open_source
from convscope.images.sources.source import Source
from convscope.images.values import parse_value_range
from convscope.measures.comparison.cells import Cells
from convscope.measures.comparison.records import Comparison
from convscope.measures.comparison.run import FRACTIONS, Contest, entries_of, make_agenda, work

from .compare_files import TRAININGS, refuse_results, write_files
from .compare_options import (
    MOST_DISTURBED,
    MOST_TEST_IMAGES,
    QUICK_DISTURBED,
    QUICK_SIDE,
    QUICK_TEST_IMAGES,
    CompareOptions,
    contest_of,
)
from .train import refuse_among_images, written


@dataclass(frozen=True, kw_only=True)
class CompareResult:
    """A comparison and where it stands.

    Attributes:
        comparison: the figures.
        folder: of the files.
        page: the page among them.
        unusable: images that were left out, and why.
    """

    comparison: Comparison
    folder: Path
    page: Path
    unusable: tuple[Problem, ...] = ()


def compare(
    data: Any = None,
    *,
    kinds: Sequence[str] = (),
    epochs: int | None = None,
    seconds: float | None = None,
    seeds: int | None = None,
    learning_curve: bool = False,
    quick: bool = False,
    layout: str | None = None,
    size: str | int | tuple[int, int] | None = None,
    channels: int | None = None,
    value_range: str | tuple[float, float] | None = None,
    class_depth: int | None = None,
    images: int | None = None,
    test_images: int | None = None,
    distorted: int | None = None,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> CompareResult:
    """Return how good each kind of network is on the same images, with the same budget, and where its page stands.

    Every training that is done is kept in the folder: the same call goes on where an interrupted one was.

    Args:
        data: what `convscope.train` takes; the set digits if none.
        kinds: names from `convscope.measures.comparison.kinds.KINDS`; all if none.
        epochs: passes over the training images that every network has; chosen from the set if neither is given.
        seconds: that every network has, in place of passes.
        seeds: trainings of each kind; 3 if none, 1 if quick.
        learning_curve: measure accuracy by number of training images, too.
        quick: few images, a small network, 2 to 16 passes: minutes on two cores.
        layout: the convolutional network that all others are made after; chosen from the set if none.
        size: of the images, one side or width x height in pixels.
        channels: 1 or 3.
        value_range: which values become black and white, (low, high) or as for train; chosen from the set if none.
        class_depth: of a folder, how many levels of folders name a class, as for train.
        images: training images, at most; 5,000 if quick.
        test_images: images that are evaluated, at most; 10,000 if none, 5,000 if quick.
        distorted: of these, images that are distorted too, at most; 1,000 if none, 300 if quick.
        output: the folder; ``runs/compare-<name>`` if none.
        force: write the results anew where there are some; trainings that are done are used again.
        data_dir: where named sets are looked for first.
        cache_dir: where decoded images are kept; the user's cache folder if none.
        reporter: told what it will take, and how far it is; nobody if none.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> kinds = ["convolution", "pixels-softmax"]
        >>> done = compare("digits", kinds=kinds, epochs=1, seeds=1, layout="4C3-MP2", output=tempfile.mkdtemp())
        >>> [(entry.kind, entry.parameters) for entry in done.comparison.entries]
        [('convolution', 690), ('pixels-softmax', 650)]
    """
    check_arguments(locals(), images=MAYBE_WHOLE)
    data = "digits" if data is None else data
    with usual_settings():
        reporter = reporter or Silent()
        options = CompareOptions(
            kinds=tuple(kinds),
            epochs=epochs,
            seconds=seconds,
            seeds=seeds if seeds is not None else 1 if quick else 3,
            learning_curve=learning_curve,
            quick=quick,
            layout=layout,
            images=images,
            test_images=(test_images if test_images is not None else QUICK_TEST_IMAGES if quick else MOST_TEST_IMAGES),
            distorted=distorted if distorted is not None else QUICK_DISTURBED if quick else MOST_DISTURBED,
        )
        asked = ImageOptions(size=parse_size(size), channels=channels, ranges=parse_value_range(value_range))
        folder = _checked_folder(data, output, force=force)
        source = open_source(data, data_dir=data_dir, reporter=reporter, class_depth=class_depth)
        dataset = _prepared(source, asked, cache_dir=cache_dir, quick=quick, reporter=reporter)
        return _carried_out(options, contest_of(options, dataset), folder, reporter)


def _checked_folder(data: Any, output: str | os.PathLike[str] | None, *, force: bool) -> Path:
    """Return the folder of the results.

    Raises:
        ConvscopeError: they cannot be written there, or must not.
    """
    name = written(data)
    folder = Path("runs") / f"compare-{_stem(name)}" if output is None else Path(output)
    refuse_among_images(folder, name)
    check_folder(folder)
    refuse_results(folder, force=force)
    return folder


def _prepared(
    source: Source, asked: ImageOptions, *, cache_dir: Path | None, quick: bool, reporter: Reporter
) -> Dataset:
    """Return the images of `source`; for `quick`, smaller ones where no size is asked for."""
    dataset = prepare(source, asked, cache_dir=cache_dir, reporter=reporter)
    if quick and asked.size is None and min(dataset.images.shape[1:3]) > QUICK_SIDE:
        reporter.say(f"quick: images are made {QUICK_SIDE}x{QUICK_SIDE}; --size changes it")
        smaller = dataclasses.replace(asked, size=QUICK_SIDE)
        dataset = prepare(source, smaller, cache_dir=cache_dir, reporter=reporter)
    for note in (classes_in_words(dataset), *dataset.notes):
        reporter.say(note)
    return dataset


def _carried_out(options: CompareOptions, contest: Contest, folder: Path, reporter: Reporter) -> CompareResult:
    """Train what is left to train, and write what all of it came to."""
    cells = Cells(folder=folder / TRAININGS)
    agenda = make_agenda(contest, cells, reporter)
    left = agenda.left(cells)
    trainings = len({job.key for job in agenda.jobs})  # kinds that come to the same network share theirs
    reporter.say(_announcement(trainings, len(left), sum(job.reckoned_s for job in left), contest, folder))
    try:
        work(agenda, contest, cells, reporter)
    except KeyboardInterrupt:
        rest = len(agenda.left(cells))
        reporter.say(
            f"interrupted; {counted(rest, 'training')} {are(rest)} left, and the same command goes on with them"
        )
        raise
    entries, taken = entries_of(agenda, contest, cells)
    comparison = _comparison(options, contest, entries, taken)
    page = write_files(comparison, folder, reporter)
    unusable = contest.images.inspection.unusable
    return CompareResult(comparison=comparison, folder=folder, page=page, unusable=unusable)


def _stem(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", Path(name).name).strip("-.")[:60] or "images"


def _announcement(jobs: int, left: int, seconds: float, contest: Contest, folder: Path) -> str:
    budget = contest.budget
    each = counted(int(budget.amount), "epoch") if budget.kind == "epochs" else f"{budget.amount:g} s"
    what = f"{counted(jobs, 'training')} of {counted(len(contest.kinds), 'kind')}, the same {each} each"
    if not left:
        return f"{what}: all are done already, in {folder}"
    before = "" if left == jobs else f"; {counted(left, 'training')} left to do"
    return f"{what}{before}: about {duration(seconds)} on this machine"


def _comparison(options: CompareOptions, contest: Contest, entries: Any, taken: float) -> Comparison:
    images, planned, here = contest.images, contest.base.plan, machine()
    return Comparison(
        library_version=__version__,
        data=printable(images.name),
        part=PARTS[int(images.evaluation_split)],
        classes=planned.classes,
        height=planned.height,
        width=planned.width,
        channels=planned.channels,
        training_images=len(contest.places),
        all_training_images=len(images.indices(TRAIN)),
        test_images=len(contest.exam.places),
        disturbed_images=len(contest.exam.disturbed),
        layout=str(planned.layout),
        budget=contest.budget.kind,
        amount=contest.budget.amount,
        seeds=options.seeds,
        fractions=(*FRACTIONS, 1.0) if options.learning_curve else (),
        quick=options.quick,
        seconds=taken,
        processor=here.processor,
        cores=here.cores,
        entries=entries,
    )
