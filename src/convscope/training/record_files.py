"""Records of measurements in a run folder, which pages and figures read."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from convscope.core.arguments import is_path
from convscope.core.atomic import check_output, refuse_unwritable, write_text
from convscope.core.errors import ConvscopeError, DataError, ParameterError, StorageError
from convscope.core.progress import Reporter
from convscope.core.records import Dataclass, from_json, json_text, strict_json
from convscope.networks.model import Model

from .run_folder import RunFolder

LARGEST_BYTES = 1 << 28
RecordT = TypeVar("RecordT", bound=Dataclass)


def run_of(model: Any) -> RunFolder | None:
    """Return the run folder that `model` names, directly or by its model file; None for anything else."""
    if isinstance(model, Model) or not is_path(model):
        return None
    path = Path(model)
    run = RunFolder(path=path if path.is_dir() else path.parent)
    return run if path.is_dir() or (path.name == run.model.name and run.settings.is_file()) else None


@dataclass(frozen=True, kw_only=True)
class RecordFile:
    """Where the record of a measurement goes: into a file that is named, else into the run folder.

    Attributes:
        path: the file; None if there is neither.
        in_run: whether it is in the run folder. There a record replaces an earlier one, but a `partial` one replaces
            none without `force`.
        partial: whether less was measured than could be.
        force: whether an existing file is replaced.
    """

    path: Path | None
    in_run: bool
    partial: bool
    force: bool

    @property
    def stays(self) -> bool:
        """Whether the record in the run folder is not replaced."""
        return self.in_run and self.partial and not self.force and self.path is not None and self.path.exists()

    def write(self, record: Any, reporter: Reporter) -> None:
        """Write a record, and report where it is.

        Raises:
            StorageError: it cannot be written.
            DataError: a number in it is not finite.
        """
        if self.path is None:
            return
        if self.stays:
            reporter.say(
                f"{self.path} was not replaced: it is complete and the new measurement is partial. Use --force, or "
                "another file with -o."
            )
            return
        write_text(self.path, json_text(record, indent=1) + "\n")
        reporter.say(f"record  {self.path}")


def record_file(
    model: Any, name: str, output: str | os.PathLike[str] | None, *, partial: bool, force: bool
) -> RecordFile:
    """Return where the record `name` (an attribute of `RunFolder`) of `model` goes, checked before it is measured.

    Raises:
        StorageError: the file exists and `force` is not given, or it or the run folder is not writable.
    """
    if output is not None:
        check_output(Path(output), force=force)
        return RecordFile(path=Path(output), in_run=False, partial=partial, force=force)
    run = run_of(model)
    file = RecordFile(path=getattr(run, name) if run else None, in_run=True, partial=partial, force=force)
    if file.path is not None and not file.stays:
        try:
            refuse_unwritable(file.path)
        except StorageError as error:
            reason = str(error).removesuffix(" Choose another place.")
            raise StorageError(
                f"The run folder must be writable to save the record. Got: {reason} "
                f"Write it elsewhere, for example with -o my-{file.path.name}."
            ) from None
    return file


def read_record_file(kind: type[RecordT], path: Path, *, how: str) -> RecordT:
    """Return the record in the file `path`; `how` is the command that makes it.

    Raises:
        ParameterError: there is no such file.
        DataError: it is no record of this kind.
    """
    if not path.is_file():
        raise ParameterError(f"There must be a record {path}. Got none. Make it with: {how}")
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DataError(f"{path} must have at most {LARGEST_BYTES:,} bytes. Got {path.stat().st_size:,}.")
        return from_json(kind, strict_json(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ConvscopeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path} must be a record of this version. Got another ({error}). Make it again with: {how}"
        ) from None
