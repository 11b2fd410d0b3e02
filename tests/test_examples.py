"""Every program and notebook in examples/ runs, with small data, in its own folder."""

import json
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


# notebook: a part of its output
NOTEBOOKS = {"your_own_network.ipynb": "network.onnx"}


def test_every_example_is_run() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == set(RUNS)
    assert {path.name for path in FOLDER.glob("*.ipynb")} == set(NOTEBOOKS)


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


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells), "a notebook is stored without what it printed"
    program = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    exec(compile(program, name, "exec"), {"__name__": "__main__"})
    assert NOTEBOOKS[name] in capsys.readouterr().out
