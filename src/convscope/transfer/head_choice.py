"""The classifier on top: its strength chosen by cross-validation on the training images, then fitted on all of them."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from convscope.core.errors import DataError, ParameterError
from convscope.core.statistics import Proportion
from convscope.features.classifiers import named_classifiers
from convscope.networks.temperature import cross_entropy_at, fitting_temperature, losses_at

from .discriminant import fit_discriminant
from .feature_store import Vectors
from .linear import LinearClassifier, SoftmaxClassifier, folds
from .linear_fit import ROUGHLY, Loss, Scale, cross_entropy, regularization_path, squared_hinge

MOST_CLASSES = 2_000
_FOLDS = 4
_USUAL = {"softmax": 1e-2, "svm": 1e-4}  # strength where none can be chosen
STRENGTHS: dict[str, tuple[str, tuple[float, ...]]] = {  # the parameter of scikit-learn, from simple to flexible
    "softmax": ("C", (1e-3, 1e-2, 1e-1, 1.0)),
    "svm": ("C", (1e-5, 1e-4, 1e-3, 1e-2)),
    "rbf-svm": ("svc__C", (0.3, 1.0, 3.0, 10.0)),
    "knn": ("kneighborsclassifier__n_neighbors", (10, 5, 3, 1)),
}
_LINEAR_LOGITS = ("softmax", "lda")  # their logits are meant for a softmax
_LOSSES: dict[str, tuple[Loss, type[LinearClassifier]]] = {
    "softmax": (cross_entropy, SoftmaxClassifier),
    "svm": (squared_hinge, LinearClassifier),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ChosenHead:
    """A classifier on features.

    Attributes:
        name: of the classifier.
        fitted: as scikit-learn's, on all training images.
        strength: its parameter in words; empty without one.
        scores: logits, margins or votes of the training images, n × classes, each by a classifier that did not learn
            from it; None with one image per class.
        accuracy: theirs.
        temperature: that makes its probabilities fit these; 1 where they are not those of a softmax.
        losses: cross-entropy on them before and after, with softened targets; None where there is no temperature.
    """

    name: str
    fitted: Any
    strength: str = ""
    scores: NDArray[np.float64] | None = None
    accuracy: Proportion | None = None
    temperature: float = 1.0
    losses: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trial:
    """A strength, tried: the logits or votes for each training image by a classifier that did not learn from it."""

    strength: float
    scores: NDArray[np.float64]

    def correct(self, labels: NDArray[np.int64]) -> int:
        return int((self.scores.argmax(1) == labels).sum())


def choose_head(
    name: str, views: Sequence[Vectors], labels: NDArray[np.int64], *, seed: int = 0, threads: int = 1
) -> ChosenHead:
    """Return the classifier of this name, fitted.

    Args:
        name: one of `convscope.options.train.HeadName`.
        views: features of the training images, n × values for each view; the first is that of the images themselves, on
            which classifiers are compared. Nearest neighbors learn from it alone.
        labels: class of each image, n.
        seed: of folds and classifiers.
        threads: that try folds at the same time; they change no bit.

    Raises:
        DataError: a class has no image, or the classifier cannot use the features.
        ParameterError: there are too many classes.
    """
    check_classes(int(labels.max()) + 1)
    few = 1 if name in _LOSSES else None  # small products take longer on all threads of OpenBLAS
    with threadpool_limits(few, user_api="blas"):
        return _chosen(name, views[:1] if name == "knn" else views, labels, seed=seed, threads=threads)


def _chosen(name: str, views: Sequence[Vectors], labels: NDArray[np.int64], *, seed: int, threads: int) -> ChosenHead:
    fewest = int(np.bincount(labels).min())
    count = min(_FOLDS, fewest)
    trials = list(_trials(name, views, labels, count, seed=seed, threads=threads)) if count > 1 else []
    if not trials:
        return ChosenHead(name=name, fitted=_fitted_at(name, None, views, labels, seed))
    best = min(trials, key=lambda trial: _loss(name, trial, labels))
    fitted = _fitted_at(name, best.strength, views, labels, seed)
    accuracy = Proportion(correct=best.correct(labels), total=len(labels))
    temperature, losses = 1.0, None
    if name in _LINEAR_LOGITS:
        temperature = fitting_temperature(best.scores, labels)
        losses = losses_at(best.scores, labels, temperature)
    return ChosenHead(
        name=name,
        fitted=fitted,
        strength=_in_words(name, best.strength),
        scores=best.scores,
        accuracy=accuracy,
        temperature=temperature,
        losses=losses,
    )


def check_classes(classes: int) -> None:
    """Raise an error for more classes than a classifier on features can have.

    Raises:
        ParameterError: there are too many.
    """
    if classes > MOST_CLASSES:
        raise ParameterError(
            f"A classifier on the features of a start has at most {MOST_CLASSES:,} classes. Got {classes:,}. Train "
            "without `start`."
        )


def probe(features: Mapping[str, Vectors], labels: NDArray[np.int64], *, seed: int = 0) -> dict[str, Proportion]:
    """Return how accurate a linear classifier is on each of several features, by cross-validation.

    Args:
        features: of the training images, by the name of their layer.
        labels: class of each image.
        seed: of the folds.

    Raises:
        DataError: a class has fewer than two images.
    """
    fewest = int(np.bincount(labels).min())
    if fewest < 2:
        raise DataError("Layers are compared by training images. Got a class of one image. Name a layer.")
    found = {}
    for layer, vectors in features.items():
        (trial,) = _trials("lda", [vectors], labels, min(_FOLDS, fewest), seed=seed)
        found[layer] = Proportion(correct=trial.correct(labels), total=len(labels))
    return found


def _loss(name: str, trial: _Trial, labels: NDArray[np.int64]) -> float:
    """Return what is smallest for the best strength: cross-entropy of a softmax, else the wrong ones."""
    return cross_entropy_at(trial.scores, labels) if name == "softmax" else float(len(labels) - trial.correct(labels))


def _trials(
    name: str, views: Sequence[Vectors], labels: NDArray[np.int64], count: int, *, seed: int, threads: int = 1
) -> Iterator[_Trial]:
    """Try each strength in `count` folds; every fold learns from the images themselves, without other views."""
    fold = folds(labels, count, seed=seed)
    parts = [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(count)]
    _, strengths = STRENGTHS.get(name, ("", (0.0,)))
    fewest = min(len(learned) for learned, _ in parts)
    usable = [strength for strength in strengths if name != "knn" or strength <= fewest]
    scores = np.zeros((len(usable), len(labels), int(labels.max()) + 1))

    def tried(part: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
        """Fill in the scores of a fold."""
        learned, other = part
        if name in _LOSSES:
            scale = Scale.of(views[0][learned])
            rows, (loss, _) = scale.scaled(views[0][learned]), _LOSSES[name]
            path = regularization_path(
                rows, labels[learned], classes=scores.shape[2], strengths=usable, loss=loss, tolerance=ROUGHLY
            )
            scores[:, other] = [weights.logits(scale.scaled(views[0][other])) for weights in path]
            return
        for number, strength in enumerate(usable):
            fitted = _fitted_at(name, strength, [views[0][learned]], labels[learned], seed)
            scores[number, other] = _scores(fitted, views[0][other])

    if name in _LOSSES and threads > 1:  # one of torch's in each: what `choose_head` is called with, too
        with ThreadPoolExecutor(min(threads, count), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(tried, parts))
    else:
        for part in parts:
            tried(part)
    for strength, found in zip(usable, scores, strict=True):
        yield _Trial(strength=strength, scores=found)


def _in_words(name: str, strength: float) -> str:
    """Return a strength with the name that scikit-learn gives it."""
    parameter = STRENGTHS[name][0] if name in STRENGTHS else ""
    return f"{parameter.rpartition('__')[2]} = {strength:g}" if parameter else ""


def _fitted_at(
    name: str, strength: float | None, views: Sequence[Vectors], labels: NDArray[np.int64], seed: int
) -> Any:
    """Return a classifier of this strength, as scikit-learn's, fitted on all views of the images."""
    if name in _LOSSES:
        return _linear(name, _USUAL[name] if strength is None else strength, views, labels)
    if name == "lda":
        return fit_discriminant(np.concatenate(views), np.tile(labels, len(views)))
    classifier = named_classifiers([name], seed=seed)[name]
    if strength is not None and name in STRENGTHS:
        classifier.set_params(**{STRENGTHS[name][0]: strength})
    return _fitted(classifier, views, labels)


def _linear(name: str, strength: float, views: Sequence[Vectors], labels: NDArray[np.int64]) -> LinearClassifier:
    """Return logistic regression or a support vector machine; a view counts as a part of its image."""
    rows, classes, (loss, kind) = np.concatenate(views), int(labels.max()) + 1, _LOSSES[name]
    scale = Scale.of(rows)
    (found,) = regularization_path(
        scale.scaled(rows), np.tile(labels, len(views)), classes=classes, strengths=[strength / len(views)], loss=loss
    )
    weights = scale.undone(found)
    return kind(coef_=weights.weight.T, intercept_=weights.bias)


def _fitted(classifier: Any, views: Sequence[Vectors], labels: NDArray[np.int64]) -> Any:
    """Return the classifier, fitted on all views of the images.

    Raises:
        DataError: it cannot use the features.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what has not converged is as good, for its strength is chosen
            return classifier.fit(np.concatenate(views), np.tile(labels, len(views)))
    except (ValueError, np.linalg.LinAlgError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise DataError(f"The classifier cannot learn from these features: {reason}.") from error


def _scores(fitted: Any, vectors: Vectors) -> NDArray[np.float64]:
    """Return one score per class: logits, margins or votes."""
    if hasattr(fitted, "decision_function"):
        scores = np.asarray(fitted.decision_function(vectors))
        # of two classes only the second has a score
        return np.stack([np.zeros_like(scores), scores], axis=1) if scores.ndim == 1 else scores
    return np.asarray(fitted.predict_proba(vectors))
