"""Confident learning: what the published rules say, written as loops, and labels that were changed on purpose."""

import numpy as np
import pytest
from numpy.typing import NDArray

from convscope.cleaning.out_of_fold import _folds, _principal, out_of_fold
from convscope.cleaning.wrong_labels import confident_joint, suspect_labels, wrong_labels

Labels = NDArray[np.int64]


def joint_by_loops(probabilities: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """Count as section 3.1 of Northcutt et al. (2021) says, one image after the other."""
    classes = probabilities.shape[1]
    thresholds = [probabilities[labels == label, label].mean() for label in range(classes)]
    counts = np.zeros((classes, classes))
    for row, label in zip(probabilities, labels, strict=True):
        sure = [(row[other], other) for other in range(classes) if row[other] >= thresholds[other] - 1e-6]
        if sure:
            counts[label, max(sure, key=lambda pair: pair[0])[1]] += 1
    counts += np.diag(np.diag(counts) == 0)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True) * np.bincount(labels)[:, None])


def random_predictions(seed: int, images: int = 200, classes: int = 4) -> tuple[NDArray[np.float64], Labels]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % classes)
    logits = rng.normal(size=(images, classes)) + 2 * np.eye(classes)[labels]
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), labels


def clusters(classes: int = 4, each: int = 60, seed: int = 0, apart: float = 6.0) -> tuple[NDArray[np.float32], Labels]:
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(classes, 16)) * apart / 4
    labels = np.repeat(np.arange(classes), each)
    return (centers[labels] + rng.normal(size=(len(labels), 16))).astype(np.float32), labels


@pytest.mark.parametrize("seed", range(5))
def test_the_joint_is_that_of_the_paper(seed: int) -> None:
    probabilities, labels = random_predictions(seed)
    joint = confident_joint(probabilities, labels)
    assert np.allclose(joint, joint_by_loops(probabilities, labels))
    assert np.allclose(joint.sum(axis=1), np.bincount(labels))


@pytest.mark.parametrize("seed", range(5))
def test_suspects_are_predicted_as_another_class_and_sorted_by_margin(seed: int) -> None:
    probabilities, labels = random_predictions(seed)
    found = suspect_labels(probabilities, labels)
    assert len(found.indices)
    assert (probabilities.argmax(axis=1)[found.indices] == found.suggested).all()
    assert (found.suggested != labels[found.indices]).all()
    assert (np.diff(found.margins) <= 0).all()
    assert (found.margins > 0).all()


def test_labels_that_all_predictions_confirm_are_not_suspect() -> None:
    labels = np.arange(40) % 4
    assert len(suspect_labels(np.eye(4)[labels] * 0.9 + 0.025, labels).indices) == 0


@pytest.mark.parametrize("seed", range(3))
def test_changed_labels_are_found(seed: int) -> None:
    features, labels = clusters(seed=seed)
    rng = np.random.default_rng(seed)
    changed = rng.permutation(len(labels))[:12]  # 5 %
    given = labels.copy()
    given[changed] = (labels[changed] + rng.integers(1, 4, 12)) % 4
    found = suspect_labels(out_of_fold(features, given, classes=4), given)
    hit = set(found.indices.tolist()) & set(changed.tolist())
    assert len(hit) >= 10
    assert len(hit) / len(found.indices) > 0.6


def test_copies_of_one_image_are_in_one_fold() -> None:
    labels, groups = np.arange(60) % 3, np.arange(60) // 4
    folds = _folds(labels, groups, seed=0)
    assert all(len(set(folds[groups == group].tolist())) == 1 for group in range(15))
    assert len(set(folds.tolist())) == 5


def test_every_fold_has_images_of_every_class() -> None:
    labels = np.repeat(np.arange(4), [5, 6, 7, 20])
    folds = _folds(labels, np.arange(len(labels)), seed=0)
    assert {tuple(pair) for pair in np.stack([folds, labels], axis=1).tolist()} == {
        (fold, label) for fold in range(5) for label in range(4)
    }


def test_the_label_of_an_image_does_not_decide_on_its_own_prediction() -> None:
    features, labels = clusters()
    wrong = labels.copy()
    wrong[0] = 1
    assert out_of_fold(features, wrong, classes=4)[0].argmax() == labels[0]


def test_probabilities_are_of_every_class() -> None:
    features, labels = clusters(classes=3, each=7)
    found = out_of_fold(features, labels, classes=5)  # of two there is no image
    assert found.shape == (21, 5)
    assert np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) < 3).all()


def test_far_fewer_images_than_features_are_enough() -> None:
    rng = np.random.default_rng(0)
    for images in (4, 8, 16, 40):
        common = rng.normal(size=1_280).clip(0)
        features = (common + rng.normal(size=(images, 1_280)).clip(0)).astype(np.float32)
        features[:, rng.random(1_280) < 0.5] = 0
        found = out_of_fold(features, np.arange(images) % 2, classes=2)
        np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("images", [40, 280, 400])  # fewer than components, than values, and more
def test_principal_components_are_those_of_the_singular_values(images: int) -> None:
    features = np.random.default_rng(0).normal(size=(images, 300)).astype(np.float32) * np.linspace(0.1, 3, 300)
    left, singular, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    expected = left[:, :256] * singular[:256]
    found = _principal(features.astype(np.float32))
    assert found.shape == (images, 256)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-2)  # they may turn in themselves


def test_a_problem_names_the_label_and_what_it_looks_like() -> None:
    labels = np.repeat([0, 1], 20)
    probabilities = np.where(np.eye(2)[labels] > 0, 0.95, 0.05)
    probabilities[3] = 0.02, 0.98
    (problem,), notes = wrong_labels(
        probabilities, labels, ("cat", "dog"), list(range(40)), lambda index: f"{index}.png"
    )
    assert notes == ()
    assert (problem.name, problem.label, problem.suggested, problem.index) == ("3.png", "cat", "dog", 3)
    assert 0 < (problem.score or 0) <= 1


def test_a_classifier_that_doubts_too_many_lists_none_and_says_so() -> None:
    labels = np.repeat([0, 1], 20)
    probabilities = np.where(np.eye(2)[labels] > 0, 0.95, 0.05)
    probabilities[:10] = 0.02, 0.98
    problems, (note,) = wrong_labels(probabilities, labels, ("cat", "dog"), list(range(40)), str)
    assert problems == ()
    assert note.startswith("10 of 40 labels look wrong, too many to believe")
