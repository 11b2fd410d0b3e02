"""The errors that convscope raises on purpose; every message says what to do.

The template of a message is: `` `name` must <rule>. Got <value> (<context>). <What to do>. ``
"""

import difflib
from collections.abc import Iterable

from .text import sentence


class ConvscopeError(Exception):
    r"""Base of every error that convscope raises on purpose; its text is meant for the user.

    Args:
        message: the sentence. It may quote any text: control characters are escaped here, and very long values are
            shortened in the middle.

    Examples:
        >>> print(ConvscopeError("Got 'a\x1b[31m'."))
        Got 'a\x1b[31m'.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(sentence(message))


class ParameterError(ConvscopeError, ValueError):
    """A parameter has an invalid value."""


class LayoutError(ConvscopeError, ValueError):
    """A layout is invalid, or does not fit the image size."""


class DataError(ConvscopeError, ValueError):
    """A dataset or an array does not meet the requirements of the request."""


class UnreadableImageError(DataError):
    """An image is unusable; the text is the reason, without the file name."""


class ModelFileError(ConvscopeError, ValueError):
    """A model file or checkpoint is damaged, foreign, or of a newer version."""


class StorageError(ConvscopeError, OSError):
    """A file or folder cannot be read or written: full disk, no permission, already there."""


class MissingPackageError(ConvscopeError, ImportError):
    """A required optional package is not installed."""


class TrainingError(ConvscopeError, RuntimeError):
    """Training cannot continue, for example because the loss is not finite."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the error means too little memory; the allocator of torch raises a RuntimeError."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` (with a leading space) if an allowed name is close, else "".

    Examples:
        >>> did_you_mean("letterbx", ["letterbox", "stretch", "crop"])
        " Did you mean 'letterbox'?"
        >>> did_you_mean("zzz", ["letterbox"])
        ''
    """
    close = difflib.get_close_matches(str(name)[:100], list(allowed), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def choose(name: str, value: str, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of `allowed`.

    Raises:
        ParameterError: it is not; the message lists the allowed values and suggests the closest.

    Examples:
        >>> choose("fit", "crop", ("letterbox", "stretch", "crop"))
        'crop'
    """
    names = list(allowed)
    if isinstance(value, str) and value in names:
        return value
    raise ParameterError(f"`{name}` must be one of {', '.join(names)}. Got {value!r}.{did_you_mean(value, names)}")
