"""Take the features of a trained network elsewhere: as arrays, files, or a comparison of classifiers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.arguments import FLAG, PATH, WHOLE, Rule, check_value
from convscope.core.atomic import check_output
from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.errors import ParameterError
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.text import printable
from convscope.features.classifiers import ClassifierResult, evaluate_classifiers, named_classifiers
from convscope.features.extraction import FeatureSet, extract, images_for, open_for, write_features
from convscope.features.extractor import Extractor
from convscope.features.files import check_file
from convscope.features.hand_made import HAND_MADE, hand_made
from convscope.features.heads import check_savable_pool, head_of, with_classifier
from convscope.features.layers import stage_layers
from convscope.features.partial import check_partial
from convscope.features.reading import Reading, StageFeatures
from convscope.images.dataset import Dataset, prepare, reading_notes, source_notes
from convscope.images.inspection import Problem
from convscope.images.sources.opening import TRAIN, DataSource, open_source
from convscope.images.sources.source import Source
from convscope.networks.graph import IMAGE
from convscope.networks.model import Model
from convscope.networks.model_file import opened, write_model
from convscope.options.features import FeaturesOptions

from .kept_inputs import keep_inputs


def _are_classifiers(given: Any) -> bool:
    if isinstance(given, Mapping):
        return all(isinstance(name, str) and hasattr(classifier, "fit") for name, classifier in given.items())
    return isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given)


def _are_evaluated(given: Any) -> bool:
    return (
        isinstance(given, (list, tuple))
        and len(given) > 0
        and all(isinstance(result, ClassifierResult) for result in given)
    )


_FOUND = Rule(words="what `extract_features` returns", fits=lambda given: isinstance(given, FeatureSet))
_CLASSIFIERS = Rule(words="a list of names, or classifiers by their names", fits=_are_classifiers)
_EVALUATED = Rule(words="what `compare_classifiers` returns, with at least one", fits=_are_evaluated)


@dataclass(frozen=True, kw_only=True)
class FeaturesResult:
    """A file of features: the number of images, the shape for one image, and the images that were left out."""

    path: Path
    images: int
    shape: tuple[int, ...]
    unusable: tuple[Problem, ...] = ()


@documented(FeaturesOptions)
def extract_features(
    model: Model | AnyPath,
    data: DataSource,
    *,
    stage: int = -1,
    layer: str | None = None,
    pool: str = "none",
    background: str | None = None,
    output: AnyPath | None = None,
    force: bool = False,
    batch: int | None = None,
    device: DeviceChoice = "auto",
    class_depth: int | None = None,
    unlabeled: bool = True,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> FeatureSet:
    """Return the features of all images of `data`, with their classes and splits.

    Args:
        model: a model, the path of a model file or run folder, or, without a network, the name of hand-made features:
            ``pixels``, ``pca``, ``hog``, ``lbp``, ``scattering`` (see `convscope.features.hand_made`).
        data: what `convscope.train` takes, with classes of the model (any classes, for a network that was not
            trained by convscope); or unlabeled images: a folder that holds
            them itself or in folders of which none has the name of a class, a single file, or one array. Hand-made
            features that learn from images (pca) learn from the training images, or from all of no class.
        unlabeled: accept unlabeled images, too; False refuses them.
        progress: True shows progress on standard error.
        context: folders of named datasets and of decoded images.

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
    options, context = _options(locals()), context_of(context, progress=progress)
    known, path = _known(model, options), None if output is None else Path(output)
    if path is not None:
        keep_inputs([path], models=[model], data=[data])
        check_file(path, values=_values(known), force=force)
        check_partial(path)
    with tuned():
        source = _source(known, data, options, context, unlabeled=unlabeled)
        extractor, dataset = _opened(known, source, context)
        return extract(extractor, dataset, path=path, batch=options.batch, reporter=context.reporter)


@documented(FeaturesOptions)
def save_features(
    model: Model | AnyPath,
    data: DataSource,
    output: AnyPath,
    *,
    stage: int = -1,
    layer: str | None = None,
    pool: str = "none",
    background: str | None = None,
    force: bool = False,
    batch: int | None = None,
    device: DeviceChoice = "auto",
    class_depth: int | None = None,
    unlabeled: bool = True,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> FeaturesResult:
    """Write the features of all images of `data` to `output`, a .npz, .npy, .csv or .parquet file.

    Memory does not grow with the number of images. Unfinished features are in ``<output>.part``: after an interruption
    of any kind the same call continues from there, to the same bits. Arguments as in `extract_features`.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    options, context = _options(locals()), context_of(context, progress=progress)
    known, path = _known(model, options), Path(output)
    keep_inputs([path], models=[model], data=[data])
    check_file(path, values=_values(known), force=force)  # before anything takes time
    check_partial(path)
    with tuned():
        source = _source(known, data, options, context, unlabeled=unlabeled)
        extractor, dataset = _opened(known, source, context)
        write_features(extractor, dataset, path, batch=options.batch, reporter=context.reporter)
    return FeaturesResult(path=path, images=len(dataset), shape=extractor.shape, unusable=dataset.inspection.unusable)


def _options(arguments: Mapping[str, Any]) -> FeaturesOptions:
    """Return the options of a call, all of whose arguments are checked."""
    check_value("unlabeled", arguments["unlabeled"], FLAG)
    return options_from(FeaturesOptions, arguments)


@dataclass(frozen=True, kw_only=True)
class FeatureLayer:
    """What can be taken from one layer.

    Attributes:
        name: for `layer`; ``image`` is the standardized pixels.
        stage: its number, where it is the last layer of a stage.
        notation: what it computes.
        shape: of its features of one image, pooled.
        field: rows and columns of pixels that a value depends on.
    """

    name: str
    stage: int | None
    notation: str
    shape: tuple[int, ...]
    field: tuple[int, int]


def layers(model: Model | AnyPath, *, pool: str = "none") -> list[FeatureLayer]:
    """Return what features can be taken from a model, from the pixels to the logits.

    Layers whose maps are smaller than the grid of `pool` are left out.

    Raises:
        ConvscopeError: there is no such model, or the pool is unknown, or larger than the pixels.

    Examples:
        >>> from tempfile import mkdtemp
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2-12N", output=mkdtemp())
        >>> for layer in layers(trained.model):
        ...     print(layer.stage, layer.name, layer.notation, layer.shape, layer.field)
        0 image pixels (1, 8, 8) (1, 1)
        None convolution1 8C3 (8, 8, 8) (3, 3)
        1 pooling1 MP2 (8, 4, 4) (4, 4)
        2 linear1 12N (12,) (10, 10)
        None classifier 10N (10,) (10, 10)
    """
    options_from(FeaturesOptions, {"pool": pool})
    network = opened(model).network
    graph, stages = network.graph, stage_layers(network)
    Reading(layer=IMAGE, pool=pool).check(network)  # no maps are larger than the image
    found = []
    for name in graph.shapes:
        reading = Reading(layer=name, pool=pool)
        if not reading.fits(network):
            continue
        rows, columns = graph.fields[name]
        found.append(
            FeatureLayer(
                name=name,
                stage=stages.index(name) if name in stages else None,
                notation="pixels" if name == IMAGE else graph.by_name[name].layer.notation,
                shape=reading.shape(network),
                field=(math.ceil(rows.size), math.ceil(columns.size)),
            )
        )
    return found


def compare_classifiers(
    found: FeatureSet,
    classifiers: Sequence[str] | Mapping[str, Any],
    *,
    seed: int = 0,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> list[ClassifierResult]:
    """Return how good each classifier is on the same features, the best first.

    Args:
        found: the features of all images.
        classifiers: names from `convscope.features.classifiers.CLASSIFIERS`, or classifiers of scikit-learn by name.
        seed: random seed of those that are named.
        progress: True shows progress on standard error.
        context: where progress goes.

    Raises:
        ParameterError: a name is unknown.
        DataError: there are no images to learn from, or none to evaluate on.
    """
    for name, value, rule in (
        ("found", found, _FOUND),
        ("classifiers", classifiers, _CLASSIFIERS),
        ("seed", seed, WHOLE),
    ):
        check_value(name, value, rule)
    reporter = context_of(context, progress=progress).reporter
    used = classifiers if isinstance(classifiers, Mapping) else named_classifiers(classifiers, seed=seed)
    done = []
    with reporter.task("classifiers", len(used), "classifiers") as task:
        for evaluated in evaluate_classifiers(found, used, reporter=reporter):
            done.append(evaluated)
            task.advance()
    return sorted(done, key=lambda evaluated: -evaluated.accuracy.correct)


def save_with_classifier(
    model: Model | AnyPath,
    found: FeatureSet,
    evaluated: Sequence[ClassifierResult],
    output: AnyPath,
    *,
    stage: int = -1,
    layer: str | None = None,
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
        stage: as given to `extract_features`.
        layer: the same.
        pool: the same.
        background: the same.
        force: replace an existing file.

    Raises:
        ParameterError: a file can hold none of them, the features are hand-made, or pooled in parts of a map.
        StorageError: the file is there already or cannot be written.
    """
    for name, value, rule in (("output", output, PATH), ("found", found, _FOUND), ("evaluated", evaluated, _EVALUATED)):
        check_value(name, value, rule)
    options = options_from(FeaturesOptions, {**locals(), "device": "cpu"})  # nothing is computed
    known = _known(model, options)
    if isinstance(known, str):
        raise ParameterError(f"Only the features of a network go into a model file. Got {known!r}.")
    check_savable_pool(options.pool)
    keep_inputs([output], models=[model])
    check_output(Path(output), force=options.force)
    storable = (result for result in evaluated if head_of(result.fitted, found) is not None)
    best = next(storable, evaluated[0])
    write_model(with_classifier(known.model, known.reading, found, best.name, best.fitted), output)
    return best


def _known(model: Model | AnyPath, options: FeaturesOptions) -> StageFeatures | str:
    """Return the features of a layer of the model, or the name of hand-made ones."""
    background = options.background
    if isinstance(model, str) and model in HAND_MADE and not Path(model).exists():
        if (options.stage, options.layer, options.pool) != (-1, None, "none"):
            raise ParameterError(f"`stage`, `layer` and `pool` are for networks. Got one with {model!r}. Leave it out.")
        if background is not None:
            raise ParameterError(f"`background` is for networks. Got it with {model!r}. Leave it out.")
        return model
    used = opened(model, device=options.device).on_background(background)
    return StageFeatures(used, Reading(stage=options.stage, layer=options.layer, pool=options.pool))


def _values(known: StageFeatures | str) -> int:
    """Return the number of values of an image; 0 if it depends on the images."""
    return 0 if isinstance(known, str) else math.prod(known.shape)


def _source(
    known: StageFeatures | str, data: DataSource, options: FeaturesOptions, context: Context, *, unlabeled: bool
) -> Source:
    """Return the images of `data`; report which are of no class or left out."""
    settings: dict[str, Any] = {
        "data_dir": context.data_dir,
        "reporter": context.reporter,
        "unlabeled": unlabeled,
        "class_depth": options.class_depth,
    }
    if isinstance(known, str):
        source = open_source(data, **settings)
        for note in source_notes(source):
            context.reporter.say(note)
    else:
        source = open_for(known.model, data, own_classes=_own_classes(known), **settings)
    if not source.labeled:
        context.reporter.say(f"{printable(source.name)}: unlabeled images")
    return source


def _own_classes(known: StageFeatures) -> bool:
    """Return whether the images may have classes of their own: those of a network that was read are others'."""
    return known.model.layout is None


def _opened(known: StageFeatures | str, source: Source, context: Context) -> tuple[Extractor, Dataset]:
    """Return the extractor of the features, and the images as it takes them."""
    if not isinstance(known, str):
        settings: dict[str, Any] = {"cache_dir": context.cache_dir, "reporter": context.reporter}
        return known, images_for(known.model, source, own_classes=_own_classes(known), **settings)
    dataset = prepare(source, cache_dir=context.cache_dir, reporter=context.reporter)
    for note in reading_notes(dataset):
        context.reporter.say(note)
    learn_from = dataset.indices(TRAIN) if source.labeled else np.arange(len(dataset))
    return hand_made(known, dataset.images, learn_from=learn_from), dataset
