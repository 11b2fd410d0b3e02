"""The work on one shard: read its images, compute, write its part; the same code on one machine and on many."""

import contextlib
import functools
import io
import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.atomic import write_bytes
from convscope.core.errors import DataError, StorageError
from convscope.core.machine import tuned, usable_cores
from convscope.core.remote import is_address
from convscope.core.text import printable
from convscope.features.extractor import Vectors
from convscope.features.files import ParquetFile, Rows
from convscope.features.reading import Reading, StageFeatures
from convscope.images.inspection import spell
from convscope.networks.inference import FlipTTA
from convscope.networks.memory import check_batch
from convscope.networks.model import Model
from convscope.networks.model_file import read_model
from convscope.networks.prediction import predict_inputs, read_ahead
from convscope.networks.prediction_tables import ParquetTable

from .manifest import IDENTITY, Entry, Manifest, digest_of, part_name, read_manifest
from .store import Store
from .tiles import scan_tiles

UNUSABLE = "convscope.unusable"
"""Metadata of a part: the images that have no row, with reasons."""
LARGEST_MODEL = 1 << 33
MOST_NAMED = 10
READERS = 32  # threads that read images at addresses, which mostly wait
_ONE = threading.Lock()  # an engine may call from several threads of a process, whose cores one shard uses

Unusable = list[tuple[str, str]]
Compute = Callable[[Sequence[Entry], Mapping[str, str]], tuple[bytes, Unusable]]


@dataclass(frozen=True, kw_only=True)
class FinishedShard:
    """What was done.

    Attributes:
        number: of the shard.
        images: in it.
        unusable: how many of them could not be used.
        named: the first of those, with reasons.
    """

    number: int
    images: int
    unusable: int = 0
    named: tuple[tuple[str, str], ...] = ()


def work(folder: str, identity: str, number: int) -> FinishedShard:
    """Compute a shard and write its part; the model is read once a process.

    Args:
        folder: with the manifest.
        identity: of the manifest.
        number: of the shard.

    Raises:
        ConvscopeError: the part cannot be computed or written.
    """
    with _ONE:
        store, manifest, compute = _opened(folder, identity)
        entries = manifest.entries(store, number)
        with tuned():
            data, unusable = compute(entries, {IDENTITY: identity})
        store.write(part_name(number, manifest.request.kind), data)
    named = tuple(unusable[:MOST_NAMED])
    return FinishedShard(number=number, images=len(entries), unusable=len(unusable), named=named)


@functools.lru_cache(maxsize=1)
def _opened(folder: str, identity: str) -> tuple[Store, Manifest, Compute]:
    """Return the folder, its manifest, and what computes a shard.

    Raises:
        StorageError: the manifest was replaced meanwhile.
    """
    store = Store(folder)
    manifest = read_manifest(store)
    if manifest is None or manifest.identity != identity:
        raise StorageError(f"{printable(folder)} has another manifest now. Start the command again.")
    model, options = _read_model(store, manifest), manifest.request.options
    precision, backend = options.get("precision", "float32"), options.get("backend", "torch")
    if (precision, backend) != ("float32", "torch"):
        model = model.optimize(precision, backend=backend)
    return store, manifest, functools.partial(COMPUTATIONS[manifest.request.command], model, options)


def _read_model(store: Store, manifest: Manifest) -> Model:
    data = store.read(manifest.request.model_name, LARGEST_MODEL)
    if digest_of(data, 16) != manifest.request.model:
        raise DataError(f"{printable(store.address)} has a damaged model file. Begin anew with --force.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        write_bytes(path, data)
        return read_model(path)


def _predictions(
    model: Model, options: Mapping[str, Any], entries: Sequence[Entry], metadata: Mapping[str, str]
) -> tuple[bytes, Unusable]:
    """Return a table of predictions, a row an image."""
    network = FlipTTA(model=model) if options["tta"] else model
    top = min(options["top"], len(model.classes))
    stream = io.BytesIO()
    unusable: Unusable = []
    table = ParquetTable(stream, top, metadata=metadata)
    given, workers = (entry.given for entry in entries), options["workers"] or _readers(entries)
    for prediction in predict_inputs(network, given, top=top, batch=options["batch"], workers=workers):
        table.write(prediction)
        if prediction.error is not None:
            unusable.append((prediction.image, prediction.error))
    table.end(whole=True)
    return stream.getvalue(), unusable


def _features(
    model: Model, options: Mapping[str, Any], entries: Sequence[Entry], metadata: Mapping[str, str]
) -> tuple[bytes, Unusable]:
    """Return a table of features, a row a usable image."""
    reading = Reading(stage=options["stage"], layer=options["layer"], pool=options["pool"])
    extractor = StageFeatures(model, reading)
    unusable: Unusable = []
    used: list[Entry] = []
    computed: list[Vectors] = []
    for rows, pixels in _batches(extractor, entries, options["batch"], unusable):
        used += rows
        computed += extractor.of(pixels, batch=options["batch"])
    unusable_text = json.dumps([(spell(name), reason) for name, reason in unusable])
    rows_beside = Rows(
        images=[entry.name for entry in used],
        labels=[entry.label for entry in used],
        splits=[entry.split for entry in used],
    )
    stream = io.BytesIO()
    file = ParquetFile(
        stream, rows_beside, extractor.shape, extractor.names, metadata={**metadata, UNUSABLE: unusable_text}
    )
    for features in computed:
        file.write(features)
    file.end()
    return stream.getvalue(), unusable


def _readers(entries: Sequence[Entry]) -> int:
    """Return in how many threads images are read."""
    return READERS if is_address(entries[0].content) else usable_cores()


def _batches(
    extractor: StageFeatures, entries: Sequence[Entry], batch: int | None, unusable: Unusable
) -> Iterator[tuple[list[Entry], Any]]:
    """Give usable images in batches, and add the others to `unusable`."""
    step = extractor.batch() if batch is None else check_batch(batch)
    rows: list[Entry] = []
    waiting: list[Any] = []
    left, preprocessing = iter(entries), extractor.model.preprocessing
    given = (entry.given for entry in entries)
    with contextlib.closing(read_ahead(given, preprocessing, _readers(entries))) as read:
        for run in read:
            for index, name in enumerate(run.names):
                entry = next(left)
                if index in run.errors:
                    unusable.append((name, run.errors[index]))
                else:
                    rows.append(entry)
            waiting.append(run.images)
            while len(rows) >= step:
                pixels = np.concatenate(waiting)
                yield rows[:step], pixels[:step]
                rows, waiting = rows[step:], [pixels[step:]]
    if rows:
        yield rows, np.concatenate(waiting)


COMPUTATIONS: dict[str, Callable[..., tuple[bytes, Unusable]]] = {
    "predict": _predictions,
    "features": _features,
    "scan": scan_tiles,
}
"""What computes a shard, by command. To add a command, add one line."""
