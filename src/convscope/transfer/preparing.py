"""A training from a start before its first feature: mode, images as the start takes them, layers and recipe."""

import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.devices import Device, choose_device
from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import usable_cores
from convscope.core.progress import Reporter
from convscope.features.layers import block_ends, stage_layers, trunk
from convscope.images.augmentation import Augmentation
from convscope.images.dataset import Dataset, prepare
from convscope.images.sizes import CHANNELS, SIZE, VALUES, ImageOptions, parse_size
from convscope.images.sources.opening import TRAIN, VALIDATION, open_recorded, open_source
from convscope.images.values import ValueRanges, parse_value_range
from convscope.layers.kinds import Pooling
from convscope.networks.class_names import check_class_names
from convscope.networks.graph import IMAGE, Graph
from convscope.networks.layer_names import layer_index
from convscope.networks.plan import NetworkPlan
from convscope.networks.starts import Start
from convscope.options.train import Mode, TrainOptions
from convscope.training.choices import choose_flip
from convscope.training.fit import Deadline
from convscope.training.loop import steps_of
from convscope.training.recipe import Recipe
from convscope.training.run import deadline_of
from convscope.training.run_folder import RunRecord, digest_images
from convscope.training.training_data import TrainingData

from .head_choice import check_classes
from .head_model import plan_with_head
from .modes import FROZEN, LAST_STAGES, check_options, choose_mode
from .pooling import with_root_mean_squares
from .recipes import choose_start_recipe
from .sizes import with_size
from .start_features import identity_of

AUTO = "auto"
_SAMPLE = 50
_MOST_LISTED = 12  # layers


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedStart:
    """A training from a start before its first feature.

    Attributes:
        settings: the options, with the mode.
        images: as the start takes them.
        start: the network, with the preprocessing of these images.
        cuts: names of the layers whose features are computed: one, or those that are compared.
        boundary: the layer up to which the start stays frozen; ``auto`` for the best of the cuts before the last. Only
            where the last stages are trained, else empty.
        flip: whether flipped images are learned from, too.
        recipe: of the training by gradients; one epoch where there is none, as every image is seen once.
        notes: sentences for the user.
        threads: of the processor.
        device: what computes the network.
        started_s: on the clock of `time.monotonic`.
    """

    settings: TrainOptions
    images: Dataset
    start: Start
    cuts: tuple[str, ...]
    boundary: str
    flip: bool
    recipe: Recipe
    notes: tuple[str, ...]
    threads: int
    device: Device
    started_s: float

    @property
    def mode(self) -> Mode:
        """How much of the start is trained."""
        return self.settings.mode or FROZEN

    @cached_property  # it is built
    def plan(self) -> NetworkPlan:
        """The layers of the network that comes out: those of the start up to the last cut, and the classifier."""
        return plan_with_head(self.start.model, self.cuts[-1], self.images.classes, self.settings.head)

    @property
    def steps(self) -> int:
        """Number of steps of the recipe; none where the start stays frozen."""
        views = 2 if self.boundary and self.flip else 1
        return 0 if self.mode == FROZEN else steps_of(self.recipe, views * len(self.images.indices(TRAIN)))

    @property
    def deadline(self) -> Deadline | None:
        """When training ends, where `minutes` says so."""
        return deadline_of(self.settings, self.started_s, len(self.images.indices(self.images.evaluation_split)))

    @cached_property  # the digest reads half of all images
    def record(self) -> RunRecord:
        """The record for the run folder."""
        layers = "+".join([*self.cuts, *[self.boundary] * bool(self.boundary)])
        return RunRecord(
            settings=self.settings,
            layout=f"{self.mode} {identity_of(self.start.model, self.cuts[-1])} {layers}",
            recipe=self.recipe,
            threads=self.threads,
            device=self.device,
            images=digest_images(self.images),
        )


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
    check_options(settings, settings.mode)
    device = choose_device(settings.device)
    start = _resized(settings, start)
    start = replace(start, model=with_root_mean_squares(start.model))
    _layers(start, settings.cut, settings.mode)  # before any image is read
    dataset = _images(settings, start, data, cache_dir=cache_dir, reporter=reporter)
    check_class_names(dataset.classes)
    counts = np.bincount(dataset.labels[dataset.indices(TRAIN)], minlength=len(dataset.classes))
    planned = start.model.network.plan
    mode, why = choose_mode(settings, macs=planned.macs, images=int(counts.sum()), fewest=int(counts.min()))
    settings = replace(settings, mode=mode)
    if mode != FROZEN or settings.minutes is None:
        check_options(settings, mode)
    if settings.target_accuracy is not None and not (dataset.splits == VALIDATION).any():
        raise ParameterError(
            "`target_accuracy` needs validation images, and there are none. Give --validation 0.2, or leave it out."
        )
    cuts, boundary = _layers(start, settings.cut, mode)
    start = replace(start, model=replace(start.model, preprocessing=dataset.preprocessing))
    if mode == FROZEN:
        flip, reason = choose_flip(TrainingData.of(dataset), settings)
        recipe = Recipe(epochs=1, augmentation=Augmentation(flip=flip))
        learned = [f"horizontal flip {'on' if flip else 'off'} ({reason})"]
    else:
        recipe, learned = choose_start_recipe(settings, dataset, start.model, boundary)
    return PreparedStart(
        settings=settings,
        images=dataset,
        start=start,
        cuts=cuts,
        boundary=boundary,
        flip=recipe.augmentation.flip,
        recipe=recipe,
        notes=(*_own_notes(settings, dataset), *_notes(start, dataset), why, *learned),
        threads=settings.threads or usable_cores(),
        device=device,
        started_s=started,
    )


def cuts_of(start: Start, cut: str | None) -> tuple[str, ...]:
    """Return the names of the layers whose features are wanted.

    Raises:
        ParameterError: there is no such layer, or the network has none before its classifier.
    """
    network = start.model.network
    stages = tuple(layer for layer in stage_layers(network) if layer != IMAGE)
    if not stages:
        raise ParameterError(
            f"`start` must have a layer before its classifier, whose features can be used. Got {start.name}, which has "
            "none."
        )
    if cut not in (None, AUTO):
        return (_named_cut(network.graph, str(cut), stages[-1]),)
    if cut is None:
        return stages[-1:]
    nodes = network.graph.by_name
    pooled = Pooling(code="AP"), Pooling(code="LP")
    same = {nodes[name].inputs[0] for name in stages if nodes[name].layer in pooled}  # of maps that are read
    return tuple(name for name in stages if name not in same)


def _named_cut(graph: Graph, cut: str, last: str) -> str:
    """Return the layer that a user names as the cut, up to the `last` one before the classifier.

    Raises:
        ParameterError: there is none; the message lists blocks and layers.
    """
    lower = graph.ancestors(last) | {last}
    among = [index for index, node in enumerate(graph.nodes) if node.name in lower]
    found = layer_index(graph, cut.strip(), among)
    if found is not None:
        return graph.nodes[found].name
    listed = list(dict.fromkeys(graph.nodes[index].name.partition(".")[0] for index in among))
    listed = listed if len(listed) <= _MOST_LISTED else list(block_ends(graph, _MOST_LISTED))
    raise ParameterError(
        f"`cut` must be auto or a layer before the classifier, such as {', '.join(listed)}. Got {cut[:100]!r}."
    )


def _layers(start: Start, cut: str | None, mode: Mode | None) -> tuple[tuple[str, ...], str]:
    """Return the layers whose features are wanted, and the one up to which the start stays frozen, empty for none.

    Raises:
        ParameterError: there is no such layer.
    """
    if mode != LAST_STAGES:
        return cuts_of(start, cut), ""
    graph, stages = start.model.network.graph, cuts_of(start, AUTO)
    last, sizes = stages[-1], graph.shapes
    before = [node.name for node in trunk(graph) if node.name in graph.ancestors(last) - {last}]
    lower = [name for name in stages if name in before and sizes[name].rows * sizes[name].columns > 1]
    if not lower:
        raise ParameterError(f"`start` must have two stages to train the last ones. Got {start.name}.")
    if cut == AUTO:
        return (*lower, last), AUTO
    if cut is None:
        place = before.index(lower[-1])
        while place and sizes[before[place]].values > sizes[before[place - 1]].values:
            place -= 1  # a wide layer is computed again rather than stored
        return (last,), before[place]
    (named,) = cuts_of(start, cut)
    if named not in before:
        raise ParameterError(
            f"`cut` must be a layer that all others above it read, before {last}, to train the last stages. Got "
            f"{named}."
        )
    return (last,), named


def _resized(settings: TrainOptions, start: Start) -> Start:
    """Return the start for images of the size that is asked for.

    Raises:
        ParameterError: its weights do not fit that, or other channels are asked for.
    """
    own = start.model.preprocessing
    if settings.channels not in (None, own.channels):
        raise ParameterError(
            f"`channels` must be those of the start, {own.channels}. Got {settings.channels}. Leave it out: images are "
            "brought to it."
        )
    size = parse_size(settings.size)
    if size is None:
        return start
    width, height = (size, size) if isinstance(size, int) else size
    model = with_size(start.model, height, width)
    if model is None:
        raise ParameterError(
            f"`size` must be one that the weights of the start fit, as {own.width}x{own.height}. Got {settings.size}. "
            "Leave it out."
        )
    return replace(start, model=model)


def _images(settings: TrainOptions, start: Start, data: Any, *, cache_dir: Path | None, reporter: Reporter) -> Dataset:
    """Return the images as the start takes them."""
    own = start.model.preprocessing
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    if data is None:
        source = open_recorded(settings.data, data_dir=data_dir, reporter=reporter, class_depth=settings.class_depth)
    else:
        source = open_source(data, data_dir=data_dir, reporter=reporter, class_depth=settings.class_depth)
    check_classes(len(source.classes))
    ranges = parse_value_range(settings.value_range) if settings.value_range is not None else None
    if ranges is None and own.ranges != ValueRanges():
        ranges = own.ranges
    dataset = prepare(
        source,
        ImageOptions(
            size=(own.width, own.height),
            fit=settings.fit or own.fit,
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
    if not len(dataset.indices(TRAIN)):
        raise DataError(f"`{dataset.name}` must have training images. Got none.")
    return dataset


def _own_notes(settings: TrainOptions, dataset: Dataset) -> list[str]:
    """Return the notes on the images but for what nobody has set: what the start takes is said with its name."""
    given = {SIZE: settings.size, CHANNELS: settings.channels, VALUES: settings.value_range}
    taken = tuple(f"{word} " for word, value in given.items() if value is None)
    return [note for note in dataset.notes if not note.startswith(taken)]


def _notes(start: Start, dataset: Dataset) -> list[str]:
    """Return what the start is, and how images are brought to it."""
    taken, channels = dataset.preprocessing, start.model.preprocessing.channels
    notes = [
        f"start {start.name}: {start.model.network.plan.parameters:,} parameters, images of {taken.width}x"
        f"{taken.height} in {'color' if channels == 3 else 'gray'}, {taken.fit}, standardized as it was trained",
        *start.notes,
    ]
    if channels == 3 and _is_gray(dataset):
        notes.append("the images are gray: their gray level is repeated in the three channels that the start takes")
    return notes


def _is_gray(dataset: Dataset) -> bool:
    """Return whether no image of a sample has color."""
    step = max(1, len(dataset) // _SAMPLE)
    sample = np.asarray(dataset.images[::step])
    return bool((sample[..., :1] == sample).all())
