"""Messages of libtiff and warnings of Pillow: captured for each image, never printed, thread-safe."""

import contextlib
import ctypes
import functools
import logging
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

from PIL import _imaging

from convscope.core.forks import after_fork
from convscope.core.text import printable

from .shared import SharedContext

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"MM*\0", b"II\0*")
"""First bytes of a TIFF or BigTIFF file, in the orders that Pillow takes."""

DAMAGED = "its decoder reported damage"
"""How a remark on messages begins."""

_MOST, _LONGEST = 100, 512  # messages per image, bytes per message
_SHOWN = 120
# Warnings of codecs concern pixels; those of libtiff itself (an unknown tag, an odd count) do not.
_ABOUT_PIXELS = re.compile(r"JPEGLib|Fax|PackBits|Thunder|NeXT|PixarLog|LogL|ZIP|ZSTD|LZMA|WebP|OJPEG")
_LINE = re.compile(rb"[\w .\-/\\]{1,200}: [^\x1b\r]{1,500}\.\r?")  # as printed by libtiff's own handlers
_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)  # the last is a va_list
_SETTERS: Final = ("TIFFSetErrorHandler", "TIFFSetWarningHandler")

_lock = threading.RLock()
_mine = threading.local()  # the list of the decoding thread


@contextlib.contextmanager
def captured_messages(start: bytes) -> Iterator[list[str]]:
    """Give the list that receives the messages of libtiff in this thread while one image is decoded.

    start: first bytes of the file; only libtiff prints messages, so other formats cost nothing. libtiff has one handler
    per process: the first thread sets it, the last one restores the previous handler, which still receives the
    messages of other threads.
    """
    messages: list[str] = []
    if not start.startswith(TIFF_STARTS):
        yield messages
        return
    with _handled.inside() if _library() is not None else _redirected(messages):
        before = getattr(_mine, "messages", None)
        _mine.messages = messages
        try:
            yield messages
        finally:
            _mine.messages = before


def first_message(messages: list[str]) -> str:
    """Return the first message about one image, shortened for display; "" if there is none.

    Examples:
        >>> first_message(["ZIPDecode: incorrect data check.", "x.tif: again."]), first_message([])
        ('incorrect data check', '')
    """
    if not messages:
        return ""
    text = messages[0]
    module, _, rest = text.partition(": ")
    text = printable(rest if rest and len(module) < 60 else text).strip().rstrip(".")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def remarks_on(messages: list[str]) -> tuple[str, ...]:
    """Return the remark on the messages of a decoder.

    Examples:
        >>> remarks_on(["Fax4Decode: Bad code word at line 7"]), remarks_on([])
        (('its decoder reported damage: Bad code word at line 7',), ())
    """
    return (f"{DAMAGED}: {first_message(messages)}",) if messages else ()


@contextlib.contextmanager
def _handlers() -> Iterator[None]:
    library = _library()
    setters = [getattr(library, name) for name in _SETTERS]
    for level, (setter, handler) in enumerate(zip(setters, _our_handlers(), strict=True)):
        _before[level] = setter(ctypes.cast(handler, ctypes.c_void_p)) or 0
    try:
        yield
    finally:
        for setter, before in zip(setters, _before, strict=True):
            setter(before or None)


_before = [0, 0]  # addresses of the previous handlers of errors and warnings


@functools.cache
def _our_handlers() -> tuple[Any, Any]:
    """Return the two handlers, never freed, because libtiff may be about to call one in another thread."""
    return _HANDLER(functools.partial(_take, 0)), _HANDLER(functools.partial(_take, 1))


def _take(level: int, module: bytes | None, form: bytes | None, arguments: int | None) -> None:
    """Record one message; level: 0 an error, 1 a warning."""
    messages: list[str] | None = getattr(_mine, "messages", None)
    if messages is None:
        if _before[level]:
            _HANDLER(_before[level])(module, form, arguments)
        return
    name = (module or b"").decode("utf-8", "replace")
    if len(messages) < _MOST and form is not None and (level == 0 or _ABOUT_PIXELS.match(name)):
        text = ctypes.create_string_buffer(_LONGEST)
        _printf()(text, _LONGEST, form, arguments)
        messages.append(f"{name}: {text.value.decode('utf-8', 'replace')}")


@functools.cache
def _printf() -> Callable[..., int]:
    function = ctypes.CDLL(None).vsnprintf
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]
    return function


@functools.cache
def _library() -> ctypes.CDLL | None:
    """Return the libtiff that Pillow is linked with, None if it is inaccessible (linked statically, as on Windows)."""
    if os.name != "posix":
        return None
    try:
        library = ctypes.CDLL(_imaging.__file__)  # symbols are looked up in the libraries it is linked with, too
        for name in _SETTERS:
            getattr(library, name).argtypes = [ctypes.c_void_p]
            getattr(library, name).restype = ctypes.c_void_p
        _printf()
    except (OSError, AttributeError):
        return None
    return library


@contextlib.contextmanager
def _quiet_log() -> Iterator[None]:
    """Drop Pillow's log messages about our images: without logging configured, Python would print them."""
    logger = logging.getLogger("PIL.TiffImagePlugin")
    logger.addFilter(_not_ours)
    try:
        yield
    finally:
        logger.removeFilter(_not_ours)


def _not_ours(_: logging.LogRecord) -> bool:
    return getattr(_mine, "messages", None) is None


@contextlib.contextmanager
def _redirected(messages: list[str]) -> Iterator[None]:
    """Redirect file descriptor 2 to a file while one image is decoded, one at a time; print all but libtiff's lines.

    Used only where libtiff's handlers cannot be set. Without a descriptor 2, nothing can be printed.
    """
    with _lock, _quiet_log(), tempfile.TemporaryFile() as taken:
        try:
            saved = os.dup(2)
        except OSError:
            yield
            return
        try:
            _flush()
            os.dup2(taken.fileno(), 2)
            try:
                yield
            finally:
                _flush()
                os.dup2(saved, 2)
        finally:
            os.close(saved)
            taken.seek(0)
            _sort_out(taken.read(1 << 20), messages)


def _sort_out(text: bytes, messages: list[str]) -> None:
    """Add the lines of libtiff to `messages`, and write the others to descriptor 2."""
    others = b""
    for line in text.splitlines(keepends=True):
        if not _LINE.fullmatch(line.rstrip(b"\n")):
            others += line
        elif len(messages) < _MOST and b": Warning, " not in line:
            messages.append(line.decode("utf-8", "replace").strip())
    if others:
        with contextlib.suppress(OSError):
            os.write(2, others)


def _flush() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()


def _forget() -> None:
    """Replace the lock in a forked child, which does not have the thread that held it."""
    global _lock  # noqa: PLW0603  # one for all threads of this process
    _lock = threading.RLock()


_handled = SharedContext(_handlers, _quiet_log)
after_fork(_forget)


def quiet_pillow() -> contextlib.AbstractContextManager[None]:
    """Ignore warnings raised inside Pillow until the last thread has left.

    ``warnings.catch_warnings`` is not thread-safe: the last thread to leave restores what it found, possibly the
    filters of another thread. Here the first thread saves the filters, and the last one restores them.
    """
    return _quiet.inside()


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


_quiet = SharedContext(_without_warnings)
