"""The reporter for a stream: bars on a terminal, plain lines elsewhere."""

import os
from typing import TextIO

from .progress import Plain, Reporter, Silent


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
