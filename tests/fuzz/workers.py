"""Processes that try cases, one block after another: one that ends of a case is that case's fault, and is replaced."""

import contextlib
import dataclasses
import gc
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .cases import Finding, Kind, Verdict
from .keeping import keep_case
from .watching import Watcher, limit_memory

QUIET_S = 300.0
"""Seconds without a word after which a process that does not use the processor is ended, as a hang."""
_EXTRA_MB = 8_000
_BLOCKS_A_PROCESS = 200  # then a fresh one: what leaks does not add up


@dataclasses.dataclass(frozen=True, kw_only=True)
class Block:
    """Neighboring cases and what was found in them."""

    start: int
    stop: int
    findings: tuple[Finding, ...]


class _Worker:
    """A forked process with a pipe to it and one from it, and the block that it is at."""

    def __init__(self, kind: Kind, folder: Path, cases: Path | None, others: Iterable["_Worker"]) -> None:
        self.block: tuple[int, int] | None = None
        self.seed: int | None = None
        self.findings: list[Finding] = []
        self.blocks = 0
        self.heard = time.monotonic()
        self.rest = b""
        self._kind = kind
        from_parent, self._requests = os.pipe()
        self.answers, to_parent = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.process = os.fork()
        if self.process == 0:
            os.close(self._requests)
            os.close(self.answers)
            for other in others:  # whose own processes would otherwise wait for an end that this one holds open
                os.close(other._requests)
                os.close(other.answers)
            _serve(kind, folder, cases, from_parent, to_parent)
        os.close(from_parent)
        os.close(to_parent)

    def give(self, block: tuple[int, int]) -> None:
        """Let it try the cases of a block."""
        self.block, self.seed, self.findings = block, None, []
        self.heard = time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it has ended; reading will tell
            os.write(self._requests, json.dumps(block).encode() + b"\n")

    def messages(self) -> Iterator[dict[str, Any]]:
        """Give what it has said; `{"end": status}` when it has ended."""
        data = os.read(self.answers, 1 << 16)
        self.heard = time.monotonic()
        if not data:
            _, status = os.waitpid(self.process, 0)
            yield {"end": os.waitstatus_to_exitcode(status)}
            return
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            yield json.loads(line)

    def close(self, *, kill: bool = False) -> None:
        """Close the pipes; what it is doing ends with them, or now."""
        if kill:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
        os.close(self._requests)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.process, 0)
        os.close(self.answers)


def tried(
    kind: Kind,
    blocks: Iterator[tuple[int, int]],
    *,
    workers: int,
    until: Callable[[], bool] = lambda: False,
    cases: Path | None = None,
) -> Iterator[Block]:
    """Give what every block came to, in the order in which they end.

    Args:
        kind: of the cases.
        blocks: numbers of the cases: the first, and behind the last.
        workers: processes.
        until: no block begins once it says so.
        cases: a folder that takes the files of the first cases of each cause.
    """
    waiting: list[tuple[int, int]] = []

    def following() -> tuple[int, int] | None:
        if waiting:
            return waiting.pop()
        return None if until() else next(blocks, None)

    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=fast_folder()) as place:
        running: dict[int, _Worker] = {}
        number = 0
        try:
            while True:
                while len(running) < workers and (block := following()) is not None:
                    number += 1
                    worker = _Worker(kind, Path(place) / str(number), cases, running.values())
                    running[worker.answers] = worker
                    worker.give(block)
                if not running:
                    return
                ready, _, _ = select.select(list(running), [], [], min(5.0, QUIET_S))
                for pipe in ready:
                    yield from _heard(running, running[pipe], following, waiting)
                for worker in list(running.values()):
                    if time.monotonic() - worker.heard > QUIET_S and _rests(worker.process):
                        os.kill(worker.process, signal.SIGPROF)
        finally:
            for worker in running.values():
                worker.close(kill=True)


def _heard(
    running: dict[int, _Worker],
    worker: _Worker,
    following: Callable[[], tuple[int, int] | None],
    waiting: list[tuple[int, int]],
) -> Iterator[Block]:
    for message in worker.messages():
        if "begin" in message:
            worker.seed = message["begin"]
        if "findings" in message:
            worker.findings += [_finding(one) for one in message["findings"]]
            yield from _ended(worker)
            worker.blocks += 1
            block = None if worker.blocks >= _BLOCKS_A_PROCESS else following()
            if block is None:
                running.pop(worker.answers)
                worker.close()
                return
            worker.give(block)
        if "end" in message:
            running.pop(worker.answers)
            yield from _died(worker, message["end"], waiting)
            worker.close()


def _ended(worker: _Worker) -> Iterator[Block]:
    if worker.block is not None:
        start, stop = worker.block
        yield Block(start=start, stop=stop, findings=tuple(worker.findings))
    worker.block = None


def _died(worker: _Worker, code: int, waiting: list[tuple[int, int]]) -> Iterator[Block]:
    """Give the cases up to the one of which a process has ended; the others of its block are to be tried again."""
    if worker.block is None:
        return
    start, stop = worker.block
    seed = start if worker.seed is None else worker.seed
    hung = code == -signal.SIGPROF
    verdict = Verdict.HANG if hung else Verdict.CRASH
    cause = "takes too long" if hung else f"the process ended ({_end_text(code)})"
    found = Finding(kind=worker._kind.name, seed=seed, verdict=verdict, cause=cause)
    waiting += [(one, one + 1) for one in range(start, stop) if one != seed]
    yield Block(start=seed, stop=seed + 1, findings=(found,))


def _end_text(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _serve(kind: Kind, folder: Path, cases: Path | None, requests: int, answers: int) -> None:
    """Try blocks until there are no more, and end the process."""
    code = 70
    try:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        gc.freeze()
        folder.mkdir(parents=True)

        def say(message: dict[str, Any]) -> None:
            os.write(answers, json.dumps(message).encode() + b"\n")

        kind.prepare(folder)
        limit_memory(_EXTRA_MB)
        with open(requests, "rb") as stream:
            for line in stream:
                start, stop = json.loads(line)
                watcher = Watcher(kind, lambda seed: say({"begin": seed}), deadline=True)
                with watcher.watching():
                    try:
                        kind.evaluate(range(start, stop), watcher)
                    except Exception as error:  # noqa: BLE001  # an oracle must not end the campaign
                        watcher.crashed(error)
                for found in watcher.findings if cases else ():
                    keep_case(kind, found, cases)
                say({"findings": [dataclasses.asdict(one) for one in watcher.findings]})
        kind.close()
        code = 0
    except BaseException:  # noqa: BLE001  # the process ends here whatever happens
        with contextlib.suppress(OSError):
            os.write(2, traceback.format_exc().encode())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)


def _finding(fields: dict[str, Any]) -> Finding:
    return Finding(**{**fields, "verdict": Verdict(fields["verdict"])})


def _rests(process: int) -> bool:
    """Return whether a process has not used the processor for a second: it waits for something that never comes."""
    before = _ticks(process)
    time.sleep(1)
    return _ticks(process) == before


def _ticks(process: int) -> int:
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    except (OSError, ValueError, IndexError):
        return -1


def fast_folder() -> str | None:
    """Return a folder in memory where there is one: files are written by the hundred thousand."""
    place = Path("/dev/shm")
    return str(place) if place.is_dir() and os.access(place, os.W_OK) else None
