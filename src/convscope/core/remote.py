"""Addresses of files in other places than a disk, such as ``s3://bucket/folder``; opened by fsspec.

Credentials are those that the user's own settings give to fsspec's file systems; convscope knows none.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from .errors import DataError, MissingPackageError, ParameterError, StorageError
from .extras import optional
from .text import printable, size_text

_ADDRESS = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]+://")
LARGEST_FILE = 1 << 29  # bytes, of one that is read as a whole


def is_address(text: Any) -> bool:
    """Return whether a text is the address of a file system other than the local one.

    Examples:
        >>> [is_address(text) for text in ("s3://bucket/cat.jpg", "cat.jpg", "file:///cat.jpg", "C:/cat.jpg")]
        [True, False, False, False]
    """
    return isinstance(text, str) and _ADDRESS.match(text) is not None


def file_system(address: str) -> tuple[Any, str]:
    """Return the file system of fsspec that an address names, and the path there.

    Raises:
        MissingPackageError: fsspec, or what it needs for this kind of address, is not installed.
        ParameterError: there is no such kind of address, or it is a chain of several.
    """
    if "::" in address:
        raise ParameterError(f"An address must be of one file system. Got {printable(address)!r}, a chain of several.")
    fsspec = optional("fsspec.core", needed_for="Addresses such as s3://", extra="remote")
    try:
        with reached(address):
            opened: tuple[Any, str] = fsspec.url_to_fs(address)
            return opened
    except ImportError as error:
        raise MissingPackageError(f"{printable(address)} cannot be opened: {printable(str(error))}.") from error
    except ValueError as error:
        raise ParameterError(f"An address must be of a kind that fsspec knows. Got {printable(address)!r}.") from error


@contextlib.contextmanager
def reached(address: str, *, missing: bool = False) -> Iterator[None]:
    """Turn what a file system raises in the block into a StorageError about `address`.

    FileNotFoundError stays, unless `missing` is set, where nothing but a bucket can be missing.

    Raises:
        StorageError: the block raised an error of another kind.
    """
    try:
        yield
    except (ImportError, ValueError, StorageError):
        raise
    except Exception as error:  # each file system has errors of its own
        if isinstance(error, FileNotFoundError) and not missing:
            raise
        reason = printable(str(error) or type(error).__name__)
        raise StorageError(
            f"{printable(address)} cannot be used: {reason}. Check the address and its rights."
        ) from error


def read_address(address: str, most: int = LARGEST_FILE) -> bytes:
    """Return the bytes of the file at `address`; no more than `most` are ever asked for.

    Raises:
        FileNotFoundError: there is none.
        DataError: it is larger.
        StorageError: the file system does not give it.
    """
    system, path = file_system(address)
    with reached(address):
        try:
            data: bytes = system.cat_file(path, start=0, end=most + 1)
        except Exception:  # object stores refuse a range of an empty file, each by an error of its own
            if system.size(path) != 0:
                raise
            return b""
    if len(data) > most:
        raise DataError(f"{printable(address)} must be a file of at most {size_text(most)}. It is larger.")
    return data


def list_addresses(address: str, endings: frozenset[str]) -> list[str]:
    """Return the address itself if it names a file, else those of all files with one of `endings` in and below it.

    A pattern with ``*`` stands for what it matches. Hidden files and folders are left out.

    Raises:
        StorageError: it cannot be listed.
    """
    system, path = file_system(address)
    with reached(address, missing=True):
        if "*" in path:
            found = [name for name in system.glob(path) if system.isfile(name)]
        elif system.isfile(path):
            return [address]
        else:
            found = system.find(path)
    root = path.rstrip("/") + "/"
    listed = (
        name
        for name in found
        if name[name.rfind(".") :].lower() in endings and "/." not in f"/{name.removeprefix(root)}"
    )
    on_disk = "file" in system.protocol
    return [name if on_disk else str(system.unstrip_protocol(name)) for name in listed]
