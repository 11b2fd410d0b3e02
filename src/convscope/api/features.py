"""Take the features of a trained network elsewhere: as arrays, files, or a comparison of classifiers."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.arguments import PATH, Rule, check_arguments
from convscope.core.atomic import check_output
from convscope.core.errors import ParameterError
from convscope.core.machine import tuned
from convscope.core.progress import Reporter, Silent
from convscope.core.text import printable
from convscope.features.classifiers import ClassifierResult, evaluate_classifiers, named_classifiers
from convscope.features.extraction import FeatureSet, extract, images_for, open_for, write_features
from convscope.features.extractor import Extractor
from convscope.features.files import check_file
from convscope.features.hand_made import HAND_MADE, hand_made
from convscope.features.heads import head_of, with_classifier
from convscope.features.partial import check_partial
from convscope.features.reading import Reading, StageFeatures
from convscope.images.dataset import Dataset, prepare, reading_notes, source_notes
from convscope.images.inspection import Problem
from convscope.images.sources.opening import TRAIN, open_source
from convscope.images.sources.source import Source
from convscope.networks.model import Model
from convscope.networks.model_file import opened, write_model


def _are_classifiers(given: Any) -> bool:
    if isinstance(given, Mapping):
        return all(isinstance(name, str) and hasattr(one, "fit") for name, one in given.items())
    return isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given)


def _are_evaluated(given: Any) -> bool:
    return (
        isinstance(given, (list, tuple)) and len(given) > 0 and all(isinstance(one, ClassifierResult) for one in given)
    )


_FOUND = Rule(words="what `extract_features` returns", fits=lambda given: isinstance(given, FeatureSet))
_CLASSIFIERS = Rule(words="a list of names, or classifiers by their names", fits=_are_classifiers)
_EVALUATED = Rule(words="what `compare_classifiers` returns, with at least one", fits=_are_evaluated)


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written: how many images, the shape of the features of each, and which images were left out."""

    path: Path
    images: int
    shape: tuple[int, ...]
    unusable: tuple[Problem, ...] = ()


def extract_features(
    model: Model | str | os.PathLike[str],
    data: Any,
    *,
    stage: int = -1,
    pool: str = "none",
    background: str | None = None,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    unlabelled: bool = True,
    batch: int | None = None,
    class_depth: int | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> FeatureSet:
    """Return the features of all images of `data`, with their classes and parts.

    Args:
        model: a model, the path of a model file or run folder, or, without a network, the name of hand-made features:
            ``pixels``, ``pca``, ``hog``, ``lbp``, ``scattering`` (see `convscope.features.hand_made`).
        data: what `convscope.train` takes, with the classes of the model; or images of no class: a folder that holds
            them itself or in folders of which none has the name of a class, a single file, or one array. Hand-made
            features that learn from images (pca) learn from the training images, or from all of no class.
        stage: 1 for the first stage; negative ones count from the end; 0 for the pixels.
        pool: ``none``, ``mean``, ``max`` or ``grid2``, of each map.
        background: behind transparency and in margins, in place of that of the network: white, black or #rrggbb.
        output: a file that they are written to as well, as `save_features` does.
        force: replace what stands at `output`.
        unlabelled: take images of no class, too; False refuses them.
        batch: images at once; as memory allows if none.
        class_depth: of a folder, how many levels of folders name a class; as the model was trained if none.
        data_dir: where named sets are looked for first.
        cache_dir: where decoded images are kept; the user's cache folder if none.
        reporter: told how far it is; nobody if none.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> found = extract_features(trained.model, "digits", pool="mean")
        >>> found.values.shape, found.splits.count("train"), found.splits.count("validation")
        ((1797, 8), 1438, 359)
    """
    check_arguments(locals())
    known, path, told = (
        _known(model, stage, pool, background),
        None if output is None else Path(output),
        reporter or Silent(),
    )
    if path is not None:
        check_file(path, values=_values(known), force=force)
        check_partial(path)
    with tuned():
        source = _source(known, data, class_depth=class_depth, data_dir=data_dir, reporter=told, unlabelled=unlabelled)
        extractor, dataset = _opened(known, source, cache_dir, told)
        return extract(extractor, dataset, path=path, batch=batch, reporter=told)


def save_features(
    model: Model | str | os.PathLike[str],
    data: Any,
    output: str | os.PathLike[str],
    *,
    stage: int = -1,
    pool: str = "none",
    background: str | None = None,
    batch: int | None = None,
    force: bool = False,
    unlabelled: bool = True,
    class_depth: int | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> Written:
    """Write the features of all images of `data` to `output`, a .npz, .npy, .csv or .parquet file.

    Memory does not grow with the number of images. Until the file is whole they are kept beside it, as
    ``<output>.part``: after an interruption of any kind the same call goes on from there, to the same bits. Arguments
    as in `extract_features`; `force` replaces what stands at `output`.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    check_arguments(locals())
    known, path, told = _known(model, stage, pool, background), Path(output), reporter or Silent()
    check_file(path, values=_values(known), force=force)  # before anything takes time
    check_partial(path)
    with tuned():
        source = _source(known, data, class_depth=class_depth, data_dir=data_dir, reporter=told, unlabelled=unlabelled)
        extractor, dataset = _opened(known, source, cache_dir, told)
        write_features(extractor, dataset, path, batch=batch, reporter=told)
    return Written(path=path, images=len(dataset), shape=extractor.shape, unusable=dataset.inspection.unusable)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What can be taken from one stage: its number, its notation, and the shape for one image."""

    stage: int
    name: str
    shape: tuple[int, ...]


def layers(model: Model | str | os.PathLike[str], *, pool: str = "none") -> list[Layer]:
    """Return what features can be taken from a model, from the pixels (stage 0) to the last stage.

    Stages whose maps are smaller than the grid of `pool` are left out.

    Raises:
        ConvscopeError: there is no such model, or the pool is unknown, or larger than the pixels.

    Examples:
        >>> from tempfile import mkdtemp
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2-12N", output=mkdtemp())
        >>> [(one.stage, one.name, one.shape) for one in layers(trained.model)]
        [(0, 'pixels', (1, 8, 8)), (1, '8C3-MP2', (8, 4, 4)), (2, '12N', (12,))]
    """
    check_arguments(locals())
    network = opened(model).network
    readings = [Reading(stage=number, pool=pool) for number in range(len(network.stages) + 1)]
    readings[0].check(network)  # no maps are larger than the image
    return [
        Layer(stage=one.stage, name=one.layer(network), shape=one.shape(network))
        for one in readings
        if one.fits(network)
    ]


def compare_classifiers(
    found: FeatureSet,
    classifiers: Sequence[str] | Mapping[str, Any],
    *,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> list[ClassifierResult]:
    """Return how good each classifier is on the same features, the best first.

    Args:
        found: the features of all images.
        classifiers: names from `convscope.features.classifiers.CLASSIFIERS`, or classifiers of scikit-learn by name.
        seed: of what is random in those that are named.
        reporter: told which one is learning.

    Raises:
        ParameterError: a name is unknown.
        DataError: there are no images to learn from, or none to evaluate on.
    """
    check_arguments(locals(), found=_FOUND, classifiers=_CLASSIFIERS)
    used = classifiers if isinstance(classifiers, Mapping) else named_classifiers(classifiers, seed=seed)
    done = []
    with (reporter or Silent()).task("classifiers", len(used), "classifiers") as task:
        for evaluated in evaluate_classifiers(found, used, reporter=reporter):
            done.append(evaluated)
            task.advance()
    return sorted(done, key=lambda evaluated: -evaluated.correct)


def save_with_classifier(
    model: Model | str | os.PathLike[str],
    found: FeatureSet,
    evaluated: Sequence[ClassifierResult],
    output: str | os.PathLike[str],
    *,
    stage: int = -1,
    pool: str = "none",
    background: str | None = None,
    force: bool = False,
) -> ClassifierResult:
    """Write the network with the best of these classifiers that a model file can hold, and return that classifier.

    Args:
        model: what made the features.
        found: the features.
        evaluated: classifiers on them, the best first, as `compare_classifiers` returns them.
        output: the model file; predict takes it like any other.
        stage: as it was given to `extract_features`.
        pool: the same.
        background: the same.
        force: replace what stands at `output`.

    Raises:
        ParameterError: a file can hold none of them, the features are hand-made, or pooled in parts of a map.
        StorageError: the file is there already or cannot be written.
    """
    check_arguments(locals(), output=PATH, found=_FOUND, evaluated=_EVALUATED)
    known = _known(model, stage, pool, background)
    if isinstance(known, str):
        raise ParameterError(f"Only the features of a network go into a model file. Got {known!r}.")
    check_output(Path(output), force=force)
    storable = (one for one in evaluated if head_of(one.fitted, found) is not None)
    best = next(storable, evaluated[0])
    write_model(with_classifier(known.model, known.reading, found, best.name, best.fitted), output)
    return best


def _known(
    model: Model | str | os.PathLike[str], stage: int, pool: str, background: str | None = None
) -> StageFeatures | str:
    """Return the features of a stage of the model, or the kind of hand-made ones that is meant."""
    if isinstance(model, str) and model in HAND_MADE and not Path(model).exists():
        if (stage, pool) != (-1, "none"):
            raise ParameterError(f"`stage` and `pool` are for networks. Got them with {model!r}. Leave them out.")
        if background is not None:
            raise ParameterError(f"`background` is for networks. Got it with {model!r}. Leave it out.")
        return model
    used = opened(model) if background is None else opened(model).on_background(background)
    return StageFeatures(used, Reading(stage=stage, pool=pool))


def _values(known: StageFeatures | str) -> int:
    """Return how many values an image will have; 0 where only the images tell."""
    return 0 if isinstance(known, str) else math.prod(known.shape)


def _source(
    known: StageFeatures | str,
    data: Any,
    *,
    class_depth: int | None,
    data_dir: Path | None,
    reporter: Reporter,
    unlabelled: bool,
) -> Source:
    """Return the images of `data`, and say which are of no class or left out."""
    if isinstance(known, str):
        source = open_source(data, data_dir=data_dir, reporter=reporter, unlabelled=unlabelled, class_depth=class_depth)
        for note in source_notes(source):
            reporter.say(note)
    else:
        source = open_for(
            known.model,
            data,
            class_depth=class_depth,
            data_dir=data_dir,
            reporter=reporter,
            unlabelled=unlabelled,
        )
    if not source.labelled:
        reporter.say(f"{printable(source.name)}: images of no class")
    return source


def _opened(
    known: StageFeatures | str, source: Source, cache_dir: Path | None, reporter: Reporter
) -> tuple[Extractor, Dataset]:
    """Return what makes the features, and the images as it takes them."""
    if not isinstance(known, str):
        return known, images_for(known.model, source, cache_dir=cache_dir, reporter=reporter)
    dataset = prepare(source, cache_dir=cache_dir, reporter=reporter)
    for note in reading_notes(dataset):
        reporter.say(note)
    learn_from = dataset.indices(TRAIN) if source.labelled else np.arange(len(dataset))
    return hand_made(known, dataset.images, learn_from=learn_from), dataset
