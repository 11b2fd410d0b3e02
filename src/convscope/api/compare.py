"""Why it works, measured: many kinds of networks and classifiers on the same images, with the same budget."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.core.atomic import check_folder
from convscope.core.context import Context, context_of
from convscope.core.machine import machine, usual_settings
from convscope.core.options import AnyPath, Size, ValueLimits, documented, options_from
from convscope.core.pace import duration
from convscope.core.progress import Reporter
from convscope.core.text import are, counted, printable
from convscope.core.version import __version__
from convscope.features.extraction import PARTS
from convscope.images.dataset import Dataset, classes_in_words, prepare
from convscope.images.inspection import Problem
from convscope.images.sizes import ImageOptions, parse_size
from convscope.images.sources.opening import TRAIN, DataSource, open_source
from convscope.images.sources.source import Source
from convscope.images.values import parse_value_range
from convscope.measures.comparison.cells import Cells
from convscope.measures.comparison.records import Comparison
from convscope.measures.comparison.run import FRACTIONS, Contest, entries_of, make_agenda, work
from convscope.options.compare import CompareOptions
from convscope.options.data import data_name, refuse_among_images

from .compare_files import TRAININGS, refuse_results, write_files
from .compare_options import (
    QUICK_SIDE,
    contest_of,
    with_defaults,
)


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


@documented(CompareOptions)
def compare(
    data: DataSource | None = None,
    *,
    quick: bool = False,
    variants: Sequence[str] = (),
    epochs: int | None = None,
    seconds: float | None = None,
    seeds: int | None = None,
    learning_curve: bool = False,
    layout: str | None = None,
    size: Size | None = None,
    channels: int | None = None,
    value_range: ValueLimits | None = None,
    class_depth: int | None = None,
    images: int | None = None,
    test_images: int | None = None,
    distorted: int | None = None,
    output: AnyPath | None = None,
    force: bool = False,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> CompareResult:
    """Return how good each kind of network is on the same images, with the same budget, and where its page stands.

    Every training that is done is kept in the folder: the same call goes on where an interrupted one was.

    Args:
        data: what `convscope.train` takes; the dataset digits by default.
        progress: True shows progress on standard error.
        context: folders of named datasets and of decoded images.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> variants = ["convolution", "pixels-softmax"]
        >>> done = compare("digits", variants=variants, epochs=1, seeds=1, layout="4C3-MP2", output=tempfile.mkdtemp())
        >>> [(entry.kind, entry.parameters) for entry in done.comparison.entries]
        [('convolution', 690), ('pixels-softmax', 650)]
    """
    options, context = options_from(CompareOptions, locals()), context_of(context, progress=progress)
    data = "digits" if data is None else data
    with usual_settings():
        options = with_defaults(options)
        asked = ImageOptions(
            size=parse_size(options.size), channels=options.channels, ranges=parse_value_range(options.value_range)
        )
        folder = _checked_folder(data, options)
        source = open_source(
            data, data_dir=context.data_dir, reporter=context.reporter, class_depth=options.class_depth
        )
        dataset = _prepared(source, asked, context, quick=options.quick)
        return _carried_out(options, contest_of(options, dataset), folder, context.reporter)


def _checked_folder(data: DataSource, options: CompareOptions) -> Path:
    """Return the folder of the results.

    Raises:
        ConvscopeError: they cannot be written there, or must not.
    """
    name, output = data_name(data), options.output
    folder = Path("runs") / f"compare-{_stem(name)}" if output is None else Path(output)
    refuse_among_images(folder, name)
    check_folder(folder)
    refuse_results(folder, force=options.force)
    return folder


def _prepared(source: Source, asked: ImageOptions, context: Context, *, quick: bool) -> Dataset:
    """Return the images of `source`; for `quick`, smaller ones where no size is asked for."""
    given: dict[str, Any] = {
        "channels": asked.channels,
        "ranges": asked.ranges,
        "cache_dir": context.cache_dir,
        "reporter": context.reporter,
    }
    dataset = prepare(source, size=asked.size, **given)
    if quick and asked.size is None and min(dataset.images.shape[1:3]) > QUICK_SIDE:
        context.reporter.say(f"quick: images are made {QUICK_SIDE}x{QUICK_SIDE}; --size changes it")
        dataset = prepare(source, size=QUICK_SIDE, **given)
    for note in (classes_in_words(dataset), *dataset.notes):
        context.reporter.say(note)
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
        seeds=contest.seeds,
        fractions=(*FRACTIONS, 1.0) if options.learning_curve else (),
        quick=options.quick,
        seconds=taken,
        processor=here.processor,
        cores=here.cores,
        entries=entries,
    )
