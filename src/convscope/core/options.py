"""Options, declared once: the fields of a record carry what checks, command line and documentation need.

A command has one record of options. Its fields give name, type and default; `option` adds the help sentence, the group
in ``--help`` and the limits. The record checks its values when it is made (`check_options`), `convscope.cli.options`
makes click options of it, and `documented` writes the section of the docstring.
"""

import inspect
import math
import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from .arguments import FLAG, NAME, NAMES, NUMBER, NUMBERS, PATH, TEXT, WHOLE, Rule, check_value
from .errors import choose
from .records import Dataclass

AnyPath: TypeAlias = str | os.PathLike[str]
Size: TypeAlias = str | int | tuple[int, int]
"""One side or width and height, in pixels: ``64``, ``(64, 48)``, ``"64x48"``."""
ValueLimits: TypeAlias = str | tuple[float, float]
"""The values that become black and white: ``(0, 4095)``, ``"0,4095"``, or ``"each"``."""

RecordT = TypeVar("RecordT", bound=Dataclass)
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
Group = Literal["Common", "Data", "Network", "Training", "Measurement", "Output"]


@dataclass(frozen=True, kw_only=True)
class Option:
    """What an option has beside its name, type and default.

    Attributes:
        help: one sentence.
        group: heading in ``--help``.
        metavar: the value in ``--help``, for example ``PX``.
        least: the smallest number allowed.
        most: the largest number allowed.
        short: a second spelling on the command line, for example ``-o``.
    """

    help: str
    group: Group = "Common"
    metavar: str = ""
    least: float | None = None
    most: float | None = None
    short: str = ""


def option(default: Any, text: str, **settings: Any) -> Any:
    """Return a dataclass field that is an option; `settings` are the attributes of `Option`."""
    return field(default=default, metadata={"option": Option(help=text, **settings)})


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One option of a record: the field and what it accepts.

    Attributes:
        name: in Python; the command line has ``--`` and dashes.
        kind: its type without None: ``int``, a `Literal`, `AnyPath` ...
        optional: whether None is allowed.
        default: the value if none is given.
        about: help, group, limits.
    """

    name: str
    kind: Any
    optional: bool
    default: Any
    about: Option

    @property
    def choices(self) -> tuple[str, ...]:
        """The names allowed, where there is a list of them."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()


@cache
def declared(kind: type[Dataclass]) -> tuple[Declared, ...]:
    """Return the options of a record, in their order; fields that are no options are left out."""
    hints = get_type_hints(kind)
    return tuple(
        _declared(attribute, hints[attribute.name]) for attribute in fields(kind) if "option" in attribute.metadata
    )


def _declared(attribute: "Field[Any]", hint: Any) -> Declared:
    members = get_args(hint) if get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    kinds = [member for member in members if member is not type(None)]
    kind = kinds[0] if len(kinds) == 1 else typing.Union[tuple(kinds)]  # noqa: UP007  # of a list
    return Declared(
        name=attribute.name,
        kind=kind,
        optional=len(kinds) < len(members),
        default=None if attribute.default is MISSING else attribute.default,
        about=attribute.metadata["option"],
    )


def check_options(record: Dataclass) -> None:
    """Check every option of `record` against its type and limits; NumPy's numbers become Python's.

    Raises:
        ParameterError: the message names the option, the rule and the value.
    """
    for option in declared(type(record)):
        value = getattr(record, option.name)
        if value is None and option.optional:
            continue
        if option.choices:
            choose(option.name, value, option.choices)
        elif (rule := _rule(option)) is not None:
            check_value(option.name, value, rule)
        if hasattr(value, "dtype") and getattr(value, "shape", None) == ():
            object.__setattr__(record, option.name, value.item())


def _rule(option: Declared) -> Rule | None:
    """Return the rule of a type and its limits; None where a parser has its own."""
    plain = {bool: FLAG, int: WHOLE, float: NUMBER, str: TEXT, AnyPath: PATH}
    lists = {Sequence[str]: NAMES, Sequence[float]: NUMBERS}
    rule = plain.get(option.kind) or lists.get(option.kind) or (NAME if option.kind == str | int else None)
    if rule is None or option.kind not in (int, float):
        return rule
    least, most = option.about.least, option.about.most
    limits = f" from {least:,} to {most:,}" if least is not None and most is not None else ""
    limits = limits or (f" of at least {least:,}" if least is not None else "")
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    return Rule(
        words=rule.words.removeprefix("a finite ").removeprefix("a ").join(("a ", limits)) if limits else rule.words,
        fits=lambda value: rule.fits(value) and low <= value <= high,
    )


def options_from(kind: type[RecordT], arguments: Mapping[str, Any]) -> RecordT:
    """Return the record of the options in `arguments`, the ``locals()`` of a function that has them as parameters."""
    return kind(**{option.name: arguments[option.name] for option in declared(kind) if option.name in arguments})


def documented(*kinds: type[Dataclass]) -> Callable[[FunctionT], FunctionT]:
    """Return a decorator that adds the options of these records to the docstring of a function."""

    def decorate(function: FunctionT) -> FunctionT:
        if function.__doc__ is None:  # python -OO
            return function
        known = inspect.signature(function).parameters
        lines = [
            f"    {option.name}: {python_help(option, known)}" for option in _all_options(kinds) if option.name in known
        ]
        before, mark, after = inspect.cleandoc(function.__doc__).partition("Raises:\n")
        function.__doc__ = "\n".join([f"{before}Keyword Args:", *lines, "", f"{mark}{after}"])
        return function

    return decorate


def python_help(option: Declared, parameters: Iterable[str]) -> str:
    """Return the help of an option in the words of Python: parameters in backticks, lists as lists.

    Args:
        option: with its help.
        parameters: of the function; the command line writes its arguments in capitals.

    Examples:
        >>> about = Option(help="Names, separated by commas, for example a,b; with --all-of MODEL.")
        >>> option = Declared(name="names", kind=Sequence[str], optional=False, default=(), about=about)
        >>> python_help(option, ["model"])
        "Names, as a list, for example ['a', 'b']; with `all_of` `model`."
    """
    text = re.sub(r"--([a-z][a-z-]*)", lambda match: f"`{match[1].replace('-', '_')}`", option.about.help)
    for name in parameters:
        text = re.sub(rf"\b{name.upper()}\b", f"`{name}`", text)
    if option.kind == Sequence[str]:
        text = re.sub(r"(?<=for example )[^ ;.]+(?=[;.])", lambda match: str(match[0].split(",")), text)
    return text.replace("separated by commas", "as a list")


def _all_options(kinds: Sequence[type[Dataclass]]) -> Iterator[Declared]:
    for kind in kinds:
        yield from declared(kind)
