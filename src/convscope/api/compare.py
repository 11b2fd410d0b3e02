"""Compare variants of a network on the same images, with the same training budget."""

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
from convscope.core.pace import duration
from convscope.core.progress import Reporter, Silent
from convscope.core.text import are, counted, printable
from convscope.features.extraction import PARTS
from convscope.images.dataset import Dataset, classes_in_words, prepare
from convscope.images.inspection import Problem
from convscope.images.sizes import ImageOptions, parse_size
from convscope.images.sources.opening import TRAIN, open_source
from convscope.images.sources.source import Source
from convscope.images.values import parse_value_range
from convscope.measures.comparison.experiment import Experiment
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.comparison.run import results_of, run_schedule
from convscope.measures.comparison.schedule import FRACTIONS, RunCache, make_schedule

from .compare_files import RUNS, check_results, write_files
from .compare_options import (
    MOST_DISTORTED,
    MOST_TEST_IMAGES,
    QUICK_DISTORTED,
    QUICK_SIDE,
    QUICK_TEST_IMAGES,
    CompareOptions,
    experiment_of,
)
from .train import refuse_among_images, written


@dataclass(frozen=True, kw_only=True)
class CompareResult:
    """A comparison and its files.

    Attributes:
        comparison: the results.
        folder: of the files.
        page: the page among them.
        unusable: images that are left out, with reasons.
    """

    comparison: Comparison
    folder: Path
    page: Path
    unusable: tuple[Problem, ...] = ()


def compare(
    data: Any = None,
    *,
    variants: Sequence[str] = (),
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
    """Return the accuracy and robustness of variants of a network on the same images, and the page of results.

    Finished runs are cached in the folder: the same call continues an interrupted one.

    Args:
        data: as for `convscope.train`; ``digits`` by default.
        variants: names from `convscope.measures.comparison.variants.VARIANTS`; all by default.
        epochs: of each training; chosen for the dataset if neither `epochs` nor `seconds` is given.
        seconds: of each training, in place of epochs.
        seeds: runs of each variant; 3 by default, 1 if quick.
        learning_curve: also measure accuracy by number of training images.
        quick: few images, a small network, 2 to 16 epochs: minutes on two cores.
        layout: of the baseline; chosen for the dataset by default.
        size: of the images, one side or width x height in pixels.
        channels: 1 or 3.
        value_range: the values of black and white, (low, high) or as for train; chosen for the dataset by default.
        class_depth: of a folder, how many levels of folders name a class, as for train.
        images: training images, at most; 5,000 if quick.
        test_images: images that are evaluated, at most; 10,000 by default, 5,000 if quick.
        distorted: of these, images that are also evaluated distorted, at most; 1,000 by default, 300 if quick.
        output: the folder; ``runs/compare-<name>`` by default.
        force: replace existing results; finished runs are reused.
        data_dir: where named datasets are looked for first.
        cache_dir: of decoded images; the user's cache folder by default.
        reporter: receives the estimated time and the progress.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> names = ["convolution", "pixels-softmax"]
        >>> found = compare("digits", variants=names, epochs=1, seeds=1, layout="4C3-MP2", output=tempfile.mkdtemp())
        >>> [(result.variant, result.parameters) for result in found.comparison.variants]
        [('convolution', 690), ('pixels-softmax', 650)]
    """
    check_arguments(locals(), images=MAYBE_WHOLE)
    data = "digits" if data is None else data
    with usual_settings():
        reporter = reporter or Silent()
        options = CompareOptions(
            variants=tuple(variants),
            epochs=epochs,
            seconds=seconds,
            seeds=seeds if seeds is not None else 1 if quick else 3,
            learning_curve=learning_curve,
            quick=quick,
            layout=layout,
            images=images,
            test_images=(test_images if test_images is not None else QUICK_TEST_IMAGES if quick else MOST_TEST_IMAGES),
            distorted=distorted if distorted is not None else QUICK_DISTORTED if quick else MOST_DISTORTED,
        )
        image_options = ImageOptions(size=parse_size(size), channels=channels, ranges=parse_value_range(value_range))
        folder = _checked_folder(data, output, force=force)
        source = open_source(data, data_dir=data_dir, reporter=reporter, class_depth=class_depth)
        dataset = _prepared(source, image_options, cache_dir=cache_dir, quick=quick, reporter=reporter)
        return _run(options, experiment_of(options, dataset), folder, reporter)


def _checked_folder(data: Any, output: str | os.PathLike[str] | None, *, force: bool) -> Path:
    """Return the folder of the results.

    Raises:
        ConvscopeError: the results cannot be written there, or would replace others.
    """
    name = written(data)
    folder = Path("runs") / f"compare-{_stem(name)}" if output is None else Path(output)
    refuse_among_images(folder, name)
    check_folder(folder)
    check_results(folder, force=force)
    return folder


def _prepared(
    source: Source, options: ImageOptions, *, cache_dir: Path | None, quick: bool, reporter: Reporter
) -> Dataset:
    """Return the images of `source`; with `quick`, resized unless a size is requested."""
    settings: dict[str, Any] = {
        "channels": options.channels, "ranges": options.ranges, "cache_dir": cache_dir, "reporter": reporter,
    }  # fmt: skip
    dataset = prepare(source, size=options.size, **settings)
    if quick and options.size is None and min(dataset.images.shape[1:3]) > QUICK_SIDE:
        reporter.say(f"quick: images are resized to {QUICK_SIDE}x{QUICK_SIDE}; --size changes it")
        dataset = prepare(source, size=QUICK_SIDE, **settings)
    for note in (classes_in_words(dataset), *dataset.notes):
        reporter.say(note)
    return dataset


def _run(options: CompareOptions, experiment: Experiment, folder: Path, reporter: Reporter) -> CompareResult:
    """Run the trainings that are left, and write the results of all."""
    cache = RunCache(folder=folder / RUNS)
    schedule = make_schedule(experiment, cache, reporter)
    left = schedule.left(cache)
    runs = len({job.key for job in schedule.jobs})  # variants with the same network share their runs
    reporter.say(_announcement(runs, len(left), sum(job.estimated_s for job in left), experiment, folder))
    try:
        run_schedule(schedule, experiment, cache, reporter)
    except KeyboardInterrupt:
        rest = len(schedule.left(cache))
        reporter.say(f"interrupted; {counted(rest, 'training')} {are(rest)} left, and the same command continues")
        raise
    results, seconds = results_of(schedule, experiment, cache)
    comparison = _comparison(options, experiment, results, seconds)
    page = write_files(comparison, folder, reporter)
    unusable = experiment.dataset.inspection.unusable
    return CompareResult(comparison=comparison, folder=folder, page=page, unusable=unusable)


def _stem(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", Path(name).name).strip("-.")[:60] or "images"


def _announcement(runs: int, left: int, seconds: float, experiment: Experiment, folder: Path) -> str:
    budget = experiment.budget
    each = counted(int(budget.amount), "epoch") if budget.unit == "epochs" else f"{budget.amount:g} s"
    what = f"{counted(runs, 'training')} of {counted(len(experiment.variants), 'variant')}, {each} each"
    if not left:
        return f"{what}: all are already done, in {folder}"
    before = "" if left == runs else f"; {counted(left, 'training')} left to do"
    return f"{what}{before}: about {duration(seconds)} on this machine"


def _comparison(
    options: CompareOptions, experiment: Experiment, results: tuple[VariantResult, ...], seconds: float
) -> Comparison:
    dataset, planned, here = experiment.dataset, experiment.baseline.plan, machine()
    return Comparison(
        library_version=__version__,
        data=printable(dataset.name),
        split=PARTS[int(dataset.evaluation_split)],
        classes=planned.classes,
        height=planned.height,
        width=planned.width,
        channels=planned.channels,
        training_images=len(experiment.indices),
        all_training_images=len(dataset.indices(TRAIN)),
        test_images=len(experiment.evaluation.indices),
        distorted_images=len(experiment.evaluation.distorted),
        layout=str(planned.layout),
        budget=experiment.budget.unit,
        amount=experiment.budget.amount,
        seeds=options.seeds,
        fractions=(*FRACTIONS, 1.0) if options.learning_curve else (),
        quick=options.quick,
        seconds=seconds,
        processor=here.processor,
        cores=here.cores,
        variants=results,
    )
