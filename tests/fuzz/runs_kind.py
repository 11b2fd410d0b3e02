"""Damaged records of runs and comparisons, checkpoints and kept images: nothing that was good is lost by them."""

import contextlib
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np

from convscope.api import compare_files
from convscope.core.errors import ConvscopeError
from convscope.images.dataset import prepare
from convscope.images.sources.opening import open_source
from convscope.networks.model_file import read_model

from .bytewise import damaged
from .cases import Kind, Random, Verdict, Watch, pick
from .commands import check_command, command, contents, leftovers
from .json_changes import changed_text
from .lists_kind import _cells as changed_cells
from .models_kind import _header, _header_length, _tensor
from .small_set import LAYOUT, finished_run, interrupted_run, write_set

_EVERY = 16
_DRAWN = 64


def _without_images() -> contextlib.AbstractContextManager[object]:
    """Let a comparison draw nothing, which takes fifty times as long as all the rest."""
    return mock.patch.object(compare_files, "FIGURES", {})


def damaged_record(name: str, data: bytes, random: Random) -> bytes:
    """Return what stood in a file after damage that knows its kind."""
    if name.endswith(".json") and random.integers(4):
        return changed_text(data.decode(), random)
    if name.endswith(".csv"):
        return damaged(data, random, (changed_cells,))
    return damaged(data, random)


class Records(Kind):
    """The JSON and CSV files of a finished run, and of a comparison."""

    name = "records"
    title = "records of runs and comparisons through look, draw, predict and compare"

    def prepare(self, folder: Path) -> None:
        """Make a run with everything that is measured of it, and a comparison."""
        self._folder = folder
        self._set = write_set(folder / "set")
        finished_run(self._set, folder / "run")
        self._compare = ["compare", str(self._set), "-o", str(folder / "compare-set"), "--quiet", "--json"]
        self._compare += [
            "--variants",
            "convolution,pixels-softmax",
            "--epochs",
            "1",
            "--seeds",
            "1",
            "--layout",
            LAYOUT,
        ]
        with warnings.catch_warnings(), _without_images():
            warnings.simplefilter("ignore")
            command(self._compare)
        self._files = contents(folder / "run", folder / "compare-set")
        shown = (".json", "history.csv")
        self._names = [name for name in sorted(self._files) if name.endswith(shown)]

    def case(self, seed: int) -> tuple[str, bytes]:
        """Return the path of a record and what stands there now."""
        random = self.random(seed)
        name = pick(random, self._names)
        good = self._files[name]
        return name, good if seed % _EVERY == 0 else damaged_record(name, good, random)

    def save(self, seed: int, folder: Path) -> None:
        """Write the damaged file of one case."""
        name, data = self.case(seed)
        (folder / f"damaged-{Path(name).name}").write_bytes(data)

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Damage a file, and run what reads it."""
        for seed in seeds:
            watch.begin(seed)
            name, data = self.case(seed)
            path = Path(name)
            path.write_bytes(data)
            before = contents(self._folder / "run", self._set)
            words = self._words(path, seed)
            with _without_images() if seed % _DRAWN != _DRAWN - 1 else contextlib.nullcontext():
                ended = command(words)
            check_command(ended, watch)
            if seed % _EVERY == 0 and ended.code != 0:
                watch.found(Verdict.WRONG, "a whole record is refused", ended.err)
            after = contents(self._folder / "run", self._set)
            if gone := [one for one in before if before[one] != after.get(one)]:
                watch.found(Verdict.LOST, f"{words[0]} changes what it reads", f"{gone}")
            if left := leftovers(self._folder):
                watch.found(Verdict.WRONG, "a file is left behind", f"{left}")
            self._restore()

    def _words(self, path: Path, seed: int) -> list[str]:
        """Return a command that reads the file."""
        run, out = str(self._folder / "run"), str(self._folder / "out")
        if path.parent.name != "run" and seed % 4:
            return [*self._compare, "--force"]
        drawn = {"history.csv": "curves", "report.json": "confusion", "invariance.json": "invariance"}
        if path.name in drawn and seed % 8 == 1:
            return ["draw", drawn[path.name], run, "-o", f"{out}.svg", "--force"]
        return ["look", run, "-o", f"{out}.html", "--force", "--quiet", "--no-open"]

    def _restore(self) -> None:
        now = contents(self._folder / "run", self._folder / "compare-set")
        for name, data in self._files.items():
            if now.get(name) != data:
                Path(name).write_bytes(data)
        for name in now.keys() - self._files.keys():
            Path(name).unlink()


class Checkpoints(Kind):
    """Settings and checkpoint of a run that was interrupted."""

    name = "checkpoints"
    title = "settings and checkpoints of interrupted runs through train --resume"

    def prepare(self, folder: Path) -> None:
        """Make a run that was interrupted, and what it ends with."""
        self._folder = folder
        self._set = write_set(folder / "set")
        self._run = interrupted_run(self._set, folder / "run")
        self._files = {
            path.relative_to(self._run): path.read_bytes() for path in self._run.rglob("*") if path.is_file()
        }
        self._names = [Path("settings.json"), *[Path("checkpoint/state.safetensors")] * 3]
        self._resume()
        self._whole = (self._run / "model.safetensors").read_bytes()

    def _resume(self):
        return command(["train", "--resume", str(self._run), "--quiet"])

    def case(self, seed: int) -> tuple[Path, bytes]:
        """Return which file is damaged, and what stands there."""
        random = self.random(seed)
        name = pick(random, self._names)
        good = self._files[name]
        if seed % _EVERY == 0:
            return name, good
        if name.suffix == ".json":
            return name, damaged_record(name.name, good, random)
        what = int(random.integers(4))
        if what == 0:
            return name, _checkpoint_document(good, random)
        if what == 1:
            return name, pick(random, (_header, _tensor, _header_length))(good, random)
        return name, damaged(good, random)

    def save(self, seed: int, folder: Path) -> None:
        """Write the damaged file of one case."""
        name, data = self.case(seed)
        (folder / f"damaged-{name.name}").write_bytes(data)

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Damage a file, and go on with the run."""
        for seed in seeds:
            watch.begin(seed)
            shutil.rmtree(self._run)
            name, data = self.case(seed)
            for one, good in self._files.items():
                (self._run / one).parent.mkdir(parents=True, exist_ok=True)
                (self._run / one).write_bytes(data if one == name else good)
            before = contents(self._run, self._set)
            ended = self._resume()
            check_command(ended, watch)
            after = contents(self._run, self._set)
            if ended.code == 2 and (gone := [one for one in before if before[one] != after.get(one)]):
                watch.found(Verdict.LOST, "a run that cannot go on is changed", f"{gone}\n{ended.err}")
            if gone := [one for one in before if one.startswith(str(self._set)) and before[one] != after.get(one)]:
                watch.found(Verdict.LOST, "images are changed", f"{gone}")
            if ended.code == 2 and data == self._files[name]:
                watch.found(Verdict.WRONG, "a whole run is refused", ended.err)
            if ended.code in (0, 1):
                self._ended_well(name, watch)
            if left := leftovers(self._folder):
                watch.found(Verdict.WRONG, "a file is left behind", f"{left}")

    def _ended_well(self, name: Path, watch: Watch) -> None:
        try:
            read_model(self._run)
        except ConvscopeError as error:
            watch.found(Verdict.WRONG, "a run ends without a model", str(error))
            return
        if (self._run / "model.safetensors").read_bytes() != self._whole and _tensors(self._run) != self._tensors():
            watch.found(Verdict.WRONG, f"a damaged {name.name} is resumed, to other weights")

    def _tensors(self) -> dict[str, bytes]:
        path = self._folder / "whole.safetensors"
        path.write_bytes(self._whole)
        return _tensors(path)


def _tensors(path: Path) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in read_model(path).network.state_dict().items()}


def _checkpoint_document(good: bytes, random: Random) -> bytes:
    """Damage the numbers of a checkpoint."""
    from tests.networks.broken_models import joined, split

    header, data = split(good)
    key = next(iter(header["__metadata__"]))
    header["__metadata__"][key] = changed_text(header["__metadata__"][key], random).decode("utf-8", "replace")
    return joined(header, data)


class Kept(Kind):
    """Images that are kept decoded."""

    name = "cache"
    title = "the cache of images through train, and cache --clear"

    def prepare(self, folder: Path) -> None:
        """Make a set and its entry."""
        self._folder = folder
        self._set = write_set(folder / "set", 4)
        (self._set / "a" / "bad.png").write_bytes(b"no image")
        self._cache = folder / "cache"
        self._images = np.array(self._prepared().images)
        self._files = contents(self._cache)
        self._names = [name for name in sorted(self._files) if name.endswith((".json", ".bin", "convscope-cache"))]

    def _prepared(self):
        return prepare(open_source(self._set), cache_dir=self._cache, workers=1)

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Damage a file of the entry, and prepare the set again."""
        for seed in seeds:
            watch.begin(seed)
            random = self.random(seed)
            name = pick(random, self._names)
            Path(name).write_bytes(damaged_record(name, self._files[name], random))
            before = contents(self._set)
            try:
                dataset = self._prepared()
                if not np.array_equal(dataset.images, self._images):
                    watch.found(Verdict.WRONG, "other images from a damaged entry", name)
                del dataset
            except ConvscopeError as error:
                watch.found(Verdict.LOST, "a damaged entry stops training", f"{name} {error}")
            except Exception as error:  # noqa: BLE001  # what is looked for
                watch.crashed(error)
            if seed % 4 == 0:
                check_command(command(["cache", "--json", "--cache-dir", str(self._cache)]), watch)
                check_command(command(["cache", "--clear", "--cache-dir", str(self._cache)]), watch)
            if contents(self._set) != before:
                watch.found(Verdict.LOST, "images are changed")
            if left := leftovers(self._folder):
                watch.found(Verdict.WRONG, "a file is left behind", f"{left}")
            shutil.rmtree(self._cache, ignore_errors=True)
            for path, data in self._files.items():
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).write_bytes(data)
