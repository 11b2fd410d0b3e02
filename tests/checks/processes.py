"""Processes for tests that interrupt them, and limits for the process of the tests itself."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any


def interruptible(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Start a process that hears SIGINT even where the tests were started in the background, which does not."""
    obey = (lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) if os.name == "posix" else None
    return subprocess.Popen(command, preexec_fn=obey, **options)  # noqa: PLW1509  # no thread of ours runs meanwhile


@contextlib.contextmanager
def small_files_only(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes while the block runs: what a full disk does, for real."""
    import resource  # not everywhere

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
