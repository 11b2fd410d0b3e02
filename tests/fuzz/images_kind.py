"""Damaged image files: each is read or refused in one sentence, by every way of reading the same."""

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.check import check
from convscope.api.features import extract_features
from convscope.api.predict import predict
from convscope.core.context import Context
from convscope.core.errors import ConvscopeError, UnreadableImageError
from convscope.images.dataset import prepare
from convscope.images.decoding.decoder import Decoded, decode
from convscope.images.decoding.pixel_budget import SMALL_PIXELS
from convscope.images.loading.chunks import Chunk, load_files
from convscope.images.loading.facts import digest
from convscope.images.loading.worker import WorkerProcess
from convscope.images.sources.opening import open_source
from convscope.images.values import UNIT, ValueRange, ValueRanges
from tests.checks.models import small_model

from .bytewise import damaged, splice
from .cases import Kind, Verdict, Watch, pick
from .image_changes import changes_for, harmless
from .image_files import image_files, usable_files

Summary = tuple[tuple[int, ...], str, bytes]  # shape, type of number, digest of the values

_EVERY = 16  # of cases: one is whole, one is changed and not damaged; of blocks: one is read by a process, too


@dataclass(frozen=True, kw_only=True)
class ImageCase:
    """One file: its name, its bytes, the whole file whose pixels it must have (none: it may be damaged)."""

    name: str
    data: bytes
    whole: str | None = None


class Images(Kind):
    """Image files."""

    name = "images"
    title = "image files through reading, check, train, predict and features"
    block = 64

    def prepare(self, folder: Path) -> None:
        """Make the model and the folders."""
        self._folder = folder
        model = small_model("4C3-MP2")
        ranges = ValueRanges(integer=ValueRange(low=0, high=65535), float=UNIT)  # so that no type of number is refused
        step = dataclasses.replace(model.preprocessing, ranges=ranges)
        self._model = dataclasses.replace(model, preprocessing=step)
        self._files = image_files()
        self._names = sorted(self._files)
        self._whole = {name: _read(data) for name, data in self._files.items()}
        self._process: WorkerProcess | None = None
        self._blocks = 0

    def case(self, seed: int) -> ImageCase:
        """Return the file of a case."""
        random = self.random(seed)
        name = pick(random, self._names)
        data, kind = self._files[name], seed % _EVERY
        if kind == 0:
            return ImageCase(name=f"{seed}-{name}", data=data, whole=name)
        if kind == 1 and (changed := harmless(data, random)) is not None:
            return ImageCase(name=f"{seed}-{name}", data=changed, whole=name)
        if kind == 2:
            return ImageCase(name=f"{seed}-{name}", data=splice(data, self._files[pick(random, self._names)], random))
        return ImageCase(name=f"{seed}-{name}", data=damaged(data, random, changes_for(data)))

    def save(self, seed: int, folder: Path) -> None:
        """Write the file of one case."""
        case = self.case(seed)
        (folder / case.name).write_bytes(case.data)

    def close(self) -> None:
        """End the process that reads."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Read every file by itself, then all of them as a set."""
        place = self._folder / "set"
        shutil.rmtree(place, ignore_errors=True)
        cases: dict[str, int] = {}
        sentences: dict[str, str] = {}
        for seed in seeds:
            watch.begin(seed)
            case = self.case(seed)
            path = place / "ab"[seed % 2] / case.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(case.data)
            cases[str(path)] = seed
            sentence = self._alone(case, path, watch)
            if sentence is not None:
                sentences[str(path)] = sentence
        if sentences.keys() >= cases.keys():
            return  # nothing is left to make a set of
        for letter in "ab":  # so that both classes have images whatever became of the others
            (place / letter).mkdir(exist_ok=True)
            (place / letter / "control.png").write_bytes(self._files["good.png"])
        self._blocks += 1
        try:
            self._together(place, cases, sentences, watch)
        except Exception as error:  # noqa: BLE001  # whatever it is, the campaign goes on
            watch.crashed(error, seed=seeds[0])

    def _alone(self, case: ImageCase, path: Path, watch: Watch) -> str | None:
        """Read one file in every way; return why it cannot be read, None where it can."""
        results = {}
        step = self._model.preprocessing
        ways: dict[str, Any] = {
            "bytes": lambda: _summary(decode(case.data)),  # of a large one, three copies would take much memory
            "path": lambda: _summary(decode(path)),
            "near": lambda: step.apply(decode(path, near=step.size)),
        }
        for way, read in ways.items():
            try:
                results[way] = read()
            except UnreadableImageError as error:
                results[way] = str(error)
            except Exception as error:  # noqa: BLE001  # what is looked for
                watch.crashed(error)
                return f"crashed: {error}"
        by_bytes, by_path, near = results.values()
        if by_bytes != by_path:
            watch.found(Verdict.WRONG, "read from bytes and from a file differ", f"{by_bytes} | {by_path}")
        if isinstance(by_path, str) != isinstance(near, str):
            watch.found(Verdict.WRONG, "read whole and at reduced scale differ", f"{by_path} | {near}")
        if case.whole is not None:
            self._must_be_whole(case, by_path, watch)
        if isinstance(near, str):
            return near
        if near.shape != (*step.size, step.channels) or near.dtype != np.uint8:
            watch.found(Verdict.WRONG, "preprocessing gives another shape", f"{near.shape} {near.dtype}")
        return None

    def _must_be_whole(self, case: ImageCase, read: Summary | str, watch: Watch) -> None:
        wanted = self._whole[str(case.whole)]
        if isinstance(read, str) and (case.whole in usable_files() or not isinstance(wanted, str)):
            watch.found(Verdict.WRONG, f"a whole file is refused ({case.whole})", read)
        elif wanted != read:
            watch.found(Verdict.WRONG, f"other pixels though none was changed ({case.whole})")

    def _together(self, place: Path, cases: dict[str, int], refused: dict[str, str], watch: Watch) -> None:
        """Evaluate all files as one set: what is refused alone is refused there, and nothing else."""
        found = check(place, workers=1)
        listed = {str(place / problem.name) for problem in found.unusable}
        for path in listed ^ refused.keys():
            if path in cases:
                watch.found(Verdict.WRONG, "check and reading differ", f"{path} {refused.get(path)}", seed=cases[path])
        for problem in found.of_kind("duplicate"):
            self._truly_equal([place / name for name in (problem.name, *problem.others)], cases, watch)
        for one in predict(self._model, str(place), top=3, workers=1):
            _check_prediction(one, refused, cases, watch)
        some = next(iter(cases.values()))
        dataset = prepare(open_source(place), cache_dir=self._folder / "cache", workers=1)
        if len(dataset) != found.usable:
            watch.found(
                Verdict.WRONG, "train takes another number than check", f"{len(dataset)} {found.usable}", seed=some
            )
        taken = extract_features(self._model, place, context=Context(cache_dir=self._folder / "cache"))
        if not np.isfinite(taken.values).all():
            watch.found(Verdict.WRONG, "features that are not finite", seed=some)
        shutil.rmtree(self._folder / "cache", ignore_errors=True)
        if self._blocks % _EVERY == 1:
            self._by_process(cases, refused, watch)
        strange = [path for path in place.rglob("*") if path.is_file() and str(path) not in cases]
        if {path.name for path in strange} != {"control.png"}:
            watch.found(Verdict.WRONG, "a file is left behind", f"{strange}", seed=some)

    def _truly_equal(self, paths: list[Path], cases: dict[str, int], watch: Watch) -> None:
        images = [_read(path.read_bytes()) for path in paths]
        for path, image in zip(paths[1:], images[1:], strict=True):
            if image != images[0]:
                watch.found(
                    Verdict.WRONG,
                    "different images are called equal",
                    f"{paths[0]} {path}",
                    seed=cases.get(str(path), -1),
                )

    def _by_process(self, cases: dict[str, int], refused: dict[str, str], watch: Watch) -> None:
        """Let a process read the files, as it does for large sets: the same facts and reasons."""
        if self._process is None:
            self._process = WorkerProcess()
            self._process.has_started()
        run = Chunk(start=0, files=tuple(cases), preprocessing=self._model.preprocessing)
        here, there = load_files(run, limit_pixels=SMALL_PIXELS), self._process.load(run)  # which leaves large ones
        if there is None:
            watch.found(Verdict.CRASH, "the reading process ended", seed=next(iter(cases.values())))
            self.close()
            return
        same = here.reasons == there.reasons and here.remarks == there.remarks
        if not same or here.facts.tobytes() != there.facts.tobytes():
            watch.found(
                Verdict.WRONG,
                "threads and processes differ",
                f"{here.reasons}\n{there.reasons}",
                seed=next(iter(cases.values())),
            )


def _summary(read: Decoded) -> Summary:
    return read.values.shape, read.values.dtype.str, digest(read.values)


def _read(data: bytes) -> Summary | str:
    try:
        return _summary(decode(data))
    except ConvscopeError as error:
        return str(error)


def _check_prediction(one: Any, refused: dict[str, str], cases: dict[str, int], watch: Watch) -> None:
    seed = cases.get(one.image, next(iter(cases.values())))
    if (one.error is None) == (one.image in refused):
        watch.found(Verdict.WRONG, "predict and reading differ", f"{one} {refused.get(one.image)}", seed=seed)
    if one.error is None:
        sums = sum(value for _, value in one.top)
        if not abs(sums - 1) < 1e-3:
            watch.found(Verdict.WRONG, "probabilities that do not sum to 1", f"{one}", seed=seed)
