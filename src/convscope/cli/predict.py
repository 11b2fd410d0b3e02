"""``convscope predict``: the classes of images, as lines or as a table in a file."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

import click

from convscope.core.errors import DataError
from convscope.core.text import counted

from . import options
from .standard import need_output, standard_input
from .unusable import EXIT_UNUSABLE, MOST_NAMED, name_unusable

if TYPE_CHECKING:
    from convscope.core.precision import BackendPrecision
    from convscope.core.progress import Reporter
    from convscope.networks.backends import BackendName
    from convscope.networks.prediction import Prediction

_STDIN = _STDOUT = "-"
_WIDEST_CLASS = 30
_CHUNK = 1 << 16


class _Command(click.Command):
    """Takes a file after ``--json`` only where it ends in .json, or follows after ``=``.

    Otherwise ``--json photo.jpg`` would take the image for the file to write.
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
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(min=1), default=1, metavar="K", help="Name the K most probable classes.")
@click.option("--csv", metavar="FILE", help="Write a CSV file; - is standard output.")
@click.option("--json", metavar="[FILE.json]", help="Write one JSON document, to standard output if no FILE.json.")
@click.option("--parquet", metavar="FILE", help="Write a Parquet file.")
@options.batch
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16", "int8"]),
    default="float32",
    show_default=True,
    help="bfloat16 is up to twice as fast where the processor has it (auto asks it), int8 on any with --backend; "
    "probabilities then have 2 to 3 digits.",
)
@click.option(
    "--backend",
    type=click.Choice(["torch", "openvino", "onnxruntime", "auto"]),
    default="torch",
    show_default=True,
    help="What computes: openvino and onnxruntime are extras to install; auto takes the fastest that is there and "
    "agrees with torch.",
)
@click.option("--calibration", metavar="DATA", help="For int8: what was trained with, as for train; 500 are looked at.")
@click.option(
    "--tta",
    is_flag=True,
    help="Take the means of the probabilities of each image and its tta image: twice the time, and more often "
    "right where tta images keep the class.",
)
@options.background
@click.option("--null", is_flag=True, help="Names on standard input end with a zero byte (find -print0), not a line.")
@options.force_files
@options.quiet
@click.pass_context
def command(
    context: click.Context,
    /,
    model: str,
    images: tuple[str, ...],
    *,
    top: int,
    batch: int | None,
    precision: "BackendPrecision",
    backend: "BackendName",
    calibration: str | None,
    tta: bool,
    background: str | None,
    null: bool,
    force: bool,
    quiet: bool,
    **files: str | None,
) -> None:
    """Name the classes of IMAGES with the model in the file or run folder MODEL.

    IMAGES are files, folders (all images in them and below), patterns such as 'photos/**/*.jpg', or - for a list
    on standard input, one name a line. An image that cannot be used is a row with its error; the others go on, and
    the exit code is 1.

    Without --csv, --json and --parquet: a line an image, aligned on a terminal, else path, class and probability
    with tabs between (then the further classes; for an image that cannot be used, its error). Names are then exact,
    but for tabs and line ends, which are written out; a terminal gets everything that it could obey written out. A
    file is written only where nothing stands, unless --force; --json=FILE takes any name, --json FILE only one that
    ends in .json.
    """
    from convscope.api.load import load
    from convscope.api.predict import flip_tta, optimized, predict_each
    from convscope.core.machine import tuned
    from convscope.core.progress import Silent
    from convscope.core.reporters import reporter_for
    from convscope.networks.prediction_files import check_targets, tables
    from convscope.networks.prediction_tables import Lines

    targets = {kind: file for kind, file in files.items() if file is not None}
    check_targets(targets, force=force)
    if not targets or _STDOUT in targets.values():
        need_output("Write a file, for example with --csv FILE.")
    if _STDIN in images:
        standard_input()
    speaking = Silent() if quiet else reporter_for(sys.stderr)
    trained = load(model)
    if background is not None:
        trained = trained.on_background(background)
    ready = optimized(trained, precision=precision, backend=backend, calibration=calibration, reporter=speaking)
    used = flip_tta(ready, speaking) if tta else ready
    top = min(top, len(used.classes))
    on_terminal = not targets and sys.stdout.isatty()  # there the lines themselves tell how far it is
    reporter = Silent() if on_terminal else speaking
    given = _with_listed(images, zero=null) if _STDIN in images else images
    lines = Lines(sys.stdout, _aligned(used.classes) if on_terminal else _separated)
    told = _Told()
    with (
        tuned(),
        tables(targets, sys.stdout if targets else lines, top=top, force=force, reporter=reporter) as table,
        contextlib.closing(predict_each(used, given, top=top, batch=batch, reporter=reporter)) as predictions,
    ):
        for prediction in predictions:
            table.write(prediction)
            told.add(prediction)
    told.remarks(speaking)
    if targets and not quiet:
        told.summary(targets, reporter)
    if told.unusable:
        context.exit(EXIT_UNUSABLE)


class _Told:
    """What is said at the end of many predictions."""

    def __init__(self) -> None:
        self.count = self.unusable = self._remarked = 0
        self._first: list[Prediction] = []
        self._remarks: list[Prediction] = []

    def add(self, prediction: "Prediction") -> None:
        """Count it; keep it if it is one of the first that cannot be used, or of which there is something to say."""
        self.count += 1
        if prediction.remarks:
            self._remarked += 1
            if len(self._remarks) < MOST_NAMED:
                self._remarks.append(prediction)
        if prediction.error is not None:
            self.unusable += 1
            if len(self._first) < MOST_NAMED:
                self._first.append(prediction)

    def remarks(self, reporter: "Reporter") -> None:
        """Say what is not as it should be with images that were used."""
        for prediction in self._remarks:
            reporter.say(f"note: {prediction.image}: {'; '.join(prediction.remarks)}")
        if self._remarked > len(self._remarks):
            reporter.say(f"… and {self._remarked - len(self._remarks):,} more; convscope check names all of a set")

    def summary(self, targets: dict[str, str], reporter: "Reporter") -> None:
        """Say which images cannot be used, how many there were, and where the rows are."""
        named = [(prediction.image, prediction.error or "") for prediction in self._first]
        name_unusable(named, reporter, total=self.unusable, rest="each in its row")
        files = ", ".join(file for file in targets.values() if file != _STDOUT) or "standard output"
        reporter.say(f"{counted(self.count, 'image')}, {self.unusable:,} unusable: {files}")


def _with_listed(images: tuple[str, ...], *, zero: bool) -> Iterator[str]:
    """Give the images of the command line, with those listed on standard input in place of ``-``."""
    for image in images:
        if image == _STDIN:
            yield from _listed(standard_input(), b"\0" if zero else b"\n")
        else:
            yield image


def _listed(stream: BinaryIO, end: bytes) -> Iterator[str]:
    """Give the names in a stream as they come, each ended by `end`; empty ones are passed over.

    They may begin with a byte order mark, or be UTF-16, as Windows writes them.
    """
    from convscope.images.sources.text_encoding import utf8_chunks

    read = iter(lambda: stream.read1(_CHUNK), b"")  # type: ignore[attr-defined]  # standard input is buffered
    chunks = utf8_chunks(read, by_zeros=end != b"\0")
    rest, begun = b"", False
    for chunk in chunks:
        if not begun and end != b"\0" and b"\0" in chunk.partition(b"\n")[0]:  # find -print0, without --null
            end = b"\0"
            _check_zeros(chunk)
        begun = True
        *names, rest = (rest + chunk).split(end)
        yield from _decoded(names, end)
    yield from _decoded([rest], end)


def _check_zeros(start: bytes) -> None:
    """Refuse a list in which zero bytes stand between letters: as ends of names they make names of one letter, `/`.

    Raises:
        DataError: more than a third of its first bytes are zero.
    """
    if 3 * start.count(0) > len(start):
        raise DataError(
            "Standard input must be a list of names in UTF-8 or UTF-16. Got text with a zero byte "
            "beside nearly every letter: damaged UTF-16. Write the list anew, or, if the zero bytes end names, give "
            "--null."
        )


def _decoded(names: list[bytes], end: bytes) -> Iterator[str]:
    for name in names:
        whole = name.removesuffix(b"\r") if end == b"\n" else name
        if whole:
            yield os.fsdecode(whole)


def _separated(prediction: "Prediction") -> str:
    """Return one row for programs, with tabs between its cells, none of which holds a tab or a line end."""
    from convscope.core.text import one_cell
    from convscope.images.inspection import spell

    cells = [cell for name, value in prediction.top for cell in (one_cell(name), f"{value:.6g}")]
    if prediction.error is not None:
        cells = ["", "", one_cell(spell(prediction.error))]
    return "\t".join([one_cell(spell(prediction.image)), *cells])


def _aligned(classes: tuple[str, ...]) -> Callable[["Prediction"], str]:
    """Return the function that words a row for a terminal: classes with their probabilities, then the path."""
    from rich.cells import cell_len, set_cell_size

    from convscope.core.text import printable

    width = min(_WIDEST_CLASS, max(cell_len(printable(name)) for name in (*classes, "error")))

    def worded(prediction: "Prediction") -> str:
        image = printable(prediction.image)
        if prediction.error is not None:
            return f"{'error':<{width + 9}}  {image}: {printable(prediction.error)}"
        cells = [f"{set_cell_size(printable(name), width)} {value:>8.2%}" for name, value in prediction.top]
        return "  ".join([*cells, image])

    return worded
