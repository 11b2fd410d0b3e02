"""Records that a run folder keeps of what was measured, for the page and for images."""

import os
from pathlib import Path
from typing import Any, TypeVar

from convscope.core import atomic
from convscope.core.arguments import is_path
from convscope.core.atomic import refuse_unwritable, write_text
from convscope.core.errors import ConvscopeError, DataError, ParameterError, StorageError
from convscope.core.progress import Reporter, Silent
from convscope.core.records import Dataclass, from_json, json_text, strict_json
from convscope.networks.model import Model
from convscope.training.run_folder import RunFolder

LARGEST_BYTES = 1 << 28
RecordT = TypeVar("RecordT", bound=Dataclass)


def run_of(model: Any) -> RunFolder | None:
    """Return the run folder that `model` names, or whose model file it names; None for anything else."""
    if isinstance(model, Model) or not is_path(model):
        return None
    path = Path(model)
    run = RunFolder(path=path if path.is_dir() else path.parent)
    return run if path.is_dir() or (path.name == run.model.name and run.settings.is_file()) else None


def stands(place: str | os.PathLike[str]) -> bool:
    """Return whether a file or folder stands at `place`; a layout may be longer than any name, where Path's raises."""
    return os.path.exists(place)  # noqa: PTH110


def keep(
    record: Any, *, output: Path | None, kept: Path | None, part: bool, force: bool, reporter: Reporter | None
) -> None:
    """Write a record to `output` where one is named, else to its place in the run folder.

    There it replaces an earlier one; but one of a `part` of what could have been measured replaces none, unless `force`
    is given.

    Raises:
        StorageError: it cannot be written.
        DataError: a number in it is not finite.
    """
    path, said = output or kept, reporter or Silent()
    if path is None:
        return
    if output is None and _stays(path, part=part, force=force):
        said.say(f"{path} holds a measurement already and stays: this one is of a part only. --force, or -o elsewhere")
        return
    write_text(path, json_text(record, indent=1) + "\n")
    said.say(f"record  {path}")


def _stays(path: Path, *, part: bool, force: bool) -> bool:
    """Return whether the record that a run folder has stays: a part replaces none."""
    return part and path.exists() and not force


def check_output(output: str | os.PathLike[str] | None, *, kept: Path | None, part: bool, force: bool) -> Path | None:
    """Return the file to write if one is named, having refused before anything is measured what `keep` could not write.

    Raises:
        StorageError: something stands there and `force` is not given, or there or in the run folder (`kept`) nothing
            can be written.
    """
    if output is not None:
        atomic.check_output(Path(output), force=force)
        return Path(output)
    if kept is not None and not _stays(kept, part=part, force=force):
        try:
            refuse_unwritable(kept)
        except StorageError as error:
            said = str(error).removesuffix(" Choose another path.")
            raise StorageError(
                f"The run folder must be writable to keep the record. Got: {said} "
                f"Write it elsewhere, for example with -o my-{kept.name}."
            ) from None
    return None


def read_kept(kind: type[RecordT], path: Path, *, how: str) -> RecordT:
    """Return the record that `path` holds; `how` is the command that makes it.

    Raises:
        ParameterError: nothing stands there.
        DataError: it is no such record.
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
            f"{path} must be a record of this version. Got another ({error}). Make it anew with: {how}"
        ) from None
