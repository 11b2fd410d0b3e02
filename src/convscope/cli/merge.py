"""``convscope merge``: one file, or one index, of the parts of many shards."""

from typing import Any

import click

from convscope.core.context import Context
from convscope.core.text import counted, printable
from convscope.options.shards import MergeOptions

from .options import PATH, GroupedCommand, options_of, with_context
from .unusable import end_with_unusable


@click.command("merge", cls=GroupedCommand)
@click.argument("folder", metavar="FOLDER", type=PATH)
@options_of(MergeOptions)
@with_context()
@click.pass_context
def command(shell: click.Context, /, *, context: Context, folder: Any, **values: Any) -> None:
    """Merge the parts in FOLDER, which predict, features or scan wrote with --shards.

    Every image, or tile of a scan, must have its result exactly once; what is missing, twice or damaged is named, and
    nothing is written. Without -o, the index that readers of Parquet folders use is written into FOLDER.
    """
    from convscope.api.shards import merge

    merged = merge(folder, context=context, **values)
    where = printable(str(folder if values["output"] is None else values["output"]))
    counts = f"{counted(merged.images, merged.unit)}, {len(merged.unusable):,} unusable"
    click.echo(f"{where}: {counts}, from {counted(merged.parts, 'part')}")
    end_with_unusable(shell, merged.unusable, context.reporter, rest="each in its row or part")
