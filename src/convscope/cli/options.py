"""Options that several commands have, written once."""

import os
from pathlib import Path
from typing import Any

import click


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
    "--batch", type=click.IntRange(min=1), metavar="N", help="Pictures at once; as memory allows if none."
)
data_dir = click.option(
    "--data-dir",
    type=PLACE,
    metavar="FOLDER",
    help="Where named sets (mnist, fashion-mnist) are looked for first.",
)
cache_dir = click.option("--cache-dir", type=PLACE, metavar="FOLDER", help="Where decoded pictures are kept.")
