"""Take the features of a trained network elsewhere: as arrays, files, or a comparison of classifiers."""

import contextlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.core.machine import tuned
from convscope.core.progress import Reporter, Silent
from convscope.features.classifiers import JudgedClassifier, judge_classifiers, named_classifiers
from convscope.features.extraction import FeatureSet, extract, pictures_for, rows_of, write_features
from convscope.features.files import FeatureFile, check_file, feature_file
from convscope.features.reading import Reading
from convscope.images.image_set import ImageSet
from convscope.images.inspection import Problem
from convscope.images.sources.opening import open_source
from convscope.networks.model import Model


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written: how many pictures, the shape of the features of each, and which pictures were left out."""

    path: Path
    pictures: int
    shape: tuple[int, ...]
    unusable: tuple[Problem, ...] = ()


def extract_features(
    model: Model | str | os.PathLike[str],
    data: Any,
    *,
    stage: int = -1,
    pool: str = "none",
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    batch: int | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> FeatureSet:
    """Return the features of all pictures of `data`, with their classes and parts.

    Args:
        model: a model, or the path of a model file or run folder.
        data: what `convscope.train` takes, with the classes of the model.
        stage: 1 for the first stage; negative ones count from the end; 0 for the pixels.
        pool: ``none``, ``mean``, ``max`` or ``grid2``, of each map.
        output: a file that they are written to as well, as `save_features` does.
        force: replace what stands at `output`.
        batch: pictures at once; as memory allows if none.
        data_dir: where named sets are looked for first.
        cache_dir: where decoded pictures are kept; the user's cache folder if none.
        reporter: told how far it is; nobody if none.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from convscope.verbs.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> found = extract_features(trained.model, "digits", pool="mean")
        >>> found.values.shape, found.splits.count("train"), found.splits.count("validation")
        ((1797, 8), 1438, 359)
    """
    used, reading = _opened(model, stage, pool)
    path = None if output is None else Path(output)
    if path is not None:
        check_file(path, values=math.prod(reading.shape(used.network)), force=force)
    with tuned():
        source = open_source(data, data_dir=data_dir, reporter=reporter or Silent())
        images = pictures_for(used, source, cache_dir=cache_dir, reporter=reporter)
        with contextlib.nullcontext() if path is None else _file(path, used, images, reading, force=force) as file:
            return extract(used, images, reading, file=file, batch=batch, reporter=reporter)


def save_features(
    model: Model | str | os.PathLike[str],
    data: Any,
    output: str | os.PathLike[str],
    *,
    stage: int = -1,
    pool: str = "none",
    batch: int | None = None,
    force: bool = False,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> Written:
    """Write the features of all pictures of `data` to `output`, a .npz, .npy, .csv or .parquet file.

    They are written as they are computed: memory does not grow with the number of pictures. Arguments as in
    `extract_features`; `force` replaces what stands at `output`.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    used, reading = _opened(model, stage, pool)
    path, shape = Path(output), reading.shape(used.network)
    check_file(path, values=math.prod(shape), force=force)  # before anything takes time
    with tuned():
        source = open_source(data, data_dir=data_dir, reporter=reporter or Silent())
        images = pictures_for(used, source, cache_dir=cache_dir, reporter=reporter)
        with _file(path, used, images, reading, force=force) as file:
            write_features(used, images, reading, file, batch=batch, reporter=reporter)
    return Written(path=path, pictures=len(images), shape=shape, unusable=images.inspection.unusable)


def compare_classifiers(
    found: FeatureSet,
    classifiers: Sequence[str] | Mapping[str, Any],
    *,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> list[JudgedClassifier]:
    """Return how good each classifier is on the same features, the best first.

    Args:
        found: the features of all pictures.
        classifiers: names from `convscope.features.classifiers.CLASSIFIERS`, or classifiers of scikit-learn by name.
        seed: of what is random in those that are named.
        reporter: told which one is learning.

    Raises:
        ParameterError: a name is unknown.
        DataError: there are no pictures to learn from, or none to judge on.
    """
    used = classifiers if isinstance(classifiers, Mapping) else named_classifiers(classifiers, seed=seed)
    return sorted(judge_classifiers(found, used, reporter=reporter), key=lambda judged: -judged.right)


def _opened(model: Model | str | os.PathLike[str], stage: int, pool: str) -> tuple[Model, Reading]:
    used = model if isinstance(model, Model) else Model.load(Path(model))
    reading = Reading(stage=stage, pool=pool)
    reading.depth(used.network)
    return used, reading


def _file(
    path: Path, model: Model, images: ImageSet, reading: Reading, *, force: bool
) -> contextlib.AbstractContextManager[FeatureFile]:
    shape, names = reading.shape(model.network), reading.names(model.network)
    return feature_file(path, rows_of(images), shape=shape, names=names, force=force)
