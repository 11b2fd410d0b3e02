"""What a shard holds, by command: predictions, features, what images are compared by, or tiles of a scan."""

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.extras import optional
from convscope.core.machine import usable_cores
from convscope.core.remote import is_address
from convscope.features.extractor import Extractor, Vectors
from convscope.features.files import ParquetFile, Rows
from convscope.features.reading import Reading, StageFeatures
from convscope.images.inspection import spell
from convscope.images.preprocessing import Preprocessing
from convscope.networks.inference import FlipTTA
from convscope.networks.memory import check_batch
from convscope.networks.model import Model
from convscope.networks.prediction import predict_inputs, read_batches
from convscope.networks.prediction_tables import ParquetTable

from .manifest import Entry
from .tiles import scan_tiles

UNUSABLE = "convscope.unusable"
"""Metadata of a part: the images that have no row, with reasons."""
READERS = 32  # threads that read images at addresses, which mostly wait

Unusable = list[tuple[str, str]]
Computed = tuple[bytes, Unusable]


def _predictions(
    model: Model, options: Mapping[str, Any], entries: Sequence[Entry], metadata: Mapping[str, str]
) -> Computed:
    """Return a table of predictions, a row per image."""
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
) -> Computed:
    """Return a table of features, a row a usable image."""
    extractor = StageFeatures(model, Reading(stage=options["stage"], layer=options["layer"], pool=options["pool"]))
    unusable: Unusable = []
    used: list[Entry] = []
    computed: list[Vectors] = []
    step = extractor.batch() if options["batch"] is None else check_batch(options["batch"])
    for rows, pixels in _usable(entries, model.preprocessing, step, unusable):
        used += rows
        computed += extractor.of(pixels, batch=step)
    stream = io.BytesIO()
    beside, named = _rows(used), {**metadata, UNUSABLE: _as_text(unusable)}
    file = ParquetFile(stream, beside, extractor.shape, extractor.names, metadata=named)
    for features in computed:
        file.write(features)
    file.end()
    return stream.getvalue(), unusable


def _looks(model: Model, options: Mapping[str, Any], entries: Sequence[Entry], metadata: Mapping[str, str]) -> Computed:
    """Return a table of what images are compared by, a row a usable image."""
    from convscope.cleaning.findings import Looks  # loads scikit-learn
    from convscope.transfer.start_features import reading_of

    arrow: Any = optional("pyarrow", needed_for="Parquet files", extra="parquet")
    parquet: Any = optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")
    extractor: Extractor = StageFeatures(model, reading_of(model.network, options["layer"]))
    unusable: Unusable = []
    used: list[Entry] = []
    columns: dict[str, list[NDArray[Any]]] = {"features": [], "gray": [], "statistics": []}
    for rows, pixels in _usable(entries, model.preprocessing, extractor.batch(), unusable):
        used += rows
        looks = Looks.of(pixels)
        columns["features"] += [features.reshape(len(features), -1) for features in extractor.of(pixels)]
        columns["gray"].append(looks.grays.flatten(1).numpy())
        columns["statistics"].append(looks.statistics)
    beside = _rows(used)
    table = {"image": beside.images, "class": beside.labels, "split": beside.splits}
    table = {name: arrow.array(list(map(spell, texts)), arrow.string()) for name, texts in table.items()}
    for name, blocks in columns.items():
        values = np.concatenate(blocks) if blocks else np.zeros((0, 1), np.float32)
        table[name] = arrow.FixedSizeListArray.from_arrays(arrow.array(values.ravel()), values.shape[1])
    stream = io.BytesIO()
    named = {**metadata, UNUSABLE: _as_text(unusable)}
    parquet.write_table(arrow.table(table).replace_schema_metadata(named), stream, write_page_checksum=True)
    return stream.getvalue(), unusable


def _rows(used: Sequence[Entry]) -> Rows:
    return Rows(
        images=[entry.name for entry in used],
        labels=[entry.label for entry in used],
        splits=[entry.split for entry in used],
    )


def _as_text(unusable: Unusable) -> str:
    return json.dumps([(spell(name), reason) for name, reason in unusable])


def _readers(entries: Sequence[Entry]) -> int:
    """Return in how many threads images are read."""
    return READERS if is_address(entries[0].content) else usable_cores()


def _usable(
    entries: Sequence[Entry], preprocessing: Preprocessing, batch: int, unusable: Unusable
) -> Iterator[tuple[list[Entry], NDArray[np.uint8]]]:
    """Give usable images in batches, and add the others to `unusable`."""
    left = iter(entries)
    given = (entry.given for entry in entries)
    with contextlib.closing(read_batches(given, preprocessing, batch, _readers(entries))) as read:
        for runs in read:
            rows: list[Entry] = []
            for run in runs:
                for index, name in enumerate(run.names):
                    entry = next(left)
                    if index in run.errors:
                        unusable.append((name, run.errors[index]))
                    else:
                        rows.append(entry)
            if rows:
                yield rows, np.concatenate([run.images for run in runs])


COMPUTATIONS: dict[str, Callable[..., Computed]] = {
    "predict": _predictions,
    "features": _features,
    "check": _looks,
    "scan": scan_tiles,
}
"""What computes a shard, by command. To add a command, add one line."""
