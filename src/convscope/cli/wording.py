"""Sentences in the words of the command line: options as they are typed, and choices with the closest one."""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

import click

from convscope.core.errors import ParameterError, choose
from convscope.core.text import printable

_OF_CONVERT = {"up_to": "--up-to", "size": "--size"}
_IN_PYTHON = re.compile(r" \(in Python, [^()]*(\([^()]*\))?[^()]*\)")


class WordChoice(click.Choice):  # type: ignore[type-arg]  # generic only from click 8.2 on
    """One of several words; a wrong one gets the sentence of `choose`, with the closest word."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word."""
        try:
            return choose("the value" if param is None else spelling(param), value, self.choices)
        except ParameterError as error:
            raise click.UsageError(str(error), ctx) from None


def spelling(parameter: click.Parameter) -> str:
    """Return a parameter as it is typed: the long name of an option, the word in ``--help`` for an argument.

    Examples:
        >>> spelling(click.Option(["-o", "--output-file", "path"])), spelling(click.Argument(["what"], metavar="WHAT"))
        ('--output-file', 'WHAT')
    """
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.human_readable_name.strip("[]")


def as_typed(text: str, parameters: Iterable[click.Parameter], values: Mapping[str, Any]) -> str:
    """Return a sentence on parameters of Python in the words of the command line.

    Args:
        text: the sentence, with names in backticks; what it says for Python alone goes.
        parameters: of the command; each option in backticks becomes its long name, each argument its word in the help.
            What only `convert` can say of a network becomes a call of it.
        values: of the parameters; a whole number that became a float loses its point again.

    Examples:
        >>> option = click.Option(["--target-accuracy"], type=float)
        >>> as_typed("`target_accuracy` must be at most 1. Got 2.0.", [option], {"target_accuracy": 2.0})
        '`--target-accuracy` must be at most 1. Got 2.'
        >>> as_typed('Take it with `up_to="stem"` (in Python, load(…)).', [option], {"model": "my network.onnx"})
        "Take it with `convscope convert 'my network.onnx' -o model.safetensors --up-to stem`."
    """
    text = _IN_PYTHON.sub("", text)
    names = {parameter.name: spelling(parameter) for parameter in parameters}
    convert = _call_of_convert(values)
    for name, typed in _OF_CONVERT.items():
        call = "" if name in names else f"{convert} "
        text = re.sub(f'`{name}="([^"`]*)"`', lambda match: f"`{call}{typed} {match[1]}`", text)  # noqa: B023  # used at once
    names.setdefault("up_to", f"{convert} --up-to LAYER")
    text = re.sub("`([a-z_]+)`", lambda match: f"`{names.get(match[1], match[1])}`", text)
    whole = {repr(value) for value in values.values() if isinstance(value, float) and value.is_integer()}
    return re.sub(r"(?<=Got )-?\d+\.0\b", lambda match: match[0][:-2] if match[0] in whole else match[0], text)


def _call_of_convert(values: Mapping[str, Any]) -> str:
    """Return the command that converts the ONNX file among the values of parameters, if there is one."""
    given = [one for value in values.values() for one in (value if isinstance(value, (list, tuple)) else [value])]
    files = {text for text in map(str, given) if text.lower().endswith(".onnx")}
    file = printable(files.pop()) if len(files) == 1 else "network.onnx"
    return f"convscope convert {shlex.quote(file)} -o model.safetensors"
