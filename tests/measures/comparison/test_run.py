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
from convscope.measures.comparison import run as module
from convscope.measures.comparison.budget import Budget
from convscope.measures.comparison.by_image import digits_of
from convscope.measures.comparison.cells import Cells, key_of
from convscope.measures.comparison.disturbing import Exam
from convscope.measures.comparison.kinds import Base, Entrant, named_kinds
from convscope.measures.comparison.learning import parameters_of
from convscope.measures.comparison.parts import part_of
from convscope.measures.comparison.records import Trial
from convscope.measures.comparison.run import Contest, entries_of, make_agenda, work
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


def contest(dataset: Dataset, *kinds: str, **changes: object) -> Contest:
    places = dataset.indices(TRAIN)
    planned = plan(Layout.parse("4C3-MP2-6N"), height=8, width=8, channels=1, classes=3)
    evaluated = dataset.indices(dataset.evaluation_split)
    exam = Exam(
        images=dataset.images,
        labels=dataset.labels,
        places=evaluated,
        disturbed=evaluated[:6],
        preprocessing=dataset.preprocessing,
        seed=0,
    )
    made = Contest(
        images=dataset,
        places=places,
        exam=exam,
        base=Base(plan=planned, recipe=Recipe(epochs=2, batch=16, augmentation=Augmentation()), change=Augmentation()),
        budget=Budget(epochs=2),
        seeds=1,
        kinds=named_kinds(kinds),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]  # the fields of a contest


def test_what_is_done_is_not_done_again(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, cells = contest(dataset, "convolution", "pooling-max", "pixels-softmax"), Cells(folder=tmp_path)
    agenda = make_agenda(asked, cells, Silent())
    assert len(agenda.jobs) == 3
    assert len(agenda.left(cells)) == 2, "the same network under two names is trained once"
    work(agenda, asked, cells, Silent())
    entries, seconds = entries_of(agenda, asked, cells)
    assert entries[0].trials == entries[1].trials
    assert entries[1].note.startswith("The same network as convolutional")
    assert seconds > 0
    monkeypatch.setattr(module, "learn", None)  # whoever learns again now fails
    again = make_agenda(asked, cells, Silent())
    assert again.left(cells) == ()
    work(again, asked, cells, Silent())
    assert entries_of(again, asked, cells)[0] == entries


def test_an_interrupted_comparison_keeps_what_was_done(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, cells = contest(dataset, "convolution", "pixels-softmax"), Cells(folder=tmp_path)
    agenda = make_agenda(asked, cells, Silent())
    learn = module.learn
    calls: list[str] = []

    def interrupted(*given: object, **options: object) -> object:
        calls.append("")
        if len(calls) == 2:
            raise KeyboardInterrupt
        return learn(*given, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(module, "learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work(agenda, asked, cells, Silent())
    assert [job.kind.name for job in agenda.left(cells)] == ["pixels-softmax"]
    work(agenda, asked, cells, Silent())
    assert len(calls) == 3


def failing(monkeypatch: pytest.MonkeyPatch, classifier: str, seed: int) -> None:
    """Let the training of one kind with one seed fail."""
    learn = module.learn

    def fails(entrant: Entrant, *given: object, **options: object) -> object:
        if entrant.text.endswith(classifier) and options["seed"] == seed:
            raise TrainingError("The loss is not a number.")
        return learn(entrant, *given, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(module, "learn", fails)


def test_a_training_that_fails_ends_only_its_kind(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "svm", seed=0)
    asked, cells = contest(dataset, "convolution", "pixels-svm", "pixels-softmax", seeds=2), Cells(folder=tmp_path)
    agenda = make_agenda(asked, cells, Silent())
    work(agenda, asked, cells, Silent())
    entries, _ = entries_of(agenda, asked, cells)
    assert [len(entry.trials) for entry in entries] == [2, 2, 0]  # in the order of the family: softmax, then svm
    assert [entry.why_not for entry in entries] == ["", "", "The loss is not a number."]


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
    asked, cells = contest(dataset, "by-hand-svm"), Cells(folder=tmp_path)
    agenda = make_agenda(asked, cells, Silent())
    work(agenda, asked, cells, Silent())
    (entry,), _ = entries_of(agenda, asked, cells)
    assert entry.note == "While it learned: It did not converge."


@pytest.mark.parametrize("classes", [2, 3])
def test_the_parameters_of_features_are_those_that_the_classifier_has(dataset: Dataset, classes: int) -> None:
    some = dataset.indices(TRAIN)[dataset.labels[dataset.indices(TRAIN)] < classes]
    set_ = dataclasses.replace(dataset, classes=dataset.classes[:classes])
    entrant = Entrant(recipe=Recipe(epochs=1), features="pca", classifier="svm")
    features = hand_made("pca", dataset.images, learn_from=some)
    fitted = CLASSIFIERS["svm"](0).fit(np.concatenate(list(features.of(dataset.images[some]))), dataset.labels[some])
    learned = fitted[-1]
    assert parameters_of(entrant, set_, some) == learned.coef_.size + learned.intercept_.size


def test_what_was_trained_before_one_failed_stays_with_a_note(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "svm", seed=1)
    asked, cells = contest(dataset, "pixels-svm", seeds=2), Cells(folder=tmp_path)
    agenda = make_agenda(asked, cells, Silent())
    work(agenda, asked, cells, Silent())
    (entry,), _ = entries_of(agenda, asked, cells)
    assert (len(entry.trials), entry.why_not) == (1, "")
    assert entry.note == "A training failed: The loss is not a number."


def test_the_network_that_all_are_made_after_must_learn(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "6N", seed=0)
    asked, cells = contest(dataset, "convolution", "pixels-svm"), Cells(folder=tmp_path)
    with pytest.raises(TrainingError, match="The loss is not a number"):
        work(make_agenda(asked, cells, Silent()), asked, cells, Silent())


def test_a_training_repeats_bit_for_bit(dataset: Dataset, tmp_path: Path) -> None:
    found = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        asked, cells = contest(dataset, "convolution"), Cells(folder=folder)
        agenda = make_agenda(asked, cells, Silent())
        work(agenda, asked, cells, Silent())
        trial = entries_of(agenda, asked, cells)[0][0].trials[0]
        found.append((trial.right, trial.disturbed))
    assert found[0] == found[1]


def test_a_damaged_file_is_trained_anew(tmp_path: Path) -> None:
    cells = Cells(folder=tmp_path)
    for text in ("", "{", "[]", '{"trial": {}, "wall_s": 1}', '{"wall_s": NaN}'):
        (tmp_path / "key.json").write_text(text)
        assert cells.get("key") is None


@pytest.mark.parametrize(
    "changes",
    [{"budget": Budget(epochs=3)}, {"budget": Budget(seconds=5)}, {"seeds": 2}],
)
def test_what_the_figures_depend_on_is_in_the_name_of_the_file(dataset: Dataset, changes: dict[str, object]) -> None:
    cells = Cells(folder=Path("nowhere"))
    one, other = (
        {job.key for job in make_agenda(asked, cells, Silent()).jobs}
        for asked in (contest(dataset, "convolution"), contest(dataset, "convolution", **changes))
    )
    assert not other <= one
    assert key_of(1, "a") != key_of(1, "b")


def test_a_slow_kind_is_left_out_with_its_time_but_never_the_network_itself(dataset: Dataset) -> None:
    asked = contest(dataset, "convolution", "locally-connected", most_seconds=1e-6)
    slow = dataclasses.replace(asked, exam=dataclasses.replace(asked.exam, disturbed=np.zeros(0, np.int64)))
    module_times, module._TIMES = module._TIMES, 1e-6
    try:
        agenda = make_agenda(slow, Cells(folder=Path("nowhere")), Silent())
    finally:
        module._TIMES = module_times
    assert list(agenda.entrants) == ["convolution"]
    assert "on this machine, more than the" in agenda.why_not["locally-connected"]


def test_a_learning_curve_has_every_part_and_features_one_training(dataset: Dataset) -> None:
    asked = contest(dataset, "convolution", "by-hand-svm", seeds=2, curves=("convolution",))
    agenda = make_agenda(asked, Cells(folder=Path("nowhere")), Silent())
    sizes = [(job.kind.name, len(job.places), job.seed) for job in agenda.jobs]
    total = len(asked.places)
    assert [(name, size) for name, size, _ in sizes if size == total] == [("convolution", total)] * 2 + [
        ("by-hand-svm", total)
    ]
    assert len([size for _, size, _ in sizes if size < total]) == 8


def test_a_part_has_every_class_in_proportion_and_lies_within_the_larger() -> None:
    labels = np.repeat(np.arange(3), (600, 300, 100))
    places = np.arange(1_000)
    few, many = (part_of(labels, places, fraction, seed=4) for fraction in (0.1, 0.3))
    assert np.bincount(labels[few]).tolist() == [60, 30, 10]
    assert set(few) <= set(many)
    assert set(few) != set(part_of(labels, places, 0.1, seed=5))
    assert len(part_of(labels, places, 0.0001, seed=0)) == 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"epochs": 2, "seconds": 3.0}, "Only one of `epochs` and `seconds` can be given"),
        ({"epochs": 0}, "`epochs` must be a whole number from 1 to 10,000. Got 0"),
        ({"seconds": 0.5}, "`seconds` must be from 1 to 1,000,000. Got 0.5"),
    ],
)
def test_a_budget_that_is_none_is_refused(given: dict[str, float], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        Budget(**given)  # type: ignore[arg-type]  # what is refused


def test_distorted_images_are_the_same_whether_kept_or_not(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of(exam: Exam) -> list[np.ndarray]:
        pairs = [(one, strength) for one, strengths in exam.strengths().items() for strength in strengths]
        return [np.concatenate(list(exam._distorted(*pair))) for pair in pairs]

    exam = contest(dataset, "convolution").exam
    kept = all_of(exam)
    assert len(exam.kept) == len(kept)
    again = all_of(exam)
    monkeypatch.setattr("convscope.measures.comparison.disturbing._KEPT_BYTES", 0)
    monkeypatch.setattr("convscope.measures.comparison.disturbing._AT_ONCE", 2)
    fresh = dataclasses.replace(exam, kept={})
    anew = all_of(fresh)
    assert not fresh.kept
    for other in (again, anew):
        assert all((one == two).all() for one, two in zip(kept, other, strict=True))


def test_distorted_images_are_answered_in_batches(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convscope.measures.comparison.disturbing._AT_ONCE", 4)
    exam = contest(dataset, "convolution").exam
    asked: list[int] = []

    def answers(some: np.ndarray) -> np.ndarray:
        asked.append(len(some))
        return some.reshape(len(some), -1).argmax(axis=1).astype(np.int64) % 3

    found = exam.evaluate_distorted(answers).disturbed
    assert set(asked) == {4, 2}, "six images"
    assert {one.images for one in found} == {6}
    assert exam.evaluate_distorted(answers).disturbed == found


def test_answers_to_distorted_images_are_kept_image_by_image(dataset: Dataset) -> None:
    exam = contest(dataset, "convolution").exam

    def answers(some: np.ndarray) -> np.ndarray:
        return some.reshape(len(some), -1).argmax(axis=1).astype(np.int64) % 3

    found, labels = exam.evaluate_distorted(answers), exam.labels[exam.disturbed]
    assert found.undistorted == digits_of(answers(dataset.images[exam.disturbed]) == labels)
    for (distortion, strengths), one in zip(exam.strengths().items(), found.by_image, strict=True):
        moved = [np.concatenate(list(exam._distorted(distortion, strength))) for strength in strengths]
        assert one.distortion == distortion.name
        assert one.numbers().tolist() == np.sum([answers(some) == labels for some in moved], axis=0).tolist()
    trial = Trial(seed=0, trained_on=1, epochs=1, seconds=1.0, total=1, right="0", **vars(found))
    assert trial.by_image == found.by_image, "and they agree with the numbers"
    assert len({one.counts for one in found.by_image}) > 1
