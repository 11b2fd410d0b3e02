"""The context of a call: progress, folders and the command that was typed, made once and passed as one thing."""

import os
import sys
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TextIO

from .arguments import PATH, check_value
from .errors import ParameterError
from .progress import Plain, Reporter, Silent


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every command needs beside its options.

    Attributes:
        progress: True shows progress on standard error; a `Reporter` receives it instead.
        data_dir: folder searched first for named datasets.
        cache_dir: folder of the decoded images; the user's cache folder by default.
        command: as the user typed it, for reports; empty in Python.
        began_s: `time.monotonic` when the command began, from which `minutes` count; None in Python.

    Raises:
        ParameterError: a folder is no path, or `progress` is neither a truth value nor a `Reporter`.

    Examples:
        >>> Context(data_dir="sets").data_dir.name
        'sets'
    """

    progress: bool | Reporter = False
    data_dir: Path | None = None
    cache_dir: Path | None = None
    command: str = ""
    began_s: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.progress, (bool, Reporter)):
            raise ParameterError(f"`progress` must be True, False or a Reporter. Got {type(self.progress).__name__}.")
        for name in ("data_dir", "cache_dir"):
            value = getattr(self, name)
            if value is not None:
                check_value(name, value, PATH)
                object.__setattr__(self, name, Path(value))

    @property
    def spent_s(self) -> float:
        """Seconds since the command began; 0 in Python."""
        return 0.0 if self.began_s is None else time.monotonic() - self.began_s

    @cached_property
    def reporter(self) -> Reporter:
        """Where progress goes."""
        if isinstance(self.progress, Reporter):
            return self.progress
        if not self.progress:
            return Silent()
        return reporter_for(sys.stderr)


def context_of(context: Context | None, *, progress: bool | Reporter = False) -> Context:
    """Return the context of a call from its parameters `context` and `progress`.

    Raises:
        ParameterError: it is no `Context`, or `progress` is neither a truth value nor a `Reporter`.
    """
    if context is None:
        return Context(progress=progress)
    if not isinstance(context, Context):
        raise ParameterError(f"`context` must be a convscope.Context. Got {type(context).__name__}.")
    return context if progress is False else replace(context, progress=progress)


def reporter_for(stream: TextIO | None) -> Reporter:
    """Return bars if `stream` is a terminal that can show them, plain lines otherwise, and silence for None.

    Examples:
        >>> import io
        >>> type(reporter_for(io.StringIO())).__name__
        'Plain'
    """
    if stream is None:  # a program without a terminal has no standard streams
        return Silent()
    if stream.closed or not stream.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
        return Plain(stream)
    from .rich_reporter import RichReporter  # rich takes a tenth of a second to import

    return RichReporter(stream)
