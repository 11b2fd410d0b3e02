"""A start with its classifier, trained further by gradients: all of it, or the stages above one that stays frozen."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.machine import tuned
from convscope.core.progress import Reporter
from convscope.core.text import counted
from convscope.networks.folding import fold, ready
from convscope.networks.graph import IMAGE, Graph
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.training.history import History
from convscope.training.run import fit_watched
from convscope.training.run_folder import RunFolder
from convscope.training.training_data import TrainingData

from .modes import FROZEN
from .preparing import AUTO, PreparedStart
from .run import Transferred, carry_out_start
from .sizes import copied
from .start_features import identity_of
from .stored_maps import CutMaps, stored_maps
from .views import FLIPPED, ITSELF

_AT_ONCE = 500  # images that are evaluated
_UNIT = (1 / 255,)  # the deviation that leaves values as they are
_NOT_CALIBRATED = "probabilities are not calibrated: there are no validation images; --validation 0.2 sets some aside"


def transfer(
    prepared: PreparedStart, *, folder: RunFolder | None, resume: bool, cache_dir: Path | None, reporter: Reporter
) -> Transferred:
    """Carry out a training from a start in its mode; return the model and its answers on the evaluated images.

    With `resume` from the checkpoint in `folder`, where there is one.

    Raises:
        DataError: the features cannot be used.
        StorageError: features or a checkpoint cannot be stored.
        ModelFileError: the checkpoint is damaged.
    """
    if prepared.mode == FROZEN:
        return carry_out_start(prepared, cache_dir=cache_dir, reporter=reporter)
    boundary = prepared.boundary
    if boundary == AUTO:
        curve = carry_out_start(prepared, cache_dir=cache_dir, reporter=reporter).curve
        boundary = max(prepared.cuts[:-1], key=lambda name: curve[name].correct)
    with _maps_at(boundary, prepared, cache_dir) as maps:
        found = carry_out_start(prepared, cache_dir=cache_dir, reporter=reporter, maps=maps)
        network = copied(_calibrated(found.model))
        part = network if maps is None else above(network, boundary)
        data = TrainingData.of(prepared.images, device=prepared.device) if maps is None else maps.data(prepared.device)
        history = _fit(prepared, part, data, folder, reporter, resume=resume)
    model = replace(found.model, network=with_part(network, part))
    probabilities = _evaluated(prepared, model, found.indices, reporter)
    frozen = int((found.probabilities.argmax(1) == prepared.images.labels[found.indices]).sum())
    trained = f"the layers above {boundary}, whose maps are stored," if boundary else "all layers"
    notes = (
        *found.notes,
        f"{prepared.mode}: {trained} trained from there on, {part.plan.parameters:,} parameters, "
        f"{counted(len(history.epochs), 'epoch')}; the frozen start recognizes {frozen:,} of the "
        f"{counted(len(found.indices), 'evaluated image')}",
        *history.notes,
        str(history.calibration) if history.calibration else _NOT_CALIBRATED,
    )
    return replace(
        found,
        model=model,
        boundary=boundary,
        history=history,
        probabilities=probabilities,
        seconds=time.monotonic() - prepared.started_s,
        notes=notes,
    )


def above(network: GraphNetwork, boundary: str) -> GraphNetwork:
    """Return the layers above one as a network that takes its maps, N h w C floats; its weights are copies.

    Raises:
        ParameterError: a layer above reads one below.
    """
    graph = network.graph
    names = graph.descendants(boundary)
    nodes = []
    for node in graph.nodes:
        if node.name in names:
            inputs = tuple(IMAGE if name == boundary else name for name in node.inputs)
            if not names.issuperset({*node.inputs} - {boundary}):
                raise ParameterError(f"`cut` must be a layer that all others above it read. Got {boundary}.")
            nodes.append(replace(node, inputs=inputs))
    part = Graph(nodes=tuple(nodes), image=graph.shapes[boundary])
    tensors = {name: value for name, value in network.tensors.items() if name in part.tensors}
    title = f"{network.plan.title} above {boundary}"
    return GraphNetwork(part, tensors, std=_UNIT, title=title, margins=network.gives_margins)


def with_part(network: GraphNetwork, part: GraphNetwork) -> GraphNetwork:
    """Return `network` with the weights of its upper layers, and what makes probabilities, from `part`."""
    own = network.tensors
    with torch.no_grad():
        for name, value in part.tensors.items():
            own[name].copy_(value)
    network.calibrate_like(part)
    return network.eval()


def _maps_at(boundary: str, prepared: PreparedStart, cache_dir: Path | None) -> AbstractContextManager[CutMaps | None]:
    """Give where the maps below the trained layers are stored; None where all layers are trained."""
    if not boundary:
        return nullcontext()
    model = prepared.start.model
    return stored_maps(
        boundary,
        model.network.graph.shapes[boundary],
        prepared.images,
        [ITSELF, FLIPPED][: 1 + prepared.flip],
        identity=[
            identity_of(model, boundary),
            prepared.images.source.fingerprint(),
            repr(prepared.images.preprocessing),
        ],
        cache_dir=cache_dir,
    )


def _calibrated(model: Model) -> GraphNetwork:
    """Return the network whose logits are those of its probabilities, where these are a softmax."""
    return fold(model.network) if model.network.gives_margins else ready(model.network)


def _fit(
    prepared: PreparedStart,
    part: GraphNetwork,
    data: TrainingData,
    folder: RunFolder | None,
    reporter: Reporter,
    *,
    resume: bool,
) -> History:
    """Train `part`: on the images, or on maps that are flipped already."""
    record, deadline = prepared.record, prepared.deadline
    if prepared.boundary:
        recipe = replace(record.recipe, augmentation=replace(record.recipe.augmentation, flip=False))
        record = replace(record, recipe=recipe)
        if deadline is not None:  # all layers are computed for the evaluation
            whole = prepared.plan.macs / max(1, part.plan.macs)
            deadline = replace(deadline, evaluated=round(deadline.evaluated * whole))
    return fit_watched(part, data, record, deadline=deadline, folder=folder, resume=resume, reporter=reporter)


def _evaluated(
    prepared: PreparedStart, model: Model, indices: NDArray[np.int64], reporter: Reporter
) -> NDArray[np.float32]:
    """Return the probabilities of the images at `indices`, N K."""
    chunks, there = np.array_split(indices, -(-len(indices) // _AT_ONCE)), model.to(prepared.device)
    with tuned(prepared.threads), reporter.task("evaluating", len(indices), "images") as task:
        found = []
        for chunk in chunks:
            found.append(there.predict_proba(prepared.images.images[chunk]))
            task.advance(len(chunk))
    return np.concatenate(found)
