"""Train a network on images: from a dataset to a model and its report."""

import dataclasses
import datetime
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from convscope.core.atomic import remove, write_text
from convscope.core.context import CommandContext, Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.errors import ConvscopeError, ParameterError, TrainingError
from convscope.core.machine import machine, usual_settings
from convscope.core.options import AnyPath, Size, ValueLimits, declared, documented, options_from
from convscope.core.precision import PrecisionChoice
from convscope.core.progress import Reporter
from convscope.core.records import to_json
from convscope.images.dataset import classes_in_words
from convscope.images.inspection import ClassCount
from convscope.images.sources.opening import DataSource, check_class_depth
from convscope.networks.build import Network
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.networks.starts import StartSource, start_name
from convscope.options.data import ARRAYS, data_name, refuse_among_images
from convscope.options.train import Effort, Fit, HeadName, Mode, RunOptions, TrainOptions
from convscope.report.run_page import render_report
from convscope.scanning.for_scan import scan_note
from convscope.training.history import EpochRecord, History, Outcome
from convscope.training.report import EvaluatedImages, Report, RunFacts, make_report, write_report
from convscope.training.run import Prepared, carry_out, prepare_run, with_resumed
from convscope.training.run_folder import (
    RunFolder,
    make_folder,
    read_record,
    refuse_folder,
    refuse_unwritable_run,
    write_record,
)
from convscope.training.torchrun import is_restarted

from .wrong_labels import with_evaluated_labels

_AT_ONCE = 1_000  # images that are copied out of the cache
_DEFAULT_DATA = "digits"


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainResult:
    """A trained network and its evaluation.

    Attributes:
        model: the network with everything that prediction needs.
        report: accuracy and what it was measured on.
        history: one record an epoch.
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
        data: a folder with one sub-folder a class, a list, the name of a dataset, or a pair of arrays (images, labels);
            the dataset digits by default. With `resume`, where the images are now; arrays must be given again.
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
    command = context.command if isinstance(context, CommandContext) else ""
    run, options = options_from(RunOptions, arguments), options_from(TrainOptions, arguments)
    with usual_settings():
        if run.resume is not None:
            _refuse_options(
                options if isinstance(start, (str, os.PathLike)) else dataclasses.replace(options, start=None), run
            )
        if _is_from_start(options, run):
            return _from_start(data, start, options, run, context)
        if is_restarted() and run.output is not None and RunFolder(path=Path(run.output)).settings.exists():
            run = dataclasses.replace(run, output=None, resume=run.output)
        if run.resume is None:
            prepared, folder = _new_run(data, options, run, context)
        else:
            prepared, folder = _resumed_run(data, RunFolder(path=Path(run.resume)), context)
        tell(prepared, context.reporter)
        try:
            network, history = carry_out(
                prepared, folder=folder, resume=run.resume is not None, reporter=context.reporter
            )
            model = _model_of(prepared, network, history)
            changed = _save(model, history, folder)
            evaluated = _evaluate(prepared, model, context.reporter)
            facts = with_evaluated_labels(_facts(prepared, history, folder, command), evaluated)
            report = make_report(evaluated, facts)
            _write(report, prepared, history, folder)
            if changed and folder.look.exists():
                _look_again(folder, context)
        except KeyboardInterrupt:  # a second interrupt, or one during evaluation
            if folder.checkpoint.exists():
                context.reporter.say(f"stopped; resume from the last checkpoint with: {_resuming(prepared, folder)}")
            raise
    if history.failure is not None:
        raise TrainingError(f"{history.failure} The last good model is saved in {folder.model}.")
    return TrainResult(
        model=model,
        report=report,
        history=history.epochs,
        outcome=history.outcome,
        folder=folder,
        classes=prepared.images.inspection.classes,
    )


def _is_from_start(options: TrainOptions, run: RunOptions) -> bool:
    """Return whether the training is one from a start, new or resumed."""
    if run.resume is None:
        return options.start is not None
    return read_record(RunFolder(path=Path(run.resume))).settings.start is not None


def _from_start(
    data: DataSource | None, start: StartSource | None, options: TrainOptions, run: RunOptions, context: Context
) -> TrainResult:
    """Return the result of a training from a start."""
    from .train_from_start import train_from_start  # loads scikit-learn

    result = train_from_start(data, start, options, run, context)
    history = result.history
    if history.failure is not None:
        raise TrainingError(f"{history.failure} The last good model is saved in {result.folder.model}.")
    return TrainResult(
        model=result.model,
        report=result.report,
        history=history.epochs,
        outcome=history.outcome,
        folder=result.folder,
        classes=result.prepared.images.inspection.classes,
    )


def prepare(data: DataSource | None, options: TrainOptions, context: Context) -> Prepared:
    """Return the run that `train` would carry out, with nothing trained: what ``--dry-run`` shows.

    It opens and inspects the images, splits them, decodes them into the cache, and chooses network and recipe.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    options = dataclasses.replace(
        options,
        data=_DEFAULT_DATA if data is None else data_name(data),
        data_dir=None if context.data_dir is None else str(context.data_dir.absolute()),
    )
    if options.class_depth is not None and data is None:
        check_class_depth(options.class_depth, None)
    return _prepared(options, data, context)


def _prepared(options: TrainOptions, data: DataSource | None, context: Context) -> Prepared:
    spent_s = time.monotonic() - context.began_s if isinstance(context, CommandContext) else 0.0
    return prepare_run(options, data, cache_dir=context.cache_dir, reporter=context.reporter, spent_s=spent_s)


def _new_run(
    data: DataSource | None, options: TrainOptions, run: RunOptions, context: Context
) -> tuple[Prepared, RunFolder]:
    """Return a prepared run and its new folder, checked before any image is read."""
    path = None if run.output is None else Path(run.output)
    refuse_among_images(path or Path("runs"), _DEFAULT_DATA if data is None else data_name(data))
    refuse_folder(path, force=run.force)
    prepared = prepare(data, options, context)
    folder = make_folder(path, name=Path(prepared.settings.data).name, force=run.force)
    write_record(folder, prepared.record)
    return prepared, folder


def _refuse_options(options: TrainOptions, run: RunOptions) -> None:
    """Raise ParameterError if an option is given beside `resume`."""
    changed = [option.name for option in declared(TrainOptions) if getattr(options, option.name) != option.default]
    if changed or run.output is not None:
        given = ", ".join([*changed, *["output"] * (run.output is not None)])
        raise ParameterError(
            f"`resume` takes the options of the run. Got {given}. "
            "Leave out every option but data and data_dir, which say where the images are now."
        )


def _resumed_run(data: DataSource | None, folder: RunFolder, context: Context) -> tuple[Prepared, RunFolder]:
    """Return the run in `folder` as it was prepared; its images may have moved."""
    record = read_record(folder)
    refuse_unwritable_run(folder)
    options = _moved(record.settings, data, context)
    prepared = with_resumed(record, _prepared(options, data, context))
    if options != record.settings:
        write_record(folder, dataclasses.replace(record, settings=prepared.settings))
    return prepared, folder


def _moved(options: TrainOptions, data: DataSource | None, context: Context) -> TrainOptions:
    """Return the options of a run with the path of its images now; a digest of the images proves them the same."""
    if data is None and options.data == ARRAYS:
        raise ParameterError("`resume` needs the arrays that the run began with. Give them as `data`.")
    return dataclasses.replace(
        options,
        device=options.device if options.device == "cpu" else "auto",  # another machine may have no GPU
        data=options.data if data is None else data_name(data),
        data_dir=options.data_dir if context.data_dir is None else str(context.data_dir.absolute()),
    )


def _resuming(prepared: Prepared, folder: RunFolder) -> str:
    """Return what resumes the run in `folder`: a command, or a call where the images are arrays."""
    if prepared.settings.data == ARRAYS:
        return f"train((images, labels), resume={str(folder.path)!r})"
    return folder.resuming


def tell(prepared: Prepared, reporter: Reporter, *, classes: bool = True) -> None:
    """Report the classes if `classes` is set, the notes on the dataset, and the chosen layout."""
    if classes:
        reporter.say(classes_in_words(prepared.images))
    for note in prepared.notes:
        reporter.say(note)
    plan = prepared.plan
    reporter.say(
        f"layout {plan.layout} on {plan.width}x{plan.height}x{plan.channels}: {plan.parameters:,} parameters, "
        f"{plan.macs:,} MACs an image; --layout changes it"
    )
    if prepared.settings.for_scan:
        reporter.say(scan_note(plan))


def _model_of(prepared: Prepared, network: Network, history: History) -> Model:
    """Return the trained network as a model: with classes, preprocessing, and how it was trained."""
    return Model(
        network=network,
        classes=prepared.images.classes,
        preprocessing=prepared.images.preprocessing,
        training={
            "settings": to_json(prepared.settings),
            "recipe": to_json(prepared.recipe),
            "seconds": history.seconds,
            "sizes": to_json(prepared.images.inspection.sizes),
            **({"calibration": to_json(history.calibration)} if history.calibration else {}),
        },
    )


def _save(model: Model, history: History, folder: RunFolder) -> bool:
    """Write model and history; return whether the weights differ from those of the model that was there.

    Records that were measured on other weights are removed.
    """
    weights = model.network.state_dict()
    try:
        before = read_model(folder.model).network.state_dict()
    except ConvscopeError:
        before = {}
    same = before.keys() == weights.keys() and all(torch.equal(value, before[name]) for name, value in weights.items())
    if not same:
        for stale in (folder.invariance, folder.units):
            remove(stale)
    write_model(model, folder.model)
    history.write(folder.history)
    return not same


def _evaluate(prepared: Prepared, model: Model, reporter: Reporter) -> EvaluatedImages:
    """Return the images that the network is evaluated on, with their probabilities."""
    images = prepared.images
    indices = images.indices(images.evaluation_split)
    probabilities = []
    with reporter.task("evaluating", len(indices), "images") as task:
        for chunk in np.array_split(indices, -(-len(indices) // _AT_ONCE)):
            probabilities.append(model.predict_proba(images.images[chunk]))
            task.advance(len(chunk))
    return EvaluatedImages.of(images, indices, np.concatenate(probabilities))


def _facts(prepared: Prepared, history: History, folder: RunFolder, command: str) -> RunFacts:
    """Return everything that a report says of a run beside its accuracy."""
    images = prepared.images
    return RunFacts(
        name=images.name,
        settings=_settings(prepared, history),
        seconds=history.seconds,
        layout=str(prepared.plan.layout),
        layers=prepared.plan.layers,
        sides=(prepared.plan.height, prepared.plan.width),
        problems=images.inspection.problems,
        left_out=len(images.inspection.unusable),
        notes=(*prepared.notes, *history.notes, *([str(history.calibration)] if history.calibration else [])),
        finished=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=command,
        model=str(folder.model),
        machine=machine(),
    )


def _settings(prepared: Prepared, history: History) -> dict[str, Any]:
    """Return every option with its value, chosen or given."""
    return {
        **to_json(prepared.settings),
        **to_json(prepared.recipe),
        "learning_rate": prepared.recipe.highest_rate(history.steps),
        "threads": prepared.threads,
        "ranks": prepared.ranks,
        "device": prepared.device,
    }


def _write(report: Report, prepared: Prepared, history: History, folder: RunFolder) -> None:
    """Write the report as JSON and as a page."""
    write_report(report, folder.report)
    page = render_report(report, history.epochs, lambda index: np.asarray(prepared.images.images[index]))
    write_text(folder.page, page)


def _look_again(folder: RunFolder, context: Context) -> None:
    """Write ``look.html`` again for the new weights; remove it if that fails."""
    from .look import look  # slow to import, rarely needed

    try:
        look(folder.path, force=True, context=context)
    except ConvscopeError as error:
        remove(folder.look)
        context.reporter.say(f"{folder.look} is removed: it showed the previous network ({error})")
        return
    context.reporter.say(f"{folder.look} is written again: it showed the previous network")
