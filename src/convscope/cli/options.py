"""Options that several commands have, written once."""

from pathlib import Path

import click

quiet = click.option("--quiet", is_flag=True, help="No progress on stderr.")
force_files = click.option("--force", is_flag=True, help="Replace files that are already there.")
batch = click.option(
    "--batch", type=click.IntRange(min=1), metavar="N", help="Pictures at once; as memory allows if none."
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where named sets (mnist, fashion-mnist) are looked for first.",
)
cache_dir = click.option(
    "--cache-dir", type=click.Path(path_type=Path), metavar="FOLDER", help="Where decoded pictures are kept."
)
