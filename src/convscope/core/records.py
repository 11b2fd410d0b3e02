"""Records: frozen dataclasses with a JSON round trip and strict validation."""

import dataclasses
import functools
import json
import math
import types
import typing
from fractions import Fraction
from typing import Any, ClassVar, Protocol, TypeVar

from .errors import DataError
from .text import counted

_LARGEST_DENOMINATOR = 1_000_000  # of a fraction that JSON holds as a number

UNRECORDED = "unrecorded"
"""Metadata of a field that is not part of the JSON document."""


class Dataclass(Protocol):
    """Anything made by ``dataclasses.dataclass``."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


RecordT = TypeVar("RecordT", bound=Dataclass)


DIGITS = "digits"
"""In the metadata of a field: to how many significant digits `to_json` rounds the numbers in it."""


def to_json(value: Any, *, digits: int | None = None) -> Any:
    """Return `value` (records, tuples, dicts, plain values) as what ``json.dumps`` takes.

    Args:
        value: what is converted; fractions become floats, arrays lists.
        digits: significant digits that floats are rounded to; NaN and infinity then become None. All digits if none.

    Examples:
        >>> @dataclasses.dataclass(frozen=True, kw_only=True)
        ... class Point:
        ...     x: int
        ...     tags: tuple[str, ...] = ()
        >>> to_json(Point(x=1, tags=("a",)))
        {'x': 1, 'tags': ['a']}
        >>> to_json((1 / 3, float("nan"), Fraction(1, 3)), digits=4)
        [0.3333, None, 0.3333]
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_json(getattr(value, field.name), digits=field.metadata.get(DIGITS, digits))
            for field in dataclasses.fields(value)
            if UNRECORDED not in field.metadata
        }
    if isinstance(value, dict):
        return {str(key): to_json(item, digits=digits) for key, item in value.items()}
    if type(value).__module__ == "numpy":
        value = value.tolist()  # an array or a scalar; this module does not import NumPy
    if isinstance(value, (list, tuple)):
        return [to_json(item, digits=digits) for item in value]
    if isinstance(value, Fraction):
        value = float(value)
    if digits is not None and isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    return value


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return `value` (as `to_json` takes it) as the text of a JSON document.

    Raises:
        DataError: a number in it is NaN or infinite, which JSON does not have.

    Examples:
        >>> json_text({"numbers": (1, 2.5)})
        '{"numbers": [1, 2.5]}'
    """
    plain = to_json(value)
    try:
        return json.dumps(plain, indent=indent, allow_nan=False)
    except ValueError as error:
        raise DataError(f"A record must hold finite numbers. Got NaN or infinity ({error}).") from None


def strict_json(text: str | bytes) -> Any:
    """Return parsed JSON without ambiguity: duplicate keys, NaN and infinity are refused.

    Raises:
        ValueError: the text is not such JSON, is nested too deeply, or is not UTF-8.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice")
    return result


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def from_json(kind: type[RecordT], value: Any) -> RecordT:
    """Return the record of class `kind` that `value` (parsed JSON) describes.

    Raises:
        DataError: a field is missing, unknown, or of another type; the message names it.
    """
    return typing.cast("RecordT", _convert(kind, value, kind.__name__))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _convert(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _convert_record(kind, value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, where)
    if origin is typing.Literal:
        if value not in arguments:
            raise DataError(f"`{where}` must be one of {arguments}. Got {value!r}.")
        return value
    if origin is tuple:
        return _convert_tuple(arguments, value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise DataError(f"`{where}` must be an object. Got {type(value).__name__}.")
        return {key: _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return _convert_plain(kind, value, where)


def _convert_record(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise DataError(f"`{where}` must be an object. Got {type(value).__name__}.")
    fields = {
        field.name: field for field in dataclasses.fields(kind) if field.init and UNRECORDED not in field.metadata
    }
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise DataError(f"`{where}` must have only known fields. Got {unknown[0]!r}, which is none of them.")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise DataError(f"`{where}` must have the field {name!r}. It is missing.")
    hints = _hints(kind)
    return kind(**{name: _convert(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _convert_union(arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    errors = []
    for kind in arguments:
        if kind is type(None):
            continue
        try:
            return _convert(kind, value, where)
        except DataError as error:
            errors.append(error)
    raise errors[0] if errors else DataError(f"`{where}` must be empty. Got {value!r}.")


def _convert_tuple(arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if not isinstance(value, (list, tuple)):
        raise DataError(f"`{where}` must be a list. Got {type(value).__name__}.")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_convert(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if len(arguments) != len(value):
        raise DataError(f"`{where}` must have {counted(len(arguments), 'value')}. Got {len(value)}.")
    pairs = zip(arguments, value, strict=True)
    return tuple(_convert(kind, item, f"{where}[{index}]") for index, (kind, item) in enumerate(pairs))


def _convert_plain(kind: type, value: Any, where: str) -> Any:
    if kind is Fraction and isinstance(value, float) and math.isfinite(value):
        return Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise DataError(f"`{where}` must be a number below 1.8e308. Got a larger one.") from None
    if isinstance(value, bool) and kind is not bool:
        raise DataError(f"`{where}` must be {kind.__name__}. Got {value!r}.")
    if not isinstance(value, kind):
        raise DataError(f"`{where}` must be {kind.__name__}. Got {type(value).__name__}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(f"`{where}` must be a finite number. Got {value}.")
    return value


def finite_json(value: Any) -> Any:
    """Return the JSON value with null in place of every number that is not finite."""
    if isinstance(value, dict):
        return {key: finite_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
