"""Files of predictions: checked before the work, whole at the end, with partial files after an interruption."""

import contextlib
import io
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO, final

from convscope.core.atomic import Output, check_output, explained
from convscope.core.errors import ParameterError, StorageError
from convscope.core.extras import optional
from convscope.core.progress import Reporter, Silent
from convscope.core.targets import target_of
from convscope.core.text import printable
from convscope.images.decoding.decoder import EXTENSIONS
from convscope.images.sources.naming import extension

from .prediction import Prediction
from .prediction_tables import CsvTable, JsonTable, ParquetTable, Table

STDOUT = "-"
_NEVER = EXTENSIONS | {".safetensors"}


class _NotWholeError(StorageError):
    """All rows are written, but a table could not be finished or renamed to its final name."""


@contextlib.contextmanager
def tables(
    targets: Mapping[str, str],
    stdout: Table | TextIO,
    *,
    top: int,
    force: bool = False,
    reporter: Reporter | None = None,
) -> Iterator[Table]:
    """Give the one table that writes to all `targets` while the block runs.

    A file is in its place when it is whole and on the disk, and not before (see `convscope.core.atomic`). When an error
    or an interruption leaves the block, the rows so far stay beside it as ``<name>.part``, a table that can be read.
    One that cannot be ended or put into its place stays so, too; the others go into theirs. The sentence of a
    `StorageError` names what is kept.
    Devices, pipes and open streams get the rows as they come.

    Args:
        targets: the file of each kind, ``csv``, ``json`` or ``parquet``; ``-`` is `stdout`.
        stdout: a stream, or, where nothing else is asked for, the table that is written to.
        top: how many classes a row names.
        force: replace what stands there.
        reporter: shows where the rows are after an interruption or another error.

    Raises:
        ConvscopeError: as `check_targets` says.
        StorageError: a file cannot be written.
    """
    check_targets(targets, force=force)
    with contextlib.ExitStack() as stack:
        every: list[Table] = []
        if isinstance(stdout, Table):
            every.append(stack.enter_context(_ending(stdout)))
        for kind, target in targets.items():
            if target != STDOUT:
                every.append(stack.enter_context(_file(Path(target), kind, top, reporter or Silent())))
            elif not isinstance(stdout, Table):
                every.append(stack.enter_context(_ending(_text_table(kind, stdout, top))))
        yield every[0] if len(every) == 1 else _All(every)


def check_targets(targets: Mapping[str, str], *, force: bool) -> None:
    """Validate that tables can be written and destroy nothing.

    Even with `force` a name that ends like an image is refused: ``--csv *.jpg`` must not cost an image.

    Raises:
        StorageError: the file exists.
        ParameterError: a name has the extension of an image or model, is a folder, or is there twice.
        MissingPackageError: Parquet is asked for and pyarrow is not there.
    """
    identities = [identity for target in targets.values() if (identity := _identity(target)) is not None]
    if len(set(identities)) != len(identities):
        raise ParameterError(
            f"{' and '.join(f'`{kind}`' for kind in targets)} must name different files. "
            f"Got {', '.join(map(printable, targets.values()))}. At most one can be standard output."
        )
    for kind, target in targets.items():
        if kind == "parquet" and target == STDOUT:
            raise ParameterError("`parquet` must name a file. Got - (standard output). Put a name after --parquet.")
        if target != STDOUT:
            _check_target(Path(target), kind, force=force)


def _identity(target: str) -> tuple[object, ...] | None:
    """Return the identity of an output, equal for two names of the same one; None for a device such as /dev/null."""
    if target == STDOUT:
        return (STDOUT,)
    output = target_of(Path(target))
    if output.descriptor == 1:
        return (STDOUT,)
    if output.status is not None and stat.S_ISCHR(output.status.st_mode) and output.descriptor is None:
        return None
    return output.identity


def _check_target(path: Path, kind: str, *, force: bool) -> None:
    output = target_of(path)
    if {extension(path.name), extension(output.resolved.name)} & _NEVER or output.is_folder:
        what = "a folder" if output.is_folder else "the name of an image or model"
        raise ParameterError(
            f"`{kind}` must name a file for the results. Got {printable(str(path))!r}, {what}. "
            f"Put the name of the file right after --{kind}."
        )
    check_output(path, force=force)
    if kind == "parquet":
        optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")


@contextlib.contextmanager
def _ending(table: Table) -> Iterator[Table]:
    """Give a table on a stream, and end it, whatever ends the block."""
    try:
        yield table
    except BrokenPipeError:
        raise
    except BaseException:
        with contextlib.suppress(OSError):
            table.end(whole=False)
        raise
    table.end(whole=True)


@contextlib.contextmanager
def _file(path: Path, kind: str, top: int, reporter: Reporter) -> Iterator[Table]:
    output = Output(path)
    try:
        with explained(path, streams=not output.is_file):
            table = _Counted(output, _make(kind, output.stream, top))
    except BaseException:
        output.abandon()
        raise
    earlier = ""
    try:
        yield table
    except _NotWholeError as error:  # of another table: the rows of this one are all there
        earlier = f"{error} "
    except StorageError as error:  # of a row, here or in another table
        raise type(error)(f"{error}{_kept(_first_rows(table.rows), _keep(table, output))}") from error
    except BaseException:
        part = _keep(table, output)
        if part is not None:
            reporter.say(f"{_first_rows(table.rows)} in {os.fsdecode(part)}")
        raise
    try:
        _finish(table, output)
    except StorageError as error:
        raise _NotWholeError(f"{earlier}{error}") from error
    if earlier:
        raise _NotWholeError(earlier.rstrip())


def _finish(table: "_Counted", output: Output) -> None:
    """End a table that has all its rows, and put it into its place.

    Raises:
        StorageError: that fails; the sentence names what is kept.
    """
    try:
        table.end(whole=True)
        with explained(table.path, streams=not output.is_file):
            output.close()
    except StorageError as error:
        raise StorageError(f"{error}{_kept(_first_rows(table.rows), _keep(table, output))}") from error
    except BaseException:
        _keep(table, output)
        raise
    try:
        output.finish()
    except StorageError as error:
        raise StorageError(f"{error}{_kept(_all_rows(table.rows), output.save_partial())}") from error


def _kept(rows: str, part: "Path | bytes | str | None") -> str:
    return "" if part is None else f" What was written is kept: {rows} in {printable(os.fsdecode(part))}."


@final
class _All(Table):
    """Several tables that take the same rows."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = tables

    def write(self, prediction: Prediction) -> None:
        """Add one row to each."""
        for table in self._tables:
            table.write(prediction)

    def end(self, *, whole: bool) -> None:
        """End each."""
        for table in self._tables:
            table.end(whole=whole)


@final
class _Counted(Table):
    """A table whose errors name the file that the user asked for, and that counts its rows."""

    def __init__(self, output: Output, table: Table) -> None:
        self.rows = 0
        self.path, self._streams, self._table = output.path, not output.is_file, table

    def write(self, prediction: Prediction) -> None:
        """Add one row."""
        with explained(self.path, streams=self._streams):
            self._table.write(prediction)
        self.rows += 1

    def end(self, *, whole: bool) -> None:
        """Write what comes after the last row."""
        with explained(self.path, streams=self._streams):
            self._table.end(whole=whole)


def _make(kind: str, stream: BinaryIO, top: int) -> Table:
    if kind == "parquet":
        return ParquetTable(stream, top)
    return _text_table(kind, io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", newline=""), top)


def _text_table(kind: str, stream: TextIO, top: int) -> Table:
    return CsvTable(stream, top) if kind == "csv" else JsonTable(stream, top)


def _keep(table: _Counted, output: Output) -> Path | None:
    """Return where the rows so far are kept as a table that can be read.

    None, and nothing is left, if there are none, or if that fails (a full disk).
    """
    whole = False
    with contextlib.suppress(Exception):  # of the libraries, too, that write tables
        table.end(whole=False)
        whole = table.rows > 0
    part = output.save_partial() if whole else None
    output.abandon()
    return part


def _all_rows(count: int) -> str:
    return "the only row is" if count == 1 else f"all {count:,} rows are"


def _first_rows(count: int) -> str:
    return "the first row is" if count == 1 else f"the first {count:,} rows are"
