"""Labels that look wrong, by confident learning (Northcutt, Jiang & Chuang 2021), as problems with a score."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.text import counted, percent
from convscope.images.inspection import Problem, spell

from .calibration import precision_at

LEAST_SCORE = 0.1
"""Of a label: below it nine in ten are right."""
_MOST_DOUBTED = 0.2  # of the labels


@dataclass(frozen=True, kw_only=True, eq=False)
class SuspectLabels:
    """Images whose labels look wrong, the worst first.

    Attributes:
        indices: of the images.
        suggested: the most probable other class of each.
        margins: probability of that class less that of the label, -1…1.
    """

    indices: NDArray[np.int64]
    suggested: NDArray[np.int64]
    margins: NDArray[np.float64]


def confident_joint(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the estimated number of images by label and true class, K K; rows sum to the images of a label.

    An image counts for a class whose probability is at least the mean probability of that class among the images that
    are labeled so (section 3.1 of the paper); where several qualify, for the most probable of them.

    Examples:
        >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7]])
        >>> confident_joint(probabilities, np.array([0, 0, 0, 1, 1, 1])).tolist()
        [[2.0, 1.0], [0.0, 3.0]]
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, weights=probabilities[np.arange(len(labels)), labels], minlength=classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    above = np.where(probabilities >= thresholds - 1e-6, probabilities, -1.0)
    sure = above.max(axis=1) >= 0
    joint = np.zeros((classes, classes))
    np.add.at(joint, (labels[sure], above.argmax(axis=1)[sure]), 1)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    return np.asarray(joint / joint.sum(axis=1, keepdims=True) * counts[:, None])


def suspect_labels(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> SuspectLabels:
    """Return the labels that look wrong.

    Of the images of label i, as many as the joint has for class j are taken, those with the largest margin of j over i
    ("prune by noise rate"), if another class than their label is the most probable one.

    Args:
        probabilities: N K, each by a classifier that did not learn from the image.
        labels: N.
    """
    counts = np.rint(confident_joint(probabilities, labels)).astype(np.int64)
    own = probabilities[np.arange(len(labels)), labels]
    wrong = np.zeros(len(labels), bool)
    for label in np.flatnonzero(counts.sum(axis=1) - counts.diagonal()):
        images = np.flatnonzero(labels == label)
        margins = probabilities[images] - own[images, None]  # n K
        for other in np.flatnonzero(counts[label]):
            if other != label:
                wrong[images[np.argsort(-margins[:, other], kind="stable")[: counts[label, other]]]] = True
    wrong &= probabilities.argmax(axis=1) != labels
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = -1
    margins = others.max(axis=1) - own
    indices = np.flatnonzero(wrong)
    indices = indices[np.argsort(-margins[indices], kind="stable")]
    return SuspectLabels(indices=indices, suggested=others.argmax(axis=1)[indices], margins=margins[indices])


def wrong_labels(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    indices: Sequence[int],
    name_of: Callable[[int], str],
) -> tuple[tuple[Problem, ...], tuple[str, ...]]:
    """Return the labels that look wrong, the most certain first, and notes.

    A classifier that doubts more than a fifth of all says little of any: there are none then, with a note why.

    Args:
        probabilities: of each class for each image, N K, by a classifier that did not learn from it.
        labels: class of each.
        classes: names.
        indices: of the images in the dataset.
        name_of: gives the name of the image of an index.
    """
    found = suspect_labels(probabilities, labels)
    scores = precision_at("wrong label", found.margins)
    problems = []
    for index, other, score in zip(found.indices.tolist(), found.suggested.tolist(), scores.tolist(), strict=True):
        if score < LEAST_SCORE:
            break
        label, suggested = (spell(classes[number]) for number in (labels[index], other))
        own, its = (percent(probabilities[index, number]) for number in (labels[index], other))
        problems.append(
            Problem(
                name=spell(name_of(indices[index])),
                kind="wrong label",
                detail=f"labeled {label} ({own}), looks like {suggested} ({its})",
                score=round(score, 3),
                label=label,
                suggested=suggested,
                index=indices[index],
            )
        )
    if len(problems) <= _MOST_DOUBTED * len(labels):
        return tuple(problems), ()
    doubted = f"{len(problems):,} of {counted(len(labels), 'label')} look wrong, too many to believe"
    return (), (f"{doubted}: the network hardly separates these classes, or the labels are random; none is listed",)
