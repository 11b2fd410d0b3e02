"""Train from a trained network: its features and a classifier on them, in a run folder like any other."""

import datetime
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.atomic import remove, write_text
from convscope.core.context import CommandContext, Context
from convscope.core.errors import ParameterError
from convscope.core.machine import machine
from convscope.core.progress import Reporter
from convscope.core.records import to_json
from convscope.images.dataset import classes_in_words
from convscope.images.sources.opening import DataSource
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from convscope.networks.starts import OBJECT, StartSource, open_start
from convscope.options.data import data_name, refuse_among_images
from convscope.options.train import RunOptions, TrainOptions
from convscope.report.run_page import render_report
from convscope.training.history import History
from convscope.training.report import EvaluatedImages, Report, RunFacts, make_report, write_report
from convscope.training.run_folder import (
    RunFolder,
    RunRecord,
    make_folder,
    read_record,
    refuse_folder,
    refuse_unwritable_run,
    write_record,
)
from convscope.transfer.fine_tuning import transfer
from convscope.transfer.modes import FROZEN
from convscope.transfer.preparing import PreparedStart, prepare_start
from convscope.transfer.run import Transferred

from .resumed_options import moved_options
from .wrong_labels import with_evaluated_labels, with_start_labels


@dataclass(frozen=True, kw_only=True, eq=False)
class StartResult:
    """A model from a start, with its report and the folder of both."""

    model: Model
    report: Report
    folder: RunFolder
    prepared: PreparedStart
    history: History


def train_from_start(
    data: DataSource | None, start: StartSource | None, options: TrainOptions, run: RunOptions, context: Context
) -> StartResult:
    """Train a classifier on the features of `start`; return the model with its report and folder.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    if run.resume is None:
        prepared, folder = _new_run(data, start, options, run, context)
    else:
        prepared, folder = _resumed_run(data, start, RunFolder(path=Path(run.resume)), context)
    tell_start(prepared, context.reporter)
    try:
        found = transfer(
            prepared,
            folder=folder,
            resume=run.resume is not None,
            cache_dir=context.cache_dir,
            reporter=context.reporter,
        )
        return _written(prepared, found, folder, context)
    except KeyboardInterrupt:
        context.reporter.say(f"stopped; the features so far are in the cache; resume with: {folder.resuming}")
        raise


def prepare_from_start(
    data: DataSource | None, start: StartSource | None, options: TrainOptions, context: Context
) -> PreparedStart:
    """Return the training that `train_from_start` would carry out, with nothing computed.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    if data is None:
        raise ParameterError("`start` needs images. Got no data. Name a folder with one sub-folder a class.")
    data_dir = None if context.data_dir is None else str(context.data_dir.absolute())
    return _prepared(data, start, replace(options, data=data_name(data), data_dir=data_dir), context)


def _prepared(
    data: DataSource | None, start: StartSource | None, options: TrainOptions, context: Context
) -> PreparedStart:
    return prepare_start(
        options,
        open_start(options.start or "" if start is None else start),
        data,
        cache_dir=context.cache_dir,
        reporter=context.reporter,
        spent_s=time.monotonic() - context.began_s if isinstance(context, CommandContext) else 0.0,
    )


def tell_start(prepared: PreparedStart, reporter: Reporter, *, classes: bool = True) -> None:
    """Report the classes if `classes` is set, and the notes on the dataset and the start."""
    if classes:
        reporter.say(classes_in_words(prepared.images))
    for note in prepared.notes:
        reporter.say(note)


def _new_run(
    data: DataSource | None, start: StartSource | None, options: TrainOptions, run: RunOptions, context: Context
) -> tuple[PreparedStart, RunFolder]:
    """Return a prepared run and its new folder, checked before any image is read."""
    path = None if run.output is None else Path(run.output)
    if data is not None:
        refuse_among_images(path or Path("runs"), data_name(data))
    refuse_folder(path, force=run.force)
    prepared = prepare_from_start(data, start, options, context)
    folder = make_folder(path, name=Path(prepared.settings.data).name, force=run.force)
    write_record(folder, prepared.record)
    return prepared, folder


def _resumed_run(
    data: DataSource | None, start: StartSource | None, folder: RunFolder, context: Context
) -> tuple[PreparedStart, RunFolder]:
    """Return the run in `folder` as it was prepared; its images may have moved."""
    record = read_record(folder)
    refuse_unwritable_run(folder)
    options = moved_options(record.settings, data, context)
    if start is None and str(options.start).startswith(OBJECT):
        raise ParameterError(f"`resume` needs the start that the run began with, {options.start}. Give it as `start`.")
    prepared = _prepared(data, start, options, context)
    _refuse_others(record, prepared)
    notes = (*prepared.notes, *record.moved_to(prepared.device))
    return replace(prepared, recipe=record.recipe, threads=record.threads, notes=notes), folder


def _refuse_others(record: RunRecord, prepared: PreparedStart) -> None:
    """Raise ParameterError if the images are no longer those of the run."""
    if record.images != prepared.record.images:
        raise ParameterError(
            f"`resume` must find the images of the run, {record.settings.data!r}, as they were. Got others in "
            f"{prepared.settings.data!r}. Start the training anew."
        )


def _written(prepared: PreparedStart, found: Transferred, folder: RunFolder, context: Context) -> StartResult:
    """Write model, report and history; return them."""
    images = prepared.images
    start = {
        "name": prepared.start.name,
        "mode": prepared.mode,
        "cut": found.cut,
        "boundary": found.boundary,
        "curve": to_json(found.curve),
    }
    record = to_json(prepared.record)
    training = {
        "settings": record["settings"],
        "recipe": record["recipe"],
        "seconds": found.seconds,
        "start": start,
        **found.model.training,
    }
    model = replace(found.model, training=training)
    for stale in (folder.invariance, folder.units, folder.cost, folder.look):
        remove(stale)
    write_model(model, folder.model)
    found.history.write(folder.history)
    evaluated = EvaluatedImages.of(images, found.indices, found.probabilities)
    facts = _facts(prepared, found, folder, context)
    if prepared.mode == FROZEN:
        facts = with_start_labels(facts, prepared, found.cut, context.cache_dir)
    else:
        facts = with_evaluated_labels(facts, evaluated)
    report = make_report(evaluated, facts)
    write_report(report, folder.report)
    write_text(folder.page, render_report(report, found.history.epochs, lambda index: np.asarray(images.images[index])))
    for note in found.notes:
        context.reporter.say(note)
    return StartResult(model=model, report=report, folder=folder, prepared=prepared, history=found.history)


def _facts(prepared: PreparedStart, found: Transferred, folder: RunFolder, context: Context) -> RunFacts:
    """Return everything that the report says of the run beside its accuracy."""
    images = prepared.images
    settings: dict[str, Any] = {**to_json(prepared.settings), "cut": found.cut, "flip": prepared.flip}
    if prepared.mode != FROZEN:
        rate = prepared.recipe.highest_rate(max(1.0, found.history.steps))
        settings |= {**to_json(prepared.recipe), "learning_rate": rate}
    return RunFacts(
        name=images.name,
        settings={**settings, "threads": prepared.threads},
        seconds=found.seconds,
        layers=found.model.network.plan.layers,
        sides=(found.model.network.plan.height, found.model.network.plan.width),
        problems=images.inspection.problems,
        left_out=len(images.inspection.unusable),
        notes=(*prepared.notes, *found.notes),
        finished=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=context.command if isinstance(context, CommandContext) else "",
        model=str(folder.model),
        machine=machine(),
        by_layer=found.curve,
        cut=found.boundary or found.cut,
    )
