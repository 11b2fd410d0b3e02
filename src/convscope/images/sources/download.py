"""Download of named datasets, the only use of the network: on request, verified by SHA-256."""

import contextlib
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from convscope.core.atomic import replacing
from convscope.core.errors import DataError
from convscope.core.extras import optional

if TYPE_CHECKING:
    from convscope.core.progress import Reporter, Task

_CHUNK = 1 << 20
_LONGEST = 1 << 28  # bytes unpacked from one file before it is refused


def download(name: str, address: str, sums: dict[str, str], folder: Path, reporter: "Reporter | None") -> Path:
    """Download the missing files of a dataset, gzipped, into `folder`, and return it.

    Args:
        name: of the dataset, for messages.
        address: of the files, each at ``<address><file>.gz``.
        sums: SHA-256 of each file, unpacked.
        folder: receives the files.
        reporter: shows progress.

    Raises:
        DataError: no network, no such file, or unexpected content.
        MissingPackageError: the package for downloads is not installed.
        StorageError: `folder` cannot be written.
    """
    pooch = optional("pooch", needed_for=f"Downloads of datasets ({name} is not on this computer)", extra="sets")
    for file, expected in sums.items():
        target = folder / f"{file}.gz"
        if target.exists() and unpacked_sum(target) == expected:
            continue
        with replacing(target) as stream:
            _fetch(pooch, name, f"{address}{file}.gz", stream, reporter)
            stream.seek(0)
            if unpacked_sum(stream) != expected:
                raise DataError(
                    f"`{name}` must have the known content. Got another SHA-256 for {file} from {address}. "
                    "Try again later, or give a copy with --data-dir FOLDER."
                )
    return folder


def unpacked_sum(file: Path | BinaryIO) -> str:
    """Return the SHA-256 of the content of a gzipped file, "" if it is damaged or too long."""
    sums, length = hashlib.sha256(), 0
    try:
        with gzip.open(file) as stream:
            while data := stream.read(_CHUNK):
                length += len(data)
                if length > _LONGEST:
                    return ""
                sums.update(data)
    except (OSError, EOFError, zlib.error):
        return ""
    return sums.hexdigest()


def _fetch(pooch: Any, name: str, address: str, file: BinaryIO, reporter: "Reporter | None") -> None:
    """Download `address` to `file`; every network failure is a DataError."""
    title = f"{name}: {address.rpartition('/')[2]}"
    with _progress(title, reporter) as progress:
        fetcher = pooch.HTTPDownloader(progressbar=progress or False, chunk_size=_CHUNK, timeout=30)
        try:
            fetcher(address, file, None)
        except Exception as error:  # requests and urllib3 have separate error trees
            if isinstance(error, MemoryError) or not _of_network(error):
                raise
            raise DataError(
                f"The dataset {name} is not on this computer and cannot be downloaded from {address} "
                f"({_reason(error)}). Connect to the network, or give its four IDX files with --data-dir FOLDER."
            ) from None


def _of_network(error: Exception) -> bool:
    return type(error).__module__.split(".")[0] in ("requests", "urllib3", "http", "socket", "ssl") or isinstance(
        error, (ConnectionError, TimeoutError)
    )


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code}"
    return "no network" if "Connection" in type(error).__name__ else type(error).__name__


@contextlib.contextmanager
def _progress(title: str, reporter: "Reporter | None") -> "Iterator[_PoochBar | None]":
    """Give the progress bar for pooch; the task starts when the length of the file is known."""
    if reporter is None:
        yield None
        return
    with contextlib.ExitStack() as stack:
        yield _PoochBar(title, reporter, stack)


class _PoochBar:
    """The four members of a progress bar that pooch uses."""

    def __init__(self, title: str, reporter: "Reporter", stack: contextlib.ExitStack) -> None:
        self._title, self._reporter, self._stack = title, reporter, stack
        self._total = 0.0
        self._done = 0.0
        self._task: Task | None = None

    @property
    def total(self) -> float:
        """Length of the file in bytes."""
        return self._total

    @total.setter
    def total(self, value: float) -> None:
        self._total = value
        self._task = self._stack.enter_context(self._reporter.task(self._title, value, "bytes"))

    def update(self, amount: float) -> None:
        """Advance by `amount` bytes."""
        self._done = min(self._done + amount, self._total)
        if self._task is not None:
            self._task.update(self._done)

    def reset(self) -> None:
        """Reset, which pooch does before it fills the bar."""
        self._done = 0.0

    def close(self) -> None:
        """Do nothing: the task ends with its block."""
