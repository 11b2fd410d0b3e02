"""One split, one budget; what is done is not done again; damaged and foreign files are not taken for results."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest

from convscope.core.errors import ParameterError, TrainingError
from convscope.core.progress import Silent
from convscope.features.classifiers import CLASSIFIERS
from convscope.features.hand_made import hand_made
from convscope.images.augmentation import Augmentation
from convscope.images.dataset import Dataset, prepare
from convscope.images.sources.opening import TRAIN, open_source
from convscope.measures.comparison import experiment as experiments
from convscope.measures.comparison import run as module
from convscope.measures.comparison import schedule as schedules
from convscope.measures.comparison.experiment import EvaluationSet, Experiment, TrainingBudget, stratified
from convscope.measures.comparison.learning import parameters_of
from convscope.measures.comparison.records import VariantRun, digits_of
from convscope.measures.comparison.run import results_of, run_schedule
from convscope.measures.comparison.schedule import RunCache, key_of, make_schedule
from convscope.measures.comparison.variants import Baseline, Learner, named_variants
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.training.recipe import Recipe


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    images = rng.integers(0, 120, (90, 8, 8, 1), dtype=np.uint8)
    for label in range(3):
        images[labels == label, :, 2 * label : 2 * label + 2] += 110
    return prepare(open_source((images, labels)))


def experiment(dataset: Dataset, *variants: str, **changes: object) -> Experiment:
    indices = dataset.indices(TRAIN)
    planned = plan(Layout.parse("4C3-MP2-6N"), height=8, width=8, channels=1, classes=3)
    evaluated = dataset.indices(dataset.evaluation_split)
    evaluation = EvaluationSet(
        images=dataset.images,
        labels=dataset.labels,
        indices=evaluated,
        distorted=evaluated[:6],
        preprocessing=dataset.preprocessing,
        seed=0,
    )
    made = Experiment(
        dataset=dataset,
        indices=indices,
        evaluation=evaluation,
        baseline=Baseline(
            plan=planned, recipe=Recipe(epochs=2, batch=16, augmentation=Augmentation()), augmentation=Augmentation()
        ),
        budget=TrainingBudget(epochs=2),
        seeds=1,
        variants=named_variants(variants),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]  # the fields of an experiment


def test_what_is_done_is_not_done_again(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, cache = experiment(dataset, "convolution", "pooling-max", "pixels-softmax"), RunCache(folder=tmp_path)
    schedule = make_schedule(asked, cache, Silent())
    assert len(schedule.jobs) == 3
    assert len(schedule.left(cache)) == 2, "the same network under two names is trained once"
    run_schedule(schedule, asked, cache, Silent())
    results, seconds = results_of(schedule, asked, cache)
    assert results[0].runs == results[1].runs
    assert results[1].note.startswith("The same network as shared weights")
    assert seconds > 0
    monkeypatch.setattr(module, "learn", None)  # whoever learns again now fails
    again = make_schedule(asked, cache, Silent())
    assert again.left(cache) == ()
    run_schedule(again, asked, cache, Silent())
    assert results_of(again, asked, cache)[0] == results


def test_an_interrupted_comparison_keeps_what_was_done(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, cache = experiment(dataset, "convolution", "pixels-softmax"), RunCache(folder=tmp_path)
    schedule = make_schedule(asked, cache, Silent())
    learn = module.learn
    calls: list[str] = []

    def interrupted(*given: object, **options: object) -> object:
        calls.append("")
        if len(calls) == 2:
            raise KeyboardInterrupt
        return learn(*given, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(module, "learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_schedule(schedule, asked, cache, Silent())
    assert [job.variant.name for job in schedule.left(cache)] == ["pixels-softmax"]
    run_schedule(schedule, asked, cache, Silent())
    assert len(calls) == 3


def failing(monkeypatch: pytest.MonkeyPatch, classifier: str, seed: int) -> None:
    """Let the training of one kind with one seed fail."""
    learn = module.learn

    def fails(learner: Learner, *given: object, **options: object) -> object:
        if learner.text.endswith(classifier) and options["seed"] == seed:
            raise TrainingError("The loss is not a number.")
        return learn(learner, *given, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(module, "learn", fails)


def test_a_training_that_fails_ends_only_its_kind(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "svm", seed=0)
    asked, cache = (
        experiment(dataset, "convolution", "pixels-svm", "pixels-softmax", seeds=2),
        RunCache(folder=tmp_path),
    )
    schedule = make_schedule(asked, cache, Silent())
    run_schedule(schedule, asked, cache, Silent())
    results, _ = results_of(schedule, asked, cache)
    assert [len(result.runs) for result in results] == [2, 2, 0]  # in the order of the family: softmax, then svm
    assert [result.skipped for result in results] == ["", "", "The loss is not a number."]


class _Impatient:
    """A classifier that ends before it has learned."""

    def fit(self, vectors: object, labels: object) -> None:
        del vectors, labels
        warnings.warn("It did not converge.\nGive it more iterations.", stacklevel=1)

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        return np.zeros(len(vectors), np.int64)


def test_what_a_classifier_complains_of_is_noted(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CLASSIFIERS, "svm", lambda _seed: _Impatient())
    asked, cache = experiment(dataset, "by-hand-svm"), RunCache(folder=tmp_path)
    schedule = make_schedule(asked, cache, Silent())
    run_schedule(schedule, asked, cache, Silent())
    (result,), _ = results_of(schedule, asked, cache)
    assert result.note == "Warning of the training: It did not converge."


@pytest.mark.parametrize("classes", [2, 3])
def test_the_parameters_of_features_are_those_that_the_classifier_has(dataset: Dataset, classes: int) -> None:
    some = dataset.indices(TRAIN)[dataset.labels[dataset.indices(TRAIN)] < classes]
    set_ = dataclasses.replace(dataset, classes=dataset.classes[:classes])
    learner = Learner(recipe=Recipe(epochs=1), features="pca", classifier="svm")
    features = hand_made("pca", dataset.images, learn_from=some)
    fitted = CLASSIFIERS["svm"](0).fit(np.concatenate(list(features.of(dataset.images[some]))), dataset.labels[some])
    learned = fitted[-1]
    assert parameters_of(learner, set_, some) == learned.coef_.size + learned.intercept_.size


def test_what_was_trained_before_one_failed_stays_with_a_note(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "svm", seed=1)
    asked, cache = experiment(dataset, "pixels-svm", seeds=2), RunCache(folder=tmp_path)
    schedule = make_schedule(asked, cache, Silent())
    run_schedule(schedule, asked, cache, Silent())
    (result,), _ = results_of(schedule, asked, cache)
    assert (len(result.runs), result.skipped) == (1, "")
    assert result.note == "A training failed: The loss is not a number."


def test_the_network_that_all_are_made_after_must_learn(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "6N", seed=0)
    asked, cache = experiment(dataset, "convolution", "pixels-svm"), RunCache(folder=tmp_path)
    with pytest.raises(TrainingError, match="The loss is not a number"):
        run_schedule(make_schedule(asked, cache, Silent()), asked, cache, Silent())


def test_a_training_repeats_bit_for_bit(dataset: Dataset, tmp_path: Path) -> None:
    found = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        asked, cache = experiment(dataset, "convolution"), RunCache(folder=folder)
        schedule = make_schedule(asked, cache, Silent())
        run_schedule(schedule, asked, cache, Silent())
        run = results_of(schedule, asked, cache)[0][0].runs[0]
        found.append((run.correct_digits, run.distorted))
    assert found[0] == found[1]


def test_a_damaged_file_is_trained_anew(tmp_path: Path) -> None:
    cache = RunCache(folder=tmp_path)
    for text in ("", "{", "[]", '{"run": {}, "wall_s": 1}', '{"wall_s": NaN}'):
        (tmp_path / "key.json").write_text(text)
        assert cache.get("key") is None


@pytest.mark.parametrize(
    "changes",
    [{"budget": TrainingBudget(epochs=3)}, {"budget": TrainingBudget(seconds=5)}, {"seeds": 2}],
)
def test_what_the_figures_depend_on_is_in_the_name_of_the_file(dataset: Dataset, changes: dict[str, object]) -> None:
    cache = RunCache(folder=Path("nowhere"))
    one, other = (
        {job.key for job in make_schedule(asked, cache, Silent()).jobs}
        for asked in (experiment(dataset, "convolution"), experiment(dataset, "convolution", **changes))
    )
    assert not other <= one
    assert key_of(1, "a") != key_of(1, "b")


def test_a_slow_kind_is_left_out_with_its_time_but_never_the_network_itself(dataset: Dataset) -> None:
    asked = experiment(dataset, "convolution", "locally-connected", most_seconds=1e-6)
    slow = dataclasses.replace(asked, evaluation=dataclasses.replace(asked.evaluation, distorted=np.zeros(0, np.int64)))
    slowest, schedules._SLOWEST = schedules._SLOWEST, 1e-6
    try:
        schedule = make_schedule(slow, RunCache(folder=Path("nowhere")), Silent())
    finally:
        schedules._SLOWEST = slowest
    assert list(schedule.learners) == ["convolution"]
    assert "on this machine" in schedule.skipped["locally-connected"]


def test_a_learning_curve_has_every_part_and_features_one_training(dataset: Dataset) -> None:
    asked = experiment(dataset, "convolution", "by-hand-svm", seeds=2, curves=("convolution",))
    schedule = make_schedule(asked, RunCache(folder=Path("nowhere")), Silent())
    sizes = [(job.variant.name, len(job.indices), job.seed) for job in schedule.jobs]
    total = len(asked.indices)
    assert [(name, size) for name, size, _ in sizes if size == total] == [("convolution", total)] * 2 + [
        ("by-hand-svm", total)
    ]
    assert len([size for _, size, _ in sizes if size < total]) == 8


def test_a_part_has_every_class_in_proportion_and_lies_within_the_larger() -> None:
    labels = np.repeat(np.arange(3), (600, 300, 100))
    places = np.arange(1_000)
    few, many = (stratified(labels, places, fraction, seed=4) for fraction in (0.1, 0.3))
    assert np.bincount(labels[few]).tolist() == [60, 30, 10]
    assert set(few) <= set(many)
    assert set(few) != set(stratified(labels, places, 0.1, seed=5))
    assert len(stratified(labels, places, 0.0001, seed=0)) == 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"epochs": 2, "seconds": 3.0}, "Only one"),
        ({"epochs": 0}, "10,000"),
        ({"seconds": 0.5}, "1,000,000"),
    ],
)
def test_a_budget_that_is_none_is_refused(given: dict[str, float], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        TrainingBudget(**given)  # type: ignore[arg-type]  # what is refused


def test_distorted_images_are_the_same_whether_kept_or_not(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of(evaluation: EvaluationSet) -> list[np.ndarray]:
        pairs = [(one, strength) for one, strengths in evaluation.strengths().items() for strength in strengths]
        return [np.concatenate(list(evaluation._batches(*pair))) for pair in pairs]

    evaluation = experiment(dataset, "convolution").evaluation
    kept = all_of(evaluation)
    assert len(evaluation.cache) == len(kept)
    again = all_of(evaluation)
    monkeypatch.setattr(experiments, "_CACHED_BYTES", 0)
    monkeypatch.setattr(experiments, "_BATCH", 2)
    fresh = dataclasses.replace(evaluation, cache={})
    anew = all_of(fresh)
    assert not fresh.cache
    for other in (again, anew):
        assert all((one == two).all() for one, two in zip(kept, other, strict=True))


def predict(images: np.ndarray) -> np.ndarray:
    """Return some class of each image."""
    return images.reshape(len(images), -1).argmax(axis=1).astype(np.int64) % 3


def test_distorted_images_are_predicted_in_batches(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "_BATCH", 4)
    evaluation = experiment(dataset, "convolution").evaluation
    sizes: list[int] = []

    def counting(images: np.ndarray) -> np.ndarray:
        sizes.append(len(images))
        return predict(images)

    found = evaluation.evaluate_distorted(counting)
    assert set(sizes) == {4, 2}, "six images"
    assert {result.images for result in found[1]} == {6}
    assert evaluation.evaluate_distorted(counting) == found


def test_predictions_on_distorted_images_are_counted_image_by_image(dataset: Dataset) -> None:
    evaluation = experiment(dataset, "convolution").evaluation
    clean, results = evaluation.evaluate_distorted(predict)
    labels = evaluation.labels[evaluation.distorted]
    assert clean == digits_of(predict(dataset.images[evaluation.distorted]) == labels)
    for (distortion, strengths), result in zip(evaluation.strengths().items(), results, strict=True):
        images = [np.concatenate(list(evaluation._batches(distortion, strength))) for strength in strengths]
        correct = [predict(batch) == labels for batch in images]
        assert (result.distortion, result.strengths) == (distortion.name, strengths)
        assert result.per_image().tolist() == np.sum(correct, axis=0).tolist()
        assert result.correct == tuple(bits.sum() for bits in correct)
    run = VariantRun(
        seed=0, trained_on=1, epochs=1, seconds=1.0, total=1, correct_digits="0", clean_digits=clean, distorted=results
    )
    assert run.distorted == results, "and the counts agree"
    assert len({result.image_counts for result in results}) > 1
