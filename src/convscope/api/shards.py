"""Predictions and features of millions of images, in shards: on one machine, in array jobs, or on a cluster."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from convscope.core.arguments import PATH, check_value, is_path
from convscope.core.atomic import check_output
from convscope.core.context import Context, context_of
from convscope.core.errors import ParameterError
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.remote import is_address
from convscope.core.targets import refuse_inputs
from convscope.core.text import counted, printable
from convscope.features.extraction import PARTS, open_for
from convscope.features.files import MOST_COLUMNS
from convscope.features.reading import Reading, StageFeatures
from convscope.images.sources.files import FileSource
from convscope.images.sources.source import Source
from convscope.networks.inputs import Input, list_inputs
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.options.features import FeaturesOptions
from convscope.options.predict import InferenceOptions, PredictOptions
from convscope.options.shards import MergeOptions, ShardOptions
from convscope.shards.job import ShardsJob, ShardsResult, absolute
from convscope.shards.manifest import Entry, read_manifest
from convscope.shards.merging import Merged, merge_parts
from convscope.shards.merging_tiles import merge_tiles
from convscope.shards.store import Store

_ENDINGS = (".tif", ".tiff", ".zarr")  # of a merged scan
_LARGEST_PART = 1 << 27  # bytes of features, which are in memory before they are written


def predict_in_shards(
    model: Model | AnyPath,
    images: Any,
    how: ShardOptions,
    options: PredictOptions | None = None,
    inference: InferenceOptions | None = None,
    *,
    force: bool = False,
    context: Context | None = None,
) -> ShardsResult:
    """Predict the classes of images into a folder of Parquet parts; finished parts are not computed again.

    Args:
        model: a model, or the path of a model file or run folder.
        images: files, folders, patterns and addresses, as for `convscope.predict`; no arrays.
        how: the folder, the cluster or part, and the size of a shard.
        options: of the predictions.
        inference: precision, back end and device.
        force: begin anew what is in the folder.
        context: progress.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    options, inference = options or PredictOptions(), inference or InferenceOptions()
    if inference.calibration is not None:
        raise ParameterError(
            "`calibration` must be left out with `shards`. Got one. Choose another precision than int8."
        )
    used = opened(model).on_background(options.background)
    used.check_answers()
    settings: dict[str, Any] = {
        "top": options.top,
        "tta": options.tta,
        "batch": options.batch,
        "workers": options.workers,
    }
    backend = "torch" if inference.backend == "auto" else inference.backend  # the same bits on every machine
    settings |= {"precision": inference.precision, "backend": backend}
    job = ShardsJob(how, "predict", used, settings, images, force, inference.device)
    return job.run(lambda: _as_entries(images, used), context_of(context).reporter)


def features_in_shards(
    model: Model | AnyPath,
    data: AnyPath,
    how: ShardOptions,
    options: FeaturesOptions | None = None,
    *,
    force: bool = False,
    context: Context | None = None,
) -> ShardsResult:
    """Compute features of a layer into a folder of Parquet parts; finished parts are not computed again.

    A row has the class and split that the folders of the image name; no validation split is drawn. An unusable image
    has no row.

    Args:
        model: a model, or the path of a model file or run folder.
        data: a folder or list of image files, or the address of a folder.
        how: as for `predict_in_shards`.
        options: which features.
        force: begin anew what is in the folder.
        context: progress, and the folder of named datasets.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    options, context = options or FeaturesOptions(), context_of(context)
    used = opened(model).on_background(options.background)
    extractor = StageFeatures(used, Reading(stage=options.stage, layer=options.layer, pool=options.pool))
    values = len(extractor.names)
    if values > MOST_COLUMNS or 4 * values * how.shard_size > _LARGEST_PART:
        most = 0 if values > MOST_COLUMNS else _LARGEST_PART // (4 * values)
        raise ParameterError(
            f"`shard_size` must be at most {most:,} for {counted(values, 'value')} an image. Got {how.shard_size:,}. "
            "Choose a smaller one, or pool the maps."
        )
    settings = {"stage": options.stage, "layer": options.layer, "pool": options.pool, "batch": options.batch}
    job = ShardsJob(how, "features", used, settings, data, force, options.device)
    return job.run(lambda: _labeled(data, used, options, context), context.reporter)


@documented(MergeOptions)
def merge(
    folder: AnyPath,
    *,
    output: AnyPath | None = None,
    force: bool = False,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> Merged:
    """Check that every image has its result exactly once, and write all parts as one file, or their index.

    Args:
        folder: of the parts, or its address.
        progress: True shows progress on standard error.
        context: as for other commands.

    Raises:
        DataError: parts are missing, damaged, or do not have the images of their shards.
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    options, context = options_from(MergeOptions, locals()), context_of(context, progress=progress)
    check_value("folder", folder, PATH)
    path = None if options.output is None else Path(options.output)
    if path is not None and is_path(folder):
        refuse_inputs([path], [Path(folder)], endings={path.suffix.lower()})
    store = Store(folder, written=path is None)
    manifest = read_manifest(store)
    if manifest is None:
        raise ParameterError(
            f"`folder` must have a manifest of shards. Got {printable(store.address)}, which has none."
        )
    endings = _ENDINGS if manifest.request.command == "scan" else (".parquet",)
    if path is not None and path.suffix.lower() not in endings:
        raise ParameterError(f"`output` must end in {' or '.join(endings)}. Got {path.name!r}.")
    if manifest.request.command == "scan":
        if path is None:
            raise ParameterError("`output` must be given for tiles of a scan, such as maps.tif. Got none.")
        return merge_tiles(store, manifest, path, context.reporter, force=options.force)
    if path is not None:
        check_output(path, force=options.force)
    return merge_parts(store, manifest, path, context.reporter)


def _as_entries(images: Any, model: Model) -> Iterator[Entry]:
    """Give the images that predict would read."""
    if isinstance(images, (str, os.PathLike)):
        images = (images,)
    preprocessing = model.preprocessing
    inputs = list_inputs(iter(images), channels=preprocessing.channels, size=preprocessing.size)
    return (_entry(image) for image in inputs.images)


def _entry(image: Input, label: str = "", split: str = "") -> Entry:
    if image.content is not None and not isinstance(image.content, str):
        raise ParameterError("`images` must be files with `shards`. Got an array or bytes. Save them first.")
    content = "" if image.content is None else absolute(image.content)
    return Entry(name=image.name, content=content, error=image.error, label=label, split=split)


def _labeled(data: AnyPath, model: Model, options: FeaturesOptions, context: Context) -> Iterable[Entry]:
    """Give the images of a dataset with their classes and splits."""
    if is_address(data):
        known = set(model.classes)
        listed = ((image, image.name.rpartition("/")[0].rpartition("/")[2]) for image in list_inputs([data]).images)
        return (_entry(image, folder if folder in known else "") for image, folder in listed)
    source = open_for(
        model,
        data,
        class_depth=options.class_depth,
        data_dir=context.data_dir,
        reporter=context.reporter,
        unlabeled=True,
        own_classes=model.layout is None,
    )
    return entries_of(source)


def entries_of(source: Source) -> Iterator[Entry]:
    """Return the images of a dataset with their classes and splits.

    Raises:
        ParameterError: they are no files.
    """
    if not isinstance(source, FileSource):
        raise ParameterError(f"`data` must be image files with `shards`. Got {printable(source.name)}. Leave it out.")
    return (
        Entry(
            name=source.image_name(index),
            content=absolute(source.path(index)),
            label=source.classes[label],
            split=PARTS.get(int(split), ""),
        )
        for index, (label, split) in enumerate(zip(source.labels.tolist(), source.splits.tolist(), strict=True))
    )
