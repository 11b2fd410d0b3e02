"""The folder of a manifest and its parts, on a disk or at an address: a file in it is whole or absent."""

import contextlib
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, BinaryIO, final
from urllib.parse import unquote, urlsplit

from convscope.core.atomic import check_folder, explained, remove, write_bytes
from convscope.core.errors import DataError, StorageError
from convscope.core.remote import file_system, is_address, reached, read_address
from convscope.core.text import printable, size_text

_ONE_PUT = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"}
"""Where a file appears when its last byte is there; elsewhere it is written beside its name and renamed."""


class Store(ABC):
    """A folder of whole files.

    Attributes:
        address: of the folder, as another process finds it.
    """

    address: str

    @abstractmethod
    def names(self) -> set[str]:
        """Return the names of the files in the folder; none if there is no such folder."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Return a file for reading.

        Raises:
            FileNotFoundError: there is none.
        """

    @abstractmethod
    def read(self, name: str, most: int) -> bytes:
        """Return a file.

        Raises:
            DataError: it is not there, or has more than `most` bytes.
        """

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a file, which is whole or absent whatever happens.

        Raises:
            StorageError: it cannot be written.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file."""

    def _missing(self, name: str) -> DataError:
        return DataError(f"{printable(self.address)} must have the file {name}. It is not there. Give another folder.")


@final
class LocalFolder(Store):
    """A folder on a disk, perhaps one that many machines share."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.abspath(path))  # noqa: PTH100  # links stay as they are
        self.address = str(self._path)
        check_folder(self._path)

    def names(self) -> set[str]:
        """Return the names of the files."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._path) as entries:
            return {entry.name for entry in entries}
        return set()

    def open(self, name: str) -> BinaryIO:
        """Return a file for reading."""
        return (self._path / name).open("rb")

    def read(self, name: str, most: int) -> bytes:
        """Return a file; its size is checked before."""
        path = self._path / name
        try:
            size = path.stat().st_size
            if size > most:
                raise DataError(f"{printable(str(path))} must have at most {size_text(most)}. Got {size_text(size)}.")
            return path.read_bytes()
        except FileNotFoundError:
            raise self._missing(name) from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file beside its name, and rename it."""
        write_bytes(self._path / name, data)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with explained(self._path / name):
            remove(self._path / name)


@final
class RemoteFolder(Store):
    """A folder at an address of fsspec."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._system, self._path = file_system(self.address)

    def names(self) -> set[str]:
        """Return the names of the files."""
        with contextlib.suppress(FileNotFoundError), reached(self.address):
            self._system.invalidate_cache(self._path)
            return {str(name).rpartition("/")[2] for name in self._system.ls(self._path, detail=False)}
        return set()

    def open(self, name: str) -> BinaryIO:
        """Return a file for reading."""
        with reached(self.address):
            stream: BinaryIO = self._system.open(f"{self._path}/{name}", "rb")
            return stream

    def read(self, name: str, most: int) -> bytes:
        """Return a file; no more than `most` bytes are asked for."""
        try:
            return read_address(f"{self.address}/{name}", most)
        except FileNotFoundError:
            raise self._missing(name) from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file in one request, or beside its name, and rename it."""
        path, kinds = f"{self._path}/{name}", self._system.protocol
        with reached(self.address):
            self._system.makedirs(self._path, exist_ok=True)
            if {kinds, *kinds} & _ONE_PUT:
                self._system.pipe_file(path, data)
                return
            beside = f"{self._path}/.{name}.{os.getpid()}.part"
            self._system.pipe_file(beside, data)
            self._system.mv(beside, path)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with contextlib.suppress(FileNotFoundError), reached(self.address):
            self._system.rm_file(f"{self._path}/{name}")


def open_store(folder: "str | os.PathLike[str]") -> Store:
    """Return the folder at a path or address.

    Raises:
        StorageError: a path is no folder, or is not writable.
        MissingPackageError: an address needs a package that is not installed.
    """
    text: Any = os.fspath(folder)
    if is_address(text):
        return RemoteFolder(text)
    if not text:
        raise StorageError("`shards` must name a folder. Got an empty name.")
    return LocalFolder(Path(unquote(urlsplit(text).path)) if text.startswith("file://") else Path(text))
