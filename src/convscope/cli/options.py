"""Command-line options, made from the options records; and the options that only the command line has."""

import functools
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from convscope.core.context import Context
from convscope.core.errors import DataError, LayoutError, ParameterError
from convscope.core.options import AnyPath, Declared, declared
from convscope.core.records import Dataclass

from .wording import WordChoice, as_typed

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_GROUPS = ("Common", "Data", "Network", "Training", "Measurement", "Output")
_FOLDERS = {
    "data_dir": "Folder searched first for named datasets (mnist, fashion-mnist).",
    "cache_dir": "Folder of the decoded images.",
}


class _Path(click.Path):
    """A file or folder; refuses the empty name that an unset variable of the shell gives."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if os.fspath(value) == "":
            self.fail("it must name a file or folder. Got an empty name.", param, ctx)
        if isinstance(value, str) and "://" in value:
            return value  # an address, which would lose one of its slashes as a path
        return super().convert(value, param, ctx)


PATH = _Path()


class GroupedOption(click.Option):
    """An option that stands under a heading in ``--help``."""

    def __init__(self, *spellings: Any, group: str, **settings: Any) -> None:
        super().__init__(*spellings, **settings)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose ``--help`` lists the most used options first, then the others by subject.

    Errors of parameters name the options as they are typed.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        try:
            return super().invoke(ctx)
        except (ParameterError, LayoutError, DataError) as error:
            error.args = (as_typed(str(error), self.params, ctx.params),)
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group that has options."""
        for name, records in grouped(self, ctx).items():
            with formatter.section(f"{name} options"):
                formatter.write_dl(records)


def grouped(command: click.Command, context: click.Context) -> dict[str, list[tuple[str, str]]]:
    """Return the help records of the options by group, in the order of the groups."""
    groups: dict[str, list[tuple[str, str]]] = {name: [] for name in _GROUPS}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            groups[getattr(parameter, "group", "Output")].append(record)
    return {name: records for name, records in groups.items() if records}


def options_of(*kinds: type[Dataclass]) -> Callable[[CommandT], CommandT]:
    """Return a decorator that gives a command the options of these records; of equal names the first one counts."""
    by_name = {option.name: option for kind in reversed(kinds) for option in reversed(declared(kind))}
    ordered = list(reversed(by_name.values()))

    def decorate(function: CommandT) -> CommandT:
        for option in reversed(ordered):
            function = _click_option(option)(function)
        return function

    return decorate


def _click_option(option: Declared) -> Callable[[CommandT], CommandT]:
    """Return the click option of a field of a record."""
    dashed = option.name.replace("_", "-")
    spelling, settings = f"--{dashed}", {"help": option.about.help, "default": option.default, "show_default": False}
    if option.kind is bool:
        if option.optional or option.default:
            spelling += f"/--no-{dashed}"
        else:
            settings["is_flag"] = True
    else:
        settings |= {"type": _click_type(option), "metavar": option.about.metavar or None}
        settings["show_default"] = not _is_list(option) and option.default is not None
    if _is_list(option):
        settings |= {"default": None, "callback": functools.partial(_split, number=option.kind == Sequence[float])}
    names = [*([option.about.short] if option.about.short else []), spelling, option.name]
    return click.option(*names, cls=GroupedOption, group=option.about.group, **settings)


def _click_type(option: Declared) -> Any:
    if option.choices:
        return WordChoice(option.choices)
    return PATH if option.kind == AnyPath else {int: int, float: float}.get(option.kind, str)


def _is_list(option: Declared) -> bool:
    return option.kind in (Sequence[str], Sequence[float])


def _split(
    _context: click.Context, parameter: click.Parameter, text: str | None, *, number: bool
) -> list[str] | list[float]:
    """Return the names or numbers of a text with commas."""
    words = [] if text is None else [word.strip() for word in text.split(",")]
    try:
        return [float(word) for word in words] if number else words
    except ValueError:
        raise click.BadParameter(
            f"must be numbers with commas between, like 1,2.5. Got {text!r}.", param_hint=f"'{parameter.opts[-1]}'"
        ) from None


def cli_option(*spellings: str, **settings: Any) -> Callable[[CommandT], CommandT]:
    """Return an option that only the command line has."""
    return click.option(*spellings, cls=GroupedOption, **{"group": "Output", **settings})


as_json = cli_option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def with_context(*folders: str) -> Callable[[CommandT], CommandT]:
    """Return a decorator that adds ``--quiet`` and the options of `folders`, and passes all as one `Context`.

    Args:
        folders: of ``data_dir`` and ``cache_dir``.
    """

    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def wrapped(*, quiet: bool, **values: Any) -> Any:
            context = click.get_current_context()
            made = Context(
                progress=not quiet,
                **{name: values.pop(name) for name in folders},
                command=shlex.join(["convscope", *sys.argv[1:]]),
                began_s=time.monotonic() if context.obj is None else context.obj,  # includes loading torch
            )
            return function(context=made, **values)

        for name in reversed(folders):
            spelling = f"--{name.replace('_', '-')}"
            wrapped = cli_option(spelling, type=PATH, metavar="FOLDER", help=_FOLDERS[name], group="Data")(wrapped)
        return cli_option("--quiet", is_flag=True, help="No progress on stderr.")(wrapped)

    return decorate


def typed_names(context: click.Context) -> set[str]:
    """Return the names of the options that the user typed."""
    typed = click.core.ParameterSource.COMMANDLINE
    return {name for name in context.params if context.get_parameter_source(name) is typed}


def options_in(kind: type[Dataclass], values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the options of a record."""
    return {option.name: values[option.name] for option in declared(kind) if option.name in values}
