"""Disks that fail on purpose: full at the first byte, at a later one, when flushed, when closed, when renamed."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAULTS = ("first write", "later write", "fsync", "close", "replace once", "replace")
_ROOM = 40  # bytes


def full(*_: object, **__: object) -> Any:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken_disk(patch: pytest.MonkeyPatch, fault: str) -> None:
    """Let every output of convscope meet `fault`, one of `FAULTS`."""
    if fault == "fsync":
        patch.setattr(os, "fsync", full)
    elif fault.startswith("replace"):
        replace: Callable[[Path, Any], Path] = Path.replace
        failed: list[Path] = []

        def replaced(self: Path, target: Any) -> Path:
            if fault == "replace" or not failed:
                failed.append(self)
                full()
            return replace(self, target)

        patch.setattr(Path, "replace", replaced)
    else:

        class Failing(io.FileIO):
            """A file on the disk."""

            def write(self, data: Any) -> int:
                room = _ROOM - self.tell() if fault == "later write" else 0
                if fault == "close" or len(data) <= room:
                    return super().write(data) or 0
                if room <= 0:
                    full()
                return super().write(data[:room]) or 0

            def close(self) -> None:
                was_open = not self.closed
                super().close()
                if fault == "close" and was_open:
                    full()

        patch.setattr("convscope.core.temporaries.FileIO", Failing)
