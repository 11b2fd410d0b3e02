"""Watches a case from inside its process: time of the processor, memory, and what is written to standard error."""

import contextlib
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .cases import Finding, Kind, Verdict, Watch

_STATUS = Path("/proc/self/status")
_RESET_PEAK = "5"


class Watcher(Watch):
    """Checks what goes beyond a single call; ends the process (SIGPROF) where a case takes too long.

    Args:
        kind: the kind of cases.
        announce: called with the number of every case that begins.
        deadline: whether the time of the processor is limited; not within a test, whose process must live.
    """

    def __init__(self, kind: Kind, announce: Callable[[int], None] = lambda seed: None, *, deadline: bool) -> None:
        self.findings: list[Finding] = []
        self._kind, self._announce, self._deadline = kind, announce, deadline
        self._seed = -1
        self._noise: int | None = None
        self._before_mb = 0.0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Catch standard error for a while, as the system sees it."""
        sys.stderr.flush()
        saved = os.dup(2)
        with tempfile.TemporaryFile() as file:
            self._noise = file.fileno()
            os.dup2(self._noise, 2)
            try:
                yield
                self._end()
            finally:
                self._timer(0)
                sys.stderr.flush()
                os.dup2(saved, 2)
                os.close(saved)
                self._noise, self._seed = None, -1

    def begin(self, seed: int) -> None:
        """Begin a case."""
        self._end()
        self._seed = seed
        self._announce(seed)
        self._before_mb = _resident_mb()
        self._timer(self._kind.cpu_s)

    def found(self, verdict: Verdict, cause: str, detail: str = "", *, seed: int | None = None) -> None:
        """Note what is wrong."""
        number = self._seed if seed is None else seed
        self.findings.append(
            Finding(kind=self._kind.name, seed=number, verdict=verdict, cause=cause, detail=detail[:4000])
        )

    def noise(self) -> str:
        """Return what was written to standard error since the last call."""
        if self._noise is None:
            return ""
        sys.stderr.flush()
        size = os.fstat(self._noise).st_size
        if not size:
            return ""
        text = os.pread(self._noise, min(size, 100_000), 0)
        os.ftruncate(self._noise, 0)
        os.lseek(self._noise, 0, os.SEEK_SET)
        return text.decode(errors="replace")

    def _end(self) -> None:
        self._timer(0)
        if self._seed < 0:
            self.noise()
            return
        noise = self.noise()
        if noise:
            self.found(Verdict.WRONG, f"words on standard error ({noise.split(maxsplit=1)[0][:40]})", noise)
        grown = _peak_mb() - self._before_mb
        if grown > self._kind.memory_mb:
            self.found(Verdict.WRONG, "memory", f"{grown:,.0f} MB more")

    def _timer(self, seconds: float) -> None:
        if self._deadline:
            signal.setitimer(signal.ITIMER_PROF, seconds)


def limit_memory(extra_mb: int) -> None:
    """Let this process take no more than `extra_mb` beyond what it takes, so that the machine goes on."""
    with contextlib.suppress(OSError, ValueError):
        taken = _megabytes("VmSize") * 1e6
        resource.setrlimit(resource.RLIMIT_AS, (int(taken + extra_mb * 1e6), resource.RLIM_INFINITY))


def _resident_mb() -> float:
    """Return the memory that is taken, and forget how much it was before."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")
    return _megabytes("VmRSS")


def _peak_mb() -> float:
    return _megabytes("VmHWM")


def _megabytes(name: str) -> float:
    """Return a number of the system's about this process; 0 where there is none of it."""
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0
