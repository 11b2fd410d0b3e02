"""``convscope cache``: see or clear the images that are kept decoded."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options

if TYPE_CHECKING:
    from convscope.api.cache import CacheContents


@click.command("cache")
@click.option("--clear", "clear_all", is_flag=True, help="Remove everything that no running command uses.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@options.cache_dir
def command(clear_all: bool, as_json: bool, cache_dir: Path | None) -> None:
    """Show the images that are kept decoded, or clear them.

    The folder is the user's cache folder, or the one that the environment variable CONVSCOPE_CACHE names;
    CONVSCOPE_CACHE_LIMIT (for example 5GB) bounds it. What was used last stays longest. Your own images are never
    touched.
    """
    from convscope.api.cache import cache
    from convscope.core.records import json_text

    found = cache(clear_all=clear_all, cache_dir=cache_dir)
    click.echo(json_text(found, indent=2) if as_json else report(found, cleared=clear_all))


def report(found: "CacheContents", *, cleared: bool) -> str:
    """Return the contents of the cache as text."""
    from convscope.core.text import printable
    from convscope.images.cache.limit import size_text

    folder = printable(found.folder)
    lines = []
    if cleared:
        lines.append(f"freed {size_text(found.freed)} in {folder}")
        if found.kept:
            lines.append(f"{found.kept} in use by a running command, kept")
    if not found.entries:
        return "\n".join(lines or [f"{folder} holds nothing (limit {size_text(found.limit)})"])
    rows = [("images", "size", "last used", "set", "folder")]
    for entry in found.entries:
        used = datetime.datetime.fromtimestamp(entry.used, tz=datetime.UTC).astimezone()
        name = printable(entry.name)
        rows.append(
            (f"{entry.images:,}", size_text(entry.bytes), f"{used:%Y-%m-%d %H:%M}", name, printable(entry.path))
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for images, size, when, name, path in rows:
        lines.append(f"{images:>{widths[0]}}  {size:>{widths[1]}}  {when:<{widths[2]}}  {name:<{widths[3]}}  {path}")
    lines.append(
        f"{size_text(found.bytes)} of at most {size_text(found.limit)} in {folder}; convscope cache --clear removes it"
    )
    return "\n".join(lines)
