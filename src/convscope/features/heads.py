"""A classifier that was learned on features, put into the network that made them: one model, one file.

A classifier that is linear in the features is the last step of a network, whoever learned it: its weights, with the
standardization of the features folded in, become those of the network's own classifier. Nearest neighbors and the
support vectors of an RBF kernel are images that are kept, as tensors. Layers that are not needed are left away. The
network is that of a layout where a layout can say it, else that of a graph.
`LogisticRegression`, `LinearDiscriminantAnalysis` and votes are probabilities by themselves; those of an SVM, whose
logits are margins, are Platt's, fitted on images which the SVM did not learn from.
"""

import functools
import itertools
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.layers.instance_based import Exemplars
from convscope.layers.kinds import InstanceBased, Linear, Pooling
from convscope.layers.layer import Layer
from convscope.networks.build import Network
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.image_network import ImageNetwork
from convscope.networks.model import Model
from convscope.networks.platt import fitting_sigmoids
from convscope.networks.stages import ConvolutionStage, PoolingStage

from .extraction import FeatureSet
from .extractor import Vectors
from .layers import network_up_to
from .reading import Reading

Values = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
STORABLE = ("softmax", "svm", "rbf-svm", "knn", "lda")
"""Those of `classifiers.CLASSIFIERS` that a model file can hold."""
_SAVABLE_POOLS = {"none": None, "mean": "AP", "max": "MP"}
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
        fitted: a classifier on labels 0, 1, …, one a class: linear (with `coef_` and `intercept_`), nearest neighbors
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
        return _neighbors(last, scaler, found)
    return _kernel(last, scaler, found) if kind == "SVC" else None


def check_savable_pool(pool: str) -> None:
    """Raise an error for a pooling of features whose classifier is to go into a model file.

    Raises:
        ParameterError: it takes parts of a map, which no layer does.
    """
    if pool not in _SAVABLE_POOLS:
        raise ParameterError(
            f"`pool` must be none, mean or max for features whose classifier goes into a model file. Got {pool!r}."
        )


def with_classifier(
    model: Model, reading: Reading, found: FeatureSet, name: str, fitted: Any, *, scores: Values | None = None
) -> Model:
    """Return a model of the layers that `reading` takes, with the classifier that was fitted on their features.

    Args:
        model: whose layers made the features.
        reading: what was taken from it.
        found: the features.
        name: of the classifier, for the record.
        fitted: the classifier.
        scores: margins of the training images by SVMs that did not learn from them, N K, on which an SVM's
            probabilities are fitted; None for those of each third by an SVM that learned from the other two.

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
    check_savable_pool(reading.pool)
    if model.network.only_predicts:
        raise ParameterError("A model that is optimized for inference takes no classifier. Use the one it was made of.")
    before, node = model.network, reading.node(model.network)
    classes = model.classes
    network: ImageNetwork | None = None
    if isinstance(before, Network):
        network = _layout_with(before, node, reading.pool, head, found)
    if network is None:
        network = _graph_with(before, node, reading.pool, head, found)
        classes = classes if isinstance(before, Network) else found.classes
    if len(classes) != len(found.classes):  # those of other images than the network was trained on
        classes = found.classes
    if head.margins:
        train = found.part("train")
        labels = found.labels[train]
        margins = _margins(fitted, found.vectors[train], labels) if scores is None else scores
        none = np.ones(len(found.classes)), np.zeros(len(found.classes))
        network.set_sigmoids(*(none if margins is None else fitting_sigmoids(margins, labels)))
    record = {
        "name": name,
        "stage": reading.depth(model.network) if reading.layer is None else None,
        "layer": node,
        "pool": reading.pool,
        "probabilities": "platt" if head.margins else "its own",
    }
    training = {**model.training, "classifier": record}
    if isinstance(start := training.get("start"), Mapping):  # its features are those that another classifier reads
        training["start"] = {name: value for name, value in start.items() if name != "features"}
    return replace(model, network=network.eval(), classes=classes, training=training)


def _linear(last: Any, scaler: Any) -> Arrays:
    weights, biases = np.asarray(last.coef_, np.float64), np.asarray(last.intercept_, np.float64)
    if len(weights) == 1:  # of two classes only the second has a score
        first = -1 if not hasattr(last, "predict_proba") else 0  # margins are those of either against the other
        weights, biases = np.vstack([first * weights, weights]), np.concatenate([first * biases, biases])
    if scaler is not None:
        weights = weights / scaler.scale_
        biases = biases - weights @ scaler.mean_
    return {"weight": weights, "bias": biases}


def _neighbors(last: Any, scaler: Any, found: FeatureSet) -> Head | None:
    train = found.part("train")
    euclidean = (last.effective_metric_, last.weights) == ("euclidean", "uniform")
    if not euclidean or last.n_samples_fit_ != len(train):
        return None
    vectors = found.vectors[train]
    try:
        exemplars = Exemplars(kind="neighbors", kept=len(train), neighbors=last.n_neighbors)
    except ParameterError:
        return None  # more neighbors than anyone asks
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


def _layout_with(before: Network, node: str, pool: str, head: Head, found: FeatureSet) -> Network | None:
    """Return the network of a layout up to the layer `node`, with a pooling of whole maps if asked, and the head.

    There is none with stages behind the classifier.
    """
    names = [IMAGE, *(one.name for one in before.graph.nodes)]  # one for each stage of the layout
    stages = list(before.layout.stages[: names.index(node)])
    if node == names[-1]:
        return None
    has_maps = not stages or isinstance(stages[-1], (ConvolutionStage, PoolingStage))
    code = _SAVABLE_POOLS[pool]
    if code is not None and has_maps:
        stages.append(PoolingStage(code=code, window=None, stride=1))
    classifier = "svm" if head.margins else "softmax"
    planned = before.plan
    network = Network(
        replace(before.layout, stages=tuple(stages), classifier=classifier),
        height=planned.height,
        width=planned.width,
        channels=planned.channels,
        classes=len(found.classes),
    )
    own = network.state_dict()
    kept = {
        name: value
        for name, value in before.state_dict().items()
        if name in own and name.startswith(("stages.", "mean", "std"))
    }
    network.load_state_dict({**own, **kept})
    if head.exemplars is not None:
        network.classifier = head.exemplars.build(found.vectors.shape[1], len(found.classes))
    network.classifier.load_state_dict(_tensors(head))
    return network


def _graph_with(before: ImageNetwork, node: str, pool: str, head: Head, found: FeatureSet) -> GraphNetwork:
    """Return the layers up to `node` as a graph, with a pooling of whole maps if asked, and the head."""
    image = before.graph.image
    nodes: list[Node] = []
    tensors: dict[str, Tensor] = {}
    shape = image
    if node != IMAGE:
        cut = network_up_to(before, node)
        nodes, tensors, shape = list(cut.graph.nodes), cut.tensors, cut.graph.shapes[node]
    taken, last = {one.name for one in nodes}, node
    code = _SAVABLE_POOLS[pool]
    if code is not None and shape.rows * shape.columns > 1:
        last = free_name("pooling", taken)
        nodes.append(Node(name=last, layer=Pooling(code=code), inputs=(node,)))
    classes = len(found.classes)
    layer: Layer = Linear(units=classes)
    if head.exemplars is not None:
        layer = InstanceBased(exemplars=head.exemplars, classes=classes)
    name = free_name("classifier", taken)
    nodes.append(Node(name=name, layer=layer, inputs=(last,)))
    graph = Graph(nodes=tuple(nodes), image=image)
    return GraphNetwork(
        graph,
        {**tensors, **{f"{name}.{key}": value for key, value in _tensors(head).items()}},
        mean=before.mean.tolist(),
        std=before.std.tolist(),
        title=f"{before.plan.title} up to {node}",
        margins=head.margins,
    )


def free_name(name: str, taken: Container[str]) -> str:
    """Return `name`, with a number if it is taken."""
    numbered = (f"{name}{number}" for number in itertools.count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def _tensors(head: Head) -> dict[str, Tensor]:
    """Return what the head has learned: float32, and int64 for the classes of what is kept."""
    arrays = {name: np.asarray(values) for name, values in head.arrays.items()}
    return {
        name: torch.from_numpy(values.astype(np.float32 if values.dtype.kind == "f" else np.int64))
        for name, values in arrays.items()
    }


def _margins(classifier: Any, vectors: Vectors, labels: NDArray[np.int64]) -> Values | None:
    """Return margins, N K, each by a classifier that did not learn from the image; None with one image per class."""
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = min(_FOLDS, int(np.bincount(labels).min()))
    if folds < 2:
        return None
    scored = functools.partial(cross_val_predict, cv=StratifiedKFold(folds), method="decision_function")
    margins = np.asarray(scored(clone(classifier), vectors, labels))
    return np.stack([-margins, margins], axis=1) if margins.ndim == 1 else margins  # N -> N 2
