"""Train every kind with every seed and evaluate it; what is done already is not done again."""

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ConvscopeError, DataError, LayoutError, ParameterError, TrainingError
from convscope.core.progress import Reporter
from convscope.core.text import counted, duration
from convscope.images.dataset import Dataset
from convscope.training.recipe import Recipe
from convscope.training.run_folder import digest_images

from .budget import Budget
from .by_image import digits_of
from .cells import Cell, Cells, key_of
from .disturbing import DistortedResult, Exam
from .kinds import BASE, Base, Entrant, Kind, entrant_of
from .learning import learn, parameters_of, seconds_per_image, seconds_per_step
from .parts import part_of
from .records import Entry, Trial

FRACTIONS = (0.01, 0.03, 0.1, 0.3)
"""Parts of the training images that a learning curve is measured at, besides all of them."""

_TIMES = 6.0  # as long as a training of the convolutional network: a slow machine leaves out no more than a fast one
_FORWARD = 0.4  # of the time of a step, when a network only answers


@dataclass(frozen=True, kw_only=True, eq=False)
class Contest:
    """What is compared on what.

    Attributes:
        images: the set.
        places: of the training images that are learned from, int64.
        exam: what is evaluated on.
        base: the convolutional network that the kinds are made after.
        budget: of each training.
        seeds: number of trainings of each kind.
        kinds: that take part.
        curves: names of those whose learning curve is measured.
        most_seconds: longest training that is begun, or six times that of the convolutional network, whichever is
            more; None for no limit.
    """

    images: Dataset
    places: NDArray[np.int64]
    exam: Exam
    base: Base
    budget: Budget
    seeds: int
    kinds: tuple[Kind, ...]
    curves: tuple[str, ...] = ()
    most_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One training that is to be done: of a kind, with a seed, on a part of the images."""

    kind: Kind
    entrant: Entrant
    recipe: Recipe
    seed: int
    places: NDArray[np.int64]
    key: str
    whole: bool
    reckoned_s: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Agenda:
    """All trainings of a contest, and why some kinds have none.

    Attributes:
        jobs: in the order of the kinds.
        why_not: one sentence, by the name of a kind that is not measured, or whose training failed; grows as they do.
        entrants: what is trained, by the name of each kind that can be made.
    """

    jobs: tuple[Job, ...]
    why_not: dict[str, str]
    entrants: dict[str, Entrant]

    def left(self, cells: Cells) -> tuple[Job, ...]:
        """Return the jobs that are not done yet; those with the same figures once."""
        once: dict[str, Job] = {}
        for job in self.jobs:
            if cells.get(job.key) is None:
                once.setdefault(job.key, job)
        return tuple(once.values())


def make_agenda(contest: Contest, cells: Cells, reporter: Reporter) -> Agenda:
    """Return what is to be trained, each with the seconds that it will take, reckoned from a few steps."""
    jobs: list[Job] = []
    why_not: dict[str, str] = {}
    entrants: dict[str, Entrant] = {}
    base_s = 0.0
    with reporter.task("timing a few steps of each kind", len(contest.kinds), "kinds") as task:
        for kind in contest.kinds:
            entrant, reason = entrant_of(kind, contest.base)
            task.advance(note=kind.title)
            if entrant is None:
                why_not[kind.name] = reason
                continue
            mine = tuple(_jobs_of(contest, kind, entrant))
            done = [cell.wall_s for job in mine if (cell := cells.get(job.key)) is not None]
            left = len(done) < len(mine)
            mine = _reckoned(contest, entrant, mine) if left else mine
            longest = max(job.reckoned_s for job in mine) if left else max(done)
            limit = max(contest.most_seconds or math.inf, _TIMES * base_s)
            if kind.name == BASE:
                base_s = longest
            elif left and longest > limit:
                why_not[kind.name] = (
                    f"One training would take about {duration(longest)} on this machine, more than the "
                    f"{duration(limit)} that this comparison gives to each. Name it in --variants to include it."
                )
                continue
            entrants[kind.name] = entrant
            jobs += mine
    return Agenda(jobs=tuple(jobs), why_not=why_not, entrants=entrants)


def _jobs_of(contest: Contest, kind: Kind, entrant: Entrant) -> Iterator[Job]:
    """Give the trainings of one kind, their time not yet reckoned: on all images first, then on parts of them."""
    total = len(contest.places)
    fractions = [1.0, *(FRACTIONS if kind.name in contest.curves else ())]
    for fraction in fractions:
        for seed in range(contest.seeds if entrant.plan is not None else 1):  # features have nothing random
            whole = fraction == 1
            places = contest.places if whole else part_of(contest.images.labels, contest.places, fraction, seed=seed)
            recipe = contest.budget.recipe(entrant.recipe, len(places), total)
            yield Job(
                kind=kind,
                entrant=entrant,
                recipe=recipe,
                seed=seed,
                places=places,
                key=_key(contest, entrant, recipe, seed, places, whole=whole),
                whole=whole,
            )


def _reckoned(contest: Contest, entrant: Entrant, jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Return the jobs of one kind with the seconds that each will take."""
    exam = contest.exam
    if entrant.plan is None:
        image_s = seconds_per_image(entrant, contest.images, contest.places)
    else:
        recipe = jobs[0].recipe
        image_s = seconds_per_step(entrant.plan, recipe, contest.images, contest.places) / recipe.batch
    found = []
    for job in jobs:
        evaluated = len(exam.places) + (exam.answers_wanted if job.whole else 0)
        if entrant.plan is None:
            seconds = (len(job.places) + evaluated) * image_s
        else:
            training = contest.budget.reckoned_s(job.recipe, len(job.places), image_s * job.recipe.batch)
            seconds = training + _FORWARD * evaluated * image_s
        found.append(dataclasses.replace(job, reckoned_s=seconds))
    return tuple(found)


def _key(  # one place calls it
    contest: Contest, entrant: Entrant, recipe: Recipe, seed: int, places: NDArray[np.int64], *, whole: bool
) -> str:
    exam = contest.exam
    evaluated: list[int | str] = [len(exam.places), exam.seed]
    if whole:
        evaluated.append(len(exam.disturbed))
        evaluated += ["by image"] if len(exam.disturbed) else []  # not what was evaluated before that was kept
    learner = [entrant.text, recipe] if entrant.plan is not None else [entrant.text]
    return key_of(
        digest_images(contest.images),
        learner,
        seed,
        len(contest.places),
        len(places),
        evaluated,
        contest.budget if entrant.plan else 0,
    )


def work(agenda: Agenda, contest: Contest, cells: Cells, reporter: Reporter) -> None:
    """Do every training that is not done yet, and keep each as soon as it is.

    A training that fails ends only the trainings of its kind: the reason goes to `Agenda.why_not`.

    Raises:
        KeyboardInterrupt: the user wants to stop; what is done is kept.
        ConvscopeError: the network that all kinds are made after cannot learn.
    """
    left = agenda.left(cells)
    with reporter.task("comparing", sum(job.reckoned_s for job in left)) as task:
        done = 0.0
        for number, job in enumerate(left, start=1):
            task.update(done, f"{number} of {len(left)}: {job.kind.title}, {counted(len(job.places), 'image')}")
            if job.kind.name not in agenda.why_not and (reason := _do(job, contest, cells)):
                same = [one.kind.name for one in agenda.jobs if one.key == job.key]  # a network may have two names
                agenda.why_not.update(dict.fromkeys(same, reason))
            done += job.reckoned_s
            task.update(done)


def _do(job: Job, contest: Contest, cells: Cells) -> str:
    """Train, evaluate and keep; return why the training failed, or the empty text."""
    started = time.monotonic()
    entrant = dataclasses.replace(job.entrant, recipe=job.recipe)
    try:
        learned = learn(entrant, contest.images, job.places, contest.budget, seed=job.seed)
    except (TrainingError, DataError, ParameterError, LayoutError) as error:
        if job.kind.name == BASE and job.whole:
            raise
        return str(error)
    right = contest.exam.right(learned.answers)
    evaluated = contest.exam.evaluate_distorted(learned.answers) if job.whole else DistortedResult()
    trial = Trial(
        seed=job.seed,
        trained_on=len(job.places),
        epochs=learned.epochs,
        seconds=learned.seconds,
        total=len(right),
        right=digits_of(right),
        undisturbed=evaluated.undisturbed,
        disturbed=evaluated.disturbed,
        undistorted=evaluated.undistorted,
        by_image=evaluated.by_image,
    )
    cells.put(job.key, Cell(trial=trial, wall_s=time.monotonic() - started, note=learned.note))
    return ""


def entries_of(agenda: Agenda, contest: Contest, cells: Cells) -> tuple[tuple[Entry, ...], float]:
    """Return one entry a kind from the trainings that are done, and the seconds that these took."""
    entries, seen = [], {}
    by_layout: dict[tuple[str, Recipe], str] = {}
    for kind in contest.kinds:
        entrant = agenda.entrants.get(kind.name)
        if entrant is None:
            entries.append(_absent(kind, contest, agenda.why_not[kind.name]))
            continue
        jobs = [job for job in agenda.jobs if job.kind is kind]
        found = {job.key: cell for job in jobs if (cell := cells.get(job.key)) is not None}
        seen.update({key: cell.wall_s for key, cell in found.items()})
        first = by_layout.setdefault((entrant.text, entrant.recipe), kind.title)
        notes = [] if first == kind.title else [f"The same network as {first}: its figures are those."]
        notes += [f"While it learned: {note}" for note in dict.fromkeys(cell.note for cell in found.values()) if note]
        entries.append(
            _entry(
                kind,
                entrant,
                contest,
                notes=notes,
                failed=agenda.why_not.get(kind.name, ""),
                trials=[found[job.key].trial for job in jobs if job.whole and job.key in found],
                curve=[found[job.key].trial for job in jobs if not job.whole and job.key in found],
            )
        )
    return tuple(entries), sum(seen.values())


def _entry(
    kind: Kind,
    entrant: Entrant,
    contest: Contest,
    *,
    notes: Sequence[str],
    failed: str,
    trials: Sequence[Trial],
    curve: Sequence[Trial],
) -> Entry:
    planned = entrant.plan
    parameters = planned.parameters if planned is not None else parameters_of(entrant, contest.images, contest.places)
    return Entry(
        kind=kind.name,
        title=kind.title,
        sentence=kind.sentence,
        layout=entrant.text,
        parameters=parameters,
        macs=None if planned is None else planned.macs,
        distorted=planned is not None and kind.group == "distortions",
        note=" ".join([*notes, *([f"A training failed: {failed}"] if failed and trials else [])]),
        why_not="" if trials else failed,
        trials=tuple(trials),
        curve=tuple(sorted(curve, key=lambda trial: (trial.trained_on, trial.seed))),
    )


def _absent(kind: Kind, contest: Contest, reason: str) -> Entry:
    try:
        text = kind.make(contest.base).text
    except ConvscopeError:
        text = ""
    return Entry(kind=kind.name, title=kind.title, sentence=kind.sentence, layout=text, why_not=reason)
