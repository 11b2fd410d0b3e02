"""``convscope cache``: show or clear the decoded images."""

import datetime
from typing import TYPE_CHECKING, Any

import click

from convscope.core.context import Context
from convscope.core.text import printable, size_text
from convscope.options.check import CacheOptions

from .options import GroupedCommand, as_json, options_of, with_context

if TYPE_CHECKING:
    from convscope.api.cache import CacheResult


@click.command("cache", cls=GroupedCommand)
@options_of(CacheOptions)
@as_json
@with_context("cache_dir")
def command(*, context: Context, as_json: bool, **values: Any) -> None:
    """Show the cache of decoded images, or clear it.

    The folder is the user's cache folder, or the one that the environment variable CONVSCOPE_CACHE names;
    CONVSCOPE_CACHE_LIMIT (for example 5GB) bounds it. The least recently used entries are removed
    first. Your own images are never touched.
    """
    from convscope.api.cache import cache
    from convscope.core.records import json_text

    result = cache(context=context, **values)
    click.echo(json_text(result, indent=2) if as_json else report(result, cleared=values["clear"]))


def report(result: "CacheResult", *, cleared: bool) -> str:
    """Return the contents of the cache as text."""
    folder = printable(result.folder)
    lines = []
    if cleared:
        lines.append(f"freed {size_text(result.freed)} in {folder}")
        if result.in_use:
            lines.append(f"{result.in_use} in use by a running command, kept")
    if not result.entries:
        return "\n".join(lines or [f"{folder} holds nothing (limit {size_text(result.limit)})"])
    rows = [["images", "size", "last used", "dataset", "folder"]]
    for entry in result.entries:
        used = datetime.datetime.fromtimestamp(entry.used, tz=datetime.UTC).astimezone()
        cells = [f"{entry.images:,}", size_text(entry.bytes), f"{used:%Y-%m-%d %H:%M}"]
        rows.append([*cells, printable(entry.name), printable(entry.path)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for images, size, when, name, path in rows:
        lines.append(f"{images:>{widths[0]}}  {size:>{widths[1]}}  {when:<{widths[2]}}  {name:<{widths[3]}}  {path}")
    lines.append(
        f"{size_text(result.bytes)} of at most {size_text(result.limit)} in {folder}; convscope cache --clear removes "
        "it"
    )
    return "\n".join(lines)
