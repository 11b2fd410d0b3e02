"""The cache entry of a source: reused if it is complete, otherwise built and renamed into place."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

from convscope.core.errors import StorageError
from convscope.core.progress import Reporter
from convscope.core.records import to_json
from convscope.core.temporaries import temporary_folder
from convscope.images.inspection import spell
from convscope.images.loading.facts import FACTS
from convscope.images.loading.pool import load_images
from convscope.images.preprocessing import Preprocessing
from convscope.images.sampling import Sample, take_sample
from convscope.images.sizes import ImageOptions, choose_preprocessing, set_preprocessing
from convscope.images.sources.source import Source

from .entry import (
    FACTS_FILE,
    IMAGES,
    PIXELS,
    VERSION,
    CachedImages,
    CacheIndex,
    checksums,
    facts_sum,
    read_entry,
    state,
    write_index,
)
from .folder import FOLDER_VARIABLE, building, cache_folder, remove, touch
from .limit import make_room

_INDEX = 4096  # approximate bytes of an index
_MOVED = 16 << 20  # bytes at a time
_NO_PERMISSION = (errno.EACCES, errno.EROFS, errno.EPERM)


def cached(
    source: Source, options: ImageOptions, *, cache_dir: Path | None, reporter: Reporter, workers: int | None
) -> tuple[CachedImages, tuple[str, ...]]:
    """Return the cache entry of a source, built if there is no complete one, and notes on it.

    Raises:
        DataError: no image can be read.
        StorageError: the disk is full or fails.
    """
    key = cache_key(source, options)

    def build(sample: Sample, folder: Path) -> CachedImages:
        return _build(source, options, sample, folder=folder, key=key, reporter=reporter, workers=workers)

    try:
        folder = cache_folder(cache_dir)
    except StorageError as error:  # no home
        return _until_the_end(partial(build, take_sample(source)), str(error).partition(".")[0])
    entry = read_entry(folder / key, key) or _same_pixels(source, options, folder)
    if entry is not None:
        touch(folder / entry.index.key)
        return entry, ()
    sample = take_sample(source, reporter)
    try:
        return build(sample, folder), ()
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        if error.errno not in _NO_PERMISSION and not isinstance(error, (NotADirectoryError, FileExistsError)):
            raise _failed(error, folder) from error
    return _until_the_end(partial(build, sample), f"{folder} cannot be written")


def _until_the_end(build: Callable[[Path], CachedImages], why: str) -> tuple[CachedImages, tuple[str, ...]]:
    """Return an entry in a temporary folder, removed together with its images, and a note with the reason."""
    folder, entry = temporary_folder(), None
    try:
        entry = build(folder)
    except OSError as error:
        raise error if isinstance(error, StorageError) else _failed(error, folder) from error
    finally:
        if entry is None:
            shutil.rmtree(folder, ignore_errors=True)
    weakref.finalize(entry.images, _remove_own, folder, os.getpid())
    return entry, (f"cache: {why}; the images are cached in {folder} until the end",)


def _remove_own(folder: Path, process: int) -> None:
    """Remove a folder of this process; a forked child leaves it alone."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def cache_key(source: Source, options: ImageOptions) -> str:
    """Return the name of the entry: a hash of the images, the options and the versions."""
    return _digest([VERSION, PIL.__version__, source.fingerprint(), to_json(options)])


def _same_pixels(source: Source, options: ImageOptions, folder: Path) -> CachedImages | None:
    """Return the entry of the same images, whose options left to the data what `options` set; None if there is none.

    A trained model sets all that was chosen by the data when it was trained.
    """
    found = set_preprocessing(options)
    if found is None:
        return None
    preprocessing, notes = found
    with contextlib.suppress(OSError):
        for mark in folder.glob(f"*/{_mark(source, preprocessing)}"):
            entry = read_entry(mark.parent, mark.parent.name)
            if entry is not None:
                return replace(entry, index=replace(entry.index, notes=notes))
    return None


def _mark(source: Source, preprocessing: Preprocessing) -> str:
    """Return the name of the file that tells which pixels an entry holds."""
    return f"{PIXELS}{_digest([VERSION, PIL.__version__, source.fingerprint(), to_json(preprocessing)])}"


def _digest(identity: list[object]) -> str:
    return hashlib.blake2b(json.dumps(identity, sort_keys=True).encode(), digest_size=16).hexdigest()


def _build(
    source: Source,
    options: ImageOptions,
    sample: Sample,
    *,
    folder: Path,
    key: str,
    reporter: Reporter,
    workers: int | None,
) -> CachedImages:
    entry = read_entry(folder / key, key)
    if entry is not None:  # another process has built it since
        return entry
    preprocessing, notes = choose_preprocessing(options, sample)
    area = preprocessing.height * preprocessing.width * preprocessing.channels
    _make_way(folder / key)
    make_room(folder, len(source) * (area + FACTS.itemsize) + _INDEX)
    with building(folder) as building_folder:
        target = building_folder / IMAGES
        _reserve(target, len(source) * area)
        loaded = load_images(
            source, preprocessing, pixels=sample.pixels, target=target, reporter=reporter, workers=workers
        )
        rows = close_gaps(target, loaded.facts["unusable"], area)
        (building_folder / FACTS_FILE).write_bytes(loaded.facts.tobytes())
        _flush(target)
        (building_folder / _mark(source, preprocessing)).touch()
        write_index(
            building_folder,
            CacheIndex(
                version=VERSION,
                key=key,
                name=spell(source.name),
                images=len(source),
                rows=rows,
                preprocessing=preprocessing,
                notes=notes,
                reasons={str(index): reason for index, reason in loaded.reasons.items()},
                remarks={str(index): remarks for index, remarks in loaded.remarks.items()},
                written=state(target),
                facts=facts_sum(loaded.facts),
                blocks=checksums(target),
            ),
        )
        return _settle(building_folder, folder / key, key)


def _make_way(folder: Path) -> None:
    """Remove an incomplete entry."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()  # only an entry has such a name
    else:
        remove(folder)


def _settle(built: Path, folder: Path, key: str) -> CachedImages:
    """Rename what was built into place; if another process was faster, use its entry if it is complete."""
    with contextlib.suppress(OSError):
        built.rename(folder)
    entry = read_entry(folder, key)
    if entry is None:
        raise StorageError(
            f"The cache in {folder} changed while it was built. Start again; if that does not help, clear it with: "
            "convscope cache --clear"
        )
    return entry


def close_gaps(path: Path, unusable: NDArray[np.bool_], area: int) -> int:
    """Move the rows (of `area` bytes) of usable images together, truncate the file, and return their number."""
    usable = np.flatnonzero(~unusable)
    first = int(np.argmax(unusable)) if unusable.any() else len(unusable)
    step = max(1, _MOVED // area)
    with open(path, "r+b") as file:
        for start in range(first, len(usable), step):
            block = usable[start : start + step]
            rows = []
            for neighbors in np.split(block, np.flatnonzero(np.diff(block) > 1) + 1):
                file.seek(int(neighbors[0]) * area)
                rows.append(file.read(len(neighbors) * area))
            file.seek(start * area)
            file.writelines(rows)
        file.truncate(len(usable) * area)
    return len(usable)


def _reserve(path: Path, size: int) -> None:
    """Create a file of `size` bytes, with its disk space allocated where the system can."""
    with open(path, "wb") as file:
        file.truncate(size)
        if hasattr(os, "posix_fallocate") and size:
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise  # other file systems cannot allocate ahead: writing fails then


def _flush(path: Path) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def _failed(error: OSError, folder: Path) -> StorageError:
    reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
    return StorageError(
        f"Cannot write the cache of the images in {folder}: {reason}. "
        f"Free some space, or choose another folder with {FOLDER_VARIABLE}=FOLDER."
    )
