"""Train the network of a layout from its first weights: what `train` does without a start."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.context import Context
from convscope.core.progress import Reporter
from convscope.core.records import to_json
from convscope.networks.build import Network
from convscope.networks.model import Model
from convscope.training.history import History
from convscope.training.report import EvaluatedImages
from convscope.training.run import Prepared, carry_out
from convscope.training.run_folder import RunFolder

from .run_results import Trained, facts_of, save_trained, with_evaluated_labels

_AT_ONCE = 1_000  # images that are copied out of the cache


def train_layout(prepared: Prepared, folder: RunFolder, context: Context, *, resume: bool) -> Trained:
    """Train the network of a layout, save it, and evaluate it.

    Raises:
        StorageError: a file cannot be written.
        ModelFileError: the checkpoint is damaged.
    """
    network, history = carry_out(prepared, folder=folder, resume=resume, reporter=context.reporter)
    model = _model_of(prepared, network, history)
    changed = save_trained(model, history, folder)
    images = prepared.images
    indices = images.indices(images.evaluation_split)
    evaluated = EvaluatedImages.of(images, indices, _probabilities(prepared, model, indices, context.reporter))
    calibration = [str(history.calibration)] if history.calibration else []
    facts = facts_of(
        images,
        model,
        folder,
        context,
        settings=_settings(prepared, history),
        layout=prepared.plan.text,
        seconds=history.seconds,
        notes=(*prepared.notes, *history.notes, *calibration),
    )
    facts = with_evaluated_labels(facts, evaluated)
    return Trained(model=model, history=history, evaluated=evaluated, facts=facts, changed=changed)


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


def _probabilities(
    prepared: Prepared, model: Model, indices: NDArray[np.int64], reporter: Reporter
) -> NDArray[np.float32]:
    """Return what the network gives for the images at `indices`, N K."""
    there, probabilities = model.to(prepared.device), []
    with reporter.task("evaluating", len(indices), "images") as task:
        for chunk in np.array_split(indices, -(-len(indices) // _AT_ONCE)):
            probabilities.append(there.predict_proba(prepared.images.images[chunk]))
            task.advance(len(chunk))
    return np.concatenate(probabilities)


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
