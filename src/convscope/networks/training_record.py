"""The training record of a model: the parts that other features depend on, validated when the model is made."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from convscope.core.numeric import is_integer, is_number
from convscope.core.text import printable

_LONGEST = 4_096  # characters of a path or a name


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """The parts of the training record that are used, each of its type; invalid values count as unknown.

    The network itself does not depend on them: a model whose record is odd predicts like any other.

    Attributes:
        data: what it has learned from: an absolute path or the name of a dataset.
        data_dir: the folder searched first for named datasets.
        validation: fraction of the training images for validation, from 0 to below 1.
        seed: of everything random.
        flip: whether it has learned from flipped images.
        classifier: name of the classifier that was learned on its features.
        class_depth: levels of folders that name a class, where that was asked for.
        pixel_size: micrometers of a pixel of its training images.
        start_features: digest of the frozen start and its layer, by whose features it was trained.
        odd: paths in the record with invalid values, for example ``settings.seed``.
    """

    data: str | None = None
    data_dir: str | None = None
    validation: float | None = None
    seed: int | None = None
    flip: bool | None = None
    classifier: str | None = None
    class_depth: int | None = None
    pixel_size: float | None = None
    start_features: str | None = None
    odd: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """A sentence that names invalid values; empty without any."""
        if not self.odd:
            return ""
        return f"invalid values in the training record are ignored: {', '.join(self.odd)}"


def read_training(training: Mapping[str, Any]) -> TrainingRecord:
    """Return what `training`, any JSON object, says.

    Examples:
        >>> record = read_training({"settings": {"data": "digits", "seed": 3}})
        >>> record.data, record.seed, record.flip
        ('digits', 3, None)
        >>> read_training({"settings": "x"}).note
        'invalid values in the training record are ignored: settings'
    """
    odd: list[str] = []
    values = {name: _value(training, path, fits, odd) for name, (path, fits) in _PLACES.items()}
    return TrainingRecord(**values, odd=tuple(dict.fromkeys(odd)))


def _value(training: Any, path: str, fits: Callable[[Any], bool], odd: list[str]) -> Any:
    """Return the value at `path`, as ``settings.seed``; None where none is valid: `odd` gets the path of such a one."""
    names = path.split(".")
    for depth, name in enumerate(names):
        if not isinstance(training, Mapping):
            odd.append(".".join(names[:depth]))
            return None
        training = training.get(name)
        if training is None:
            return None
    if fits(training):
        return training
    odd.append(path)
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and "\0" not in value


def _is_name(value: Any) -> bool:
    return _is_text(value) and printable(value) == value


def _is_part(value: Any) -> bool:
    return is_number(value) and math.isfinite(value) and 0 <= value < 1


def _is_seed(value: Any) -> bool:
    return is_integer(value) and 0 <= value < 2**31


_PLACES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "data": ("settings.data", _is_text),
    "data_dir": ("settings.data_dir", _is_text),
    "validation": ("settings.validation", _is_part),
    "seed": ("settings.seed", _is_seed),
    "flip": ("recipe.augmentation.flip", lambda value: isinstance(value, bool)),
    "classifier": ("classifier.name", _is_name),
    "class_depth": ("settings.class_depth", lambda value: is_integer(value) and 1 <= value <= 20),
    "pixel_size": ("settings.pixel_size", lambda value: is_number(value) and 1e-6 <= value <= 1e6),
    "start_features": ("start.features", _is_name),
}
