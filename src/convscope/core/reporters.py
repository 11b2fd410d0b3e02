"""Which reporter a stream gets: a live bar, or plain lines."""

import os
from typing import TextIO

from .progress import Plain, Reporter


def reporter_for(stream: TextIO) -> Reporter:
    """Return a live bar when `stream` is a terminal that can show one, plain lines otherwise.

    Examples:
        >>> import io
        >>> type(reporter_for(io.StringIO())).__name__
        'Plain'
    """
    if stream.closed or not stream.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
        return Plain(stream)
    from .live import Live  # rich takes a tenth of a second to import

    return Live(stream)
