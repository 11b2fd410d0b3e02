"""The check that every image has its result exactly once, and one file, or one index, of all parts."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from convscope.core.atomic import replacing
from convscope.core.errors import DataError
from convscope.core.extras import optional
from convscope.core.progress import Reporter
from convscope.core.records import strict_json
from convscope.core.text import counted, printable
from convscope.images.inspection import spell

from .computations import UNUSABLE, Unusable
from .manifest import IDENTITY, METADATA, Manifest, finished_shards, part_name
from .store import Store

_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What all parts hold: the number of images (or tiles), the unusable ones with reasons, and the parts."""

    images: int
    unusable: tuple[tuple[str, str], ...]
    parts: int
    unit: str = "image"


def merge_parts(store: Store, manifest: Manifest, path: Path | None, reporter: Reporter) -> Merged:
    """Check every part and write one Parquet file; without `path`, the index of the folder, ``_metadata``.

    Raises:
        DataError: a part is missing, unknown, or does not have exactly the images of its shard.
        StorageError: the file cannot be written.
        MissingPackageError: pyarrow is not installed.
    """
    check_finished(store, manifest)
    unusable: Unusable = []
    with reporter.task("merging", manifest.images, "images") as task:
        if path is not None:
            with replacing(path) as stream:
                _copy(checked_parts(store, manifest, unusable, task), stream)
        else:
            _index(checked_parts(store, manifest, unusable, task), store)
    return Merged(images=manifest.images, unusable=tuple(unusable), parts=len(manifest.shards))


def check_finished(store: Store, manifest: Manifest) -> None:
    """Raise an error for a folder that lacks parts, or has parts of no shard.

    Raises:
        DataError: it does.
    """
    finished, wanted = finished_shards(store), range(len(manifest.shards))
    if missing := [number for number in wanted if number not in finished]:
        raise DataError(
            f"{printable(store.address)} must have all {counted(len(wanted), 'part')}. Got "
            f"{len(wanted) - len(missing):,}: {_named(missing, manifest.request.kind)} missing. Run the same command "
            "again; it computes them."
        )
    if unknown := sorted(finished - set(wanted)):
        raise DataError(
            f"{printable(store.address)} must have the {counted(len(wanted), 'part')} of its manifest. Got "
            f"{_named(unknown, manifest.request.kind)} besides. Remove them."
        )


def _named(numbers: Sequence[int], kind: str) -> str:
    more = f" and {len(numbers) - _MOST_NAMED:,} more" if len(numbers) > _MOST_NAMED else ""
    return f"{', '.join(part_name(number, kind) for number in numbers[:_MOST_NAMED])}{more}"


def checked_parts(store: Store, manifest: Manifest, unusable: Unusable, task: Any) -> Iterator[tuple[str, Any]]:
    """Give name and file of every part that has exactly the images of its shard; unusable images are added up."""
    parquet = optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")
    identity = manifest.identity.encode()
    for number, shard in enumerate(manifest.shards):
        name = part_name(number)
        with store.open(name) as stream:
            try:
                file = parquet.ParquetFile(stream, page_checksum_verification=True)
                metadata = file.schema_arrow.metadata or {}
                names = file.read(["image"])["image"].to_pylist()
                stored = strict_json(metadata.get(UNUSABLE.encode(), b"[]"))
                without = [(str(image), str(why)) for image, why in stored]
                rejected = without or _errors(file)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise refused(name, f"it cannot be read ({printable(str(error))})") from None
            if metadata.get(IDENTITY.encode()) != identity:
                raise refused(name, "it is of another manifest")
            _check_images(manifest, store, number, names, dict(without))
            unusable += rejected
            yield name, file
        task.advance(shard.images)


def _check_images(manifest: Manifest, store: Store, number: int, names: Sequence[str], without: dict[str, str]) -> None:
    """Raise an error for a part whose rows are not the images of its shard, each once and in order."""
    expected = [name for entry in manifest.entries(store, number) if (name := spell(entry.name)) not in without]
    if list(names) != expected:
        seen = len(set(names))
        found = f"{len(names):,} rows of {counted(seen, 'image')}" if seen < len(names) else counted(seen, "image")
        raise refused(part_name(number), f"it has {found}, not the {len(expected):,} of its shard in their order")


def _errors(file: Any) -> Unusable:
    """Return the images with an error in a table of predictions."""
    if file.schema_arrow.names[-1] != "error":
        return []
    table = file.read(["image", "error"])
    pairs = zip(table["image"].to_pylist(), table["error"].to_pylist(), strict=True)
    return [(image, error) for image, error in pairs if error is not None]


def refused(name: str, reason: str) -> DataError:
    """Return the error of a part that cannot be merged."""
    return DataError(f"{name} cannot be merged: {reason}. Remove it, and run the same command again.")


def _copy(parts: Iterator[tuple[str, Any]], stream: Any) -> None:
    """Write the rows of all parts into one file."""
    parquet = optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")
    first = next(parts)
    with parquet.ParquetWriter(stream, first[1].schema_arrow.remove_metadata()) as writer:
        for name, file in chain([first], parts):
            for batch in _batches(name, file):
                writer.write_batch(batch.replace_schema_metadata(None))


def _batches(name: str, file: Any) -> Iterator[Any]:
    """Give the rows of a part.

    Raises:
        DataError: they are damaged.
    """
    try:
        yield from file.iter_batches()
    except (OSError, ValueError) as error:
        raise refused(name, f"it cannot be read ({printable(str(error))})") from None


def _index(parts: Iterator[tuple[str, Any]], store: Store) -> None:
    """Write what all parts hold and where, for readers of Parquet folders."""
    whole: Any = None
    stream = io.BytesIO()
    for name, file in parts:
        metadata = file.metadata
        metadata.set_file_path(name)
        if whole is None:
            whole = metadata
        else:
            whole.append_row_groups(metadata)
    whole.write_metadata_file(stream)
    store.write(METADATA, stream.getvalue())
