"""Finished trainings on the disk, one file each, so that a comparison that was interrupted goes on where it was."""

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.core.atomic import write_text
from convscope.core.errors import DataError
from convscope.core.records import from_json, json_text, strict_json, to_json
from convscope.core.version import __version__

from .records import FORMAT_VERSION, Trial

_MOST_BYTES = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A finished training, the seconds that it took with its evaluating, and what it complained of."""

    trial: Trial
    wall_s: float
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The folder of finished trainings; each file is called after everything that its figures depend on."""

    folder: Path

    def get(self, key: str) -> Cell | None:
        """Return the training of this key; None where there is none, or its file is damaged."""
        path = self._path(key)
        with contextlib.suppress(OSError, ValueError, DataError, RecursionError):
            if path.stat().st_size <= _MOST_BYTES:
                return from_json(Cell, strict_json(path.read_text(encoding="utf-8")))
        return None

    def put(self, key: str, cell: Cell) -> None:
        """Write the training, whole or not at all."""
        write_text(self._path(key), json_text(cell) + "\n")

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def key_of(*parts: Any) -> str:
    """Return hexadecimal digits that stand for `parts`, which go to JSON, and for the version of the library."""
    text = json.dumps(to_json([FORMAT_VERSION, __version__, *parts]), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
