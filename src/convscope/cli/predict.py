"""``convscope predict``: the classes of images, as lines or as a table in a file."""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from convscope.core.context import Context
from convscope.core.errors import DataError
from convscope.core.text import counted
from convscope.options.predict import InferenceOptions, PredictOptions
from convscope.options.shards import ShardOptions

from .in_shards import end_of_shards, shards_in
from .options import GroupedCommand, cli_option, options_in, options_of, with_context
from .standard import need_output, standard_input
from .unusable import EXIT_UNUSABLE, MOST_NAMED, name_unusable

if TYPE_CHECKING:
    from convscope.core.progress import Reporter
    from convscope.networks.inputs import Inputs
    from convscope.networks.prediction import Prediction, Predictor

_STDIN = _STDOUT = "-"
_WIDEST_CLASS = 30
_CHUNK = 1 << 16


class _Command(GroupedCommand):
    """A command whose ``--json`` takes a file only if it ends in .json or follows ``=``.

    Otherwise ``--json photo.jpg`` would overwrite the image.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give a bare ``--json`` its value, standard output."""
        end = args.index("--") if "--" in args else len(args)
        for index, word in enumerate(args[:end]):
            following = args[index + 1] if index + 1 < end else ""
            if word == "--json" and not following.lower().endswith(".json"):
                args[index] = f"--json={_STDOUT}"
        return super().parse_args(ctx, args)


@click.command("predict", cls=_Command)
@click.argument("model", metavar="MODEL")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@options_of(PredictOptions, InferenceOptions, ShardOptions)
@cli_option("--csv", metavar="FILE", help="Write a CSV file; - is standard output.")
@cli_option("--json", metavar="[FILE.json]", help="Write one JSON document, to standard output without FILE.json.")
@cli_option("--parquet", metavar="FILE", help="Write a Parquet file.")
@cli_option("--force", is_flag=True, help="Replace existing files.")
@cli_option(
    "--null",
    is_flag=True,
    help="Names on standard input end with a zero byte (find -print0), not a line.",
    group="Data",
)
@with_context("data_dir")
@click.pass_context
def command(
    shell: click.Context,
    /,
    *,
    context: Context,
    model: str,
    images: tuple[str, ...],
    force: bool,
    null: bool,
    **values: Any,
) -> None:
    """Predict the classes of IMAGES with the model in the file or run folder MODEL.

    IMAGES are files, folders (all images in them and below), patterns such as 'photos/**/*.jpg', or - for a list
    on standard input, one name per line. An image that cannot be used is a row with its error; the others go on, and
    the exit code is 1.

    Without --csv, --json and --parquet: one line per image, aligned on a terminal, else path, class and probability
    with tabs between (then the further classes; for an image that cannot be used, its error). Names are then exact,
    but for tabs and line ends, which are escaped; on a terminal every control character is escaped. A file is written
    only where none exists, unless --force; --json=FILE takes any name, --json FILE only one that ends in .json.

    With --shards, the results are parts in a folder, for convscope merge.
    """
    from convscope.api.kept_inputs import keep_inputs
    from convscope.core.machine import tuned
    from convscope.core.progress import Silent
    from convscope.networks.prediction_files import check_targets, tables
    from convscope.networks.prediction_tables import Lines

    targets = {kind: values[kind] for kind in ("csv", "json", "parquet") if values[kind] is not None}
    if (how := shards_in(values, targets)) is not None:
        from convscope.api.shards import predict_in_shards

        names = _with_listed(images, zero=null) if _STDIN in images else images
        options = PredictOptions(**options_in(PredictOptions, values))
        inference = InferenceOptions(**options_in(InferenceOptions, values))
        end_of_shards(
            shell, predict_in_shards(model, names, how, options, inference, force=force, context=context), context
        )
        return
    keep_inputs((name for name in targets.values() if name != _STDOUT), models=[model], data=[images])
    check_targets(targets, force=force)
    if not targets or _STDOUT in targets.values():
        need_output("Write a file, for example with --csv FILE.")
    if _STDIN in images:
        standard_input()
    names = _with_listed(images, zero=null) if _STDIN in images else images
    network, inputs, options = _network(model, names, values, context)
    on_terminal = not targets and sys.stdout.isatty()  # there the lines themselves show progress
    reporter = Silent() if on_terminal else context.reporter
    lines = Lines(sys.stdout, _aligned(network.classes) if on_terminal else _separated)
    summary = _Summary()
    from convscope.api.predict import predict_each

    with (
        tuned(),
        tables(targets, sys.stdout if targets else lines, top=options.top, force=force, reporter=reporter) as table,
        contextlib.closing(predict_each(network, inputs, options=options, reporter=reporter)) as predictions,
    ):
        for prediction in predictions:
            table.write(prediction)
            summary.add(prediction)
    summary.report_remarks(context.reporter)
    if targets and context.progress:
        summary.report(targets, reporter)
    if summary.unusable:
        shell.exit(EXIT_UNUSABLE)


def _network(
    model: str, names: Iterable[str], values: dict[str, Any], context: Context
) -> "tuple[Predictor, Inputs, PredictOptions]":
    """Return what predicts, the images that it is given, and the options that fit it."""
    from convscope.api.predict import flip_tta, optimized
    from convscope.networks.inputs import list_inputs
    from convscope.networks.model_file import opened

    options = PredictOptions(**options_in(PredictOptions, values))
    trained = opened(model, context.reporter).on_background(options.background)
    inputs = list_inputs(names, channels=trained.preprocessing.channels, size=trained.preprocessing.size)
    trained = optimized(trained, inputs.total, context=context, **options_in(InferenceOptions, values))
    network = flip_tta(trained, context.reporter) if options.tta else trained
    return network, inputs, dataclasses.replace(options, top=min(options.top, len(network.classes)))


class _Summary:
    """The end of many predictions: how many, and which were not as they should be."""

    def __init__(self) -> None:
        self.count = self.unusable = self._remarked = 0
        self._first: list[Prediction] = []
        self._remarks: list[Prediction] = []

    def add(self, prediction: "Prediction") -> None:
        """Count a prediction; store it if it is one of the first unusable ones or has remarks."""
        self.count += 1
        if prediction.remarks:
            self._remarked += 1
            if len(self._remarks) < MOST_NAMED:
                self._remarks.append(prediction)
        if prediction.error is not None:
            self.unusable += 1
            if len(self._first) < MOST_NAMED:
                self._first.append(prediction)

    def report_remarks(self, reporter: "Reporter") -> None:
        """Report remarks on images that were used."""
        for prediction in self._remarks:
            reporter.say(f"note: {prediction.image}: {'; '.join(prediction.remarks)}")
        if self._remarked > len(self._remarks):
            reporter.say(f"… and {self._remarked - len(self._remarks):,} more; convscope check lists all of a dataset")

    def report(self, targets: dict[str, str], reporter: "Reporter") -> None:
        """Report unusable images, the number of images, and the files."""
        named = [(prediction.image, prediction.error or "") for prediction in self._first]
        name_unusable(named, reporter, total=self.unusable, rest="each in its row")
        files = ", ".join(file for file in targets.values() if file != _STDOUT) or "standard output"
        reporter.say(f"{counted(self.count, 'image')}, {self.unusable:,} unusable: {files}")


def _with_listed(images: tuple[str, ...], *, zero: bool) -> Iterator[str]:
    """Yield the images of the command line; ``-`` stands for those listed on standard input."""
    for image in images:
        if image == _STDIN:
            yield from _listed(standard_input(), b"\0" if zero else b"\n")
        else:
            yield image


def _listed(stream: BinaryIO, end: bytes) -> Iterator[str]:
    """Yield the names in a stream, each ended by `end`; empty ones are skipped.

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
    """Raise an error for a list with zero bytes between letters, which would become names of one letter.

    Raises:
        DataError: more than a third of its first bytes are zero.
    """
    if 3 * start.count(0) > len(start):
        raise DataError(
            "Standard input must be a list of names in UTF-8 or UTF-16. Got text with a zero byte "
            "beside nearly every letter: damaged UTF-16. Write the list again, or, if the zero bytes end names, give "
            "--null."
        )


def _decoded(names: list[bytes], end: bytes) -> Iterator[str]:
    for name in names:
        whole = name.removesuffix(b"\r") if end == b"\n" else name
        if whole:
            yield os.fsdecode(whole)


def _separated(prediction: "Prediction") -> str:
    """Return one row for programs: cells without tabs and line ends, separated by tabs."""
    from convscope.core.text import one_cell
    from convscope.images.inspection import spell

    cells = [cell for name, value in prediction.top for cell in (one_cell(name), f"{value:.6g}")]
    if prediction.error is not None:
        cells = ["", "", one_cell(spell(prediction.error))]
    return "\t".join([one_cell(spell(prediction.image)), *cells])


def _aligned(classes: tuple[str, ...]) -> Callable[["Prediction"], str]:
    """Return the formatter of a row for a terminal: classes with their probabilities, then the path."""
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
