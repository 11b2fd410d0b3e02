"""``convscope predict``: the classes of pictures, as lines or as a table in a file."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

if TYPE_CHECKING:
    from convscope.networks.prediction import Prediction
    from convscope.networks.prediction_tables import Table

_STDIN = _STDOUT = "-"
_WIDEST_CLASS = 30
_MOST_NAMED = 10
_CHUNK = 1 << 16


class _Command(click.Command):
    """Takes a file after ``--json`` only where it ends in .json, or follows after ``=``.

    Otherwise ``--json photo.jpg`` would take the picture for the file to write.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give a bare ``--json`` its value, standard output."""
        end = args.index("--") if "--" in args else len(args)
        for place, word in enumerate(args[:end]):
            following = args[place + 1] if place + 1 < end else ""
            if word == "--json" and not following.lower().endswith(".json"):
                args[place] = f"--json={_STDOUT}"
        return super().parse_args(ctx, args)


@click.command("predict", cls=_Command)
@click.argument("model", metavar="MODEL")
@click.argument("pictures", metavar="PICTURES...", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(min=1), default=1, metavar="K", help="Name the K most probable classes.")
@click.option("--csv", metavar="FILE", help="Write a CSV file; - is standard output.")
@click.option("--json", metavar="[FILE.json]", help="Write one JSON document, to standard output if no FILE.json.")
@click.option("--parquet", metavar="FILE", help="Write a Parquet file.")
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Pictures at once; as memory allows if none.")
@click.option("--null", is_flag=True, help="Names on standard input end with a zero byte (find -print0), not a line.")
@click.option("--force", is_flag=True, help="Replace files that are already there.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.pass_context
def command(
    context: click.Context,
    /,
    model: str,
    pictures: tuple[str, ...],
    top: int,
    batch: int | None,
    null: bool,
    force: bool,
    quiet: bool,
    **files: str | None,
) -> None:
    """Name the classes of PICTURES with the model in the file or run folder MODEL.

    PICTURES are files, folders (all pictures in them and below), patterns such as 'photos/**/*.jpg', or - for a list
    on standard input, one name a line. A picture that cannot be used is a row with its error; the others go on, and
    the exit code is 1.

    Without --csv, --json and --parquet: a line a picture, aligned on a terminal, else path, class and probability
    with tabs between (then the further classes; for a picture that cannot be used, its error). A file is written only
    where nothing stands, unless --force; --json=FILE takes any name, --json FILE only one that ends in .json.
    """
    from convscope.core.machine import tuned
    from convscope.core.progress import Silent, reporter_for
    from convscope.networks.prediction_files import check_target
    from convscope.verbs.load import load
    from convscope.verbs.predict import predict_each

    targets = {kind: file for kind, file in files.items() if file is not None}
    _refuse_same(targets)
    for kind, file in targets.items():
        if file != _STDOUT:
            check_target(Path(file), kind, force=force)
    used = load(model)
    to_terminal = not targets and sys.stdout.isatty()  # there the lines themselves tell how far it is
    reporter = Silent() if quiet or to_terminal else reporter_for(sys.stderr)
    given = _with_listed(pictures, zero=null) if _STDIN in pictures else pictures
    unusable: list[Prediction] = []
    count = 0
    with tuned(), contextlib.ExitStack() as stack:
        top = min(top, len(used.classes))
        shown = _aligned(used.classes, top) if to_terminal else _separated
        tables = [stack.enter_context(_table(kind, file, top, force, quiet)) for kind, file in targets.items()]
        each = predict_each(used, given, top=top, batch=batch, reporter=reporter)
        for count, prediction in enumerate(stack.enter_context(contextlib.closing(each)), start=1):
            for table in tables:
                table.write(prediction)
            if not targets:
                sys.stdout.write(shown(prediction) + "\n")
            if prediction.error is not None:
                unusable.append(prediction)
