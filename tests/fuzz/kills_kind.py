"""Kills and failing disks in every command that writes: what stood there stays, and the command can be given again."""

import contextlib
import ctypes
import errno
import fcntl
import functools
import importlib
import os
import re
import resource
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from convscope.cli import group
from convscope.verbs import compare_files

from .cases import Kind, Random, Verdict, Watch, pick
from .commands import CODES, Ended, contents, leftovers
from .scenarios import OLD, SCENARIOS, Scenario, broken, comparable
from .small_set import checkpoints_always, finished_run, interrupted_run, write_set

_CHANGING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "shutil.rmtree")
_GROWING = ("history.csv", "state.safetensors")  # whole, and another one after every epoch
_REMOVING = ("os.remove", "os.rmdir", "shutil.rmtree")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_LONGEST_S = 120.0
_ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES)
_ROWS = re.compile(r"all ([\d,]+) rows are in (\S+?\.(?:csv|json|parquet)\S*?)[\s,.]")


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What an undisturbed command comes to: its files (and which are always the same), its changes, its time."""

    files: dict[str, bytes]
    same: frozenset[str]
    changes: int
    largest: int
    seconds: float


class _Pipe:
    """Takes what a child writes, up to what a pipe holds."""

    def __init__(self) -> None:
        self._start, self.end = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, 1 << 20)

    def text(self) -> str:
        """Return what was written, once no child writes any more."""
        os.close(self.end)
        with os.fdopen(self._start, "rb") as stream:
            return stream.read().decode(errors="replace")


class _Disturbed(Kind):
    """Commands in a forked child of a process that has imported everything and never run a network."""

    cpu_s = 300.0

    def prepare(self, folder: Path) -> None:
        """Make the inputs, and note what every command comes to by itself."""
        for name in group.COMMANDS:
            importlib.import_module(f"convscope.cli.{name}")
            importlib.import_module(f"convscope.verbs.{name}") if name != "machine" else None
        import matplotlib.backends.backend_agg
        import matplotlib.backends.backend_svg  # noqa: F401
        import sklearn.discriminant_analysis  # noqa: F401

        self._work, self._template = folder / "work", folder / "template"
        self._cache = self._work / "cache"
        self._work.mkdir()
        write_set(self._work / "set")
        self._in_child(self._make_runs)
        for line in ("train set --dry-run --quiet", "features run set -o f.npy --quiet"):  # which fill the cache
            self._run(line.split(), lambda: None)
        (self._work / "f.npy").unlink()
        shutil.copytree(self._work, self._template)
        self._whole: dict[str, Whole] = {}

    def _make_runs(self) -> int:
        finished_run(self._work / "set", self._work / "run")
        interrupted_run(self._work / "set", self._work / "half")
        return 0

    def whole(self, scenario: Scenario) -> Whole:
        """Return what a command comes to by itself."""
        if scenario.name not in self._whole:
            found = []
            for _ in range(2):
                self._fresh(scenario)
                counted = self._work / "counted"
                began = time.monotonic()
                ended = self._run(scenario.words, functools.partial(_at_change, self._work, counted, None))
                seconds = time.monotonic() - began
                if ended.code not in CODES[:2]:
                    raise RuntimeError(f"{scenario.name} does not work: {ended.err[-2000:]}")
                changes = len(counted.read_bytes())
                counted.unlink()
                found.append(self._results())
            same = {name for name, data in found[0].items() if found[1].get(name) == data}
            places = [self._work / "out", *([self._cache] if scenario.name.endswith("(cache)") else [])]
            sizes = [len(data) for data in contents(*places).values()]
            self._whole[scenario.name] = Whole(
                files=found[0], same=frozenset(same), changes=changes, largest=max([0, *sizes]), seconds=seconds
            )
        return self._whole[scenario.name]

    def _results(self) -> dict[str, bytes]:
        """Return what of every result is the same whenever it is written, by its path within the folder."""
        found = contents(self._work / "out")
        return {str(Path(name).relative_to(self._work)): comparable(Path(name), data) for name, data in found.items()}

    def _fresh(self, scenario: Scenario) -> None:
        """Make the folder as it is before the command."""
        images = self._work / "set"  # these stay: as files that were copied they would not be those in the cache
        if _relative(images) != _relative(self._template / "set"):
            shutil.rmtree(images, ignore_errors=True)
        for path in self._work.iterdir():
            if path != images:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self._template.iterdir():
            if not (self._work / path.name).exists():
                shutil.copytree(path, self._work / path.name)
        out = self._work / "out"
        out.mkdir()
        for name in scenario.old:
            (out / name).write_bytes(OLD)
        if scenario.runs:
            (self._work / scenario.runs).rename(out / scenario.runs)
        if scenario.name.endswith("(cache)"):
            shutil.rmtree(self._cache)  # it is built by what is disturbed; others find it there

    def _run(self, words: Sequence[str], before: Callable[[], Any], after: Callable[[], None] = lambda: None) -> Ended:
        """Run a command in a child, in the folder; there `before` is called first, and `after` at the end."""
        out, err = _Pipe(), _Pipe()  # no files: those may not grow where the disk is to fail

        def act() -> int:
            os.chdir(self._work)
            os.environ["CONVSCOPE_CACHE"] = str(self._cache)
            os.dup2(out.end, 1)
            os.dup2(err.end, 2)
            _reopen_output()
            with checkpoints_always(), _one_picture(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                before()
                code = group.main([*words, "--trace"])
                sys.stdout.flush()
                after()
            return code

        code = self._in_child(act)
        return Ended(code=code, out=out.text(), err=err.text())

    @staticmethod
    def _in_child(act: Callable[[], int]) -> int:
        """Return the exit code of `act` in a forked child, the negative number of the signal that ended it."""
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                _reopen_output()
                code = act()
                sys.stdout.flush()
                sys.stderr.flush()
            except BaseException:  # noqa: BLE001  # the child ends here whatever happens
                with contextlib.suppress(BaseException):
                    import traceback

                    traceback.print_exc(file=sys.stderr)
                    sys.stderr.flush()
            finally:
                os._exit(code)
        ends = time.monotonic() + _LONGEST_S
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > ends:
                os.kill(child, signal.SIGABRT)
                ends += _LONGEST_S
            time.sleep(0.002)

    def _judge_files(self, scenario: Scenario, whole: Whole, watch: Watch) -> None:
        """Tell what is gone, or half: inputs as they were, results old or whole."""
        for name in ("set", "run"):
            place = self._work / name
            if place.exists() and _relative(place) != _relative(self._template / name):
                watch.found(Verdict.LOST, f"{scenario.name}: what it reads is changed ({name})")
        for name, data in contents(self._work / "out").items():
            path = Path(name)
            inner = str(path.relative_to(self._work))
            before = self._before(scenario, inner)
            if data == before or path.name.endswith(".part"):
                continue
            if reason := broken(path, data):
                watch.found(Verdict.LOST, f"{scenario.name}: {path.name} is neither old nor whole", reason)
            elif path.name in _GROWING or inner not in whole.same:
                continue
            elif comparable(path, data) != whole.files[inner]:
                watch.found(Verdict.WRONG, f"{scenario.name}: {path.name} is whole and another one")
        for name in scenario.old:
            if not (self._work / "out" / name).exists():
                watch.found(Verdict.LOST, f"{scenario.name}: {name} is gone")
        if scenario.runs and not (self._work / "out" / scenario.runs / "settings.json").exists():
            watch.found(Verdict.LOST, f"{scenario.name}: the run is gone")

    def _before(self, scenario: Scenario, inner: str) -> bytes | None:
        parts = Path(inner).parts
        if len(parts) == 2 and parts[1] in scenario.old:
            return OLD
        path = self._template.joinpath(*parts[1:])
        return path.read_bytes() if scenario.runs and path.is_file() else None

    def _again(self, scenario: Scenario, whole: Whole, watch: Watch) -> None:
        """Give the command again: it ends well, with what it comes to when nobody disturbs it, and nothing beside."""
        begun = scenario.resumed and (self._work / "out/new/settings.json").exists()
        ended = self._run(scenario.resumed.split() if begun else scenario.words, lambda: None)
        if ended.code not in CODES[:2]:
            cause = f"{scenario.name}: it cannot be given again (exit code {ended.code})"
            watch.found(Verdict.LOST, cause, ended.err[-3000:])
            return
        now = self._results()
        for name in whole.same:
            if now.get(name) != whole.files[name]:
                watch.found(Verdict.WRONG, f"{scenario.name}: {Path(name).name} differs when given again")
        if missing := whole.files.keys() - now.keys():
            watch.found(Verdict.LOST, f"{scenario.name}: not all files are there when given again", f"{missing}")
        if left := leftovers(self._work):
            watch.found(Verdict.WRONG, f"{scenario.name}: left behind after the next run: {_names(left)}", f"{left}")


class Kills(_Disturbed):
    """SIGKILL at a change of the disk, within a write, or at any moment."""

    name = "kills"
    title = "kill -9 in every command that writes, then the command again"

    def judge(self, seeds: Sequence[int], watch: Watch) -> None:
        """Kill a command, look, and give it again."""
        for seed in seeds:
            scenario = SCENARIOS[seed % len(SCENARIOS)]
            whole = self.whole(scenario)
            watch.begin(seed)
            self._fresh(scenario)
            self._run(scenario.words, _killer(self._work, whole, self.random(seed)))
            self._judge_files(scenario, whole, watch)
            self._again(scenario, whole, watch)


class Disks(_Disturbed):
    """Errors of the disk: full, read-only, failing, at any change or after any number of bytes."""

    name = "disks"
    title = "full, failing and read-only disks in every command that writes, then the command again"

    def judge(self, seeds: Sequence[int], watch: Watch) -> None:
        """Let the disk fail, look at what the command says, and give it again."""
        for seed in seeds:
            scenario = SCENARIOS[seed % len(SCENARIOS)]
            whole = self.whole(scenario)
            watch.begin(seed)
            self._fresh(scenario)
            random = self.random(seed)
            if random.integers(3) == 0 and can_mount():
                out = self._work / "out"
                size = int(random.integers(1, 4 + whole.largest // 2048)) * 4096
                mounting, after = functools.partial(_mount_small, out, size), functools.partial(_bring_back, out)
                ended = self._run(scenario.words, mounting, after)
                with contextlib.suppress(OSError):
                    shutil.rmtree(out)
                    (self._work / "brought").rename(out)
            else:
                ended = self._run(scenario.words, _failure(self._work, whole, random))
            self._judge_words(scenario, ended, watch)
            self._judge_files(scenario, whole, watch)
            if ended.code == 0 and (differs := self._differing(whole)):
                watch.found(Verdict.WRONG, f"{scenario.name}: exit code 0 and {differs} is not there", ended.err)
            if left := [one for one in leftovers(self._work) if not _is_meant(Path(one).name, ended.err)]:
                watch.found(Verdict.WRONG, f"{scenario.name}: left behind: {_names(left)}", ended.err)
            self._again(scenario, whole, watch)

    def _differing(self, whole: Whole) -> str:
        now = self._results()
        return next((Path(name).name for name in sorted(whole.same) if now.get(name) != whole.files[name]), "")

    def _judge_words(self, scenario: Scenario, ended: Ended, watch: Watch) -> None:
        if "has a fault here" in ended.err or ended.code not in (*CODES, 141):
            text = re.findall(r"has a fault here \((\w+)", ended.err)
            watch.found(
                Verdict.CRASH, f"{scenario.name}: {(text or [f'exit code {ended.code}'])[0]}", ended.err[-3000:]
            )
        elif ended.code == 2 and "Error:" not in ended.err:
            watch.found(Verdict.WRONG, f"{scenario.name}: no sentence", ended.err)
        for count, name in _ROWS.findall(ended.err + " "):
            path = self._work / name
            if not path.is_file() or broken(Path(name.removesuffix(".part")), path.read_bytes()):
                watch.found(Verdict.WRONG, f"{scenario.name}: rows are promised that are not there", f"{count} {name}")


def _reopen_output() -> None:
    """Let Python write to what the system has as standard output and error now."""
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)


def _one_picture() -> contextlib.AbstractContextManager[object]:
    """Let a comparison draw one of its pictures: all of them take fifty times as long as the rest."""
    name = next(iter(compare_files.PICTURES))
    return mock.patch.object(compare_files, "PICTURES", {name: compare_files.PICTURES[name]})


def _names(left: Sequence[str]) -> str:
    """Return the names of what is left, without the part of each that is drawn by chance."""
    return ", ".join(sorted({re.sub("[0-9a-f]{8,}", "*", Path(one).name) for one in left}))


def _is_meant(name: str, said: str) -> bool:
    """Return whether a file may be left by a command that failed: it goes on from there, or has said what it is."""
    return name in ("f.npz.part", "f.csv.part", "f.parquet.part") or name in said


def _relative(place: Path) -> dict[str, bytes]:
    return {str(Path(name).relative_to(place)): data for name, data in contents(place).items()}


def _at_change(work: Path, counted: Path | None, act: Callable[[int, str], None] | None) -> None:
    """Call `act` with number (from 0 on) and name of every change of the disk below `work` just before it is made.

    Where `counted` is named, it gets one byte a change.
    """
    count = [0]
    below = str(work)
    out = None if counted is None else os.open(counted, os.O_WRONLY | os.O_CREAT)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        opened = event == "open" and isinstance(given[2], int) and given[2] & _WRITING
        changes = opened or event in _CHANGING
        if not changes or not isinstance(given[0], (str, bytes, os.PathLike)):
            return
        path = os.path.join(below, os.fsdecode(given[0]))  # noqa: PTH118  # absolute ones stay
        if not path.startswith(below + os.sep):
            return
        if out is not None:
            os.write(out, b".")
        if act is not None:
            act(count[0], event)
        count[0] += 1

    sys.addaudithook(hook)


def _killer(work: Path, whole: Whole, random: Random) -> Callable[[], None]:
    """Return what makes the process kill itself: at a change, within a write, or at a moment."""
    what = int(random.integers(3))
    if what == 0:
        at = int(random.integers(max(1, whole.changes)))

        def die(number: int, event: str) -> None:
            if number == at:
                os.kill(os.getpid(), signal.SIGKILL)

        return lambda: _at_change(work, None, die)
    if what == 1:
        size = int(random.integers(0, whole.largest + 1))
        return lambda: _limit_files(size, signal.SIG_DFL)
    seconds = float(random.uniform(0.001, 1.1 * whole.seconds))

    def later() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process as a kill does: nothing of Python runs
        signal.setitimer(signal.ITIMER_REAL, seconds)

    return later


def _failure(work: Path, whole: Whole, random: Random) -> Callable[[], None]:
    """Return what makes the disk fail: from one change on, once, or after a number of bytes in a file."""
    what = int(random.integers(3))
    if what == 2:
        size = int(random.integers(0, whole.largest + 1))
        return lambda: _limit_files(size, signal.SIG_IGN)
    at, number = int(random.integers(max(1, whole.changes))), int(pick(random, _ERRORS))

    def fail(count: int, event: str) -> None:
        if event in _REMOVING:
            return  # what was half-written can be taken away, and has to be
        if count == at or (what == 0 and count > at):
            raise OSError(number, os.strerror(number))

    return lambda: _at_change(work, None, fail)


def _limit_files(size: int, action: Any) -> None:
    """Let no file grow beyond `size`: the write fails there, and with SIG_DFL ends the process in the middle."""
    signal.signal(signal.SIGXFSZ, action)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


_NEW_MOUNTS, _PRIVATE = 0x00020000, 0x44000


def can_mount() -> bool:
    """Return whether this process may mount a small disk for itself: Linux, as root."""
    return sys.platform == "linux" and os.geteuid() == 0


def _mount_small(out: Path, size: int) -> None:
    """Put a disk with `size` free bytes in place of `out`, for this process alone; what is in `out` is there, too."""
    kept = out.with_name("kept")
    shutil.copytree(out, kept)
    taken = sum(-(-len(data) // 4096) * 4096 for data in contents(kept).values())
    libc = ctypes.CDLL(None, use_errno=True)
    names = b"none", str(out).encode(), b"tmpfs", f"size={taken + size}".encode()
    failed = libc.unshare(_NEW_MOUNTS) or libc.mount(b"none", b"/", None, _PRIVATE, None)
    if failed or libc.mount(names[0], names[1], names[2], 0, names[3]):
        raise OSError(ctypes.get_errno(), "no disk can be mounted here")
    shutil.copytree(kept, out, dirs_exist_ok=True)
    shutil.rmtree(kept)


def _bring_back(out: Path) -> None:
    """Copy what is on the small disk to where other processes see it."""
    shutil.copytree(out, out.with_name("brought"))
