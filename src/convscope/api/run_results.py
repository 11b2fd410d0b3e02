"""What a training leaves in its run folder: the model, how it was evaluated, the report, and the pages."""

import datetime
from typing import Any

import numpy as np
import torch

from convscope.core.atomic import remove, write_text
from convscope.core.context import Context
from convscope.core.errors import ConvscopeError
from convscope.core.machine import machine
from convscope.core.progress import Reporter
from convscope.core.records import to_json
from convscope.networks.build import Network
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.report.run_page import render_report
from convscope.training.history import History
from convscope.training.report import EvaluatedImages, Report, RunFacts, write_report
from convscope.training.run import Prepared
from convscope.training.run_folder import RunFolder

_AT_ONCE = 1_000  # images that are copied out of the cache


def model_of(prepared: Prepared, network: Network, history: History) -> Model:
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


def save_model(model: Model, history: History, folder: RunFolder) -> bool:
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


def evaluate_model(prepared: Prepared, model: Model, reporter: Reporter) -> EvaluatedImages:
    """Return the images that the network is evaluated on, with their probabilities."""
    images, model = prepared.images, model.to(prepared.device)
    indices = images.indices(images.evaluation_split)
    probabilities = []
    with reporter.task("evaluating", len(indices), "images") as task:
        for chunk in np.array_split(indices, -(-len(indices) // _AT_ONCE)):
            probabilities.append(model.predict_proba(images.images[chunk]))
            task.advance(len(chunk))
    return EvaluatedImages.of(images, indices, np.concatenate(probabilities))


def facts_of(prepared: Prepared, history: History, folder: RunFolder, command: str) -> RunFacts:
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


def write_results(report: Report, prepared: Prepared, history: History, folder: RunFolder) -> None:
    """Write the report as JSON and as a page."""
    write_report(report, folder.report)
    page = render_report(report, history.epochs, lambda index: np.asarray(prepared.images.images[index]))
    write_text(folder.page, page)


def look_again(folder: RunFolder, context: Context) -> None:
    """Write ``look.html`` again for the new weights; remove it if that fails."""
    from .look import look  # slow to import, rarely needed

    try:
        look(folder.path, force=True, context=context)
    except ConvscopeError as error:
        remove(folder.look)
        context.reporter.say(f"{folder.look} is removed: it showed the previous network ({error})")
        return
    context.reporter.say(f"{folder.look} is written again: it showed the previous network")
