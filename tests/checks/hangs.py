"""A program that hangs is ended, and one that is only slow is not, whatever else the machine does.

A hanging program computes nothing, or the same for ever: what counts is the processor time of all its processes, not
the seconds on the clock.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

IDLE_S, IDLE_SHARE = 120.0, 0.002  # so long with less than this share of one core is hanging
_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def run(
    command: Sequence[str | Path],
    *,
    most_processor_s: float,
    env: Mapping[str, str] | None = None,
    idle_s: float = IDLE_S,
) -> subprocess.CompletedProcess[str]:
    """Run a program in a session of its own until it ends, with what it prints.

    Args:
        command: to be run.
        most_processor_s: of all its processes together.
        env: its environment.
        idle_s: seconds on the clock in which it must compute something, where the system tells.

    Raises:
        AssertionError: it hangs; it is ended then, with all its processes.
    """
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    used, since = 0.0, time.monotonic()
    try:
        while True:
            try:
                out, err = process.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                now, later = processor_s(process.pid), time.monotonic()
            else:
                return subprocess.CompletedProcess(process.args, process.returncode, out, err)
            assert now <= most_processor_s, f"{command} computes for ever"
            if sys.platform != "linux" or abs(now - used) > IDLE_SHARE * idle_s:
                used, since = now, later
            assert later - since <= idle_s, f"{command} waits for ever"
    finally:
        for number in [*_session(process.pid), *([process.pid] if process.poll() is None else [])]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.communicate()


def processor_s(session: int) -> float:
    """Return the processor seconds of the processes of a session that live, and of their children that have ended."""
    return sum(sum(ticks) for ticks in _session(session).values()) / _TICKS_PER_S


def _session(session: int) -> dict[int, tuple[int, ...]]:
    """Return the living processes of a session, each with its ticks: its own, and those of its ended children."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_bytes().rpartition(b")")[2].split()  # from the third field on
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[3]) == session and fields[0] != b"Z":
            found[int(entry.parent.name)] = tuple(map(int, fields[11:15]))
    return found
