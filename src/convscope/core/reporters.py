"""Which reporter a stream gets: a live bar, or plain lines."""

import os
from typing import TextIO

from .progress import Plain, Reporter, Silent


def reporter_for(stream: TextIO | None) -> Reporter:
    """Return a live bar when `stream` is a terminal that can show one, plain lines otherwise; silence where it is none.

    Examples:
        >>> import io
        >>> type(reporter_for(io.StringIO())).__name__
        'Plain'
    """
    if stream is None:  # as standard streams are in a program without a terminal
        return Silent()
    if stream.closed or not stream.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
        return Plain(stream)
    from .live import Live  # rich takes a tenth of a second to import

    return Live(stream)
