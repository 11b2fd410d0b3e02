"""Everything that a network finds in a dataset, as problems with a score."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.progress import Reporter, Silent
from convscope.core.text import counted
from convscope.images.dataset import Dataset
from convscope.images.inspection import Problem, spell
from convscope.images.sources.source import SPLITS_IN_WORDS
from convscope.transfer.feature_store import Vectors
from convscope.transfer.head_choice import MOST_CLASSES
from convscope.transfer.head_model import normalized

from .alignment import INVERSES
from .calibration import least_value, precision_at
from .differences import differences
from .near_duplicates import Copies, near_duplicates, squares
from .out_of_fold import out_of_fold
from .quality import DETAILS, oddness, outlyingness, statistics_of
from .wrong_labels import wrong_labels

LEAST_SCORE = 0.5
"""The least score of a finding: it is more often right than wrong."""
_FEWEST = 20  # images that the others can be compared with


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Problems that a network found, each with a score, and what it could not look for, in sentences."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """What images are compared by, beside features.

    Attributes:
        grays: small squares, float32 N side side.
        statistics: float64 N 5.
    """

    grays: Tensor
    statistics: NDArray[np.float64]

    @staticmethod
    def of(images: NDArray[np.uint8]) -> "Looks":
        """Return those of images N H W C."""
        return Looks(grays=squares(images), statistics=statistics_of(images))


def find_problems(
    dataset: Dataset,
    features: Vectors,
    looks: Looks | None = None,
    *,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> Findings:
    """Return what looks wrong in a dataset, the most certain first within each kind.

    Args:
        dataset: the images.
        features: of all its images, n × values.
        looks: of all its images, where there are no pixels of all at hand.
        seed: of the folds of the cross-validation.
        reporter: shows progress.
    """
    if len(dataset) < _FEWEST:
        few = f"{counted(len(dataset), 'image')}: {_FEWEST} or more are compared with each other"
        return Findings(problems=(), notes=(few,))
    with (reporter or Silent()).task("comparing images", 4, "parts") as task:
        looks = looks or Looks.of(dataset.images)
        copies = near_duplicates(looks.grays, features, least_value("near-duplicate", LEAST_SCORE))
        task.advance(1)
        labels = label_findings(dataset, features, groups=_groups(len(dataset), copies), seed=seed)
        task.advance(1)
        odd = {"outlier": outlyingness(features)}
        task.advance(1)
        odd |= oddness(looks.statistics)
        task.advance(1)
    problems = [*labels.problems, *_copy_problems(dataset, copies)]
    for kind, values in odd.items():
        problems += _odd_problems(dataset, kind, precision_at(kind, values))
    return Findings(problems=tuple(problems), notes=labels.notes)


def label_findings(
    dataset: Dataset,
    features: Vectors,
    *,
    indices: NDArray[np.int64] | None = None,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Findings:
    """Return the labels that look wrong by normalized features, among the images of classes with two or more.

    Args:
        dataset: the images.
        features: of those that are evaluated, n × values.
        indices: of these images in the dataset; all if None.
        groups: of copies, one number an image; see `out_of_fold`.
        seed: of the folds.
    """
    if not dataset.source.labeled:
        return Findings(problems=(), notes=("the images have no classes: wrong labels are not looked for",))
    if len(dataset.classes) > MOST_CLASSES:
        many = counted(len(dataset.classes), "class", "classes")
        many = f"{many}: wrong labels are looked for among at most {MOST_CLASSES:,}"
        return Findings(problems=(), notes=(many,))
    indices = np.arange(len(dataset)) if indices is None else indices
    labels = dataset.labels[indices]
    counts = np.bincount(labels, minlength=len(dataset.classes))
    lonely = int((counts == 1).sum())
    notes = (f"{counted(lonely, 'class', 'classes')} of one image: its label is not checked",) if lonely else ()
    evaluated = np.flatnonzero(counts[labels] > 1)
    known = np.flatnonzero(counts > 1)  # classes
    if len(known) < 2:
        return Findings(problems=(), notes=notes)
    labels = np.searchsorted(known, labels[evaluated])
    probabilities = out_of_fold(
        normalized(features[evaluated]),  # outliers are found on features as they are
        labels,
        classes=len(known),
        groups=None if groups is None else groups[evaluated],
        seed=seed,
    )
    classes = [dataset.classes[number] for number in known]
    found, doubts = wrong_labels(probabilities, labels, classes, indices[evaluated].tolist(), dataset.image_name)
    return Findings(problems=found, notes=(*notes, *doubts))


def _groups(images: int, copies: Copies) -> NDArray[np.int64]:
    """Return the group of each image, in which it is with its copies."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(copies.pairs), bool)
    graph = coo_array((ones, (copies.pairs[:, 0], copies.pairs[:, 1])), shape=(images, images))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _copy_problems(dataset: Dataset, copies: Copies) -> Iterator[Problem]:
    """Give one problem for each image that is a copy of one before it, of the pair that is most alike."""
    scores = precision_at("near-duplicate", copies.scores)
    splits = dataset.source.splits[dataset.source_indices]  # those that the images came with
    taken: dict[int, tuple[int, int, float]] = {}  # by copy: the other one, which turn takes it to the copy, the score
    for place in np.argsort(-copies.scores, kind="stable").tolist():
        other, copy = copies.pairs[place].tolist()
        turn = INVERSES[copies.turns[place]]
        if splits[other] < splits[copy]:  # of training and test, the training image is left out
            other, copy, turn = copy, other, INVERSES[turn]
        taken.setdefault(copy, (other, turn, float(scores[place])))
    pairs = np.array([(copy, other) for copy, (other, _, _) in taken.items()], np.int64).reshape(-1, 2)
    turns = np.array([turn for _, turn, _ in taken.values()], np.int64)
    told = differences(dataset.source, dataset.source_indices[pairs], turns)
    for (copy, (other, _, score)), words in zip(taken.items(), told, strict=True):
        yield Problem(
            name=spell(dataset.image_name(copy)),
            kind="near-duplicate",
            detail=", ".join([words, *_where(dataset, other, copy)]),
            others=(spell(dataset.image_name(other)),),
            score=round(score, 3),
            label=spell(dataset.classes[dataset.labels[copy]]),
            index=copy,
        )


def _where(dataset: Dataset, first: int, second: int) -> Iterator[str]:
    indices = dataset.source_indices[[first, second]]
    splits = sorted(set(dataset.source.splits[indices].tolist()))
    if len(splits) == 2 and splits[0] > 0:
        yield f"one in {SPLITS_IN_WORDS[splits[0]]}, the other in {SPLITS_IN_WORDS[splits[1]]}"
    labels = [spell(dataset.classes[dataset.labels[index]]) for index in (second, first)]
    if labels[0] != labels[1]:
        yield f"in the classes {labels[0]} and {labels[1]}"


def _odd_problems(dataset: Dataset, kind: str, scores: NDArray[np.float64]) -> Iterator[Problem]:
    for index in np.argsort(-scores, kind="stable").tolist():
        if scores[index] < LEAST_SCORE:
            return
        yield Problem(
            name=spell(dataset.image_name(index)),
            kind=kind,
            detail=DETAILS[kind],
            score=round(float(scores[index]), 3),
            label=spell(dataset.classes[dataset.labels[index]]),
            index=index,
        )
