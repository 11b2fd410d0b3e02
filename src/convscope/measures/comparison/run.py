"""Train and evaluate every variant with every seed; finished runs are cached and not repeated."""

import dataclasses
import time
from collections.abc import Sequence

from convscope.core.errors import ConvscopeError, DataError, LayoutError, ParameterError, TrainingError
from convscope.core.progress import Reporter
from convscope.core.text import counted
from convscope.networks.plan import NetworkPlan
from convscope.training.recipe import Recipe

from .experiment import Experiment
from .learning import learn, parameters_of
from .records import VariantResult, VariantRun, digits_of
from .schedule import CachedRun, Job, RunCache, Schedule
from .variants import BASELINE, Learner, Variant


def run_schedule(schedule: Schedule, experiment: Experiment, cache: RunCache, reporter: Reporter) -> None:
    """Carry out every training that is not cached, and cache each as soon as it is finished.

    A training that fails ends only those of its variant; the reason goes to `Schedule.skipped`.

    Raises:
        KeyboardInterrupt: the user interrupts; finished runs stay cached.
        ConvscopeError: the baseline cannot be trained.
    """
    left = schedule.left(cache)
    with reporter.task("comparing", sum(job.estimated_s for job in left)) as task:
        done_s = 0.0
        for number, job in enumerate(left, start=1):
            task.update(done_s, f"{number} of {len(left)}: {job.variant.title}, {counted(len(job.indices), 'image')}")
            if job.variant.name not in schedule.skipped and (reason := _run_job(job, experiment, cache)):
                same = [other.variant.name for other in schedule.jobs if other.key == job.key]
                schedule.skipped.update(dict.fromkeys(same, reason))
            done_s += job.estimated_s
            task.update(done_s)


def _run_job(job: Job, experiment: Experiment, cache: RunCache) -> str:
    """Train, evaluate and cache; return why the training failed, or the empty text."""
    started = time.monotonic()
    learner = dataclasses.replace(job.learner, recipe=job.recipe)
    try:
        trained = learn(
            learner, experiment.dataset, job.indices, experiment.budget, seed=job.seed, device=experiment.device
        )
    except (TrainingError, DataError, ParameterError, LayoutError) as error:
        if job.variant.name == BASELINE and job.whole:
            raise
        return str(error)
    correct = experiment.evaluation.evaluate(trained.predict)
    clean, distorted = experiment.evaluation.evaluate_distorted(trained.predict) if job.whole else ("", ())
    run = VariantRun(
        seed=job.seed,
        trained_on=len(job.indices),
        epochs=trained.epochs,
        seconds=trained.seconds,
        total=len(correct),
        correct_digits=digits_of(correct),
        clean_digits=clean,
        distorted=distorted,
    )
    cache.put(job.key, CachedRun(run=run, wall_s=time.monotonic() - started, note=trained.note))
    return ""


def results_of(schedule: Schedule, experiment: Experiment, cache: RunCache) -> tuple[tuple[VariantResult, ...], float]:
    """Return the result of each variant from the cached runs, and the seconds of these runs."""
    results, seconds = [], {}
    by_layout: dict[tuple[str, Recipe], str] = {}
    for variant in experiment.variants:
        learner = schedule.learners.get(variant.name)
        if learner is None:
            results.append(_skipped(variant, experiment, schedule.skipped[variant.name]))
            continue
        jobs = [job for job in schedule.jobs if job.variant is variant]
        cached = [(job, run) for job in jobs if (run := cache.get(job.key)) is not None]
        seconds.update({job.key: run.wall_s for job, run in cached})
        first = by_layout.setdefault((learner.text, learner.recipe), variant.title)
        notes = [] if first == variant.title else [f"The same network as {first}, with the same results."]
        notes += [f"Warning of the training: {note}" for note in dict.fromkeys(run.note for _, run in cached) if note]
        failed, runs = schedule.skipped.get(variant.name, ""), [run.run for job, run in cached if job.whole]
        notes += [f"A training failed: {failed}"] if failed and runs else []
        curve = [run.run for job, run in cached if not job.whole]
        result = _result(variant, learner, experiment, runs=runs, curve=curve)
        results.append(dataclasses.replace(result, note=" ".join(notes), skipped="" if runs else failed))
    return tuple(results), sum(seconds.values())


def _result(
    variant: Variant,
    learner: Learner,
    experiment: Experiment,
    *,
    runs: Sequence[VariantRun],
    curve: Sequence[VariantRun],
) -> VariantResult:
    planned: NetworkPlan | None = learner.plan if learner.start is None else learner.start.model.network.plan
    parameters = (
        parameters_of(learner, experiment.dataset, experiment.indices) if planned is None else planned.parameters
    )
    return VariantResult(
        variant=variant.name,
        title=learner.title or variant.title,
        description=variant.description,
        layout=learner.text,
        parameters=parameters,
        macs=None if planned is None else planned.macs,
        distorted_training=planned is not None and variant.group == "distortions",
        runs=tuple(runs),
        curve=tuple(sorted(curve, key=lambda run: (run.trained_on, run.seed))),
    )


def _skipped(variant: Variant, experiment: Experiment, reason: str) -> VariantResult:
    """Return the result of a variant that is not measured."""
    try:
        layout = variant.make(experiment.baseline).text
    except ConvscopeError:
        layout = ""
    return VariantResult(
        variant=variant.name, title=variant.title, description=variant.description, layout=layout, skipped=reason
    )
