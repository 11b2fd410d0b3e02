"""The folder of a manifest and its parts, on a disk or at an address: a file in it is whole or absent."""

import contextlib
import os
from pathlib import Path
from typing import BinaryIO, final
from urllib.parse import unquote, urlsplit

from convscope.core.atomic import check_folder, explained, remove, write_bytes
from convscope.core.errors import DataError, StorageError
from convscope.core.remote import file_system, is_address, reached, read_address
from convscope.core.text import printable, size_text

_ONE_PUT = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"}
"""Where a file appears when its last byte is there; elsewhere it is written beside its name and renamed."""


@final
class Store:
    """A folder of whole files; on a disk, perhaps one that many machines share, or at an address of fsspec.

    Args:
        folder: its path or address.
        written: whether files are written into it.

    Attributes:
        address: of the folder, as another process finds it.

    Raises:
        StorageError: a path is no folder, or is to be written and cannot be.
        MissingPackageError: an address needs a package that is not installed.
    """

    address: str

    def __init__(self, folder: "str | os.PathLike[str]", *, written: bool = True) -> None:
        text = os.fspath(folder)
        if not text:
            raise StorageError("`shards` must name a folder. Got an empty name.")
        if is_address(text):
            self.address = text.rstrip("/")
            self._system, self._path = file_system(self.address)
            return
        path = unquote(urlsplit(text).path) if text.startswith("file://") else text
        self._system, self._path, self.address = None, "", os.path.abspath(path)  # noqa: PTH100  # links stay as they are
        if written:
            check_folder(Path(self.address))

    def names(self) -> set[str]:
        """Return the names of the files; none if there is no such folder."""
        with contextlib.suppress(FileNotFoundError):
            if self._system is None:
                return set(os.listdir(self.address))  # noqa: PTH208  # names alone, of perhaps a million files
            with reached(self.address):
                self._system.invalidate_cache(self._path)
                return {str(name).rpartition("/")[2] for name in self._system.ls(self._path, detail=False)}
        return set()

    def open(self, name: str) -> BinaryIO:
        """Return a file for reading.

        Raises:
            FileNotFoundError: there is none.
        """
        if self._system is None:
            return (Path(self.address) / name).open("rb")
        with reached(self.address):
            stream: BinaryIO = self._system.open(f"{self._path}/{name}", "rb")
            return stream

    def read(self, name: str, most: int) -> bytes:
        """Return a file; its size is checked before.

        Raises:
            DataError: it is not there, or has more than `most` bytes.
        """
        where = f"{self.address}/{name}"
        try:
            if self._system is not None:
                return read_address(where, most)
            if (size := Path(where).stat().st_size) > most:
                raise DataError(f"{printable(where)} must have at most {size_text(most)}. Got {size_text(size)}.")
            return Path(where).read_bytes()
        except FileNotFoundError:
            raise DataError(
                f"{printable(self.address)} must have the file {name}. It is not there. Begin anew with --force."
            ) from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file, which is whole or absent whatever happens.

        Raises:
            StorageError: it cannot be written.
        """
        if self._system is None:
            write_bytes(Path(self.address) / name, data)
            return
        kinds = self._system.protocol
        with reached(self.address, missing=True):
            one_put = not _ONE_PUT.isdisjoint([kinds] if isinstance(kinds, str) else kinds)
            if not one_put:  # an object store would make a bucket of a misspelt name
                self._system.makedirs(self._path, exist_ok=True)
            beside = f"{self._path}/{name}" if one_put else f"{self._path}/.{name}.{os.getpid()}.part"
            self._system.pipe_file(beside, data)
            if not one_put:
                self._system.mv(beside, f"{self._path}/{name}")

    def remove(self, name: str) -> None:
        """Remove a file."""
        if self._system is None:
            with explained(Path(self.address) / name):
                remove(Path(self.address) / name)
            return
        with contextlib.suppress(FileNotFoundError), reached(self.address):
            self._system.rm_file(f"{self._path}/{name}")
