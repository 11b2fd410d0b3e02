import json
from pathlib import Path

import pytest
from PIL import Image

from convscope.cli import main
from convscope.networks.model_file import write_model
from tests.checks.scans import pixels, scan_model


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and an image, as the current one."""
    write_model(scan_model("4C3-MP2-4C3-8N"), tmp_path / "model.safetensors")
    Image.fromarray(pixels(40, 50)[..., 0]).save(tmp_path / "image.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_scan_says_what_it_costs_before_and_what_it_is_after(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beside = ["--positions", "found.csv", "--overlay", "o.png", "--windows", "seen", "--uncertain", "2"]
    assert main(["scan", "model.safetensors", "image.png", "-o", "maps.tif", *beside]) == 0
    shown = capsys.readouterr()
    for word in ("43 x 33 = 1,419 positions", "families", "MACs a position", "to store", "--for-scan"):
        assert word in shown.err
    words = "maps.tif", "largest difference", "times window by", "found.csv", "overlay   o.png", "windows   seen (2"
    for word in words:
        assert word in shown.out
    assert main(["scan", "--verify", "maps.tif", "--seed", "3"]) == 0
    assert "seed 3" in capsys.readouterr().out
    assert main(["scan", "--verify", "maps.tif", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["check"]["nasty"] == 1_000


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["scan", "model.safetensors", "image.png"], "-o MAPS.tif"),
        (["scan"], "must be given"),
        (["scan", "--verify", "maps.tif", "--stride", "2"], "--stride"),
        (["scan", "--verify", "nothing.tif"], "There is no nothing.tif"),
        (["scan", "model.safetensors", "missing.png", "-o", "maps.tif"], "not there"),
        (["scan", "model.safetensors", "image.png", "-o", "maps.tif", "--stride", "-1"], "--stride"),
        (["scan", "model.safetensors", "image.png", "-o", "image.png"], "which is read"),
        (["scan", "model.safetensors", "image.png", "-o", "maps.png"], ".zarr"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert main(arguments) == 2
    assert word in capsys.readouterr().err
