"""The standard streams of the process, none of which need be there: services close them, and so does ``<&-``."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from convscope.core.errors import StorageError


@contextlib.contextmanager
def filled() -> Iterator[None]:
    """Let standard output and error write out what their encoding cannot show, or nothing where they are closed.

    The numbers of streams that are closed are taken by the null device: else the next file that is opened would get
    one, and what libraries print would go into it.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
        with contextlib.suppress(OSError):
            if not _is_open(number):
                _take(number, os.open(os.devnull, flags))
    missing = [name for name in ("stdout", "stderr") if getattr(sys, name) is None]
    for name in missing:
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123  # closed below
    before = [(stream, stream.errors) for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    for stream, _ in before:  # those that are not are a caller's own
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in before:
            with contextlib.suppress(OSError, ValueError):  # what is still to be written cannot be, or it is closed
                stream.reconfigure(errors=errors)
        for name in missing:
            getattr(sys, name).close()
            setattr(sys, name, None)


def need_output(instead: str) -> None:
    """Refuse to compute what would go to standard output where that is closed; `instead` says what else to do.

    Raises:
        StorageError: it is closed.
    """
    if sys.stdout is None or getattr(sys.stdout, "name", None) == os.devnull:
        raise StorageError(f"There is no standard output to write to: it is closed. {instead}")


def standard_input() -> BinaryIO:
    """Return standard input.

    Raises:
        StorageError: there is none.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise StorageError(
            "There is no standard input to read names from: it is closed. Name the images in the command, or send "
            "their names through a pipe."
        )
    return sys.stdin.buffer


def discard_output() -> None:
    """Send what is still to be written nowhere, so that the end of the process does not complain."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        _take(sys.stdout.fileno(), os.open(os.devnull, os.O_WRONLY))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _take(number: int, opened: int) -> None:
    """Let an open file have the number of a standard stream."""
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    else:
        os.set_inheritable(number, True)  # as standard streams are
