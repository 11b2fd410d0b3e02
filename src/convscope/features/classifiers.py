"""Any standard classifier on the features of a network, all evaluated on the same images. To add one: one line."""

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convscope.core.errors import DataError, ParameterError, choose
from convscope.core.progress import Reporter, Silent
from convscope.core.statistics import Proportion
from convscope.core.text import counted
from convscope.images.inspection import NO_CLASS

from .extraction import FeatureSet


@dataclass(frozen=True, kw_only=True)
class ClassifierResult:
    """How good a classifier is on features that it has not seen.

    Attributes:
        name: of the classifier.
        accuracy: on these features.
        fit_seconds: to learn from the training features.
        predict_us: microseconds per image, features given.
        note: what it complained of while it learned; empty if nothing.
        fitted: the classifier itself.
    """

    name: str
    accuracy: Proportion
    fit_seconds: float
    predict_us: float
    note: str = ""
    fitted: Any = field(default=None, repr=False, compare=False)


def _softmax(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return _scaled(LogisticRegression(max_iter=500, random_state=seed))


def _svm(seed: int) -> Any:
    from sklearn.svm import LinearSVC

    return _scaled(LinearSVC(C=0.01, random_state=seed))


def _rbf_svm(seed: int) -> Any:
    from sklearn.svm import SVC

    return _scaled(SVC(C=5.0, random_state=seed))


def _knn(_seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return _scaled(KNeighborsClassifier(n_neighbors=5))


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=200, random_state=seed)


def _lda(_seed: int) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


def _boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed)


def _scaled(classifier: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), classifier)


_MOST_FOR_LDA = 4_096

CLASSIFIERS: dict[str, Callable[[int], Any]] = {
    "softmax": _softmax,
    "svm": _svm,
    "rbf-svm": _rbf_svm,
    "knn": _knn,
    "forest": _forest,
    "lda": _lda,
    "boosting": _boosting,
}
"""Makers of scikit-learn classifiers by name; each takes the seed of what is random in it."""


def named_classifiers(names: Sequence[str], *, seed: int = 0) -> dict[str, Any]:
    """Return the classifiers of these names, not yet fitted.

    Raises:
        ParameterError: a name is unknown.
    """
    for name in names:
        choose("classifiers", name, CLASSIFIERS)
    return {name: CLASSIFIERS[name](seed) for name in names}


def evaluate_classifiers(
    features: FeatureSet, classifiers: Mapping[str, Any], *, reporter: Reporter | None = None
) -> Iterator[ClassifierResult]:
    """Fit each classifier on the training images and give how good it is on the test (or validation) images.

    Args:
        features: of all images, with their parts.
        classifiers: by name; each a classifier of scikit-learn, or anything with its `fit` and `predict`.
        reporter: shows which one is learning.

    Raises:
        DataError: no class is known, there are no images to learn from, or none to evaluate on, or a classifier cannot
            use the features.
        ParameterError: there are more features than a classifier can take.
    """
    values = features.vectors.shape[1]
    if "lda" in classifiers and values > _MOST_FOR_LDA:
        raise ParameterError(
            f"lda must have at most {_MOST_FOR_LDA:,} values an image, as its time grows with their cube. Got "
            f"{values:,}. Take fewer with --pool mean or a later --stage, or leave lda out."
        )
    if features.classes == NO_CLASS:
        raise DataError("Classifiers need the class of each image. Got unlabeled images.")
    evaluated_on = "test" if len(features.part("test")) else "validation"
    train_rows, evaluated_rows = features.part("train"), features.part(evaluated_on)
    if not len(train_rows) or not len(evaluated_rows):
        raise DataError(
            "Classifiers need images to learn from and others to be evaluated on. "
            f"Got {len(train_rows):,} in train and {len(evaluated_rows):,} in test or validation."
        )
    learned_from, evaluated = features.vectors[train_rows], features.vectors[evaluated_rows]
    for name, classifier in classifiers.items():
        title = f"{name}: learning from {counted(len(train_rows), 'image')}"
        with (
            (reporter or Silent()).task(title, total=0),
            warnings.catch_warnings(record=True) as complaints,
            _explained(name),
        ):
            warnings.simplefilter("always")
            started = time.perf_counter()
            classifier.fit(learned_from, features.labels[train_rows])
            fitted = time.perf_counter()
            predicted = classifier.predict(evaluated)
            ended = time.perf_counter()
        yield ClassifierResult(
            name=name,
            accuracy=Proportion(
                correct=int(np.sum(predicted == features.labels[evaluated_rows])), total=len(evaluated_rows)
            ),
            fit_seconds=fitted - started,
            predict_us=1e6 * (ended - fitted) / len(evaluated_rows),
            note="; ".join(dict.fromkeys(str(complaint.message).splitlines()[0] for complaint in complaints)),
            fitted=classifier,
        )


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what a classifier raises where it cannot use the numbers into one sentence."""
    try:
        yield
    except (ValueError, np.linalg.LinAlgError, MemoryError) as error:
        reason = (str(error).strip() or "there is not enough memory").splitlines()[0].rstrip(".")
        raise DataError(f"The classifier {name} cannot learn from these features: {reason}.") from error
