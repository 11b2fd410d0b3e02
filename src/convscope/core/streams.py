"""Outputs that are not files: devices, pipes, sockets and open streams."""

import io
import os
import socket
import stat
import sys
from typing import Any, BinaryIO, cast, final

from .targets import Target


def open_stream(target: Target) -> BinaryIO:
    """Return what writes to a device, pipe or socket, or to a stream that is open."""
    if target.descriptor is not None:
        for stream in (sys.stdout, sys.stderr):  # what was said before comes before
            if stream is not None:
                stream.flush()
        return _buffered(os.dup(target.descriptor))
    mode = 0 if target.status is None else target.status.st_mode
    if stat.S_ISSOCK(mode):
        connection = socket.socket(getattr(socket, "AF_UNIX"))  # noqa: B009  # Windows has none, and no such files
        try:
            connection.connect(str(target.resolved))
            return _buffered(connection.detach())
        finally:
            connection.close()
    flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    return _buffered(os.open(target.resolved, flags))


def _buffered(descriptor: int) -> BinaryIO:
    return cast("BinaryIO", io.BufferedWriter(_ByteSink(descriptor)))


@final
class _ByteSink(io.RawIOBase):
    """What takes bytes and cannot go back; it knows how many there were."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._file, self._count = io.FileIO(descriptor, "w"), 0

    def writable(self) -> bool:
        """Return that it takes bytes."""
        return True

    def fileno(self) -> int:
        """Return its number."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._file.isatty()

    def write(self, data: Any) -> int:
        """Take some of the bytes; return how many."""
        count = self._file.write(data) or 0
        self._count += count
        return count

    def tell(self) -> int:
        """Return how many bytes there were."""
        return self._count

    def close(self) -> None:
        """Close it, and what it is passed to."""
        try:
            super().close()
        finally:
            self._file.close()
