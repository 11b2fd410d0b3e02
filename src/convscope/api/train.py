"""Train a network on images: from a dataset to a model and its report."""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.errors import ParameterError, TrainingError
from convscope.core.machine import usual_settings
from convscope.core.options import AnyPath, Size, ValueLimits, documented, options_from
from convscope.core.precision import PrecisionChoice
from convscope.core.progress import Reporter
from convscope.images.dataset import classes_in_words
from convscope.images.inspection import ClassCount
from convscope.images.sources.opening import DataSource, check_class_depth
from convscope.networks.model import Model
from convscope.networks.starts import StartSource, start_name
from convscope.options.data import ARRAYS, data_name, refuse_among_images
from convscope.options.train import Effort, Fit, HeadName, Mode, RunOptions, TrainOptions
from convscope.scanning.for_scan import scan_note
from convscope.training.history import EpochRecord, Outcome
from convscope.training.ranks import LostRankError
from convscope.training.report import Report
from convscope.training.run import Prepared, prepare_run, with_resumed
from convscope.training.run_folder import (
    RunFolder,
    make_folder,
    read_record,
    refuse_folder,
    refuse_unwritable_run,
    write_record,
)
from convscope.training.torchrun import is_restarted, world_size

from .kept_inputs import keep_inputs
from .resumed_options import moved_options, refuse_options
from .run_results import Trained, write_report_of
from .train_layout import train_layout

if TYPE_CHECKING:
    from convscope.transfer.preparing import PreparedStart

    AnyPrepared = Prepared | PreparedStart

_DEFAULT_DATA = "digits"


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainResult:
    """A trained network and its evaluation.

    Attributes:
        model: the network with everything that prediction needs.
        report: accuracy and what it was measured on.
        history: one record per epoch.
        outcome: ``done``, ``target`` (the target accuracy was reached) or ``interrupted``.
        folder: the run folder with model and report.
        classes: number of images of each class.
    """

    model: Model
    report: Report
    history: tuple[EpochRecord, ...]
    outcome: Outcome
    folder: RunFolder
    classes: tuple[ClassCount, ...] = ()


@documented(TrainOptions, RunOptions)
def train(
    data: DataSource | None = None,
    *,
    start: StartSource | None = None,
    mode: Mode | None = None,
    cut: str | None = None,
    head: HeadName = "softmax",
    layout: str | None = None,
    for_scan: bool = False,
    pixel_size: float | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    recipe: Effort = "balanced",
    class_depth: int | None = None,
    labels: AnyPath | None = None,
    size: Size | None = None,
    fit: Fit | None = None,
    background: str = "auto",
    channels: int | None = None,
    value_range: ValueLimits | None = None,
    validation: float | None = None,
    target_accuracy: float | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    smoothing: float | None = None,
    flip: bool | None = None,
    shift: int | None = None,
    rotate: float | None = None,
    scale: float | None = None,
    erase: float | None = None,
    progressive_resizing: float | None = None,
    balance: bool = False,
    pretrain: str | None = None,
    freeze: bool = False,
    threads: int | None = None,
    ranks: int | None = None,
    batch_statistics: Literal["own", "all"] = "own",
    device: DeviceChoice = "auto",
    precision: PrecisionChoice = "auto",
    output: AnyPath | None = None,
    resume: AnyPath | None = None,
    force: bool = False,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> TrainResult:
    """Train a network on `data`; return it with its report and its folder.

    Args:
        data: a folder with one sub-folder per class, a list, the name of a dataset, or a pair of arrays (images,
            labels); the dataset digits by default. With `resume`, where the images are now; arrays must be given again.
        progress: True shows progress on standard error.
        context: folders of named datasets and of decoded images.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
        TrainingError: the loss was not finite; the last good model is saved.

    Examples:
        >>> import tempfile
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> trained.report.split, trained.report.images
        ('validation', 359)
    """
    arguments = {**locals(), "start": start_name(start)}
    context = context_of(context, progress=progress)
    run, options = options_from(RunOptions, arguments), options_from(TrainOptions, arguments)
    with usual_settings():
        if run.resume is not None:
            named = options if isinstance(start, (str, os.PathLike)) else dataclasses.replace(options, start=None)
            refuse_options(named, run)
        if is_restarted() and run.output is not None and RunFolder(path=Path(run.output)).settings.exists():
            run = dataclasses.replace(run, output=None, resume=run.output)
        if run.resume is None:
            prepared, folder = _new_run(data, start, options, run, context)
        else:
            prepared, folder = _resumed_run(data, start, RunFolder(path=Path(run.resume)), context)
        tell(prepared, context.reporter)
        try:
            trained = _carried_out(prepared, folder, context, resume=run.resume is not None)
            report = write_report_of(trained, prepared.images, folder, context)
        except LostRankError as error:
            raise LostRankError(f"{error}{_going_on(error, prepared, folder)}") from None
        except KeyboardInterrupt:  # a second interrupt, or one during evaluation
            if prepared.settings.start is not None or folder.checkpoint.exists():
                context.reporter.say(f"stopped; {_resuming(prepared, folder)}")
            raise
    history = trained.history
    if history.failure is not None:
        kept = f"{history.failure} The last good model is saved in {folder.model}."
        raise TrainingError(f"{kept}{_going_on(history.failure, prepared, folder)}")
    return TrainResult(
        model=trained.model,
        report=report,
        history=history.epochs,
        outcome=history.outcome,
        folder=folder,
        classes=prepared.images.inspection.classes,
    )


def prepare(
    data: DataSource | None, options: TrainOptions, context: Context, *, start: StartSource | None = None
) -> "AnyPrepared":
    """Return the run that `train` would carry out, with nothing trained: what ``--dry-run`` shows.

    It opens and inspects the images, splits them, decodes them into the cache, and chooses network and recipe.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    if data is None and options.start is not None:
        raise ParameterError("`start` needs images. Got no data. Name a folder with one sub-folder per class.")
    if data is None and options.class_depth is not None:
        check_class_depth(options.class_depth, None)
    name = _DEFAULT_DATA if data is None else data_name(data)
    source = options.start if start is None else start_name(start)
    data_dir = None if context.data_dir is None else str(context.data_dir.absolute())
    return _prepared(data, start, dataclasses.replace(options, data=name, data_dir=data_dir, start=source), context)


def _prepared(
    data: DataSource | None, start: StartSource | None, options: TrainOptions, context: Context
) -> "AnyPrepared":
    if options.start is None:
        return prepare_run(
            options, data, cache_dir=context.cache_dir, reporter=context.reporter, spent_s=context.spent_s
        )
    from .train_from_start import prepare_from_start  # loads scikit-learn

    return prepare_from_start(data, start, options, context)


def _new_run(
    data: DataSource | None, start: StartSource | None, options: TrainOptions, run: RunOptions, context: Context
) -> tuple["AnyPrepared", RunFolder]:
    """Return a prepared run and its new folder, checked before any image is read."""
    path = None if run.output is None else Path(run.output)
    refuse_among_images(path or Path("runs"), _DEFAULT_DATA if data is None else data_name(data))
    if path is not None:
        keep_inputs([RunFolder(path=path).model], models=[start], data=[data])
    refuse_folder(path, force=run.force)
    prepared = prepare(data, options, context, start=start)
    folder = make_folder(path, name=Path(prepared.settings.data).name, force=run.force)
    write_record(folder, prepared.record)
    return prepared, folder


def _resumed_run(
    data: DataSource | None, start: StartSource | None, folder: RunFolder, context: Context
) -> tuple["AnyPrepared", RunFolder]:
    """Return the run in `folder` as it was prepared; its images may have moved."""
    record = read_record(folder)
    refuse_unwritable_run(folder)
    options = moved_options(record.settings, data, start, context)
    prepared = _prepared(data, start, options, context)
    if isinstance(prepared, Prepared):
        prepared = with_resumed(record, prepared)
    else:
        from .train_from_start import with_resumed_start

        prepared = with_resumed_start(record, prepared)
    if options != record.settings:
        write_record(folder, dataclasses.replace(record, settings=prepared.settings))
    return prepared, folder


def _carried_out(prepared: "AnyPrepared", folder: RunFolder, context: Context, *, resume: bool) -> Trained:
    if isinstance(prepared, Prepared):
        return train_layout(prepared, folder, context, resume=resume)
    from .train_from_start import train_from_start

    return train_from_start(prepared, folder, context, resume=resume)


def _resuming(prepared: "AnyPrepared", folder: RunFolder) -> str:
    """Return what resumes the run in `folder`: a command, or a call where the images are arrays."""
    if prepared.settings.start is not None:
        return f"the features so far are in the cache; resume with: {folder.resuming}"
    call = folder.resuming
    if prepared.settings.data == ARRAYS:
        call = f"train((images, labels), resume={str(folder.path)!r})"
    return f"resume from the last checkpoint with: {call}"


def _going_on(failure: TrainingError, prepared: "AnyPrepared", folder: RunFolder) -> str:
    """Return what helps after `failure`, a sentence; torchrun starts lost processes itself."""
    if not isinstance(failure, LostRankError) or world_size() > 1:
        return ""
    return f" To go on, {_resuming(prepared, folder)}"


def tell(prepared: "AnyPrepared", reporter: Reporter, *, classes: bool = True) -> None:
    """Report the classes if `classes` is set, the notes on the dataset, and the chosen layout."""
    if classes:
        reporter.say(classes_in_words(prepared.images))
    for note in prepared.notes:
        reporter.say(note)
    if not isinstance(prepared, Prepared):
        return
    plan = prepared.plan
    reporter.say(
        f"layout {plan.layout} on {plan.width}x{plan.height}x{plan.channels}: {plan.parameters:,} parameters, "
        f"{plan.macs:,} MACs an image; --layout changes it"
    )
    if prepared.settings.for_scan:
        reporter.say(scan_note(plan))
