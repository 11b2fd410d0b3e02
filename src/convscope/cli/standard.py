"""The standard streams of the process, any of which may be closed: by services, or by ``<&-``."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from convscope.core.errors import StorageError


@contextlib.contextmanager
def filled() -> Iterator[None]:
    """Escape what the encoding of standard output and error cannot show; discard output where they are closed.

    The null device takes the file numbers of closed streams: otherwise the next opened file would get one, and what
    libraries print would go into it.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
        with contextlib.suppress(OSError):
            if not _is_open(number):
                _take(number, os.open(os.devnull, flags))
    missing = [name for name in ("stdout", "stderr") if getattr(sys, name) is None]
    for name in missing:
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123  # closed below
    before = [(stream, stream.errors) for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    for stream, _ in before:  # others are the caller's own
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in before:
            with contextlib.suppress(OSError, ValueError):  # unwritable, or closed
                stream.reconfigure(errors=errors)
        for name in missing:
            getattr(sys, name).close()
            setattr(sys, name, None)


def need_output(instead: str) -> None:
    """Check that standard output is open before computing for it; `instead` says what else to do.

    Raises:
        StorageError: standard output is closed.
    """
    if sys.stdout is None or getattr(sys.stdout, "name", None) == os.devnull:
        raise StorageError(f"There is no standard output to write to: it is closed. {instead}")


def standard_input() -> BinaryIO:
    """Return standard input.

    Raises:
        StorageError: standard input is closed.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise StorageError(
            "There is no standard input to read names from: it is closed. Name the images in the command, or send "
            "their names through a pipe."
        )
    return sys.stdin.buffer


def discard_output() -> None:
    """Discard unwritten output, so that the end of the process does not fail."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        _take(sys.stdout.fileno(), os.open(os.devnull, os.O_WRONLY))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _take(number: int, opened: int) -> None:
    """Give an open file the number of a standard stream."""
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    else:
        os.set_inheritable(number, True)  # as standard streams are
