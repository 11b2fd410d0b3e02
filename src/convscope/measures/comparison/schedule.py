"""The schedule of a comparison: which trainings it needs, which of them are cached, and how long the others take."""

import contextlib
import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.core.atomic import write_text
from convscope.core.errors import DataError
from convscope.core.progress import Reporter
from convscope.core.records import from_json, json_text, strict_json, to_json
from convscope.core.text import duration
from convscope.core.version import __version__
from convscope.training.recipe import Recipe
from convscope.training.run_folder import digest_images

from .experiment import Experiment, Indices, stratified
from .learning import seconds_per_image, seconds_per_step, start_seconds_per_image
from .records import FORMAT_VERSION, VariantRun
from .variants import BASELINE, Learner, Variant, learner_of

FRACTIONS = (0.01, 0.03, 0.1, 0.3)
"""Fractions of the training images at which a learning curve is measured, besides all of them."""

_SLOWEST = 6.0  # times as long as the baseline: slow and fast machines skip the same variants
_FORWARD = 0.4  # of the time of a training step: prediction
_MOST_BYTES = 1 << 24  # of a cached run


@dataclass(frozen=True, kw_only=True)
class CachedRun:
    """A finished run, its seconds with the evaluation, and the warnings of its training."""

    run: VariantRun
    wall_s: float
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class RunCache:
    """The folder of finished runs, one file each, named after everything that its results depend on."""

    folder: Path

    def get(self, key: str) -> CachedRun | None:
        """Return the run of this key; None if there is none, or its file is damaged."""
        path = self._path(key)
        with contextlib.suppress(OSError, ValueError, DataError, RecursionError):
            if path.stat().st_size <= _MOST_BYTES:
                return from_json(CachedRun, strict_json(path.read_text(encoding="utf-8")))
        return None

    def put(self, key: str, run: CachedRun) -> None:
        """Write the run atomically."""
        write_text(self._path(key), json_text(run) + "\n")

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def key_of(*values: Any) -> str:
    """Return a hash, in hexadecimal digits, of `values` as JSON and of the version of the library."""
    text = json.dumps(to_json([FORMAT_VERSION, __version__, *values]), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One training of a variant with a seed.

    Attributes:
        variant, learner: what is trained; `recipe` is that of the learner, for the number of images.
        seed: of the training.
        indices: of the training images.
        key: of its run in the cache.
        whole: whether it trains on all images; otherwise it is a point of a learning curve.
        estimated_s: seconds of training and evaluation.
    """

    variant: Variant
    learner: Learner
    recipe: Recipe
    seed: int
    indices: Indices
    key: str
    whole: bool
    estimated_s: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """All trainings of an experiment.

    Attributes:
        jobs: in the order of the variants.
        skipped: the reason in a sentence, by name of a variant that is not measured or fails; grows during the runs.
        learners: by name of each variant that can be made.
    """

    jobs: tuple[Job, ...]
    skipped: dict[str, str]
    learners: dict[str, Learner]

    def left(self, cache: RunCache) -> tuple[Job, ...]:
        """Return the jobs without a cached run; of jobs with the same key, the first."""
        once: dict[str, Job] = {}
        for job in self.jobs:
            if cache.get(job.key) is None:
                once.setdefault(job.key, job)
        return tuple(once.values())


def make_schedule(experiment: Experiment, cache: RunCache, reporter: Reporter) -> Schedule:
    """Return the trainings, each with its time estimated from a few steps; variants that are too slow are skipped."""
    jobs: list[Job] = []
    skipped: dict[str, str] = {}
    learners: dict[str, Learner] = {}
    baseline_s = 0.0
    with reporter.task("timing a few steps of each variant", len(experiment.variants), "variants") as task:
        for variant in experiment.variants:
            learner, reason = learner_of(variant, experiment.baseline)
            task.advance(note=variant.title)
            if learner is None:
                skipped[variant.name] = reason
                continue
            own = tuple(_jobs_of(experiment, variant, learner))
            done = [run.wall_s for job in own if (run := cache.get(job.key)) is not None]
            left = len(done) < len(own)
            own = _estimated(experiment, learner, own) if left else own
            longest = max(job.estimated_s for job in own) if left else max(done)
            limit = max(experiment.most_seconds or math.inf, _SLOWEST * baseline_s)
            if variant.name == BASELINE:
                baseline_s = longest
            elif left and longest > limit and variant.group != "start":  # who names a network wants it
                skipped[variant.name] = (
                    f"One training would take about {duration(longest)} on this machine, longer than the limit of "
                    f"{duration(limit)}. Name it in --variants to run it."
                )
                continue
            learners[variant.name] = learner
            jobs += own
    return Schedule(jobs=tuple(jobs), skipped=skipped, learners=learners)


def _jobs_of(experiment: Experiment, variant: Variant, learner: Learner) -> Iterator[Job]:
    """Give the trainings of one variant without time estimates: on all images, then on fractions of them."""
    labels, indices = experiment.dataset.labels, experiment.indices
    parts: list[tuple[float, int | None]] = [(1.0, None)]
    if variant.name in experiment.curves:
        parts += [(1.0, each) for each in experiment.each] or [(fraction, None) for fraction in FRACTIONS]
    is_random = learner.plan is not None or learner.start is not None  # nothing is about hand-made features
    for fraction, each in parts:
        for seed in range(experiment.seeds if is_random else 1):
            whole = fraction == 1 and each is None
            subset = indices if whole else stratified(labels, indices, fraction, each=each, seed=seed)
            recipe = experiment.budget.recipe(learner.recipe, len(subset), len(indices))
            key = _key(experiment, dataclasses.replace(learner, recipe=recipe), seed, len(subset), whole=whole)
            yield Job(variant=variant, learner=learner, recipe=recipe, seed=seed, indices=subset, key=key, whole=whole)


def _estimated(experiment: Experiment, learner: Learner, jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Return the jobs of one variant with time estimates."""
    evaluation, budget, device = experiment.evaluation, experiment.budget, experiment.device
    if learner.start is not None:
        image_s = start_seconds_per_image(learner, experiment.dataset, experiment.indices, device=device)
        image_s *= 1 if learner.mode == "frozen" else 1 / _FORWARD
    elif learner.plan is None:
        image_s = seconds_per_image(learner, experiment.dataset, experiment.indices)
    else:
        recipe = jobs[0].recipe
        step_s = seconds_per_step(learner.plan, recipe, experiment.dataset, experiment.indices, device=device)
        image_s = step_s / recipe.batch
    estimated = []
    for job in jobs:
        evaluated = len(evaluation.indices) + (evaluation.distorted_total if job.whole else 0)
        if learner.plan is None and (learner.start is None or learner.mode == "frozen"):
            seconds = (len(job.indices) + evaluated) * image_s
        else:
            training_s = budget.estimated_s(job.recipe, len(job.indices), image_s * job.recipe.batch)
            seconds = training_s + _FORWARD * evaluated * image_s
        estimated.append(dataclasses.replace(job, estimated_s=seconds))
    return tuple(estimated)


def _key(experiment: Experiment, learner: Learner, seed: int, count: int, *, whole: bool) -> str:
    """Return the key of a training on `count` images."""
    evaluation = experiment.evaluation
    is_network = learner.plan is not None or learner.start is not None
    weights = [] if learner.start is None else [learner.start.digest]
    return key_of(
        digest_images(experiment.dataset),
        [learner.text, learner.recipe, *weights] if is_network else [learner.text],
        seed,
        len(experiment.indices),
        count,
        [len(evaluation.indices), evaluation.seed, len(evaluation.distorted) if whole else None],
        experiment.budget if is_network else None,
        *([experiment.device] if is_network and experiment.device != "cpu" else []),
    )
