"""Names of classes: what a model file can hold, and those of a network that comes without: a file, a list, numbers."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from convscope.core.arguments import PATH, check_value, shown
from convscope.core.errors import DataError, ParameterError
from convscope.core.records import strict_json
from convscope.core.text import counted, printable

LONGEST_NAME = 1_000
LARGEST_FILE = 1 << 24  # bytes


def check_class_names(classes: Sequence[str]) -> None:
    """Raise an error for names of classes that no model file can hold.

    Raises:
        ParameterError: one is empty or very long, or two are written alike.
    """
    written = [printable(name) for name in classes]
    for name in written:
        if not 1 <= len(name) <= LONGEST_NAME:
            raise ParameterError(
                f"A class must have a name of 1 to {LONGEST_NAME:,} characters. Got {len(name):,}: {name[:40]!r}."
            )
    if len(set(written)) < len(written):
        name = next(name for index, name in enumerate(written) if name in written[:index])
        raise ParameterError(f"Two classes are both written {name!r}. Give one of them another name.")


def class_names(given: Any, count: int) -> tuple[str, ...]:
    """Return the names of `count` classes.

    Args:
        given: a list or array of names, a dict of them by number, the path of a file with one name a line, a JSON
            list or a JSON object by number, or None for ``class 1`` … ``class N``. Names that are the same get a
            number.
        count: outputs of the network.

    Raises:
        DataError: the file cannot be read.
        ParameterError: there are more or fewer names than outputs.

    Examples:
        >>> class_names(None, 2), class_names(["crane", "crane"], 2)
        (('class 1', 'class 2'), ('crane', 'crane (2)'))
    """
    if given is None:
        return tuple(f"class {number}" for number in range(1, count + 1))
    if isinstance(given, (str, os.PathLike)):
        check_value("classes", given, PATH)
        given = _of_file(Path(given))
    if isinstance(given, Mapping):
        given = _in_order(given) or given
    if isinstance(given, (bytes, Mapping, AbstractSet)) or not isinstance(given, Iterable):
        raise ParameterError(f"`classes` must be a list of names, or a file of them. Got {shown(given)}.")
    names = given.tolist() if hasattr(given, "tolist") else list(given)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        other = next((name for name in names if not isinstance(name, str)), given) if isinstance(names, list) else given
        raise ParameterError(f"`classes` must be a list of names, each a text. Got {shown(other)}.")
    if len(names) != count:
        raise ParameterError(
            f"`classes` must have {counted(count, 'name')}, as many as the network has outputs. Got {len(names):,}."
        )
    return _unique(names)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names as they are written, with a number behind those that are there already."""
    given = set(names)
    numbers: Counter[str] = Counter()
    result: dict[str, None] = {}
    for name in map(printable, names):
        unique = name
        while unique in result or (numbers[name] and unique in given):
            numbers[name] += 1
            unique = f"{name} ({numbers[name] + 1})"
        result[unique] = None
    return tuple(result)


def _in_order(names: Mapping[Any, Any]) -> list[Any] | None:
    """Return names by number, 0 … N − 1 or as text, in order; None if the keys are something else."""
    by_number = {str(number): name for number, name in names.items()}
    numbers = [str(number) for number in range(len(names))]
    return [by_number[number] for number in numbers] if set(by_number) == set(numbers) else None


def _of_file(path: Path) -> list[str]:
    name = printable(os.fsdecode(path))
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DataError(
                f"{name} must be at most {LARGEST_FILE >> 20} MiB of names. Got {path.stat().st_size:,} bytes."
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DataError(f"{name} must be UTF-8 text, one name a line. It is not.") from None
    if text.lstrip().startswith(("[", "{")):
        try:
            names = strict_json(text)
        except ValueError as error:
            raise DataError(
                f"{name} must be one name a line, or a JSON list of names. It is damaged: {error}."
            ) from None
        if isinstance(names, dict):
            in_order = _in_order(names)
            if in_order is None:
                raise DataError(f'{name} must be a JSON object of names by number: "0", "1", and so on. It has others.')
            names = in_order
        if not all(isinstance(one, str) for one in names):
            raise DataError(f"{name} must be a JSON list of names. Something else is among them.")
        return list(names)
    lines = [line.strip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines
