"""A linear classifier that was learned on features, put into the network that made them: one model, one file.

A classifier that is linear in the features is the last step of a network, whoever learned it. Its weights, with the
standardization of the features folded in, become those of the network's own classifier; stages that it does not need
are left away. Scores become probabilities by softmax, which is what `LogisticRegression` and
`LinearDiscriminantAnalysis` do themselves. An SVM's are margins: the layout ends in ``svm``, and the network divides
them by the temperature that fits pictures which the SVM did not learn from.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.temperature import fitting_temperature
from convscope.stages.convolution import Convolution
from convscope.stages.subsampling import Subsampling

from .extraction import FeatureSet
from .reading import Reading

Values = NDArray[np.float64]
_POOLS = {"none": None, "mean": "AP", "max": "MP"}
_FOLDS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearHead:
    """Scores that are weighted sums of features: `weights` K × values, `biases` K."""

    weights: Values
    biases: Values

    def scores(self, vectors: NDArray[np.floating[Any]]) -> Values:
        """Return N × K of vectors N × values."""
        return vectors @ self.weights.T + self.biases


def linear_head(fitted: Any, *, classes: int) -> LinearHead | None:
    """Return what a fitted classifier of scikit-learn computes, None where that is not linear in the features.

    Args:
        fitted: a classifier on labels 0…`classes` - 1 with `coef_` and `intercept_`, alone or in a pipeline behind
            `StandardScaler`.
        classes: number of classes.
    """
    steps = [step for _, step in fitted.steps] if hasattr(fitted, "steps") else [fitted]
    last, before = steps[-1], steps[:-1]
    if not all(hasattr(last, name) for name in ("coef_", "intercept_", "classes_", "decision_function")):
        return None
    if np.asarray(last.classes_).tolist() != list(range(classes)) or [type(step).__name__ for step in before] not in (
        [],
        ["StandardScaler"],
    ):
        return None
    weights, biases = np.asarray(last.coef_, np.float64), np.asarray(last.intercept_, np.float64)
    if len(weights) == 1:  # of two classes only the second has a score
        weights, biases = np.vstack([0 * weights, weights]), np.concatenate([0 * biases, biases])
    if before:
        scaler = before[0]
        weights = weights / scaler.scale_
        biases = biases - weights @ scaler.mean_
    return LinearHead(weights=weights, biases=biases)


def with_classifier(model: Model, reading: Reading, found: FeatureSet, name: str, fitted: Any) -> Model:
    """Return a model of the stages that `reading` takes, with the classifier that was fitted on their features.

    Args:
        model: whose stages made the features.
        reading: what was taken from it.
        found: the features; an SVM's probabilities are fitted on its training pictures, those of each third by an SVM
            that learned from the other two.
        name: of the classifier, for the record.
        fitted: the classifier.

    Raises:
        ParameterError: the classifier is not linear in the features, or the reading pools in parts of a map.
    """
    head = linear_head(fitted, classes=len(model.classes))
    if head is None:
        raise ParameterError(
            f"`{name}` cannot be put into a model file, which holds no programs: only classifiers that are linear in "
            "the features can, such as softmax, svm and lda."
        )
    calibrated = hasattr(fitted, "predict_proba")
    network = _without_later_stages(model, reading, classifier="softmax" if calibrated else "svm")
    with torch.no_grad():
        network.classifier.weight.copy_(torch.from_numpy(head.weights))
        network.classifier.bias.copy_(torch.from_numpy(head.biases))
    temperature = 1.0
    if network.temperature is not None:
        temperature = _temperature(fitted, found)
        network.temperature.fill_(temperature)
    stage = reading.depth(model.network)
    record = {"name": name, "stage": stage, "pool": reading.pool, "temperature": temperature}
    return replace(
        model, network=network.eval(), layout=network.layout, training={**model.training, "classifier": record}
    )


def _without_later_stages(model: Model, reading: Reading, *, classifier: str) -> Network:
    """Return a network of the first stages and a classifier, with a pooling of whole maps where the reading has one."""
    before, depth = model.network, reading.depth(model.network)
    stages = list(before.layout.stages[: _layout_stages(before.layout, depth)])
    has_maps = not stages or isinstance(stages[-1], (Convolution, Subsampling))
    if reading.pool not in _POOLS:
        raise ParameterError(
            f"`pool` must be none, mean or max for features whose classifier goes into a model file. Got "
            f"{reading.pool!r}."
        )
    code = _POOLS[reading.pool]
    if code is not None and has_maps:
        stages.append(Subsampling(code=code, window=None, stride=1))
    planned = before.plan
    network = Network(
        replace(before.layout, stages=tuple(stages), classifier=classifier),
        height=planned.height,
        width=planned.width,
        channels=planned.channels,
        classes=planned.classes,
    )
    own = network.state_dict()
    kept = {
        name: value for name, value in before.state_dict().items() if name in own and not name.startswith("classifier.")
    }
    network.load_state_dict({**own, **kept})
    return network


def _layout_stages(layout: Layout, depth: int) -> int:
    """Return how many stages of the layout the first `depth` stages of its network are: a subsampling joins one."""
    first = [place for place in range(len(layout.stages)) if not layout.is_joined(place)]  # of each module
    return first[depth] if depth < len(first) else len(layout.stages)


def _temperature(classifier: Any, found: FeatureSet) -> float:
    """Return the temperature that fits training pictures, each scored by a classifier that did not learn from it."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    train = found.part("train")
    vectors, labels = found.vectors[train], found.labels[train]
    scores = np.empty((len(train), len(found.classes)))
    folds = min(_FOLDS, int(np.bincount(labels).min()))
    if folds < 2:
        return 1.0
    for learned, other in StratifiedKFold(folds).split(vectors, labels):
        head = linear_head(clone(classifier).fit(vectors[learned], labels[learned]), classes=len(found.classes))
        if head is None:
            return 1.0
        scores[other] = head.scores(vectors[other])
    return fitting_temperature(scores, labels)
