"""Every program in examples/ runs, with small data, in its own folder."""

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples"
# program: arguments that make it short, and a part of its output
RUNS = {
    "classifier_in_sklearn.py": (["--images", "150", "--epochs", "2"], "the better layout is"),
    "dice_and_blur.py": ([], "Counting all 36 throws gives the same"),
    "features_without_labels.py": (["--by", "rica", "--units", "8", "--patches", "1000"], "% correct"),
    "kmeans_features.py": (["--units", "16", "--patches", "2000"], "correct with 16 clusters"),
    "read_a_layout.py": (["20C5v-MP2-50C5v-MP2-500N-nonorm"], "431,080"),
    "train_on_folder.py": (["--images", "12", "--epochs", "1"], "a disc is predicted as "),
}


def test_every_example_is_run() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == set(RUNS)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_the_example_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = RUNS[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(FOLDER / name), run_name="__main__")
    assert expected in capsys.readouterr().out
