"""The result of a scan: a TIFF or OME-Zarr filled in place, with a journal of finished tiles that outlives any kill."""

import contextlib
import functools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from convscope.core.atomic import explained, open_own, refuse_existing, remove, write_text
from convscope.core.errors import DataError, ParameterError, StorageError
from convscope.core.records import json_text, strict_json, to_json
from convscope.core.temporaries import is_temporary
from convscope.core.text import printable, size_text

from .bigtiff import DESCRIPTION_BYTES, TileLayout, tiff_layout
from .grid import Box, Grid
from .ngff import ARRAY, CHUNKS, GROUP, OWN, array_json, group_json, is_zarr, tiles_file, zarr_layout

_SYNC_S = 1.0  # tiles are flushed together: a flush for each would wait for the disk
_RECORD = np.dtype(
    [
        ("done", "u1"),
        ("random", "<u2"),
        ("nasty", "<u2"),
        ("difference", "<f4"),
        ("largest", "<f4"),
        ("seconds", "<f4"),
        ("checking", "<f4"),
    ]
)
"""What the journal has of a tile: done, positions checked, largest difference, largest logit, seconds for both."""
LARGEST_JOURNAL = 1 << 30
TIFF_NAMES = (".tif", ".tiff", ".btf")
KEY_BYTES = 16
"""The size of a tile's key; the keys lie behind all tiles in the TIFF."""
REUSED = 2
"""The value of `done` for a tile that was not computed, but taken from an earlier result."""


def no_records(grid: Grid) -> NDArray[Any]:
    """Return the records of a scan before its first tile."""
    return np.zeros(grid.tiles[0] * grid.tiles[1], _RECORD)


def record_of(record: Mapping[str, float]) -> tuple[float, ...]:
    """Return the record of a tile that was computed; without numbers, of one that was taken from an earlier result."""
    return (1 if record else REUSED, *(record.get(name, 0) for name in (_RECORD.names or ())[1:]))


def partial(path: Path) -> Path:
    """Return the path of the result while it is not whole."""
    return path.with_name(f"{path.name}.partial")


def journal_of(path: Path) -> Path:
    """Return the path of the journal."""
    return path.with_name(f"{path.name}.journal")


def tile_bytes(side: int, bands: tuple[int, str]) -> int:
    """Return the bytes of a tile."""
    return side * side * bands[0] * np.dtype(bands[1]).itemsize


def tile_data(values: NDArray[Any], side: int, bands: tuple[int, str]) -> bytes:
    """Return the bytes of a tile, whole also where its positions are fewer."""
    whole = values
    if values.shape[:2] != (side, side):
        whole = np.zeros((side, side, bands[0]), bands[1])
        whole[: values.shape[0], : values.shape[1]] = values
    return np.ascontiguousarray(whole, np.dtype(bands[1]).newbyteorder("<")).tobytes()


@final
class MapsFile:
    """A result in progress.

    Args:
        stream: of the TIFF, from `opened`.
        journal: its journal.
        layout: of the TIFF.
        grid: positions and tiles.
        bands: number, and type.
        start: offset of the records in the journal.
        describe: writes the receipt of a Zarr folder; None for a TIFF, which has it in its description.

    Attributes:
        said: what the journal says behind its records, by `note`.
    """

    def __init__(
        self,
        stream: BinaryIO,
        journal: BinaryIO,
        layout: TileLayout,
        *,
        grid: Grid,
        bands: tuple[int, str],
        start: int,
        describe: Callable[[Any], None] | None = None,
    ) -> None:
        self._stream, self._journal, self._layout, self._grid, self._start = stream, journal, layout, grid, start
        self._bands, self._describe = bands, describe
        journal.seek(start)
        self.records = no_records(grid)
        read = np.frombuffer(journal.read(self.records.nbytes), np.uint8)
        self.records.view(np.uint8)[: len(read)] = read
        self.said = _said(journal.read())
        self.first = layout.first
        self._waiting: list[int] = []
        self._synced_s = time.monotonic()

    def write(self, index: int, values: NDArray[Any], record: Mapping[str, float], key: bytes) -> None:
        """Write the positions of a tile, and its key; they count as finished at the next `flush`."""
        self.take(index, tile_data(values, self._grid.tile, self._bands), record_of(record), key)

    def take(self, index: int, data: bytes, record: Any, key: bytes) -> None:
        """Write the bytes of a tile, perhaps of one that was computed elsewhere."""
        self._stream.seek(self._layout.first + index * self._layout.tile_bytes)
        self._stream.write(data)
        self._stream.seek(self._layout.total + index * KEY_BYTES)
        self._stream.write(key)
        self.records[index] = record
        self._waiting.append(index)
        if time.monotonic() - self._synced_s > _SYNC_S:
            self.flush()

    def key(self, index: int) -> bytes:
        """Return the key of a tile that is there."""
        self._stream.seek(self._layout.total + index * KEY_BYTES)
        return self._stream.read(KEY_BYTES)

    def drop(self, tiles: Sequence[int]) -> None:
        """Take tiles for not computed."""
        self.records[tiles] = 0
        self._waiting += tiles
        self.flush()

    def flush(self) -> None:
        """Flush tiles to the disk, then their records: a record is never there before its tile."""
        _sync(self._stream)
        for index in self._waiting:
            self._journal.seek(self._start + index * _RECORD.itemsize)
            self._journal.write(self.records[index].tobytes())
        _sync(self._journal)
        self._waiting, self._synced_s = [], time.monotonic()

    def note(self, **said: Any) -> None:
        """Add to what the journal says behind its records, for `noted`."""
        self._journal.seek(0, os.SEEK_END)
        self._journal.write(f"\n{json.dumps(said)}\n".encode())
        _sync(self._journal)

    def describe(self, receipt: Any) -> None:
        """Write the receipt.

        Raises:
            StorageError: it does not fit.
        """
        if self._describe is not None:
            self._describe(receipt)
            return
        data = json_text(receipt).encode()
        if len(data) >= DESCRIPTION_BYTES:
            raise StorageError(f"A receipt must have below {DESCRIPTION_BYTES:,} bytes. Got {len(data):,}.")
        self._stream.seek(self._layout.description)
        self._stream.write(data.ljust(DESCRIPTION_BYTES, b"\0"))
        _sync(self._stream)


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


@contextlib.contextmanager
def opened(
    path: Path,
    grid: Grid,
    bands: tuple[int, str],
    tags: Mapping[int, Any],
    request: Mapping[str, Any],
    *,
    attributes: Mapping[str, Any],
) -> Iterator[MapsFile]:
    """Give the result at `path`, new or continued; at the end of the block it is renamed if all tiles are there.

    Args:
        path: of the finished TIFF, or Zarr folder.
        grid: positions and tiles; of a continued scan those of its journal, see `begun`.
        bands: number, and type.
        tags: of the TIFF.
        request: what is computed; JSON.
        attributes: of the Zarr folder.

    Raises:
        StorageError: the path is not writable, or the disk is full; finished tiles stay.
    """
    shape, tiles, describe = (*grid.shape, bands[0]), partial(path), None
    if is_zarr(path):
        layout, tiles = zarr_layout(shape, bands[1], grid.tile), partial(path) / CHUNKS
        describe = functools.partial(_describe_zarr, partial(path), attributes, array_json(shape, bands[1], grid.tile))
    else:
        layout = tiff_layout(shape, bands[1], grid.tile, tags=tags)
    head = (json.dumps(request) + "\n").encode()
    is_new = begun(path) is None
    with explained(path), open_own(tiles) as stream, open_own(journal_of(path)) as journal:
        if is_new:
            count = grid.tiles[0] * grid.tiles[1]
            total = layout.total + count * KEY_BYTES
            _check_room(path, total)
            stream.truncate(0)
            stream.write(layout.head)
            layout.head.clear()  # many megabytes for millions of tiles
            stream.truncate(total)
            _sync(stream)
            journal.truncate(0)
            journal.write(head)
            journal.truncate(len(head) + count * _RECORD.itemsize)
            _sync(journal)
        journal.seek(0)
        start = len(journal.readline())  # as it was written, which may say the same in other letters
        file = MapsFile(stream, journal, layout, grid=grid, bands=bands, start=start, describe=describe)
        try:
            yield file
        finally:
            with contextlib.suppress(OSError):  # the error that ended the block is the one to tell
                file.flush()
    if file.records["done"].all():
        with explained(path):
            partial(path).replace(path)
            remove(journal_of(path))


def _describe_zarr(folder: Path, attributes: Mapping[str, Any], array: str, receipt: Any) -> None:
    write_text(folder / ARRAY, array)
    write_text(folder / GROUP, group_json(attributes, to_json(receipt)))


def _check_room(path: Path, total: int) -> None:
    """Raise an error for a result larger than the disk has room for.

    Raises:
        StorageError: it is.
    """
    free = shutil.disk_usage(path.parent if path.parent.is_dir() else ".").free
    if total > free:
        raise StorageError(
            f"Cannot write {printable(str(path))}: it needs {size_text(total)}, and the disk has {size_text(free)}. "
            "Use --best, --classes, a larger --stride or another disk."
        )


def begun(path: Path) -> dict[str, Any] | None:
    """Return the request of a scan to `path` that was cut off; None if there is none.

    Raises:
        DataError: its journal is damaged.
    """
    journal = journal_of(path)
    if not journal.is_file() or not tiles_file(partial(path)).is_file():
        return None
    try:
        if journal.stat().st_size > LARGEST_JOURNAL:
            raise ValueError("large")
        with journal.open("rb") as stream:
            head = stream.readline()
        if not head.endswith(b"\n"):
            return None  # cut off before it was written
        request = strict_json(head)
    except (OSError, ValueError):
        request = None
    if not isinstance(request, dict):
        raise DataError(f"{printable(str(journal))} must be the journal of a scan. It is damaged. Remove it.")
    return request


def finished_tiles(path: Path, file: Path, grid: Grid) -> NDArray[np.bool_]:
    """Return which tiles a result has: all that are in its `file`, or those of the journal while it is not whole."""
    if file == path and not journal_of(path).exists():
        return np.ones(grid.tiles[0] * grid.tiles[1], np.bool_)
    found: NDArray[np.bool_] = np.frombuffer(_journal(path, grid)[0], _RECORD)["done"] > 0
    return found


def noted(path: Path, grid: Grid) -> dict[str, Any]:
    """Return what the journal of a scan that was cut off says behind its records; later notes replace earlier ones."""
    return _said(_journal(path, grid)[1])


def _said(notes: bytes) -> dict[str, Any]:
    """Return what the notes behind the records of a journal say."""
    found: dict[str, Any] = {}
    for line in notes.splitlines():
        with contextlib.suppress(ValueError, TypeError):  # the last one may be cut off
            found |= strict_json(line)
    return found


def _journal(path: Path, grid: Grid) -> tuple[bytes, bytes]:
    """Return the records of a journal, and what is behind them."""
    _, _, data = journal_of(path).read_bytes().partition(b"\n")
    size = grid.tiles[0] * grid.tiles[1] * _RECORD.itemsize
    return data[:size].ljust(size, b"\0"), data[size:]


def check_name(path: Path) -> None:
    """Refuse the name of a result that is neither a TIFF nor a Zarr folder.

    Raises:
        ParameterError: it is another one.
    """
    if not (is_zarr(path) or path.suffix.lower() in TIFF_NAMES):
        raise ParameterError(
            f"`output` must end in .tif, .tiff, .btf or .zarr: maps are a TIFF or Zarr folder. Got {path.name[-40:]!r}."
        )


def clear_for(path: Path, *, force: bool) -> None:
    """Raise an error for an existing result, in any format; with `force` remove it, and one that was cut off.

    Raises:
        StorageError: it is there, and not to be overwritten.
        ParameterError: its name is not that of a TIFF or Zarr folder.
    """
    check_name(path)
    if not (is_zarr(path) and path.is_dir()):
        refuse_existing(path, force=force)
    elif not force:
        raise StorageError(
            f"{printable(str(path))} is already there and is not overwritten. Give another name, or --force."
        )
    if force:
        for one in (path, partial(path)):
            _remove_folder(one) if is_zarr(path) and one.is_dir() else remove(one)
        remove(journal_of(path))


def _remove_folder(folder: Path) -> None:
    """Remove a Zarr folder of a scan.

    Raises:
        StorageError: it has something else in it.
    """
    with explained(folder):
        files = [file for file in folder.rglob("*") if file.is_symlink() or not file.is_dir()]
        unknown = [file for file in files if file.relative_to(folder) not in OWN and not is_temporary(file.name)]
        if unknown or folder.is_symlink():
            other = printable(str(unknown[0] if unknown else folder))
            raise StorageError(f"{printable(str(folder))} has what no scan wrote: {other}. Remove it yourself.")
        shutil.rmtree(folder)


class StoredMaps:
    """The numbers of a finished or half-finished result, read where they are needed.

    Args:
        path: of the TIFF, or Zarr folder.
        grid: positions and tiles.
        bands: number, and type.
        first: offset of the first tile.
    """

    def __init__(self, path: Path, grid: Grid, bands: tuple[int, str], first: int) -> None:
        self.grid = grid
        path = tiles_file(path)
        count, side = grid.tiles[0] * grid.tiles[1], grid.tile
        kind = np.dtype(bands[1]).newbyteorder("<")
        end = first + count * side * side * bands[0] * kind.itemsize
        if path.stat().st_size < end + count * KEY_BYTES:
            raise DataError(f"{printable(str(path))} must be the result of a scan. It is cut off.")
        self.keys = np.memmap(path, np.uint8, "r", end, (count, KEY_BYTES))
        self._tiles = np.memmap(path, kind, "r", first, (count, side, side, bands[0]))

    def box(self, box: Box) -> NDArray[Any]:
        """Return the numbers of some positions, rows × columns × bands."""
        side = self.grid.tile
        result = np.empty((box.rows, box.columns, self._tiles.shape[3]), self._tiles.dtype)
        for line in range(box.row // side, (box.row + box.rows - 1) // side + 1):
            for place in range(box.column // side, (box.column + box.columns - 1) // side + 1):
                tile = self._tiles[line * self.grid.tiles[1] + place]
                top, left = line * side, place * side
                first, last = max(box.row, top), min(box.row + box.rows, top + side)
                near, far = max(box.column, left), min(box.column + box.columns, left + side)
                part = tile[first - top : last - top, near - left : far - left]
                result[first - box.row : last - box.row, near - box.column : far - box.column] = part
        return result
