"""Options that several commands have, written once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class _Place(click.Path):
    """A file or folder that is named; an empty name, as an unset variable of the shell gives it, is refused."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if os.fspath(value) == "":
            self.fail("it must name a file or folder. Got an empty name.", param, ctx)
        return super().convert(value, param, ctx)


PLACE = _Place()


quiet = click.option("--quiet", is_flag=True, help="No progress on stderr.")
force_files = click.option("--force", is_flag=True, help="Replace files that are already there.")
batch = click.option(
    "--batch", type=click.IntRange(min=1), metavar="N", help="Images at once; as memory allows if none."
)
background = click.option(
    "--background",
    metavar="COLOUR",
    help="Behind transparency and in margins, in place of that of the network: white, black, #rrggbb.",
)
classes = click.option(
    "--classes",
    type=click.IntRange(min=1),
    metavar="K",
    help="Number of classes of a MODEL that is a layout; 10 if none.",
)


def channels(unsaid: str) -> Callable[[CommandT], CommandT]:
    """Return the option --channels, a number; `unsaid` says what holds without it."""
    return click.option(
        "--channels",
        type=click.Choice(["1", "3"]),
        callback=lambda _context, _option, value: None if value is None else int(value),
        metavar="1|3",
        help=f"Gray or colour; {unsaid}.",
    )


value_range = click.option(
    "--value-range",
    metavar="LOW,HIGH|each",
    help="Values that become black and white, e.g. 0,4095; each stretches every image by itself; "
    "chosen from the set if none.",
)
class_depth = click.option(
    "--class-depth",
    type=click.IntRange(min=1, max=20),
    metavar="N",
    help="Levels of folders that name a class, where DATA is a folder: 1 for cat/, 2 for animals/cat/.",
)
data_dir = click.option(
    "--data-dir",
    type=PLACE,
    metavar="FOLDER",
    help="Where named sets (mnist, fashion-mnist) are looked for first.",
)
cache_dir = click.option("--cache-dir", type=PLACE, metavar="FOLDER", help="Where decoded images are kept.")
