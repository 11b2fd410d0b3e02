"""What a frozen start gives: features, the classifier that is chosen on them, and both as one model."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.machine import tuned
from convscope.core.progress import Reporter
from convscope.core.statistics import Proportion
from convscope.core.text import counted
from convscope.images.sources.opening import TRAIN
from convscope.networks.build import layout_network
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.training.history import History

from .feature_store import Vectors
from .head_choice import ChosenHead, choose_head, probe
from .head_model import model_with_head, normalized
from .modes import FROZEN, LAST_STAGES
from .preparing import PreparedStart
from .start_features import StartFeatures, Wanted
from .stored_maps import CutMaps
from .views import FLIPPED, ITSELF


@dataclass(frozen=True, kw_only=True, eq=False)
class Transferred:
    """A classifier on the features of a start, and what it was evaluated on.

    Attributes:
        model: the start up to the cut, with the classifier.
        cut: name of the layer.
        curve: accuracy of a linear classifier at each layer that was compared.
        indices: of the evaluated images.
        probabilities: theirs, N K.
        seconds: duration.
        notes: sentences for the user.
        boundary: name of the layer up to which the start stays frozen, where last stages are trained; else empty.
        history: of the training by gradients; without epochs where the start stays frozen.
    """

    model: Model
    cut: str
    curve: dict[str, Proportion]
    indices: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    seconds: float
    notes: tuple[str, ...]
    boundary: str = ""
    history: History = field(default_factory=History)


def carry_out_start(
    prepared: PreparedStart, *, cache_dir: Path | None, reporter: Reporter, maps: CutMaps | None = None
) -> Transferred:
    """Compute features, choose and fit the classifier; return the model and its answers on the evaluated images.

    The maps of one layer are stored beside the features where `maps` is given.

    Raises:
        DataError: the features cannot be used.
        StorageError: they cannot be stored.
    """
    images, settings = prepared.images, prepared.settings
    train, evaluated = images.indices(TRAIN), images.indices(images.evaluation_split)
    seen = np.union1d(train, evaluated) if maps is None else np.union1d(np.union1d(train, evaluated), maps.wanted)
    wanted = [Wanted(view=ITSELF, indices=seen)]
    wanted += [Wanted(view=FLIPPED, indices=train)] * prepared.flip
    with tuned(prepared.threads):
        features = StartFeatures(
            prepared.start.model.to(prepared.device),
            prepared.cuts,
            images,
            cache_dir=cache_dir,
            reporter=reporter,
            maps=maps,
        ).of(wanted)
        labels = images.labels[train]
        at_train = np.searchsorted(wanted[0].indices, train)
        # threads that wait for each other's small products cost more than they save
        with tuned(1), reporter.task(f"classifier {settings.head}", total=0):
            curve = {}
            if len(prepared.cuts) > 1:
                curve = probe({name: rows[at_train] for name, rows in features[0].items()}, labels, seed=settings.seed)
            cut = prepared.cuts[-1]
            if curve and prepared.mode != LAST_STAGES:
                cut = max(curve, key=lambda name: curve[name].correct)
            seen_vectors = normalized(features[0][cut])
            views = [seen_vectors[at_train], *(normalized(view[cut]) for view in features[1:])]
            head = choose_head(settings.head, views, labels, seed=settings.seed, threads=prepared.threads)
            start = prepared.start.model
            model = model_with_head(start, cut, views[0], labels, classes=images.classes, head=head)
        at_evaluated = np.searchsorted(wanted[0].indices, evaluated)
        probabilities = _probabilities(model, seen_vectors[at_evaluated])
    return Transferred(
        model=model,
        cut=cut,
        curve=curve,
        indices=evaluated,
        probabilities=probabilities,
        seconds=time.monotonic() - prepared.started_s,
        notes=_notes(
            prepared,
            cut,
            head,
            curve,
            values=features[0][cut].shape[1],
            margins=model.network.gives_margins,
        ),
    )


def _probabilities(model: Model, vectors: Vectors) -> NDArray[np.float32]:
    """Return what the classifier of a model gives for features, N K."""
    network, features = model.network, torch.from_numpy(vectors)
    with torch.inference_mode():
        if isinstance(network, GraphNetwork):
            logits = network.compute(network.graph.output, [features[:, :, None, None]]).flatten(1)
        else:
            logits = layout_network(network).classifier(features)
        return network.probabilities_of(logits).numpy()


def _notes(
    prepared: PreparedStart, cut: str, head: ChosenHead, curve: dict[str, Proportion], *, values: int, margins: bool
) -> tuple[str, ...]:
    """Return what was done, in sentences."""
    views = " and of its horizontal flip" if prepared.flip and head.name != "knn" else ""
    notes = [
        f"frozen: {head.name} on the {values:,} features of layer {cut}, one a map, of every training image{views}"
    ]
    if curve:
        tried = ", ".join(f"{name} {accuracy.fraction:.1%}" for name, accuracy in curve.items())
        notes.append(f"accuracy of a linear classifier by layer, cross-validated on training images: {tried}")
    if head.accuracy is None:
        notes.append("a class has one training image: the classifier has its usual strength")
    elif head.strength:
        total = counted(head.accuracy.total, "training image")
        notes.append(
            f"strength {head.strength}, chosen by cross-validation: accuracy {head.accuracy.fraction:.1%} on {total}, "
            "each by a classifier that did not learn from it"
        )
    if prepared.mode == FROZEN:  # what is trained further is calibrated then
        notes.append(_calibration(head, margins=margins))
    return tuple(notes)


def _calibration(head: ChosenHead, *, margins: bool) -> str:
    """Return how scores became probabilities."""
    if head.accuracy is None:
        return "probabilities are not calibrated: a class has one training image"
    answers = "on training images, each answered by a classifier that did not learn from it"
    if head.losses is not None:
        before, after = head.losses
        return (
            f"probabilities are calibrated {answers}: the softmax of the logits divided by {head.temperature:.3g} "
            f"(loss {after:.3f}, {before:.3f} without)"
        )
    if margins:
        return f"probabilities are calibrated {answers}: a sigmoid of the margin for each class (Platt scaling)"
    return "probabilities are the votes of the neighbors, not calibrated"
