"""The features of a trained network as a scikit-learn transformer."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from torch import nn

from convscope.core.devices import choose_device
from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import tuned
from convscope.features.reading import Reading, StageFeatures
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.arrays import as_images, refuse_one_in_color
from convscope.networks.model import Model
from convscope.networks.model_file import opened

from .classifier import ConvClassifier
from .pixels import checked_by_sklearn, pixels


def _array(given: Any) -> NDArray[Any]:
    with checked_by_sklearn():
        return np.asarray(given)


class ConvFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What a layer of a network makes of images, as vectors for any classifier of scikit-learn.

    `X` is images N H W or N H W C of any size, uint8 or other numbers; or rows of as many values as the
    network's images have. Nothing is learned in fit, unless the model is a `ConvClassifier` that is not fitted: that
    is then trained on the images and labels. (scikit-learn's own `clone`, as in a cross-validation, makes a fitted
    one unfitted, so that it learns anew in each fold and never sees the images that it is evaluated on; to keep what it
    has learned, give its `model_`, or wrap it in scikit-learn's FrozenEstimator.)

    Args:
        model: the path of a model file or run folder, a `convscope.networks.model.Model`, or a ConvClassifier.
        stage: 1 for the first; negative ones count from the end; 0 for the pixels.
        pool: ``"none"`` (or None), ``"mean"``, ``"max"`` or ``"grid2"``, of each map.
        layer: name of a layer of the network, such as ``"layer3.1.conv2"``, in place of the stage.
        batch: images at once; as memory allows if None.
        device: ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Examples:
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> digits = load_digits()
        >>> network = ConvClassifier("8C3-MP2", epochs=2).fit(digits.images[:900], digits.target[:900])
        >>> features = ConvFeatures(network, pool="grid2")
        >>> features.fit_transform(digits.images[900:]).shape
        (897, 32)
    """

    def __init__(
        self,
        model: Any = None,
        stage: int = -1,
        pool: str | None = None,
        *,
        layer: str | None = None,
        batch: int | None = None,
        device: str = "auto",
    ) -> None:
        self.model = model
        self.stage = stage
        self.pool = pool
        self.layer = layer
        self.batch = batch
        self.device = device

    def fit(self, X: ArrayLike | None = None, y: ArrayLike | None = None) -> "ConvFeatures":  # noqa: N803  # scikit-learn's name
        """Open the model, or train it where it is a ConvClassifier that is not fitted; return the transformer itself.

        Raises:
            ParameterError: there is no model, or it has no such stage or layer.
            ModelFileError: the file cannot be used.
            ConvscopeError: `X` is no images (NaN, for example), or the classifier cannot be trained on `X` and `y`.
        """
        self.__dict__.pop("classifier_", None)
        classifier = self._classifier()
        if classifier is not None and not hasattr(classifier, "model_") and y is not None:
            self.classifier_ = clone(classifier).fit(X, y)
        features = self._settled()
        if X is not None:
            self._stack(_array(X), features.model.preprocessing)  # what transform would refuse is refused here
        self.n_features_out_ = math.prod(features.shape)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803  # scikit-learn's name
        """Return one vector per image, float32 N × values."""
        features = self._settled()
        images = self._pixels(_array(X), features.model.preprocessing)
        with tuned():
            parts = [part.reshape(len(part), -1) for part in features.of(images, batch=self.batch)]
        return np.concatenate(parts)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return a name for each value."""
        return np.array(self._settled().names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there is a network to take features from; a model can be used without fit."""
        classifier = self._classifier()
        return classifier is None or hasattr(classifier, "model_")

    def _classifier(self) -> ConvClassifier | None:
        given = getattr(self, "classifier_", self.model)
        given = given.estimator if isinstance(given, FrozenEstimator) else given
        return given if isinstance(given, ConvClassifier) else None

    def _settled(self) -> StageFeatures:
        model, classifier = self.model, self._classifier()
        if isinstance(model, (str, os.PathLike)):
            model = opened(Path(model))
        elif classifier is not None:
            model = getattr(classifier, "model_", None)
        if isinstance(model, nn.Module):
            raise ParameterError(
                f"`model` must be a model. Got a {type(model).__name__} of torch. Make it one with: "
                "convscope.load(module, …)."
            )
        if not isinstance(model, Model):
            raise ParameterError(
                "`model` must be a model, the path of one, or a ConvClassifier that is fitted or gets labels in fit. "
                f"Got {type(self.model).__name__}."
            )
        pool = "none" if self.pool is None else self.pool
        return StageFeatures(
            model.to(choose_device(self.device)), Reading(stage=self.stage, layer=self.layer, pool=pool)
        )

    def _pixels(self, given: NDArray[Any], step: Preprocessing) -> NDArray[np.uint8]:
        """Return uint8 images of the network's size."""
        return np.ascontiguousarray(step.apply_stack(self._stack(given, step)))

    def _stack(self, given: NDArray[Any], step: Preprocessing) -> NDArray[Any]:
        """Return images N H W C of the size that they are given in."""
        shape = (step.height, step.width, step.channels)
        if given.ndim == 2 and given.shape[1] == math.prod(shape):
            given = given.reshape(len(given), *shape)
        classifier = self._classifier()
        if classifier is not None:
            if given.dtype.kind == "f" and not np.isfinite(given).all():
                raise DataError("`X` must hold finite numbers. Got NaN or infinity. Replace them.")
            rows = given.reshape(len(given), math.prod(given.shape[1:]))
            given = pixels(rows, classifier.pixel_range_).reshape(given.shape)
        refuse_one_in_color(given, "X", channels=step.channels, size=step.size)
        return as_images(given[..., None] if given.ndim == 3 else given, "X")
