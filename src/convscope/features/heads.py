"""A classifier that was learned on features, put into the network that made them: one model, one file.

A classifier that is linear in the features is the last step of a network, whoever learned it: its weights, with the
standardization of the features folded in, become those of the network's own classifier. Nearest neighbours and the
support vectors of an RBF kernel are images that are kept, as tensors. Stages that are not needed are left away.
`LogisticRegression`, `LinearDiscriminantAnalysis` and votes are probabilities by themselves; those of an SVM, whose
logits are margins, are Platt's, fitted on images which the SVM did not learn from.
"""

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.layers.instance_based import Exemplars
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.platt import fitting_sigmoids
from convscope.networks.stages import ConvolutionStage, PoolingStage

from .extraction import FeatureSet
from .reading import Reading

Values = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
STORABLE = ("softmax", "svm", "rbf-svm", "knn", "lda")
"""Those of `classifiers.CLASSIFIERS` that a model file can hold."""
SAVABLE_POOLS = {"none": None, "mean": "AP", "max": "MP"}
_FOLDS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """A fitted classifier as tensors.

    Attributes:
        margins: whether its logits are margins, which need sigmoids to become probabilities.
        arrays: the tensors of the classifier, by name.
        exemplars: what it keeps; None where it is weighted sums.
    """

    margins: bool
    arrays: Arrays
    exemplars: Exemplars | None = None


def head_of(fitted: Any, found: FeatureSet) -> Head | None:
    """Return what a fitted classifier of scikit-learn computes, None where that is nothing that tensors can hold.

    Args:
        fitted: a classifier on labels 0, 1, …, one a class: linear (with `coef_` and `intercept_`), nearest neighbours
            (Euclidean, with equal votes) or an SVC with the RBF kernel; alone or in a pipeline behind `StandardScaler`.
        found: the features that it was fitted on, those of the training images.
    """
    steps = [step for _, step in fitted.steps] if hasattr(fitted, "steps") else [fitted]
    last, before = steps[-1], steps[:-1]
    if [type(step).__name__ for step in before] not in ([], ["StandardScaler"]):
        return None
    if np.asarray(getattr(last, "classes_", ())).tolist() != list(range(len(found.classes))):
        return None
    scaler = before[0] if before else None
    margins = not hasattr(fitted, "predict_proba")
    if all(hasattr(last, name) for name in ("coef_", "intercept_", "decision_function")):
        return Head(margins=margins, arrays=_linear(last, scaler))
    kind = type(last).__name__
    if kind == "KNeighborsClassifier":
        return _neighbours(last, scaler, found)
    return _kernel(last, scaler, found) if kind == "SVC" else None


def with_classifier(model: Model, reading: Reading, found: FeatureSet, name: str, fitted: Any) -> Model:
    """Return a model of the stages that `reading` takes, with the classifier that was fitted on their features.

    Args:
        model: whose stages made the features.
        reading: what was taken from it.
        found: the features; an SVM's probabilities are fitted on its training images, those of each third by an SVM
            that learned from the other two.
        name: of the classifier, for the record.
        fitted: the classifier.

    Raises:
        ParameterError: tensors cannot hold the classifier, or the reading pools in parts of a map.
    """
    head = head_of(fitted, found)
    if head is None:
        raise ParameterError(
            f"`{name}` cannot be put into a model file, which holds numbers and no programs. Those that can are "
            f"{', '.join(STORABLE)}; of scikit-learn, those that are linear in the features, KNeighborsClassifier "
            "with equal votes, and SVC with the RBF kernel. Keep others in Python."
        )
    network = _without_later_stages(model, reading, classifier="svm" if head.margins else "softmax")
    if head.exemplars is not None:
        network.classifier = head.exemplars.build(found.vectors.shape[1], len(found.classes))
    state = {name: torch.from_numpy(np.asarray(values)) for name, values in head.arrays.items()}
    network.classifier.load_state_dict(state)
    if head.margins:
        network.set_sigmoids(*_sigmoids(fitted, found))
    record = {
        "name": name,
        "stage": reading.depth(model.network),
        "pool": reading.pool,
        "probabilities": "platt" if head.margins else "its own",
    }
    return replace(
        model, network=network.eval(), layout=network.layout, training={**model.training, "classifier": record}
    )


def _linear(last: Any, scaler: Any) -> Arrays:
    weights, biases = np.asarray(last.coef_, np.float64), np.asarray(last.intercept_, np.float64)
    if len(weights) == 1:  # of two classes only the second has a score
        first = -1 if not hasattr(last, "predict_proba") else 0  # margins are those of either against the other
        weights, biases = np.vstack([first * weights, weights]), np.concatenate([first * biases, biases])
    if scaler is not None:
        weights = weights / scaler.scale_
        biases = biases - weights @ scaler.mean_
    return {"weight": weights, "bias": biases}


def _neighbours(last: Any, scaler: Any, found: FeatureSet) -> Head | None:
    train = found.part("train")
    euclidean = (last.effective_metric_, last.weights) == ("euclidean", "uniform")
    if not euclidean or last.n_samples_fit_ != len(train):
        return None
    vectors = found.vectors[train]
    try:
        exemplars = Exemplars(kind="neighbours", kept=len(train), neighbours=last.n_neighbors)
    except ParameterError:
        return None  # more neighbours than anyone asks
    kept = vectors if scaler is None else scaler.transform(vectors)
    arrays = {**_scaling(scaler, vectors.shape[1]), "kept": kept, "labels": found.labels[train]}
    return Head(margins=False, arrays=arrays, exemplars=exemplars)


def _kernel(last: Any, scaler: Any, found: FeatureSet) -> Head | None:
    if last.kernel != "rbf":
        return None
    two = len(found.classes) == 2
    sign = -1.0 if two else 1.0  # of two classes, what scikit-learn shows is the margin of the second
    arrays = {
        **_scaling(scaler, found.vectors.shape[1]),
        "kept": last.support_vectors_,
        "labels": np.repeat(np.arange(len(found.classes)), last.n_support_),
        "weights": sign * last.dual_coef_,
        "biases": sign * last.intercept_,
        "sharpness": np.array([_sharpness(last, scaler, found)]),
    }
    exemplars = Exemplars(kind="kernel", kept=len(last.support_vectors_))
    return Head(margins=True, arrays=arrays, exemplars=exemplars)


def _sharpness(last: Any, scaler: Any, found: FeatureSet) -> float:
    """Return γ as SVC settles it."""
    if last.gamma == "scale":
        vectors = found.vectors[found.part("train")]
        spread = float((vectors if scaler is None else scaler.transform(vectors)).astype(np.float64).var())
        return 1 / (vectors.shape[1] * spread) if spread else 1.0
    return 1 / found.vectors.shape[1] if last.gamma == "auto" else float(last.gamma)


def _scaling(scaler: Any, values: int) -> Arrays:
    if scaler is None:
        return {"center": np.zeros(values), "scale": np.ones(values)}
    return {"center": scaler.mean_, "scale": scaler.scale_}


def _without_later_stages(model: Model, reading: Reading, *, classifier: str) -> Network:
    """Return a network of the first stages and a classifier, with a pooling of whole maps where the reading has one."""
    before, depth = model.network, reading.depth(model.network)
    stages = list(before.layout.stages[: _layout_stages(before.layout, depth)])
    has_maps = not stages or isinstance(stages[-1], (ConvolutionStage, PoolingStage))
    if reading.pool not in SAVABLE_POOLS:
        raise ParameterError(
            f"`pool` must be none, mean or max for features whose classifier goes into a model file. Got "
            f"{reading.pool!r}."
        )
    code = SAVABLE_POOLS[reading.pool]
    if code is not None and has_maps:
        stages.append(PoolingStage(code=code, window=None, stride=1))
    planned = before.plan
    network = Network(
        replace(before.layout, stages=tuple(stages), classifier=classifier),
        **planned.sizes,
    )
    own = network.state_dict()
    kept = {
        name: value
        for name, value in before.state_dict().items()
        if name in own and name.startswith(("stages.", "mean", "std"))
    }
    network.load_state_dict({**own, **kept})
    return network


def _layout_stages(layout: Layout, depth: int) -> int:
    """Return how many stages of the layout the first `depth` stages of its network are: a pooling joins one."""
    first = [index for index in range(len(layout.stages)) if not layout.is_joined(index)]  # of each module
    return first[depth] if depth < len(first) else len(layout.stages)


def _sigmoids(classifier: Any, found: FeatureSet) -> tuple[Values, Values]:
    """Return slopes and offsets that fit training images, each scored by a classifier that did not learn from it."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    train, classes = found.part("train"), len(found.classes)
    vectors, labels = found.vectors[train], found.labels[train]
    folds = min(_FOLDS, int(np.bincount(labels).min()))
    if folds < 2:
        return np.ones(classes), np.zeros(classes)
    scored = functools.partial(cross_val_predict, cv=StratifiedKFold(folds), method="decision_function")
    logits = np.asarray(scored(clone(classifier), vectors, labels))
    if logits.ndim == 1:
        logits = np.stack([-logits, logits], axis=1)  # N -> N 2
    return fitting_sigmoids(logits, labels)
