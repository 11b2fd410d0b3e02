"""What a training gives, and what it leaves in its run folder: the model, the report, and the pages."""

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from convscope.cleaning.wrong_labels import wrong_labels
from convscope.core.atomic import remove, write_text
from convscope.core.context import Context
from convscope.core.document import link_pages
from convscope.core.errors import ConvscopeError
from convscope.core.machine import machine
from convscope.core.progress import Silent
from convscope.core.text import counted
from convscope.images.dataset import Dataset
from convscope.images.inspection import Problem
from convscope.images.sources.source import TRAIN
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.report.run_page import render_report
from convscope.training.history import History
from convscope.training.report import EvaluatedImages, Report, RunFacts, make_report, write_report
from convscope.training.run_folder import RunFolder

if TYPE_CHECKING:
    from convscope.transfer.preparing import PreparedStart


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What a training gives; the model and its history are in the run folder already.

    Attributes:
        model: the network with classes, preprocessing, and how it was trained.
        history: of the training; without epochs where nothing was trained by gradients.
        evaluated: the images that it was evaluated on, with their probabilities.
        facts: what the report says of the run beside its accuracy.
        changed: whether the weights differ from those that the folder had before.
    """

    model: Model
    history: History
    evaluated: EvaluatedImages
    facts: RunFacts
    changed: bool


def facts_of(images: Dataset, model: Model, folder: RunFolder, context: Context, **own: Any) -> RunFacts:
    """Return what a report says of a run beside its accuracy; `own` are the facts of its kind, by name."""
    plan = model.network.plan
    return RunFacts(
        name=images.name,
        layers=plan.layers,
        sides=(plan.height, plan.width),
        problems=images.inspection.problems,
        left_out=len(images.inspection.unusable),
        finished=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=context.command,
        model=str(folder.model),
        machine=machine(),
        **own,
    )


def write_report_of(trained: Trained, images: Dataset, folder: RunFolder, context: Context) -> Report:
    """Write the report of a training and return it; a page that shows other weights is written again.

    Raises:
        StorageError: a file cannot be written.
    """
    report = make_report(trained.evaluated, trained.facts)
    write_report(report, folder.report)
    page = render_report(report, trained.history.epochs, lambda index: np.asarray(images.images[index]))
    write_text(folder.page, page)
    if trained.changed and folder.look.exists():
        _look_again(folder, context)
    _link(trained.model, folder)
    return report


def save_trained(model: Model, history: History, folder: RunFolder) -> bool:
    """Write model and history; return whether the weights differ from those of the model that was there.

    Records that were measured on other weights are removed.

    Raises:
        StorageError: a file cannot be written.
    """
    weights = model.network.state_dict()
    try:
        before = read_model(folder.model).network.state_dict()
    except ConvscopeError:
        before = {}
    same = before.keys() == weights.keys() and all(torch.equal(value, before[name]) for name, value in weights.items())
    if not same:
        for stale in (folder.invariance, folder.units, folder.faithfulness):
            remove(stale)
    write_model(model, folder.model)
    history.write(folder.history)
    return not same


def _link(model: Model, folder: RunFolder) -> None:
    """Link the report, which was written anew, with the other pages of the run."""
    from .look_records import linked_pages  # slow to import

    link_pages(linked_pages(model, folder))


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


def with_evaluated_labels(facts: RunFacts, evaluated: EvaluatedImages) -> RunFacts:
    """Return the facts of a run with the labels of the evaluated images that look wrong by its network.

    Of training images a network has learned the labels by heart, wrong ones too: they are not looked at.
    """
    if not evaluated.is_held_out:
        return facts
    names = dict(zip(np.asarray(evaluated.indices).tolist(), evaluated.names, strict=True))
    found, _ = wrong_labels(
        np.asarray(evaluated.probabilities, np.float64),
        np.asarray(evaluated.labels),
        evaluated.classes,
        list(names),
        names.__getitem__,
    )
    of_what = counted(len(names), f"{evaluated.split} image")
    return _with(facts, found, f"{of_what}, by the network, which did not learn from them")


def with_start_labels(facts: RunFacts, prepared: "PreparedStart", cut: str, cache_dir: Path | None) -> RunFacts:
    """Return the facts of a run with the labels that look wrong by cross-validation, on the features learned from."""
    from convscope.cleaning.findings import label_findings
    from convscope.transfer.start_features import StartFeatures, Wanted
    from convscope.transfer.views import ITSELF

    images = prepared.images
    indices = np.flatnonzero(np.isin(images.splits, [TRAIN, images.evaluation_split]))
    model = prepared.start.model.to(prepared.device)
    start = StartFeatures(model, [cut], images, cache_dir=cache_dir, reporter=Silent())
    features = start.of([Wanted(view=ITSELF, indices=indices)])[0][cut]
    found = label_findings(images, features, indices=indices, seed=prepared.settings.seed)
    of_what = counted(len(indices), "training and evaluated image", "training and evaluated images")
    return _with(facts, found.problems, f"{of_what}, each by a classifier that did not learn from it")


def _with(facts: RunFacts, found: tuple[Problem, ...], of_what: str) -> RunFacts:
    if not found:
        return facts
    note = f"{counted(len(found), 'label')} look{'s' * (len(found) == 1)} wrong of {of_what}: see the report"
    return replace(facts, problems=(*facts.problems, *found), notes=(*facts.notes, note))
