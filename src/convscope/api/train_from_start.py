"""Train from a trained network: its features and a classifier on them, or all of it, trained further."""

from dataclasses import replace
from typing import Any

from convscope.core.context import Context
from convscope.core.records import to_json
from convscope.images.sources.opening import DataSource
from convscope.networks.model import Model
from convscope.networks.starts import StartSource, open_start
from convscope.options.train import TrainOptions
from convscope.training.report import EvaluatedImages
from convscope.training.run import check_same_images
from convscope.training.run_folder import RunFolder, RunRecord
from convscope.transfer.fine_tuning import transfer
from convscope.transfer.modes import FROZEN
from convscope.transfer.preparing import PreparedStart, prepare_start
from convscope.transfer.run import Transferred
from convscope.transfer.start_features import identity_of

from .run_results import Trained, facts_of, save_trained, with_evaluated_labels, with_start_labels


def prepare_from_start(
    data: DataSource | None, start: StartSource | None, options: TrainOptions, context: Context
) -> PreparedStart:
    """Return the training from a start before its first feature, with nothing computed.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    return prepare_start(
        options,
        open_start(options.start or "" if start is None else start),
        data,
        cache_dir=context.cache_dir,
        reporter=context.reporter,
        spent_s=context.spent_s,
    )


def with_resumed_start(record: RunRecord, prepared: PreparedStart) -> PreparedStart:
    """Return `prepared` with the recipe that the run in `record` was begun with.

    Raises:
        ParameterError: the images are no longer those of the run.
    """
    check_same_images(record, prepared.images, prepared.settings)
    notes = (*prepared.notes, *record.moved_to(prepared.device))
    return replace(prepared, recipe=record.recipe, threads=record.threads, notes=notes)


def train_from_start(prepared: PreparedStart, folder: RunFolder, context: Context, *, resume: bool) -> Trained:
    """Train from a start in its mode, and save the model.

    Raises:
        DataError: the features cannot be used.
        StorageError: a file cannot be written.
        ModelFileError: the checkpoint is damaged.
    """
    found = transfer(prepared, folder=folder, resume=resume, cache_dir=context.cache_dir, reporter=context.reporter)
    model = _model_of(prepared, found)
    changed = save_trained(model, found.history, folder)
    evaluated = EvaluatedImages.of(prepared.images, found.indices, found.probabilities)
    facts = facts_of(
        prepared.images,
        model,
        folder,
        context,
        settings=_settings(prepared, found),
        seconds=found.seconds,
        notes=(*prepared.notes, *found.notes),
        by_layer=found.curve,
        cut=found.boundary or found.cut,
    )
    if prepared.mode == FROZEN:
        facts = with_start_labels(facts, prepared, found.cut, context.cache_dir)
    else:
        facts = with_evaluated_labels(facts, evaluated)
    for note in found.notes:
        context.reporter.say(note)
    return Trained(model=model, history=found.history, evaluated=evaluated, facts=facts, changed=changed)


def _model_of(prepared: PreparedStart, found: Transferred) -> Model:
    """Return the model with the record of how it was trained."""
    record = to_json(prepared.record)
    start = {
        "name": prepared.start.name,
        "mode": prepared.mode,
        "cut": found.cut,
        "boundary": found.boundary,
        "curve": to_json(found.curve),
    }
    if prepared.mode == FROZEN:
        start["features"] = identity_of(prepared.start.model, found.cut)
    training = {
        "settings": record["settings"],
        "recipe": record["recipe"],
        "seconds": found.seconds,
        "sizes": to_json(prepared.images.inspection.sizes),
        "start": start,
    }
    return replace(found.model, training={**training, **found.model.training})


def _settings(prepared: PreparedStart, found: Transferred) -> dict[str, Any]:
    """Return every option with its value, chosen or given."""
    settings: dict[str, Any] = {**to_json(prepared.settings), "cut": found.cut, "flip": prepared.flip}
    if prepared.mode != FROZEN:
        rate = prepared.recipe.highest_rate(max(1.0, found.history.steps))
        settings |= {**to_json(prepared.recipe), "learning_rate": rate}
    return {**settings, "threads": prepared.threads}
