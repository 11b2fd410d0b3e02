"""What ``predict`` and ``features`` say of shards."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import click

from convscope.core.context import Context
from convscope.core.errors import ParameterError
from convscope.core.text import counted, printable
from convscope.options.shards import ShardOptions

from .options import options_in
from .unusable import EXIT_UNUSABLE, name_unusable

if TYPE_CHECKING:
    from convscope.shards.job import ShardsResult


def shards_in(values: dict[str, Any], others: Collection[str]) -> ShardOptions | None:
    """Return the options of shards, None where none is given.

    Args:
        values: of the command.
        others: other outputs that are asked for.

    Raises:
        ParameterError: a cluster or part is given without the folder, or there are other outputs.
    """
    how = ShardOptions(**options_in(ShardOptions, values))
    if how.shards is None:
        return None
    if others:
        raise ParameterError(
            "`shards` must be the only output. Got another. Leave it out; convscope merge writes files."
        )
    return how


def end_of_shards(shell: click.Context, result: "ShardsResult", context: Context) -> None:
    """Report what was computed; exit with code 1 if an image could not be used."""
    name_unusable(result.named, context.reporter, total=result.unusable, rest="named by convscope merge")
    of_all = f"{result.finished:,} of {counted(result.shards, 'shard')}"
    click.echo(
        f"{printable(result.folder)}: {of_all} finished; {counted(result.images, 'image')} now, "
        f"{result.unusable:,} unusable"
    )
    if result.unusable:
        shell.exit(EXIT_UNUSABLE)
