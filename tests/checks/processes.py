"""Processes for tests that interrupt them."""

import os
import signal
import subprocess
from typing import Any


def interruptible(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Start a process that hears SIGINT even where the tests were started in the background, which does not."""
    obey = (lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) if os.name == "posix" else None
    return subprocess.Popen(command, preexec_fn=obey, **options)  # noqa: PLW1509  # no thread of ours runs meanwhile
