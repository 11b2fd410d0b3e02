"""Each benchmark still works: run at its smallest, never timed. Peers that need their own libraries are left out."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
HERE = ("convscope_step", "plain_torch", "ceiling")

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="the benchmarks are not in an installed package")


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("step")
    monkeypatch.setattr(module, "MODES", dict.fromkeys(module.MODES, HERE))
    yield module
    for name in ("step", "peer_environments", "results_file"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("layout", ["4C3-MP2-8C3-+8C3-MPg", "4C5-MP2-6C3-12N-nonorm"])
def test_a_step_of_everybody_is_measured_and_they_predict_the_same(step: ModuleType, layout: str) -> None:
    case = step.Case(layout=layout, side=12, channels=3, batch=16)
    for mode in step.MODES:
        found = step.measure(case, mode, rounds=1, seconds=0.01)
        assert all(rate > 0 for rate in found["images_per_second"].values())
        assert {name.split()[0] for name in found["images_per_second"]} == set(HERE)
    assert found["agreement"]["convscope_step float32"] == 1.0


def test_a_race_runs_the_whole_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    race = importlib.import_module("race")
    small = race.Race(data="digits", options=("--epochs", "1", "--layout", "4C3-MP2"), accuracy=0.05)
    found = race.run_race(small, tmp_path, tmp_path, seeds=1, peers=False)
    assert found["reached"]
    assert 0 < found["samples"][0]["training_seconds"] < found["samples"][0]["seconds"]
    for name in ("race", "accuracy", "peer_environments", "results_file"):
        sys.modules.pop(name, None)


def test_growth_of_a_square_has_the_exponent_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    growth = importlib.import_module("growth")
    found = growth.exponent([1, 10, 100], [3.0, 300.0, 30_000.0])
    assert (found["exponent"], found["half_width_95"]) == (2.0, 0.0)
    point = growth.Point(pictures=64, side=8, classes=2, batch=16)
    assert growth.measure_here(point)["seconds"] > 0
    for name in ("growth", "results_file"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("program", sorted(path.name for path in BENCHMARKS.glob("*.py")))
def test_a_benchmark_can_be_imported_and_says_what_it_measures(program: str) -> None:
    text = (BENCHMARKS / program).read_text(encoding="utf-8")
    compile(text, program, "exec")
    assert text.startswith('"""')


@pytest.mark.parametrize("result", sorted(path.name for path in (BENCHMARKS / "results").glob("*.json")))
def test_a_result_names_its_command_and_where_it_was_measured(result: str) -> None:
    found = json.loads((BENCHMARKS / "results" / result).read_text(encoding="utf-8"))
    assert found["command"].startswith("python benchmarks/")
    assert found["commit"]
    assert found["processor"]


def test_the_page_of_speed_is_what_the_results_say(tmp_path: Path) -> None:
    page = BENCHMARKS.parent / "docs" / "speed.md"
    before = page.read_bytes()
    try:
        subprocess.run([sys.executable, str(BENCHMARKS / "speed_page.py"), "--to", str(tmp_path)], check=True)
        assert (tmp_path / "speed.md").read_bytes() == before, "write it with: python benchmarks/speed_page.py"
    finally:
        assert page.read_bytes() == before
