"""Outputs that are not files: devices, pipes, sockets and open streams."""

import io
import os
import socket
import stat
import sys
from typing import Any, BinaryIO, cast, final

from .targets import Target


def open_stream(target: Target) -> BinaryIO:
    """Return a stream that writes to a device, pipe, socket or open stream."""
    if target.descriptor is not None:
        for stream in (sys.stdout, sys.stderr):  # earlier output comes first
            if stream is not None:
                stream.flush()
        return _buffered(os.dup(target.descriptor))
    mode = 0 if target.status is None else target.status.st_mode
    if stat.S_ISSOCK(mode):
        connection = socket.socket(getattr(socket, "AF_UNIX"))  # noqa: B009  # not on Windows, which has no such files
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
    """A raw stream that cannot seek, and counts its bytes."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._file, self._count = io.FileIO(descriptor, "w"), 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._file.isatty()

    def write(self, data: Any) -> int:
        """Write some of the bytes; return how many."""
        count = self._file.write(data) or 0
        self._count += count
        return count

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._count

    def close(self) -> None:
        """Close it and its descriptor."""
        try:
            super().close()
        finally:
            self._file.close()
