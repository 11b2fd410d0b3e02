"""Images that are separate files, from a folder or a list."""

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np

from convscope.images.decoding.decoder import Decoded, decode

from .source import Source, no_class

_SAMPLED_FILES = 64
_SAMPLED_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FileSource(Source):
    """Image files.

    root: the folder that `files` are relative to. files: their paths, as found or as in the list; absolute
    ones are kept.
    """

    root: Path
    files: tuple[str, ...]

    def image_name(self, index: int) -> str:
        """Return the path relative to the source."""
        return self.files[index]

    def path(self, index: int) -> Path:
        """Return the file of one image."""
        return self.root / self.files[index]

    def decode(self, index: int, near: tuple[int, int] | None = None) -> Decoded:
        """Return one image, or raise UnreadableImageError."""
        return decode(self.path(index), near=near)

    def stack(self) -> None:
        """Return None: files have different sizes."""
        return

    def fingerprint(self) -> str:
        """Return a hash of all paths, sizes, modification times, labels and splits, and of the bytes of 64 files."""
        sums = hashlib.blake2b(digest_size=16)
        sums.update(repr((self.classes, len(self.files))).encode())
        sums.update("\0".join(self.files).encode("utf-8", "surrogatepass"))
        sums.update(self.labels.tobytes())
        sums.update(self.splits.tobytes())
        sums.update(np.array([_state(self._full(file)) for file in self.files], np.int64).tobytes())
        for index in np.linspace(0, len(self.files) - 1, min(_SAMPLED_FILES, len(self.files)), dtype=int):
            start = first_bytes(self._full(self.files[index]), _SAMPLED_BYTES)
            sums.update(b"none" if start is None else start)
        return sums.hexdigest()

    def _full(self, file: str) -> str:
        return os.path.join(self.root, file)


def unlabeled_files(
    root: Path,
    files: tuple[str, ...],
    *,
    name: str,
    ignored: tuple[str, ...] = (),
    passed_over: tuple[tuple[str, str], ...] = (),
) -> FileSource:
    """Return unlabeled image files as a source."""
    return FileSource(
        name=name, root=root, files=files, ignored=ignored, passed_over=passed_over, **no_class(len(files))
    )


def _state(file: str) -> tuple[int, int, int]:
    """Return size, and times of change of content and of the entry; -1 where there is no such file."""
    try:
        state = os.stat(file)
    except (OSError, ValueError):
        return -1, -1, -1
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns


def first_bytes(file: str, count: int) -> bytes | None:
    """Return how a file begins, at most `count` bytes; None where it cannot be read."""
    try:
        if not os.path.isfile(file):  # opening a pipe would block for ever
            return None
        with open(file, "rb") as stream:
            return stream.read(count)
    except (OSError, ValueError):
        return None
