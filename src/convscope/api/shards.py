"""Predictions and features of millions of images, in shards: on one machine, in array jobs, or on a cluster."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.core.arguments import FLAG, PATH, check_value
from convscope.core.atomic import check_output
from convscope.core.context import Context, context_of
from convscope.core.errors import ParameterError
from convscope.core.extras import optional
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter, Task
from convscope.core.remote import is_address
from convscope.core.text import counted, printable
from convscope.features.extraction import PARTS, open_for
from convscope.features.files import MOST_COLUMNS
from convscope.features.reading import Reading, StageFeatures
from convscope.images.sources.files import FileSource
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.inputs import Input, list_inputs
from convscope.networks.model import Model
from convscope.networks.model_file import model_bytes, opened
from convscope.options.features import FeaturesOptions
from convscope.options.predict import InferenceOptions, PredictOptions
from convscope.options.shards import MergeOptions, ShardOptions
from convscope.shards.manifest import Entry, Manifest, Request, clear, digest_of, plan, read_manifest
from convscope.shards.merging import Merged, merge_parts
from convscope.shards.merging_tiles import merge_tiles
from convscope.shards.on_dask import on_dask
from convscope.shards.on_ray import on_ray
from convscope.shards.store import Store
from convscope.shards.work import MOST_NAMED, FinishedShard, work

_PART = re.compile(r"([1-9]\d{0,6})/([1-9]\d{0,6})")
_ENDINGS = (".tif", ".tiff", ".zarr")  # of a merged scan
_LARGEST_PART = 1 << 27  # bytes of features, which are in memory before they are written


@dataclass(frozen=True, kw_only=True)
class ShardsResult:
    """What a call has done.

    Attributes:
        folder: of the parts.
        shards: in all.
        finished: shards that are there now.
        images: computed by this call; of a scan, tiles.
        unusable: of those, how many could not be used.
        named: the first of those, with reasons.
    """

    folder: str
    shards: int
    finished: int
    images: int = 0
    unusable: int = 0
    named: tuple[tuple[str, str], ...] = ()


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
        inference: precision and back end.
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
    used = opened(model) if options.background is None else opened(model).on_background(options.background)
    used.check_answers()
    settings: dict[str, Any] = {
        "top": options.top,
        "tta": options.tta,
        "batch": options.batch,
        "workers": options.workers,
    }
    settings |= {"precision": inference.precision, "backend": inference.backend}
    job = ShardJob(how, "predict", used, settings, images, force)
    return run_job(job, lambda: _as_entries(images, used), context)


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
    used = opened(model) if options.background is None else opened(model).on_background(options.background)
    extractor = StageFeatures(used, Reading(stage=options.stage, layer=options.layer, pool=options.pool))
    values = len(extractor.names)
    if values > MOST_COLUMNS or 4 * values * how.shard_size > _LARGEST_PART:
        most = 0 if values > MOST_COLUMNS else _LARGEST_PART // (4 * values)
        raise ParameterError(
            f"`shard_size` must be at most {most:,} for {counted(values, 'value')} an image. Got {how.shard_size:,}. "
            "Choose a smaller one, or pool the maps."
        )
    settings = {"stage": options.stage, "layer": options.layer, "pool": options.pool, "batch": options.batch}
    job = ShardJob(how, "features", used, settings, data, force)
    return run_job(job, lambda: _labelled(data, used, options, context), context)


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
    store = Store(folder)
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


@dataclass(frozen=True)
class ShardJob:
    """What is computed, of what, and by whom."""

    how: ShardOptions
    command: str
    model: Model
    settings: dict[str, Any]
    given: Any
    force: bool

    def __post_init__(self) -> None:
        check_value("force", self.force, FLAG)
        if self.how.shards is None:
            raise ParameterError("`shards` must be given: the folder of the parts. Got none.")
        if self.how.cluster is not None and self.how.part is not None:
            raise ParameterError("Only one of `cluster` and `part` can be given. Got both. Leave one out.")
        if self.how.part is not None and self.force:
            raise ParameterError(
                "`force` must be left out with `part`: a job would remove the parts of others. Got both."
            )
        if self.command != "scan":
            optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")

    @property
    def unit(self) -> str:
        """What a shard has several of."""
        return "tiles" if self.command == "scan" else "images"

    def request(self, model: bytes) -> Request:
        """Return the request of the manifest."""
        named = [self.given] if isinstance(self.given, (str, os.PathLike)) else self.given
        words = [_absolute(word) for word in named] if isinstance(named, Sequence) else ["listed"]
        return Request(
            command=self.command,
            model=digest_of(model, 16),
            options=self.settings,
            source=digest_of("\0".join(words).encode("utf-8", "surrogateescape"), 16),
            size=self.how.shard_size,
        )


def run_job(job: ShardJob, images: Any, context: Context | None) -> ShardsResult:
    """Plan, compute what is missing, and count."""
    reporter, how = context_of(context).reporter, job.how
    part, engine = _part(how.part), _engine(how.cluster)
    store = Store(how.shards or "")
    if job.force:
        clear(store)
    model = model_bytes(job.model)
    request = job.request(model)
    if request.model_name not in store.names() and read_manifest(store) is None:
        store.write(request.model_name, model)
    with reporter.task(f"listing {job.unit}", total=0):
        manifest = plan(store, request, images(), listing=how.part is None)
    left = manifest.left(store, part)
    if there := len(range(part[0] - 1, len(manifest.shards), part[1])) - len(left):
        reporter.say(f"{printable(store.address)}: {counted(there, 'shard')} finished before, {len(left):,} to go")
    done = engine(store.address, manifest.identity, left) if left else ()
    with reporter.task("computing", sum(manifest.shards[number].images for number in left), job.unit) as task:
        return _counted(done, store, manifest, task)


def _counted(done: Iterable[FinishedShard], store: Store, manifest: Manifest, task: Task) -> ShardsResult:
    images = unusable = 0
    named: list[tuple[str, str]] = []
    for shard in done:
        images, unusable = images + shard.images, unusable + shard.unusable
        named += shard.named[: max(0, MOST_NAMED - len(named))]
        task.advance(shard.images, f"{unusable:,} unusable" if unusable else "")
    return ShardsResult(
        folder=store.address,
        shards=len(manifest.shards),
        finished=len(manifest.shards) - len(manifest.left(store)),
        images=images,
        unusable=unusable,
        named=tuple(named),
    )


def _engine(cluster: str | None) -> Any:
    """Return what computes shards."""
    if cluster is None:
        return lambda folder, identity, numbers: (work(folder, identity, number) for number in numbers)
    if cluster == "ray" or cluster.startswith("ray://"):
        optional("ray", needed_for="Clusters of Ray", extra="ray")  # before anything takes time
        return lambda *given: on_ray(cluster, *given)
    if cluster.startswith(("tcp://", "tls://")):
        optional("distributed", needed_for="Clusters of Dask", extra="dask")
        return lambda *given: on_dask(cluster, *given)
    raise ParameterError(f"`cluster` must be ray, ray://HOST:PORT or tcp://HOST:PORT. Got {cluster!r}.")


def _part(text: str | None) -> tuple[int, int]:
    """Return number and count of a part."""
    found = _PART.fullmatch("1/1" if text is None else text)
    if found is None or int(found[1]) > int(found[2]):
        raise ParameterError(f"`part` must be I/N with I from 1 to N, such as 3/16. Got {text!r}.")
    return int(found[1]), int(found[2])


def _absolute(given: Any) -> str:
    text = os.fsdecode(given) if isinstance(given, (str, bytes, os.PathLike)) else repr(type(given))
    return text if is_address(text) else os.path.abspath(text)  # noqa: PTH100  # links stay as they are


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
    content = "" if image.content is None else _absolute(image.content)
    return Entry(name=image.name, content=content, error=image.error, label=label, split=split)


def _labelled(data: AnyPath, model: Model, options: FeaturesOptions, context: Context) -> Iterable[Entry]:
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
        unlabelled=True,
        own_classes=isinstance(model.network, GraphNetwork),
    )
    if not isinstance(source, FileSource):
        raise ParameterError(f"`data` must be image files with `shards`. Got {printable(source.name)}. Leave it out.")
    return (
        Entry(
            name=source.image_name(index),
            content=_absolute(source.path(index)),
            label=source.classes[label],
            split=PARTS.get(int(split), ""),
        )
        for index, (label, split) in enumerate(zip(source.labels.tolist(), source.splits.tolist(), strict=True))
    )
