"""Errors name options as they are typed, repeat numbers as they were typed, and suggest the closest choice."""

import click
import pytest

from convscope.cli import main
from convscope.cli.group import COMMANDS, group
from convscope.cli.wording import as_typed, spelling

PARAMETERS = [
    (name, parameter)
    for name in COMMANDS
    for command in [group.get_command(click.Context(group), name)]
    for parameter in (command.params if command else [])
]
CHOICES = [(name, parameter) for name, parameter in PARAMETERS if isinstance(parameter.type, click.Choice)]


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS, ids=str)
def test_every_parameter_is_named_as_it_is_typed(name: str, parameter: click.Parameter) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    text = as_typed(f"`{parameter.name}` must be other.", command.params, {})
    assert text == f"`{spelling(parameter)}` must be other."
    if isinstance(parameter, click.Option):
        assert spelling(parameter).startswith("--")
    else:
        assert spelling(parameter).rstrip(".") == str(parameter.name).upper()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--minutes", "0"], "`--minutes` must be above 0 and at most 100,000. Got 0."),
        (["--target-accuracy", "2"], "`--target-accuracy` must be above 0 and at most 1. Got 2. Write"),
        (["--rotate", "1000"], "`--rotate` must be a number from 0 to 180. Got 1000."),
        (["--progressive-resizing", "2.5"], "`--progressive-resizing` must be a number from 0 to 1. Got 2.5."),
        (["--epochs", "1", "--minutes", "1"], "Only one of `--epochs` and `--minutes` can be given."),
        (["--layout", "8C3", "--pretrain", "kmean"], "Got 'kmean'. Did you mean 'kmeans'?"),
        (["--resume", "x", "--learning-rate", "1", "-o", "y"], "Got --learning-rate, --output."),
    ],
)
def test_a_value_is_refused_in_the_words_of_the_command_line(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *words]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("name", "parameter"), CHOICES, ids=str)
def test_a_misspelled_choice_gets_the_closest(
    name: str, parameter: click.Parameter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(parameter.type, click.Choice)
    longest = max(parameter.type.choices, key=len)
    option = [spelling(parameter)] if isinstance(parameter, click.Option) else []
    assert main([name, *option, f"{longest}x"]) == 2
    said = capsys.readouterr().err
    assert f"`{spelling(parameter)}` must be one of {', '.join(parameter.type.choices)}." in said
    assert f"Got '{longest}x'. Did you mean '{longest}'?" in said
    assert said.count("\n") == 1
