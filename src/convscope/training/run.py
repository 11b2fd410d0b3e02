"""A training run from its settings to a trained network."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from convscope.core.errors import ParameterError, TrainingError
from convscope.core.machine import threads_for, tuned
from convscope.core.progress import Reporter
from convscope.core.text import counted
from convscope.images.dataset import Dataset, prepare
from convscope.images.sizes import ImageOptions, parse_size
from convscope.images.sources.opening import TEST, TRAIN, VALIDATION, open_recorded, open_source
from convscope.images.sources.source import Source
from convscope.images.transparency import without_contrast
from convscope.images.values import parse_value_range
from convscope.networks.build import Network
from convscope.networks.classifiers import CLASSIFIERS
from convscope.networks.layout import Layout
from convscope.networks.model_file import check_class_names
from convscope.networks.plan import Plan, plan

from .calibration import Calibration, calibrate
from .checkpoint import load_checkpoint
from .choices import Examples, choose_network
from .history import EpochRecord
from .interruption import noticed
from .learning_set import LearningSet
from .loop import run, steps_of
from .pretraining import learn_first
from .progressive_resizing import share_of_pixels, share_of_work
from .recipe import Recipe
from .run_folder import RunFolder, RunRecord, digest_images
from .settings import Settings
from .state import TrainingState
from .watch import Outcome, Watch

_HELD_OUT = 0.1
_WRITING_S = 0.6  # for model, report and the end of the process, of a budget of time
_EVALUATING = 0.3  # of a step's time for as many images: one way, folded, in place of two gradients more
_STOPPED_EARLY = (
    "stopped while images were seen smaller: the network has not seen them whole yet, and is less often right than "
    "it will be"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A run before its first step: everything is known, nothing is trained."""

    settings: Settings
    images: Dataset
    plan: Plan
    recipe: Recipe
    notes: tuple[str, ...]
    threads: int
    started_s: float

    @property
    def steps(self) -> int:
        """How many steps the recipe asks for; a budget of time may allow others."""
        return steps_of(self.recipe, len(self.images.indices(TRAIN)))

    @property
    def record(self) -> RunRecord:
        """What goes to the run folder."""
        return RunRecord(
            settings=self.settings,
            layout=str(self.plan.layout),
            recipe=self.recipe,
            threads=self.threads,
            images=digest_images(self.images),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Learned:
    """A trained network and how it came about; `trouble` says why training ended early, if it did.

    `steps` is how many steps the whole training was to have.
    `calibration` says how its logits become probabilities, where they are none by themselves; `notes` are sentences on
    how training went.
    """

    network: Network
    history: tuple[EpochRecord, ...]
    outcome: Outcome
    seconds: float
    steps: float
    calibration: Calibration | None = None
    trouble: TrainingError | None = None
    notes: tuple[str, ...] = ()


def prepare_run(
    settings: Settings, data: Any, *, cache_dir: Path | None, reporter: Reporter, spent_s: float = 0.0
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
    settings, notes = _with_held_out(settings, source, layout)
    dataset = prepare(
        source,
        ImageOptions(
            size=parse_size(settings.size),
            fit=settings.fit,
            background=settings.background,
            channels=settings.channels,
            ranges=parse_value_range(settings.value_range),
        ),
        validation=settings.validation,
        seed=settings.seed,
        cache_dir=cache_dir,
        reporter=reporter,
    )
    check_class_names(dataset.classes)
    if settings.target_accuracy is not None and not (dataset.splits == VALIDATION).any():
        raise ParameterError(
            f"`target_accuracy` needs images that are held out to evaluate it. Got none in {settings.data!r}. "
            "Give more images of each class, or --validation 0.2."
        )
    planned, choice = choose_network(Examples.of(dataset), settings, layout)
    return Prepared(
        settings=settings,
        images=dataset,
        plan=planned,
        recipe=choice.recipe,
        notes=(*dataset.notes, *notes, *_warned(dataset), *choice.notes),
        threads=settings.threads or threads_for(planned.macs * choice.recipe.batch),
        started_s=started,
    )


def _with_held_out(settings: Settings, source: Source, layout: Layout | None) -> tuple[Settings, list[str]]:
    """Return the settings, with validation images where training itself needs them, and the note on it."""
    margins = layout is not None and not CLASSIFIERS[layout.classifier].gives_probabilities
    reasons = ["evaluate --target-accuracy"] * (settings.target_accuracy is not None) + [
        "turn margins into probabilities"
    ] * margins
    missing = bool((source.splits == TEST).any()) and not (source.splits == VALIDATION).any()
    if not reasons or settings.validation is not None or not missing:
        return settings, []
    note = f"a tenth of the training images is held out to {' and to '.join(reasons)}; the test images are for the end"
    return replace(settings, validation=_HELD_OUT), [note]


def _warned(dataset: Dataset) -> list[str]:
    flat, looked = without_contrast(dataset.images)
    notes = []
    if 2 * flat > looked:
        notes.append(
            f"{flat:,} of {counted(looked, 'image')} that were looked at have one colour as the network sees them; "
            "where they are drawings on a transparent ground, --background changes it"
        )
    if dataset.evaluation_split != TRAIN:
        return notes
    return [
        *notes,
        "nothing is held out: the accuracy will be that on the training images, which says little about others",
    ]


def carry_out(prepared: Prepared, *, folder: RunFolder | None, resume: bool, reporter: Reporter) -> Learned:
    """Train; go on from the checkpoint in `folder` where `resume` says so and there is one.

    Raises:
        StorageError: a checkpoint cannot be written; the one before is intact.
        ModelFileError: the checkpoint to go on from is damaged.
    """
    record, recipe = prepared.record, prepared.recipe
    data = LearningSet.of(prepared.images)
    go_on = resume and folder is not None and folder.checkpoint.exists()
    with tuned(prepared.threads):
        state, before = _begin(prepared, data, anew=not go_on, reporter=reporter), None
        if go_on and folder is not None:
            load_checkpoint(state, folder.checkpoint, run=record.digest)
            before = state.best_weights()
            if state.pace.done:
                reporter.say("this run was finished; its model and report are written again")
        with noticed() as interruption, reporter.task("training", 1.0) as task:
            watch = Watch(
                folder=folder,
                digest=record.digest,
                task=task,
                interruption=interruption,
                work=_work_of(prepared),
                target_accuracy=prepared.settings.target_accuracy,
                last_good=before,
            )
            trouble = _run(state, data, prepared, watch)
        early = watch.outcome == "interrupted" or trouble is not None
        notes = (_STOPPED_EARLY,) if early and state.progressive_resizing else ()
        for note in notes:
            reporter.say(note)
        kept = state.best_weights() if trouble is None or watch.last_good is None else watch.last_good
        network = state.finish(kept, data, batch=recipe.batch)
        return Learned(
            network=network,
            calibration=calibrate(network, data, reporter),
            history=tuple(state.history),
            outcome=watch.outcome,
            seconds=state.pace.elapsed_s,
            steps=state.steps,
            trouble=trouble,
            notes=notes,
        )


def _run(state: TrainingState, data: LearningSet, prepared: Prepared, watch: Watch) -> TrainingError | None:
    """Train to the end; return what ended it before, where there are good weights to keep."""
    try:
        run(state, data, prepared.recipe, watch, seed=prepared.settings.seed)
    except TrainingError as error:
        if watch.last_good is None:
            raise TrainingError(f"{error} No epoch was finished, so there is no model to keep.") from None
        return error
    return None


def _work_of(prepared: Prepared) -> Callable[[float], float]:
    """Return how the work grows along the way; where a budget of time rules, the way is measured in time already."""
    progressive_resizing = 0.0 if prepared.settings.minutes is not None else prepared.recipe.progressive_resizing
    return partial(
        share_of_work,
        progressive_resizing=progressive_resizing,
        cost=share_of_pixels(prepared.plan.height, prepared.plan.width),
    )


def _begin(prepared: Prepared, data: LearningSet, *, anew: bool, reporter: Reporter) -> TrainingState:
    """Return the state before the first step; only `anew` is anything learned for it, else a checkpoint follows."""
    mean, std = data.moments
    height, width, channels = prepared.images.images.shape[1:]
    network = Network(
        prepared.plan.layout,
        height=height,
        width=width,
        channels=channels,
        classes=data.classes,
        mean=mean,
        std=std,
        seed=prepared.settings.seed,
    )
    started = time.monotonic()
    if anew:
        learn_first(network, data, prepared.recipe, seed=prepared.settings.seed, reporter=reporter)
    before_s = time.monotonic() - started if prepared.recipe.pretrain else 0.0  # counts as training
    budget = None
    if prepared.settings.minutes is not None:
        budget = prepared.settings.minutes * 60 - _WRITING_S - (time.monotonic() - prepared.started_s)
        budget = max(budget, 1.0) + before_s
    evaluated = len(prepared.images.indices(prepared.images.evaluation_split))
    state = TrainingState.begin(
        network,
        prepared.recipe,
        steps=prepared.steps,
        budget_s=budget,
        after=_EVALUATING * evaluated / prepared.recipe.batch,
    )
    state.pace.go_on(fraction=0.0, per_step=state.pace.per_step, before_s=before_s)
    return state


def with_resumed(record: RunRecord, prepared: Prepared) -> Prepared:
    """Return `prepared` with the layout and recipe that the run in `record` was begun with.

    Raises:
        ParameterError: the images are no longer those of the run.
    """
    if record.images != digest_images(prepared.images):
        raise ParameterError(
            f"`resume` must find the images of the run, {record.settings.data!r}, as they were. Got others in "
            f"{prepared.settings.data!r}: their classes, parts or pixels are not the same. Start the training anew."
        )
    shape = {name: getattr(prepared.plan, name) for name in ("height", "width", "channels", "classes")}
    return replace(
        prepared, plan=plan(Layout.parse(record.layout), **shape), recipe=record.recipe, threads=record.threads
    )
