"""Why it works, measured: many kinds of networks and classifiers on the same pictures, with the same budget."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope import __version__
from convscope.core.atomic import refuse_existing
from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import machine
from convscope.core.pace import duration
from convscope.core.progress import Reporter, Silent
from convscope.core.text import counted, printable
from convscope.features.extraction import PARTS
from convscope.images.augmentation import Augmentation
from convscope.images.image_set import ImageSet, prepare
from convscope.images.sizes import parse_size
from convscope.images.sources.opening import TRAIN, open_source
from convscope.measures.comparison.budget import Budget
from convscope.measures.comparison.cells import Cells
from convscope.measures.comparison.disturbing import Exam
from convscope.measures.comparison.kinds import Base, named_kinds
from convscope.measures.comparison.parts import part_of
from convscope.measures.comparison.records import FILE_NAME, Comparison
from convscope.measures.comparison.run import FRACTIONS, Contest, entries_of, make_agenda, work
from convscope.networks.layout import Layout
from convscope.training.choices import Examples, choose_network
from convscope.training.settings import Settings

from .compare_files import write_files

MOST_TEST_PICTURES, MOST_DISTURBED = 10_000, 1_000
QUICK_PICTURES, QUICK_DISTURBED, QUICK_SECONDS = 10_000, 400, 30.0
_QUICK_VISITS, _QUICK_EPOCHS = 25_000, (2, 16)  # pictures seen; fewest and most epochs
QUICK_SIDE, QUICK_LAYOUT = 32, "16C5-MP2-32C3-MP2-128N"
MOST_SEEDS = 100
_TURN_DEG, _SCALE = 15.0, 0.15  # of training pictures, for the kinds that learn from distorted ones


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A comparison and where it stands.

    Attributes:
        comparison: the figures.
        folder: of the files.
        page: the page among them.
    """

    comparison: Comparison
    folder: Path
    page: Path


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What was asked for, checked before any picture is read."""

    kinds: tuple[str, ...]
    epochs: int | None
    seconds: float | None
    seeds: int
    learning_curve: bool
    quick: bool
    layout: str | None
    pictures: int | None
    test_pictures: int
    distorted: int

    def __post_init__(self) -> None:
        named_kinds(self.kinds)
        if self.epochs is not None or self.seconds is not None:
            Budget(epochs=self.epochs, seconds=self.seconds)
        if not 1 <= self.seeds <= MOST_SEEDS:
            raise ParameterError(f"`seeds` must be from 1 to {MOST_SEEDS}. Got {self.seeds}.")
        if self.pictures is not None and self.pictures < 20:
            raise ParameterError(f"`pictures` must be at least 20 training pictures. Got {self.pictures}.")
        if self.test_pictures < 10:
            raise ParameterError(f"`test_pictures` must be at least 10 pictures. Got {self.test_pictures}.")
        if not 0 <= self.distorted <= MOST_TEST_PICTURES:
            raise ParameterError(
                f"`distorted` must be from 0 to {MOST_TEST_PICTURES:,} pictures. Got {self.distorted}."
            )


def compare(
    data: Any = None,
    *,
    kinds: Sequence[str] = (),
    epochs: int | None = None,
    seconds: float | None = None,
    seeds: int | None = None,
    learning_curve: bool = False,
    quick: bool = False,
    layout: str | None = None,
    size: str | None = None,
    channels: int | None = None,
    pictures: int | None = None,
    test_pictures: int = MOST_TEST_PICTURES,
    distorted: int | None = None,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> Compared:
    """Return how good each kind of network is on the same pictures, with the same budget, and where its page stands.

    Every training that is done is kept in the folder: the same call goes on where an interrupted one was.

    Args:
        data: what `convscope.train` takes; the set digits if none.
        kinds: names from `convscope.measures.comparison.kinds.KINDS`; all if none.
        epochs: passes over the training pictures that every network has; chosen from the set if neither is given.
        seconds: that every network has, in place of passes.
        seeds: trainings of each kind; 3 if none, 1 if quick.
        learning_curve: measure accuracy by number of training pictures, too.
        quick: few pictures, a small network, two passes: minutes on two cores.
        layout: the convolutional network that all others are made after; chosen from the set if none.
        size: of the pictures, one side or width x height in pixels.
        channels: 1 or 3.
        pictures: training pictures, at most; 10,000 if quick.
        test_pictures: pictures that are judged, at most.
        distorted: of these, pictures that are distorted too, at most; 1,000 if none, 400 if quick.
        output: the folder; ``runs/compare-<name>`` if none.
        force: write the results anew where there are some; trainings that are done are used again.
        data_dir: where named sets are looked for first.
        cache_dir: where decoded pictures are kept; the user's cache folder if none.
        reporter: told what it will take, and how far it is; nobody if none.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> kinds = ["convolution", "pixels-softmax"]
        >>> done = compare("digits", kinds=kinds, epochs=1, seeds=1, layout="4C3-MP2", output=tempfile.mkdtemp())
        >>> [(entry.kind, entry.parameters) for entry in done.comparison.entries]
        [('convolution', 690), ('pixels-softmax', 650)]
    """
    reporter = reporter or Silent()
    wish = _Wish(
        kinds=tuple(kinds),
        epochs=epochs,
        seconds=seconds,
        seeds=seeds if seeds is not None else 1 if quick else 3,
        learning_curve=learning_curve,
        quick=quick,
        layout=layout,
        pictures=pictures,
        test_pictures=test_pictures,
        distorted=distorted if distorted is not None else QUICK_DISTURBED if quick else MOST_DISTURBED,
    )
    source = open_source("digits" if data is None else data, data_dir=data_dir, reporter=reporter)
    folder = Path("runs") / f"compare-{_stem(source.name)}" if output is None else Path(output)
    refuse_existing(folder / FILE_NAME, force=force)
    chosen_size = parse_size(size)
    images = prepare(source, size=chosen_size, channels=channels, cache_dir=cache_dir, reporter=reporter)
    if quick and size is None and min(images.images.shape[1:3]) > QUICK_SIDE:
        reporter.say(f"quick: pictures are made {QUICK_SIDE}x{QUICK_SIDE}; --size changes it")
        images = prepare(source, size=QUICK_SIDE, channels=channels, cache_dir=cache_dir, reporter=reporter)
    contest = _contest(wish, images)
    cells = Cells(folder=folder / "trainings")
    for note in images.notes:
        reporter.say(note)
    agenda = make_agenda(contest, cells, reporter)
    left = agenda.left(cells)
    reporter.say(_announcement(len(agenda.jobs), len(left), sum(job.reckoned_s for job in left), contest, folder))
    try:
        work(agenda, contest, cells, reporter)
    except KeyboardInterrupt:
        rest = len(agenda.left(cells))
        verb = "is" if rest == 1 else "are"
        reporter.say(f"interrupted; {counted(rest, 'training')} {verb} left, and the same command goes on with them")
        raise
    entries, taken = entries_of(agenda, contest, cells)
    comparison = _comparison(wish, contest, entries, taken)
    page = write_files(comparison, folder)
    return Compared(comparison=comparison, folder=folder, page=page)


def _stem(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", Path(name).name).strip("-.")[:60] or "pictures"


def _contest(wish: _Wish, images: ImageSet) -> Contest:
    if images.judged == TRAIN:
        raise DataError(
            f"`{printable(images.name)}` must have pictures that are held out to judge on. Got training pictures only. "
            "Give more pictures of each class, or a folder with train/ and test/."
        )
    places = images.indices(TRAIN)
    most = wish.pictures or (QUICK_PICTURES if wish.quick else len(places))
    if most < len(places):
        places = part_of(images.labels, places, most / len(places), seed=0)
    base, chosen_epochs = _base(wish, images, places)
    budget = Budget(epochs=None if wish.seconds else wish.epochs or chosen_epochs, seconds=wish.seconds)
    judged = images.indices(images.judged)
    rng = np.random.default_rng(0)
    test = np.sort(rng.permutation(judged)[: wish.test_pictures])
    disturbed = np.sort(rng.permutation(test)[: wish.distorted])
    kinds = named_kinds(wish.kinds)
    curves = tuple(kind.name for kind in kinds if kind.curve or wish.kinds) if wish.learning_curve else ()
    return Contest(
        images=images,
        places=places,
        exam=Exam(
            images=images.images,
            labels=images.labels,
            places=test,
            disturbed=disturbed,
            preprocessing=images.preprocessing,
            seed=0,
        ),
        base=base,
        budget=budget,
        seeds=wish.seeds,
        kinds=kinds,
        curves=curves,
        most_seconds=QUICK_SECONDS if wish.quick and not wish.kinds else None,
    )


def _base(wish: _Wish, images: ImageSet, places: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[Base, int]:
    """Return what all kinds are made after, and the epochs for this set unless others are asked for."""
    text = wish.layout
    if text is None and wish.quick and min(images.images.shape[1:3]) > 12:
        text = QUICK_LAYOUT
    examples = Examples(
        images=images.images,
        labels=images.labels,
        classes=images.classes,
        name=images.name,
        mirror=images.mirror,
        places=places,
    )
    fewest, most = _QUICK_EPOCHS
    quick = min(most, max(fewest, round(_QUICK_VISITS / len(places))))
    settings = Settings(layout=text, epochs=quick if wish.quick else None)
    planned, choice = choose_network(examples, settings, None if text is None else Layout.parse(text))
    usual = choice.recipe.augmentation
    change = Augmentation(shift=usual.shift, flip=usual.flip, rotate=_TURN_DEG, scale=_SCALE)
    recipe = choice.recipe.__class__(
        epochs=choice.recipe.epochs,
        batch=choice.recipe.batch,
        augmentation=Augmentation(),
        precision=choice.recipe.precision,
    )
    return Base(plan=planned, recipe=recipe, change=change), recipe.epochs


def _announcement(jobs: int, left: int, seconds: float, contest: Contest, folder: Path) -> str:
    budget = contest.budget
    each = counted(int(budget.amount), "epoch") if budget.kind == "epochs" else f"{budget.amount:g} s"
    what = f"{counted(jobs, 'training')} of {counted(len(contest.kinds), 'kind')}, the same {each} each"
    if not left:
        return f"{what}: all are done already, in {folder}"
    before = "" if left == jobs else f"; {counted(left, 'training')} left to do"
    return f"{what}{before}: about {duration(seconds)} on this machine"


def _comparison(wish: _Wish, contest: Contest, entries: Any, taken: float) -> Comparison:
    images, planned, here = contest.images, contest.base.plan, machine()
    return Comparison(
        library_version=__version__,
        data=printable(images.name),
        part=PARTS[int(images.judged)],
        classes=planned.classes,
        height=planned.height,
        width=planned.width,
        channels=planned.channels,
        training_pictures=len(contest.places),
        all_training_pictures=len(images.indices(TRAIN)),
        test_pictures=len(contest.exam.places),
        disturbed_pictures=len(contest.exam.disturbed),
        layout=str(planned.layout),
        budget=contest.budget.kind,
        amount=contest.budget.amount,
        seeds=wish.seeds,
        fractions=(*FRACTIONS, 1.0) if wish.learning_curve else (),
        quick=wish.quick,
        seconds=taken,
        processor=here.processor,
        cores=here.cores,
        entries=entries,
    )
