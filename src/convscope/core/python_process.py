"""Another Python that runs a module of convscope, with pipes to it; it needs no guarded ``__main__``."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def can_start_python() -> bool:
    """Return whether this program can start another Python; one frozen into an application cannot."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def start_python(module: str, *, buffered: bool = True) -> "subprocess.Popen[bytes]":
    """Return a new process that runs `module` as ``python -m`` does; Ctrl-C goes to its parent alone.

    Raises:
        OSError: no process can be started.
    """
    own = str(Path(__file__).parents[2])  # so that convscope is found even if it is not installed
    return subprocess.Popen(  # noqa: S603  # this Python, with constant arguments
        [sys.executable, "-P", "-m", module],
        bufsize=-1 if buffered else 0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([own, *search_path(sys.path)])},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        process_group=0 if os.name == "posix" else None,
    )


def search_path(entries: Iterable[object]) -> list[str]:
    r"""Return the entries of ``sys.path`` that PYTHONPATH can hold; Python itself ignores those that are not text.

    Examples:
        >>> search_path(["", "/a", b"/b", Path("/c"), None, "/d" + os.pathsep + "e", "zero\0byte"])
        ['/a']
    """
    texts = (entry for entry in entries if isinstance(entry, str) and entry)
    return [text for text in texts if os.pathsep not in text and "\0" not in text]
