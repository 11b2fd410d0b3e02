"""Rules for values that users give: what a value must be, in words and as a test."""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from .errors import ParameterError
from .numeric import is_integer, is_number
from .text import printable

_LONGEST_PATH, _LONGEST_NAME = 4_096, 255  # bytes, as systems take them


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a value must be: the words of the message, and the test."""

    words: str
    fits: Callable[[Any], bool]


def is_path(value: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether `value` is a valid path, as text or as a path object.

    Examples:
        >>> from pathlib import Path
        >>> [is_path(value) for value in ("runs/demo", Path("x"), b"runs", "", None, 3)]
        [True, True, False, False, False, False]
    """
    if not isinstance(value, (str, os.PathLike)):
        return False
    text = os.fspath(value)
    if not isinstance(text, str) or text == "" or "\0" in text:
        return False
    try:
        parts = os.fsencode(text).split(os.fsencode(os.sep))
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return sum(map(len, parts)) < _LONGEST_PATH and max(map(len, parts)) <= _LONGEST_NAME


def is_flag(value: Any) -> bool:
    """Return whether `value` is True or False, of Python or NumPy."""
    return isinstance(value, bool) or (type(value).__name__ in ("bool_", "bool") and hasattr(value, "dtype"))


def _listed(words: str, fits: Callable[[Any], bool]) -> Rule:
    def all_fit(values: Any) -> bool:
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            return False
        return hasattr(values, "__len__") and all(fits(value) for value in values)

    return Rule(words=words, fits=all_fit)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_MOST = 10**15  # larger numbers have no meaning, and NumPy cannot hold them

PATH = Rule(words="a valid path", fits=is_path)
FLAG = Rule(words="True or False", fits=is_flag)
TEXT = Rule(words="a text", fits=_is_text)
WHOLE = Rule(words="a whole number", fits=lambda value: is_integer(value) and abs(value) <= _MOST)
NAME = Rule(words="a name or a whole number", fits=lambda value: TEXT.fits(value) or WHOLE.fits(value))
NUMBER = Rule(words="a finite number", fits=lambda value: is_number(value) and math.isfinite(value))
NAMES = _listed("a list of names", _is_text)
NUMBERS = _listed("a list of numbers", is_number)


def check_value(name: str, value: Any, rule: Rule) -> None:
    """Check one argument.

    Raises:
        ParameterError: the message names the argument, the rule and the value.

    Examples:
        >>> check_value("force", True, FLAG)
        >>> check_value("force", "yes", FLAG)
        Traceback (most recent call last):
        convscope.core.errors.ParameterError: `force` must be True or False. Got 'yes'.
    """
    if not _fits(rule, value):
        raise ParameterError(f"`{name}` must be {rule.words}. Got {shown(value)}.")


def shown(value: Any) -> str:
    """Return a value as short text for a message: a number, a text, or the type of anything else."""
    if value is None or isinstance(value, (bool, str)) or is_number(value):
        text = printable(repr(value) if not is_integer(value) or abs(value) < 10**30 else "a number of many digits")
        return text if len(text) <= 80 else text[:80] + "…"
    return type(value).__name__


def _fits(rule: Rule, value: Any) -> bool:
    try:
        return bool(rule.fits(value))
    except (TypeError, ValueError, OverflowError):  # an object with comparisons of its own
        return False
