"""``convscope compare``: variants of a network on the user's own images."""

from typing import Any

import click

from convscope.core.context import Context
from convscope.core.text import printable
from convscope.options.compare import CompareOptions

from .options import GroupedCommand, as_json, options_of, with_context
from .standard import need_output
from .unusable import end_with_unusable


@click.command("compare", cls=GroupedCommand)
@click.argument("data", required=False, metavar="[DATA]")
@options_of(CompareOptions)
@as_json
@with_context("data_dir", "cache_dir")
@click.pass_context
def command(shell: click.Context, /, *, context: Context, data: str | None, as_json: bool, **values: Any) -> None:
    """Compare variants of a network on DATA: one split, one budget, and the robustness of each.

    Shared weights against locally connected and fully connected units; each pooling, and none; a first stage that is
    random or learned from patches; hand-made features; pixels alone; with and without distorted images in training.
    An interrupted comparison continues where it was. Without DATA: digits.
    """
    from convscope.api.compare import compare
    from convscope.core.records import json_text

    from .compare_text import compare_text

    if as_json:
        need_output("Leave --json out.")
    result = compare(data, context=context, **values)
    if as_json:
        click.echo(json_text(result.comparison))
    else:
        click.echo(f"{compare_text(result.comparison)}\npage  {printable(str(result.page))}")
    problems = [(problem.name, problem.detail) for problem in result.unusable]
    end_with_unusable(shell, problems, context.reporter, rest="named by convscope check")
