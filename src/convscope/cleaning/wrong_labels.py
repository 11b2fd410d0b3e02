"""Labels that look wrong, as problems with a score."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from convscope.core.text import percent
from convscope.images.inspection import Problem, spell

from .calibration import precision_at
from .confident_learning import suspect_labels

_LEAST_SCORE = 0.1  # below it nine in ten are right
_MOST_DOUBTED = 0.2  # of the labels


def wrong_labels(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    indices: Sequence[int],
    name_of: Callable[[int], str],
) -> tuple[Problem, ...]:
    """Return the labels that look wrong, the most certain first; none by a classifier that doubts a fifth of all.

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
        if score < _LEAST_SCORE:
            break
        label, suggested = (spell(classes[number]) for number in (labels[index], other))
        own, its = (percent(probabilities[index, number]) for number in (labels[index], other))
        problems.append(
            Problem(
                name=spell(name_of(indices[index])),
                kind="wrong label",
                detail=f"labelled {label} ({own}), looks like {suggested} ({its})",
                score=round(score, 3),
                label=label,
                suggested=suggested,
                index=indices[index],
            )
        )
    return () if len(problems) > _MOST_DOUBTED * len(labels) else tuple(problems)
