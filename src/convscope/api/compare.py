"""Compare variants of a network on the same images, with the same training budget."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convscope.core.atomic import check_folder
from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.machine import machine, usual_settings
from convscope.core.options import AnyPath, Size, ValueLimits, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.text import are, counted, duration, printable
from convscope.core.version import __version__
from convscope.features.extraction import PARTS
from convscope.images.dataset import Dataset, classes_in_words, prepare
from convscope.images.inspection import Problem
from convscope.images.sizes import ImageOptions, parse_size
from convscope.images.sources.opening import TRAIN, DataSource, open_source
from convscope.images.sources.source import Source
from convscope.images.values import parse_value_range
from convscope.measures.comparison.experiment import Experiment
from convscope.measures.comparison.given_model import check_given, evaluate_given
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.comparison.run import results_of, run_schedule
from convscope.measures.comparison.schedule import FRACTIONS, RunCache, make_schedule
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.networks.starts import StartSource, open_start
from convscope.options.compare import CompareOptions
from convscope.options.data import data_name, refuse_among_images

from .compare_files import RESULTS, RUNS, check_results, write_files
from .compare_options import (
    QUICK_SIDE,
    experiment_of,
    start_network,
    with_defaults,
)
from .kept_inputs import keep_inputs


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


@documented(CompareOptions)
def compare(
    data: DataSource | None = None,
    *,
    quick: bool = False,
    variants: Sequence[str] = (),
    model: Model | AnyPath | None = None,
    start: StartSource | None = None,
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
    device: DeviceChoice = "auto",
    output: AnyPath | None = None,
    force: bool = False,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> CompareResult:
    """Return the accuracy and robustness of variants of a network on the same images, and the page of results.

    Finished runs are cached in the folder: the same call continues an interrupted one.

    Args:
        data: what `convscope.train` takes; the dataset digits by default.
        progress: True shows progress on standard error.
        context: folders of named datasets and of decoded images.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> names = ["convolution", "pixels-softmax"]
        >>> found = compare("digits", variants=names, epochs=1, seeds=1, layout="4C3-MP2", output=tempfile.mkdtemp())
        >>> [(result.variant, result.parameters) for result in found.comparison.variants]
        [('convolution', 690), ('pixels-softmax', 650)]
    """
    options, context = options_from(CompareOptions, locals()), context_of(context, progress=progress)
    data = "digits" if data is None else data
    with usual_settings():
        options = with_defaults(options)
        image_options = ImageOptions(
            size=parse_size(options.size), channels=options.channels, ranges=parse_value_range(options.value_range)
        )
        folder = _checked_folder(data, options)
        given = None if options.model is None else opened(options.model, context.reporter, device=options.device)
        if given is not None:
            given.check_answers()
        source = open_source(
            data, data_dir=context.data_dir, reporter=context.reporter, class_depth=options.class_depth
        )
        if given is not None:
            check_given(given, source.classes)  # before any image is read
        opened_start = None if options.start is None else open_start(options.start)
        dataset = _prepared(source, image_options, context, quick=options.quick)
        network = None if opened_start is None else start_network(opened_start, dataset, cache_dir=context.cache_dir)
        return _run(options, experiment_of(options, dataset, network), given, folder, context.reporter)


def _checked_folder(data: DataSource, options: CompareOptions) -> Path:
    """Return the folder of the results.

    Raises:
        ConvscopeError: the results cannot be written there, or would replace others.
    """
    name, output = data_name(data), options.output
    folder = Path("runs") / f"compare-{_stem(name)}" if output is None else Path(output)
    refuse_among_images(folder, name)
    keep_inputs((folder / name for name in RESULTS), models=[options.model, options.start], data=[data])
    check_folder(folder)
    check_results(folder, force=options.force)
    return folder


def _prepared(source: Source, options: ImageOptions, context: Context, *, quick: bool) -> Dataset:
    """Return the images of `source`; with `quick`, resized unless a size is requested."""
    dataset = prepare(source, options, cache_dir=context.cache_dir, reporter=context.reporter)
    if quick and options.size is None and min(dataset.images.shape[1:3]) > QUICK_SIDE:
        context.reporter.say(f"quick: images are resized to {QUICK_SIDE}x{QUICK_SIDE}; --size changes it")
        smaller = dataclasses.replace(options, size=QUICK_SIDE)
        dataset = prepare(source, smaller, cache_dir=context.cache_dir, reporter=context.reporter)
    for note in (classes_in_words(dataset), *dataset.notes):
        context.reporter.say(note)
    return dataset


def _run(
    options: CompareOptions, experiment: Experiment, given: Model | None, folder: Path, reporter: Reporter
) -> CompareResult:
    """Run the trainings that are left, evaluate the given model, and write the results of all."""
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
    if given is not None:
        results = (*results, evaluate_given(given, experiment, reporter))
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
        seeds=experiment.seeds,
        fractions=(*FRACTIONS, 1.0) if options.learning_curve and not experiment.each else (),
        each=experiment.each,
        quick=options.quick,
        seconds=seconds,
        processor=here.processor,
        cores=here.cores,
        variants=results,
    )
