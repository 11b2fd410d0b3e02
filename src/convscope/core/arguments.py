"""Arguments of the public functions, checked by their names before anything is done: one rule for a name everywhere."""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from .errors import ParameterError
from .numeric import is_integer, is_number
from .progress import Reporter
from .text import printable

_LONGEST_PATH, _LONGEST_NAME = 4_096, 255  # bytes, as systems take them


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a value must be, in words, and what tells; `optional` where None leaves the choice to convscope."""

    words: str
    fits: Callable[[Any], bool]
    optional: bool = False


def is_path(value: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether `value` is a path as text, or an object that stands for one.

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
    except UnicodeEncodeError:  # half of a pair
        return False
    return sum(map(len, parts)) < _LONGEST_PATH and max(map(len, parts)) <= _LONGEST_NAME


def is_flag(value: Any) -> bool:
    """Return whether `value` is True or False, perhaps NumPy's."""
    return isinstance(value, bool) or (type(value).__name__ in ("bool_", "bool") and hasattr(value, "dtype"))


def _whole(least: int, most: int = 2**31 - 1, *, optional: bool = False) -> Rule:
    words = f"a whole number from {least:,} to {most:,}"
    return Rule(words=words, fits=lambda value: is_integer(value) and least <= value <= most, optional=optional)


def _number(least: float, *, optional: bool = True) -> Rule:
    return Rule(
        words=f"a number of at least {least:g}",
        fits=lambda value: is_number(value) and math.isfinite(value) and value >= least,
        optional=optional,
    )


def _listed(words: str, fits: Callable[[Any], bool]) -> Rule:
    def all_fit(values: Any) -> bool:
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            return False
        return hasattr(values, "__len__") and all(fits(value) for value in values)

    return Rule(words=words, fits=all_fit)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


PATH = Rule(words="a valid path", fits=is_path)
_MAYBE_PATH = Rule(words=PATH.words, fits=is_path, optional=True)
_FLAG = Rule(words="True or False", fits=is_flag)
_TEXT = Rule(words="a text", fits=_is_text)
_MAYBE_TEXT = Rule(words="a text", fits=_is_text, optional=True)
_MAYBE_FLAG = Rule(words="True or False", fits=is_flag, optional=True)
_MAYBE_NUMBER = Rule(
    words="a finite number", fits=lambda value: is_number(value) and math.isfinite(value), optional=True
)

_MOST = 10**15  # what is larger has no meaning, and NumPy cannot hold it
WHOLE = Rule(words="a whole number", fits=lambda value: is_integer(value) and abs(value) <= _MOST)
MAYBE_WHOLE = Rule(words="a whole number", fits=WHOLE.fits, optional=True)

RULES: dict[str, Rule] = {
    **dict.fromkeys(("output", "data_dir", "cache_dir", "resume"), _MAYBE_PATH),
    **dict.fromkeys(
        ("force", "clear_all", "quick", "learning_curve", "tta", "unlabelled", "probes", "balance", "freeze"),
        _FLAG,
    ),
    **dict.fromkeys(("what", "theme", "command", "pool", "fit", "precision", "recipe", "backend"), _TEXT),
    **dict.fromkeys(("pretrain", "background"), _MAYBE_TEXT),
    "flip": _MAYBE_FLAG,
    **dict.fromkeys(
        (
            "batch",
            "epochs",
            "threads",
            "channels",
            "classes",
            "shift",
            "seeds",
            "layer",
            "test_images",
            "class_depth",
        ),
        MAYBE_WHOLE,
    ),
    "distorted": MAYBE_WHOLE,
    "stage": WHOLE,
    "seed": _whole(0),
    "workers": _whole(1, 1_024, optional=True),
    **dict.fromkeys(("top", "unit", "repeats", "margin"), WHOLE),
    "ablation": _whole(0),
    "spent_s": _number(0, optional=False),
    **dict.fromkeys(
        (
            "seconds",
            "minutes",
            "target_accuracy",
            "validation",
            "learning_rate",
            "smoothing",
            "rotate",
            "scale",
            "erase",
            "progressive_resizing",
        ),
        _MAYBE_NUMBER,
    ),
    **dict.fromkeys(("distortions", "variants"), _listed("a list of names", _is_text)),
    "strengths": _listed("a list of numbers", is_number),
    "reporter": Rule(
        words="a Reporter of convscope.core.progress", fits=lambda value: isinstance(value, Reporter), optional=True
    ),
}


def check_arguments(given: Mapping[str, Any], **others: Rule) -> None:
    """Refuse the first argument in `given` (names and values, ``locals()``) that is not what its name asks for.

    Args:
        given: names without a rule are passed over.
        others: rules that go before those of `RULES`.

    Raises:
        ParameterError: the message names the argument, the rule and what came.

    Examples:
        >>> check_arguments({"seed": 3, "force": True, "anything": object()})
        >>> check_arguments({"seed": None})
        Traceback (most recent call last):
        convscope.core.errors.ParameterError: `seed` must be a whole number from 0 to 2,147,483,647. Got None.
    """
    rules = RULES | others
    for name, value in given.items():
        rule = rules.get(name)
        if rule is None or (value is None and rule.optional) or _fits(rule, value):
            continue
        raise ParameterError(f"`{name}` must be {rule.words}. Got {shown(value)}.")


def shown(value: Any) -> str:
    """Return what came, in few characters: a number, a text, or the type of anything else."""
    if value is None or isinstance(value, (bool, str)) or is_number(value):
        text = printable(repr(value) if not is_integer(value) or abs(value) < 10**30 else "a number of many digits")
        return text if len(text) <= 80 else text[:80] + "…"
    return type(value).__name__


def _fits(rule: Rule, value: Any) -> bool:
    try:
        return bool(rule.fits(value))
    except (TypeError, ValueError, OverflowError):  # a value with ideas of its own on comparisons
        return False
