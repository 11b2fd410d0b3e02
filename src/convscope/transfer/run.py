"""A training from a start: open, read the images as the start takes them, compute features, choose a classifier."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.machine import tuned, usable_cores
from convscope.core.options import declared
from convscope.core.progress import Reporter
from convscope.core.statistics import Proportion
from convscope.core.text import counted
from convscope.features.extraction import FeatureSet, rows_of
from convscope.features.heads import with_classifier
from convscope.features.layers import find_layer, layer_graph, stage_layers
from convscope.images.augmentation import Augmentation
from convscope.images.dataset import Dataset, prepare
from convscope.images.sizes import ImageOptions, parse_size
from convscope.images.sources.opening import TRAIN, open_recorded, open_source
from convscope.images.values import ValueRanges, parse_value_range
from convscope.networks.build import layout_network
from convscope.networks.graph import IMAGE
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.networks.model_file import check_class_names
from convscope.networks.starts import Start
from convscope.options.train import TrainOptions
from convscope.training.choices import choose_flip
from convscope.training.recipe import Recipe
from convscope.training.run_folder import RunRecord, digest_images
from convscope.training.training_data import TrainingData

from .feature_store import Vectors
from .head_choice import ChosenHead, choose_head, probe
from .start_features import StartFeatures, Wanted, reading_of
from .views import FLIPPED, ITSELF

AUTO = "auto"
_SAMPLE = 50
_GOES_WITH = {
    *("start", "cut", "head", "seed", "class_depth", "labels", "fit", "background", "value_range", "validation"),
    *("flip", "threads", "size", "channels"),
}
"""Options that a frozen start takes; the others are those of a training by gradients."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedStart:
    """A training from a start before its first feature.

    Attributes:
        settings: the options.
        images: as the start takes them.
        start: the network, with the preprocessing of these images.
        cuts: names of the layers whose features are computed: one, or those that are compared.
        flip: whether flipped images are learned from, too.
        notes: sentences for the user.
        threads: of the processor.
        started_s: on the clock of `time.monotonic`.
    """

    settings: TrainOptions
    images: Dataset
    start: Start
    cuts: tuple[str, ...]
    flip: bool
    notes: tuple[str, ...]
    threads: int
    started_s: float

    @property
    def record(self) -> RunRecord:
        """The record for the run folder: one epoch, as every image is seen once."""
        return RunRecord(
            settings=self.settings,
            layout="",
            recipe=Recipe(epochs=1, augmentation=Augmentation(flip=self.flip)),
            threads=self.threads,
            images=digest_images(self.images),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Transferred:
    """A classifier on the features of a start, and what it was evaluated on.

    Attributes:
        model: the start up to the cut, with the classifier.
        cut: name of the layer.
        head: the classifier.
        curve: accuracy of a linear classifier at each layer that was compared.
        indices: of the evaluated images.
        probabilities: theirs, N K.
        seconds: duration.
        notes: sentences for the user.
    """

    model: Model
    cut: str
    head: ChosenHead
    curve: dict[str, Proportion]
    indices: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    seconds: float
    notes: tuple[str, ...]


def prepare_start(
    settings: TrainOptions, start: Start, data: Any, *, cache_dir: Path | None, reporter: Reporter, spent_s: float = 0.0
) -> PreparedStart:
    """Return the training that `settings` asks for, with its images read and inspected.

    Args:
        settings: the options of the training.
        start: the network.
        data: a path, a name or a pair of arrays; None for what the settings name.
        cache_dir: the cache folder; None for the usual one.
        reporter: shows progress.
        spent_s: seconds since the command began.

    Raises:
        DataError: the images cannot be used.
        ParameterError: an option does not go with a start, or the network has no such layer.
    """
    started = time.monotonic() - spent_s
    check_start_options(settings, start)
    cuts = cuts_of(start, settings.cut)
    dataset = _images(settings, start, data, cache_dir=cache_dir, reporter=reporter)
    check_class_names(dataset.classes)
    flip, why = choose_flip(TrainingData.of(dataset), settings)
    preprocessing, channels = dataset.preprocessing, start.model.preprocessing.channels
    size = f"{preprocessing.width}x{preprocessing.height}"
    notes = [
        *dataset.notes,
        f"start {start.name}: {start.model.network.plan.parameters:,} parameters, images of {size} in "
        f"{'colour' if channels == 3 else 'gray'}, {preprocessing.fit}, standardized as it was trained",
        *start.notes,
        f"horizontal flip {'on' if flip else 'off'} ({why})",
    ]
    if channels == 3 and _is_gray(dataset):
        notes.append("the images are gray: their gray level is repeated in the three channels that the start takes")
    return PreparedStart(
        settings=settings,
        images=dataset,
        start=replace(start, model=replace(start.model, preprocessing=preprocessing)),
        cuts=cuts,
        flip=flip,
        notes=tuple(notes),
        threads=settings.threads or usable_cores(),
        started_s=started,
    )


def check_start_options(settings: TrainOptions, start: Start) -> None:
    """Refuse options that do not go with a frozen start.

    Raises:
        ParameterError: the message names them.
    """
    others = [option for option in declared(TrainOptions) if option.name not in _GOES_WITH]
    given = [option.name for option in others if getattr(settings, option.name) != option.default]
    if given:
        names = ", ".join(f"`{name}`" for name in given)
        raise ParameterError(
            f"A start that stays as it is (frozen) has no gradients and no layout of its own. Got {names}. Leave "
            f"{'it' if len(given) == 1 else 'them'} out."
        )
    own = start.model.preprocessing
    size = parse_size(settings.size)
    if size is not None and size not in (own.width, (own.width, own.height)):
        raise ParameterError(
            f"`size` must be that of the start, {own.width}x{own.height}. Got {settings.size}. Leave it out."
        )
    if settings.channels not in (None, own.channels):
        raise ParameterError(
            f"`channels` must be those of the start, {own.channels}. Got {settings.channels}. Leave it out: images are "
            "brought to it."
        )


def cuts_of(start: Start, cut: str | None) -> tuple[str, ...]:
    """Return the names of the layers whose features are wanted.

    Raises:
        ParameterError: there is no such layer, or the network has none before its classifier.
    """
    network = start.model.network
    stages = tuple(layer for layer in stage_layers(network) if layer != IMAGE)
    if cut not in (None, AUTO):
        return (find_layer(layer_graph(network), str(cut)),)
    if not stages:
        raise ParameterError(
            f"`start` must have a layer before its classifier, whose features can be used. Got {start.name}, which has "
            "none."
        )
    return stages if cut == AUTO else stages[-1:]


def carry_out_start(prepared: PreparedStart, *, cache_dir: Path | None, reporter: Reporter) -> Transferred:
    """Compute features, choose and fit the classifier; return the model and its answers on the evaluated images.

    Raises:
        DataError: the features cannot be used.
        StorageError: they cannot be stored.
    """
    images, settings = prepared.images, prepared.settings
    train, evaluated = images.indices(TRAIN), images.indices(images.evaluation_split)
    wanted = [Wanted(view=ITSELF, indices=np.union1d(train, evaluated))]
    wanted += [Wanted(view=FLIPPED, indices=train)] * prepared.flip
    with tuned(prepared.threads):
        features = StartFeatures(
            prepared.start.model, prepared.cuts, images, cache_dir=cache_dir, reporter=reporter
        ).of(wanted)
        labels = images.labels[train]
        at_train = np.searchsorted(wanted[0].indices, train)
        with reporter.task(f"classifier {settings.head}", total=0):
            curve = {}
            if len(prepared.cuts) > 1:
                curve = probe({name: rows[at_train] for name, rows in features[0].items()}, labels, seed=settings.seed)
            cut = max(curve, key=lambda name: curve[name].correct) if curve else prepared.cuts[0]
            views = [features[0][cut][at_train], *(view[cut] for view in features[1:])]
            head = choose_head(settings.head, views, labels, seed=settings.seed)
            model = _model(prepared, cut, head, wanted[0].indices, features[0][cut])
        at_evaluated = np.searchsorted(wanted[0].indices, evaluated)
        probabilities = _probabilities(model, features[0][cut][at_evaluated])
    return Transferred(
        model=model,
        cut=cut,
        head=head,
        curve=curve,
        indices=evaluated,
        probabilities=probabilities,
        seconds=time.monotonic() - prepared.started_s,
        notes=_notes(prepared, cut, head, curve, values=features[0][cut].shape[1]),
    )


def _images(settings: TrainOptions, start: Start, data: Any, *, cache_dir: Path | None, reporter: Reporter) -> Dataset:
    """Return the images as the start takes them."""
    own = start.model.preprocessing
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    if data is None:
        source = open_recorded(settings.data, data_dir=data_dir, reporter=reporter, class_depth=settings.class_depth)
    else:
        source = open_source(data, data_dir=data_dir, reporter=reporter, class_depth=settings.class_depth)
    unchanged = next(option.default for option in declared(TrainOptions) if option.name == "fit")
    ranges = parse_value_range(settings.value_range) if settings.value_range is not None else None
    if ranges is None and own.ranges != ValueRanges():
        ranges = own.ranges
    return prepare(
        source,
        ImageOptions(
            size=(own.width, own.height),
            fit=own.fit if settings.fit == unchanged else settings.fit,
            background=settings.background,
            channels=own.channels,
            ranges=ranges,
        ),
        validation=settings.validation,
        seed=settings.seed,
        decisions=Path(settings.labels) if settings.labels is not None else None,
        cache_dir=cache_dir,
        reporter=reporter,
    )


def _is_gray(dataset: Dataset) -> bool:
    """Return whether no image of a sample has colour."""
    step = max(1, len(dataset) // _SAMPLE)
    sample = np.asarray(dataset.images[::step])
    return bool((sample[..., :1] == sample).all())


def _model(prepared: PreparedStart, cut: str, head: ChosenHead, indices: NDArray[np.int64], vectors: Vectors) -> Model:
    """Return the start up to the cut with the classifier, as one model of these classes."""
    images = prepared.images
    rows = rows_of(images)
    found = FeatureSet(
        values=vectors,
        labels=images.labels[indices],
        splits=tuple(rows.splits[index] for index in indices),
        images=tuple(rows.images[index] for index in indices),
        classes=images.classes,
        names=(),
    )
    reading = reading_of(prepared.start.model.network, cut)
    model = with_classifier(prepared.start.model, reading, found, head.name, head.fitted)
    if model.network.temperature is not None:
        model.network.temperature.fill_(head.temperature)
    return replace(model, classes=images.classes, training={"classifier": model.training["classifier"]})


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
    prepared: PreparedStart, cut: str, head: ChosenHead, curve: dict[str, Proportion], *, values: int
) -> tuple[str, ...]:
    """Return what was done, in sentences."""
    views = " and of its horizontal flip" if prepared.flip and head.name != "knn" else ""
    notes = [
        f"frozen: {head.name} on the {values:,} features of layer {cut}, the mean of each map, of every training image"
        f"{views}"
    ]
    if curve:
        tried = ", ".join(f"{name} {accuracy.fraction:.1%}" for name, accuracy in curve.items())
        notes.append(f"accuracy of a linear classifier by layer, cross-validated on training images: {tried}")
    if head.accuracy is None:
        notes.append("a class has one training image: strength and probabilities are not calibrated")
        return tuple(notes)
    if head.strength:
        total = counted(head.accuracy.total, "training image")
        notes.append(
            f"strength {head.strength}, chosen by cross-validation: accuracy {head.accuracy.fraction:.1%} on {total}, "
            "each by a classifier that did not learn from it"
        )
    if head.losses is not None:
        before, after = head.losses
        notes.append(
            f"probabilities are calibrated on the same answers: the softmax of the logits divided by "
            f"{head.temperature:.3g} (loss {after:.3f}, {before:.3f} without)"
        )
    return tuple(notes)
