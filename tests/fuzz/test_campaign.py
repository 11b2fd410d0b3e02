"""A campaign at the size of a test: the same few cases of every kind, and an oracle that sees what is broken."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from . import images_kind, kills_kind, models_kind, runs_kind
from .cases import Finding, Kind, Verdict
from .kills_kind import Disks, Kills
from .kinds import KINDS
from .watching import Watcher

COUNTS = {
    "images": 128,
    "models": 96,
    "onnx": 48,
    "lists": 96,
    "idx": 60,
    "records": 32,
    "checkpoints": 24,
    "cache": 24,
}
forks = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kills fork, and ask Linux about memory")


def findings(kind: Kind, seeds: range) -> list[Finding]:
    """Return what is wrong with some cases, tried in this process."""
    watcher = Watcher(kind, deadline=False)
    with watcher.watching():
        for start in range(seeds.start, seeds.stop, kind.block):
            kind.evaluate(range(start, min(start + kind.block, seeds.stop)), watcher)
    return watcher.findings


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Kind]]:
    """Kinds that are ready, each made where it is first asked for."""

    class Ready(dict[str, Kind]):
        def __missing__(self, name: str) -> Kind:
            kind = KINDS[name][0]()
            kind.prepare(tmp_path_factory.mktemp(name))
            self[name] = kind
            return kind

    ready = Ready()
    yield ready
    for kind in ready.values():
        kind.close()


def test_every_kind_that_needs_no_fork_is_tried_here() -> None:
    assert COUNTS.keys() | {"kills", "disks"} == KINDS.keys()


@pytest.mark.parametrize("name", COUNTS)
def test_nothing_is_wrong_with_the_first_cases(name: str, kinds: dict[str, Kind]) -> None:
    found = findings(kinds[name], range(COUNTS[name]))
    assert [f"{one.verdict}: {one.cause}  --case {name}:{one.seed}\n{one.detail[-300:]}" for one in found] == []


@forks
@pytest.mark.parametrize("kind", [Kills, Disks])
def test_a_command_that_is_interrupted_loses_nothing_and_can_be_given_again(kind: type[Kind], tmp_path: Path) -> None:
    tried = kind()
    tried.prepare(tmp_path)
    found = findings(tried, range(1, 3))  # going on with a run, and predict
    assert [f"{one.verdict}: {one.cause}\n{one.detail[-300:]}" for one in found] == []


def test_different_pixels_by_another_way_are_found(kinds: dict[str, Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    kind, decode = kinds["images"], images_kind.decode

    def other_from_paths(file, **options):
        read = decode(file, **options)
        return read if isinstance(file, bytes) else replace(read, values=np.roll(read.values, 1, axis=1))

    monkeypatch.setattr(images_kind, "decode", other_from_paths)
    assert "read from bytes and from a file differ" in {one.cause for one in findings(kind, range(16))}


def test_a_whole_file_that_is_refused_is_found(kinds: dict[str, Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    kind, decode = kinds["images"], images_kind.decode

    def refuses(file, **options):
        decode(file, **options)
        raise images_kind.UnreadableImageError("I do not like it")

    monkeypatch.setattr(images_kind, "decode", refuses)
    assert any("a whole file is refused" in one.cause for one in findings(kind, range(17)))


def test_a_probability_that_is_no_number_is_found(kinds: dict[str, Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    kind, predict = kinds["models"], models_kind.predict

    def no_numbers(*given, **named):
        return [replace(one, top=(("class 0", float("nan")),)) for one in predict(*given, **named)]

    monkeypatch.setattr(models_kind, "predict", no_numbers)
    assert findings(kind, range(1))[0].verdict == Verdict.WRONG


def test_a_damaged_model_that_is_accepted_is_found(kinds: dict[str, Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    from convscope.networks import model_file

    kind = kinds["models"]
    seeds = [seed for seed in range(200) if (case := kind.case(seed))[0] != case[1] and not case[2]]
    monkeypatch.setattr(model_file, "content_digest", lambda text, tensors: _Any())
    found = [one for seed in seeds for one in findings(kind, range(seed, seed + 1))]
    assert "a damaged model is accepted as another one" in {one.cause for one in found}


class _Any(str):
    """Equal to every text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


def test_what_a_command_takes_away_is_lost(kinds: dict[str, Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    kind, command = kinds["records"], runs_kind.command

    def takes_away(words, **named):
        ended = command(words, **named)
        (kind._folder / "run" / "report.json").unlink()
        return ended

    monkeypatch.setattr(runs_kind, "command", takes_away)
    assert Verdict.LOST in {one.verdict for one in findings(kind, range(1))}


@forks
def test_a_kill_that_leaves_half_a_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from convscope.core import atomic

    def in_place(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            os.fsync(file.fileno())
            file.write(data[len(data) // 2 :])

    kind = Kills()
    kind.prepare(tmp_path)
    place = kills_kind.SCENARIOS.index(next(one for one in kills_kind.SCENARIOS if one.name == "measure -o"))
    monkeypatch.setattr(atomic, "write_bytes", in_place)
    seeds = range(place, 10_000, len(kills_kind.SCENARIOS))
    within = [seed for seed in seeds if int(kind.random(seed).integers(3)) == 1]  # a kill in the middle of a write
    assert any(one.verdict == Verdict.LOST for seed in within[:12] for one in findings(kind, range(seed, seed + 1)))
