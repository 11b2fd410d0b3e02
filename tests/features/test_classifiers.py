"""Classifiers on features: all learn from the same images and are evaluated on the same others."""

import dataclasses

import numpy as np
import pytest

from convscope.core.errors import DataError, ParameterError
from convscope.features.classifiers import CLASSIFIERS, evaluate_classifiers, named_classifiers
from convscope.features.extraction import FeatureSet


def features(splits: list[str]) -> FeatureSet:
    """Return two clouds of points that lie well apart, but for one image of the last part."""
    random = np.random.default_rng(0)
    labels = np.arange(len(splits)) % 2
    values = random.normal(size=(len(splits), 3)).astype(np.float32) + 20.0 * labels[:, None]
    values[-1] = values[-2]
    return FeatureSet(
        values=values.astype(np.float32),
        labels=labels.astype(np.int64),
        splits=tuple(splits),
        images=tuple(map(str, range(len(splits)))),
        classes=("a", "b"),
        names=("x", "y", "z"),
    )


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_each_finds_what_is_easy_and_is_told_what_it_missed(name: str) -> None:
    (evaluated,) = evaluate_classifiers(features(["train"] * 60 + ["test"] * 20), named_classifiers([name]))
    assert (evaluated.name, evaluated.accuracy.correct, evaluated.accuracy.total) == (name, 19, 20)
    assert evaluated.accuracy.fraction == 0.95
    assert evaluated.accuracy.interval[0] < 0.95 < evaluated.accuracy.interval[1]
    assert evaluated.fit_seconds > 0
    assert evaluated.predict_us > 0


def test_the_test_images_count_where_there_are_some_else_those_of_validation() -> None:
    class Memory:
        def fit(self, rows: np.ndarray, labels: np.ndarray) -> None:
            self.learned = len(rows)

        def predict(self, rows: np.ndarray) -> np.ndarray:
            return np.zeros(len(rows))

    memory = Memory()
    (evaluated,) = evaluate_classifiers(
        features(["train"] * 6 + ["validation"] * 4 + ["test"] * 2 + [""] * 2), {"m": memory}
    )
    assert (evaluated.accuracy.total, evaluated.accuracy.correct, memory.learned) == (2, 1, 6)
    (evaluated,) = evaluate_classifiers(features(["train"] * 6 + ["validation"] * 4), {"m": memory})
    assert (evaluated.accuracy.total, evaluated.accuracy.correct) == (4, 2)


@pytest.mark.parametrize("splits", [["train"] * 4, ["test"] * 4])
def test_without_images_to_learn_from_and_to_evaluate_on_it_is_a_sentence(splits: list[str]) -> None:
    with pytest.raises(DataError, match=r"need images to learn from and others to be evaluated on\. Got [04] in train"):
        list(evaluate_classifiers(features(splits), named_classifiers(["lda"])))


def test_complaints_of_a_classifier_are_kept_and_not_printed() -> None:
    classifier = named_classifiers(["softmax"])["softmax"].set_params(logisticregression__max_iter=1)
    (evaluated,) = evaluate_classifiers(features(["train"] * 60 + ["test"] * 20), {"hasty": classifier})
    assert "failed to converge" in evaluated.note


def test_what_a_classifier_cannot_use_is_a_sentence() -> None:
    found = features(["train"] * 60 + ["test"] * 20)
    found.values[0, 0] = np.nan
    with pytest.raises(DataError, match=r"The classifier lda cannot learn from these features: Input X contains NaN\."):
        list(evaluate_classifiers(found, named_classifiers(["lda"])))


def test_more_values_than_lda_can_take_are_a_sentence() -> None:
    some = features(["train"] * 4 + ["test"] * 2)
    wide = dataclasses.replace(some, values=np.zeros((6, 64, 8, 9), np.float32))
    with pytest.raises(
        ParameterError, match=r"lda must have at most 4,096 values .* Got 4,608\. Take fewer with --pool"
    ):
        list(evaluate_classifiers(wide, named_classifiers(["lda"])))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=r"`classifiers` must be one of softmax, svm, .* Got 'swm'\. Did you mean 'svm'"
    ):
        named_classifiers(["softmax", "swm"])
