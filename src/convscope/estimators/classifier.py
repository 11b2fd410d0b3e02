"""A convolutional network as a scikit-learn classifier."""

import dataclasses
import shutil
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from convscope.core.atomic import write_bytes
from convscope.core.devices import choose_device
from convscope.core.errors import DataError
from convscope.core.machine import threads_for, tuned
from convscope.core.records import to_json
from convscope.core.temporaries import temporary_folder
from convscope.core.text import printable
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.arrays import refuse_one_in_color
from convscope.images.sources.labels import refuse_no_text
from convscope.images.values import ValueRanges, kind_of
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.networks.plan import NetworkPlan
from convscope.options.train import TrainOptions
from convscope.training.choices import choose_network
from convscope.training.fit import fit
from convscope.training.training_data import TrainingData

from .parameters import settings_of, whole_number
from .pixels import as_rows, checked_by_sklearn, image_shape, pixels, range_of

_LONGEST_NAME = 200


class ConvClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A convolutional network that is trained and used like every classifier of scikit-learn.

    `X` is images N H W or N H W C (C = 1 or 3), or rows N × values: flattened images where `image_shape` says their
    shape, else each row is read as an image one pixel high. uint8 is taken as it is, and so are other whole numbers
    from 0 to 255; floats from 0 to 1 are multiplied by 255; of any other numbers the least in fit becomes 0, the
    greatest 255, and predict cuts off what lies outside. All images given to fit are learned from.

    Args:
        layout: the network as text, for example ``"32C3-64C3-MP2-128N"``; chosen from the images if None.
        epochs: number of epochs; chosen from the number of images if None.
        seed: of everything random; the same seed gives the same bits (on one machine, with one number of threads).
        image_shape: (height, width) or (height, width, channels) of images that come as rows.
        batch: images per step, at least 2.
        learning_rate: the highest; if None, 0.003, and less in trainings of more than 300 steps.
        flip: horizontal flip of half the images; decided from the images if None.
        shift: pixels along each side, at most.
        rotate: degrees either way, at most.
        scale: ratio, at most: 0.1 for 0.9…1.1.
        erase: side of an erased square as a fraction of the image's shorter side.
        progressive_resizing: fraction of the training, from its start, on smaller images (two thirds of each side).
            If None, 0.4 for images from 32 pixels a side where the layout's weights fit any size, else 0.
        balance: weight classes by the inverse of their number of images.
        pretrain: how the first convolutions are pretrained without labels, for example ``"kmeans"``, or
            ``"kmeans,rica"`` for two.
        freeze: keep the pretrained weights fixed.
        threads: of the processor; one for small networks, else all that this process may use, if None.
        device: ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"`` or ``"mps"``.
        precision: ``"auto"``, ``"float32"`` or ``"bfloat16"``, in training.

    Attributes:
        classes_: labels, sorted.
        n_features_in_: values an image (height × width × channels).
        n_iter_: epochs trained.
        image_shape_: (height, width, channels) of the images.
        pixel_range_: the values that become the pixels 0 and 255.
        model_: the trained network, `convscope.networks.model.Model`; ``convscope.save(model_, path)`` writes it.
        history_: one `convscope.training.history.EpochRecord` an epoch.

    Examples:
        >>> from sklearn.datasets import load_digits
        >>> digits = load_digits()
        >>> classifier = ConvClassifier("8C3-MP2", epochs=4).fit(digits.images, digits.target)
        >>> classifier.score(digits.images, digits.target) > 0.8
        True
    """

    def __init__(  # scikit-learn wants every parameter here
        self,
        layout: str | Layout | None = None,
        epochs: int | None = None,
        seed: int = 0,
        image_shape: tuple[int, ...] | None = None,
        *,
        batch: int | None = None,
        learning_rate: float | None = None,
        flip: bool | None = None,
        shift: int | None = None,
        rotate: float | None = None,
        scale: float | None = None,
        erase: float | None = None,
        progressive_resizing: float | None = None,
        balance: bool = False,
        pretrain: str | None = None,
        freeze: bool = False,
        threads: int | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.layout = layout
        self.epochs = epochs
        self.seed = seed
        self.image_shape = image_shape
        self.batch = batch
        self.learning_rate = learning_rate
        self.flip = flip
        self.shift = shift
        self.rotate = rotate
        self.scale = scale
        self.erase = erase
        self.progressive_resizing = progressive_resizing
        self.balance = balance
        self.pretrain = pretrain
        self.freeze = freeze
        self.threads = threads
        self.device = device
        self.precision = precision

    def fit(self, X: ArrayLike, y: ArrayLike) -> "ConvClassifier":  # noqa: N803  # scikit-learn's name
        """Train on all images `X` with their labels `y`, from new random weights; return the classifier itself.

        Raises:
            DataError: images or labels are invalid (also ValueError, as scikit-learn's own checks raise).
            LayoutError: the layout cannot be read, or does not fit the images.
            ParameterError: a parameter is invalid.
            TrainingError: the loss or a weight is not finite.
        """
        rows, given = as_rows(X)
        with checked_by_sklearn():
            refuse_no_text(np.asarray(y))
            rows, y = validate_data(self, rows, y)
            check_classification_targets(y)
        settings = settings_of(self.get_params(deep=False))
        shape = image_shape(rows.shape[1], given, self.image_shape)
        encoder = LabelEncoder().fit(y)
        labels = encoder.transform(y).astype(np.int64)
        if len(encoder.classes_) < 2:
            raise DataError(
                f"`y` must have at least 2 classes. Got 1 class ({encoder.classes_.tolist()[0]!r}). Add another."
            )
        pixel_range = range_of(rows)
        images = np.ascontiguousarray(pixels(rows, pixel_range).reshape(len(rows), *shape))  # N, H*W*C -> N H W C
        names = _names(encoder.classes_)
        flippable = False if shape[0] == 1 else None  # a row of values has an order
        whole = TrainingData.of_arrays(images, labels, classes=len(names))
        device = choose_device(settings.device)
        data = dataclasses.replace(whole, class_names=names, flippable=flippable, device=device)
        known = {} if rows.dtype in (np.uint8, np.bool_) else {kind_of(rows.dtype): pixel_range}
        self._learn(data, settings, ValueRanges.by_kind(known))
        self.classes_, self.image_shape_, self.pixel_range_ = encoder.classes_, shape, pixel_range
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Return the probability of each class (in the order of `classes_`) for the images `X`: float32 N K.

        Raises:
            DataError: the images are not of the shape or unit of those in fit.
        """
        check_is_fitted(self)
        rows, given = as_rows(X)
        refuse_one_in_color(np.asarray(X), "X", channels=self.image_shape_[2], size=self.image_shape_[:2])
        if given is not None and given != self.image_shape_:
            raise DataError(f"`X` must have images of {self.image_shape_}, as in fit. Got {given}. Resize them.")
        with checked_by_sklearn():
            rows = validate_data(self, rows, reset=False)
        images = pixels(rows, self.pixel_range_).reshape(len(rows), *self.image_shape_)
        with tuned(self._threads(self.model_.network.plan, self.model_.batch)):
            model = self.model_.to(choose_device(self.device))
            probabilities: NDArray[np.float32] = model.predict_proba(np.ascontiguousarray(images))
        return probabilities

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the most probable class of each image in `X`: N labels."""
        indices = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[indices]
        return labels

    def _learn(self, data: TrainingData, settings: TrainOptions, ranges: ValueRanges) -> None:
        """Set what training gives: `model_`, `history_` and `n_iter_`."""
        layout = Layout.parse(settings.layout) if settings.layout is not None else None
        planned, choice = choose_network(data, settings, layout)
        recipe = choice.recipe
        preprocessing = Preprocessing(
            height=planned.height, width=planned.width, channels=planned.channels, ranges=ranges
        )
        with tuned(self._threads(planned, recipe.batch)):
            mean, std = data.moments
            network = Network(planned.layout, **planned.sizes, mean=mean, std=std, seed=settings.seed)
            history = fit(network, data, recipe, seed=settings.seed)
        if history.failure is not None:
            raise history.failure
        training = {"settings": to_json(settings), "recipe": to_json(recipe)}
        training |= {"calibration": to_json(history.calibration)} if history.calibration else {}
        self.model_ = Model(
            network=network,
            classes=data.class_names,
            preprocessing=preprocessing,
            training=training,
        )
        self.history_, self.n_iter_ = history.epochs, len(history.epochs)

    def _threads(self, planned: NetworkPlan, batch: int) -> int:
        return whole_number("threads", self.threads) or threads_for(planned.macs * batch)

    def __sklearn_tags__(self) -> Tags:
        """Return what the estimator takes, for scikit-learn."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a pickle, in which the network is the bytes of its model file."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = _to_bytes(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state from a pickle; the model file is checked like any other."""
        if "model_" in state:
            state = state | {"model_": _from_bytes(state["model_"])}
        super().__setstate__(state)


def _names(labels: NDArray[Any]) -> tuple[str, ...]:
    """Return names for a model file: the labels as text, numbered where that would not tell them apart."""
    names = tuple(printable(str(label))[:_LONGEST_NAME] for label in labels)
    if all(names) and len(set(names)) == len(names):
        return names
    return tuple(f"{number}: {name}" for number, name in enumerate(names))


def _to_bytes(model: Model) -> bytes:
    folder = temporary_folder()
    try:
        write_model(model, folder / "model.safetensors")
        return (folder / "model.safetensors").read_bytes()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _from_bytes(data: bytes) -> Model:
    folder = temporary_folder()
    try:
        write_bytes(folder / "model.safetensors", data)
        return read_model(folder / "model.safetensors")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
