"""Kills and failing disks in every command that writes: what stood there stays, and the command can be given again."""

import contextlib
import fcntl
import functools
import importlib
import os
import re
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from convscope.api import compare_files
from convscope.cli import group

from .cases import Kind, Verdict, Watch
from .commands import CODES, Ended, contents, leftovers
from .interrupting import Whole, at_change, bring_back, can_mount, failing, killer, mount_small
from .scenarios import OLD, SCENARIOS, Scenario, broken, comparable
from .small_set import checkpoints_always, finished_run, interrupted_run, write_set

_GROWING = ("history.csv", "state.safetensors")  # whole, and another one after every epoch
_LONGEST_S = 120.0
_ROWS = re.compile(r"all ([\d,]+) rows are in (\S+?\.(?:csv|json|parquet)\S*?)[\s,.]")


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


class _Interrupted(Kind):
    """Commands in a forked child of a process that has imported everything and never run a network."""

    cpu_s = 300.0

    def prepare(self, folder: Path) -> None:
        """Make the inputs, and note what every command comes to by itself."""
        for name in group.COMMANDS:
            importlib.import_module(f"convscope.cli.{name}")
            importlib.import_module(f"convscope.api.{name}") if name not in ("machine", "merge") else None
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
                ended = self._run(scenario.words, functools.partial(at_change, self._work, counted, None))
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
            shutil.rmtree(self._cache)  # it is built by what is interrupted; others find it there

    def _run(self, words: Sequence[str], before: Callable[[], Any], after: Callable[[], None] = lambda: None) -> Ended:
        """Run a command in a child, in the folder; there `before` is called first, and `after` at the end."""
        out, err = _Pipe(), _Pipe()  # no files: those may not grow where the disk is to fail

        def act() -> int:
            os.chdir(self._work)
            os.environ["CONVSCOPE_CACHE"] = str(self._cache)
            os.dup2(out.end, 1)
            os.dup2(err.end, 2)
            _reopen_output()
            with checkpoints_always(), _one_image(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                before()
                code = group.main([*words, "--traceback"])
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

    def _check_files(self, scenario: Scenario, whole: Whole, watch: Watch) -> None:
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


class Kills(_Interrupted):
    """SIGKILL at a change of the disk, within a write, or at any moment."""

    name = "kills"
    title = "kill -9 in every command that writes, then the command again"

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Kill a command, look, and give it again."""
        for seed in seeds:
            scenario = SCENARIOS[seed % len(SCENARIOS)]
            whole = self.whole(scenario)
            watch.begin(seed)
            self._fresh(scenario)
            self._run(scenario.words, killer(self._work, whole, self.random(seed)))
            self._check_files(scenario, whole, watch)
            self._again(scenario, whole, watch)


class Disks(_Interrupted):
    """Errors of the disk: full, read-only, failing, at any change or after any number of bytes."""

    name = "disks"
    title = "full, failing and read-only disks in every command that writes, then the command again"

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
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
                mounting, after = functools.partial(mount_small, out, size), functools.partial(bring_back, out)
                ended = self._run(scenario.words, mounting, after)
                with contextlib.suppress(OSError):
                    shutil.rmtree(out)
                    (self._work / "brought").rename(out)
            else:
                ended = self._run(scenario.words, failing(self._work, whole, random))
            self._check_words(scenario, ended, watch)
            self._check_files(scenario, whole, watch)
            if ended.code == 0 and (differs := self._differing(whole)):
                watch.found(Verdict.WRONG, f"{scenario.name}: exit code 0 and {differs} is not there", ended.err)
            if left := [one for one in leftovers(self._work) if not _is_meant(Path(one).name, ended.err)]:
                watch.found(Verdict.WRONG, f"{scenario.name}: left behind: {_names(left)}", ended.err)
            self._again(scenario, whole, watch)

    def _differing(self, whole: Whole) -> str:
        now = self._results()
        return next((Path(name).name for name in sorted(whole.same) if now.get(name) != whole.files[name]), "")

    def _check_words(self, scenario: Scenario, ended: Ended, watch: Watch) -> None:
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


def _one_image() -> contextlib.AbstractContextManager[object]:
    """Let a comparison draw one of its images: all of them take fifty times as long as the rest."""
    name = next(iter(compare_files.FIGURES))
    return mock.patch.object(compare_files, "FIGURES", {name: compare_files.FIGURES[name]})


def _names(left: Sequence[str]) -> str:
    """Return the names of what is left, without the part of each that is drawn by chance."""
    return ", ".join(sorted({re.sub("[0-9a-f]{8,}", "*", Path(one).name) for one in left}))


def _is_meant(name: str, said: str) -> bool:
    """Return whether a file may be left by a command that failed: it goes on from there, or has said what it is."""
    return name in ("f.npz.part", "f.csv.part", "f.parquet.part") or name in said


def _relative(place: Path) -> dict[str, bytes]:
    return {str(Path(name).relative_to(place)): data for name, data in contents(place).items()}
