"""Messages and exit code for unusable images."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from convscope.core.progress import Reporter

EXIT_UNUSABLE = 1
MOST_NAMED = 10


def name_unusable(images: Iterable[tuple[str, str]], reporter: "Reporter", *, total: int, rest: str) -> None:
    """Report the first few of `total` unusable images with reasons, and where the `rest` are named."""
    for (name, reason), _ in zip(images, range(MOST_NAMED), strict=False):
        reporter.say(f"unusable: {name}: {reason}")
    if total > MOST_NAMED:
        reporter.say(f"… and {total - MOST_NAMED:,} more, {rest}")


def end_with_unusable(
    context: click.Context, images: Sequence[tuple[str, str]], reporter: "Reporter", *, rest: str
) -> None:
    """Report unusable images and exit with code 1; return if there are none."""
    name_unusable(images, reporter, total=len(images), rest=rest)
    if images:
        context.exit(EXIT_UNUSABLE)
