"""``convscope measure``: tables, one JSON document, what a run folder keeps, and sentences."""

import errno
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convscope.api import measure as api_measure
from convscope.api.train import train
from convscope.cli import main
from convscope.core.records import from_json
from convscope.measures.cost import CostRecord
from convscope.measures.invariance_record import Invariance
from convscope.measures.units.patches import pixels_of
from convscope.measures.units.records import UnitsReport


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("measure") / "run"
    train("digits", layout="4C3-MP2-6N", epochs=2, output=folder)
    return str(folder)


def test_the_table_shows_change_movement_and_residual(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--distortions", "shift-x,noise", "--images", "60", "--quiet"]
    assert main(["measure", run, "digits", *words]) == 0
    out = capsys.readouterr().out
    assert out.startswith("4C3-MP2-6N on 60 images of digits (validation)\nclean accuracy ")
    for text in (
        "Moved to the right (shift-x, px)",
        "Noise (noise, fraction of the range)",
        "moved to the right by 1 pixel",
        "noise of 10 % of the range",
        "changed inside",
        "1: 4C3",
        "1: MP2",
        "-: softmax",
        "equivariant inside",
        "    at least",
        "    of correct",
        "  probability",
        "  outside",
    ):
        assert text in out
    longest = max(out.splitlines(), key=len)
    assert len(longest) <= 120, longest  # the names of limits and their intervals are as long as they are


def test_the_record_is_json_and_comes_back(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.json"
    words = [
        "--distortions",
        "rotation",
        "--strengths",
        "5,-5",
        "--images",
        "9",
        "-o",
        str(path),
        "--json",
        "--quiet",
    ]
    assert main(["measure", run, "digits", *words]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(path.read_text(encoding="utf-8"))
    found = from_json(Invariance, printed)
    assert [point.strength for point in found.curves[0].points] == [5, -5]
    assert main(["measure", run, "digits", *words]) == 2
    assert "is already there and is not overwritten" in capsys.readouterr().err


def test_of_a_large_network_few_images_are_measured_and_more_are_no_part(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(api_measure, "_PREDICTED_MACS", 1)
    monkeypatch.setattr(api_measure, "_COMPARED_MACS", 1)
    copy = shutil.copytree(run, tmp_path / "run")

    def images() -> tuple[int, int | None]:
        found = from_json(Invariance, json.loads((copy / "invariance.json").read_text(encoding="utf-8")))
        assert found.accuracy.total == found.images == found.curves[0].points[0].accuracy.total
        return found.images, found.compared

    (copy / "invariance.json").unlink(missing_ok=True)
    assert main(["measure", str(copy), "digits"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("4C3-MP2-6N on 20 images of digits")
    assert "Sensitivity of each layer on 4 images" in out
    assert "at most 20 images are distorted, as an image takes" in err
    assert "--images 1000 takes more" in err
    assert images() == (20, 4)
    assert main(["measure", str(copy), "digits", "--images", "15"]) == 0
    assert "was not replaced" in capsys.readouterr().err
    assert main(["measure", str(copy), "digits", "--images", "30", "--quiet"]) == 0
    assert images() == (30, None)


def test_a_run_folder_keeps_what_was_measured_and_a_part_replaces_no_whole(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, words = Path(run) / "invariance.json", ["--images", "20"]
    kept.unlink(missing_ok=True)

    def curves() -> int:
        return len(from_json(Invariance, json.loads(kept.read_text(encoding="utf-8"))).curves)

    assert main(["measure", run, "digits", *words, "--distortions", "blur"]) == 0
    assert f"record  {kept}" in capsys.readouterr().err
    assert curves() == 1
    assert main(["measure", run, "digits", *words, "--force", "--quiet"]) == 0
    assert curves() == 15
    whole = kept.read_bytes()
    for part in ([*words, "--distortions", "blur"], words, ["--margin", "1", "--images", "1000"]):
        capsys.readouterr()
        assert main(["measure", run, "digits", *part]) == 0
        assert "was not replaced" in capsys.readouterr().err, part
        assert kept.read_bytes() == whole
    assert main(["measure", run + "/model.safetensors", "digits", *words, "--distortions", "blur", "--force"]) == 0
    assert curves() == 1


def test_all_measures_all_and_keeps_all(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--what", "all", "--images", "5", "--ablation", "5", "--top", "2", "--quiet"]
    assert main(["measure", run, "digits", *words]) == 0
    out = capsys.readouterr().out
    for text in ("Sensitivity", "linear probe on stage 1", "needs most", "MACs", "without pooling"):
        assert text in out
    units = from_json(UnitsReport, json.loads((Path(run) / "units.json").read_text(encoding="utf-8")))
    cost = from_json(CostRecord, json.loads((Path(run) / "cost.json").read_text(encoding="utf-8")))
    assert (units.units.layout, cost.costs[0].layout) == ("4C3-MP2-6N", "4C3-MP2-6N")
    first = units.units.layers[0].units[0].top
    assert len(first) <= 2
    pixels = pixels_of(first[0])
    assert pixels is not None
    assert pixels.shape == (3, 3)
    assert main(["measure", run, "digits", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"distortions", "units", "cost"}


def test_the_cost_of_a_layout_that_was_never_trained(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--size", "12x8", "--channels", "3", "--classes", "2", "--quiet", "--batch", "2"]
    assert main(["measure", "4C3-MP2-6N", "--cost", *words]) == 0
    out = capsys.readouterr().out
    assert "4 x 12x8" in out
    assert "locally connected: 4U3-MP2-6N" in out
    assert main(["measure", "4C3/2", "--what", "cost", "--quiet", "--batch", "2"]) == 0
    assert "4 x 14x14" in capsys.readouterr().out


def test_cost_needs_no_images(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", run, "--what", "cost", "--quiet"]) == 0
    assert "parameters" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "DATA must name the images to measure on. Got none."),
        (["digits", "--distortions", "shfit-x"], "A distortion must be one of"),
        (["digits", "--strengths", "a"], "must be numbers with commas between, like 1,2.5. Got 'a'."),
        (["digits", "--distortions", "jpeg", "--strengths", "100"], "The strength of jpeg must be from 0 to 99"),
        (["digits", "--strengths", "nan", "--distortions", "blur"], "The strength of blur must be"),
        (
            ["digits", "--strengths", "1,2.5"],
            "`--strengths` must come with `--distortions`",
        ),
        (
            ["digits", "--distortions", "shift-x", "--strengths", "100"],
            "The strength of shift-x must leave a part of the image of 8x8 pixels inside. Got 100 (px).",
        ),
        (["digits", "--margin", "4"], "`--margin` must be from 0 to 3 px"),
        (["digits", "--images", "1"], "at least 2 images"),
        (["digits", "--distortions", "rotation", "--strengths", "181"], "The strength of rotation must be from -180"),
        (["digits", "--what", "all", "-o", "a.json"], "-o must name the file of one record. Got it for all."),
        (["--what", "units", "--cost"], "Got both."),
        (
            ["--cost", "--size", "8"],
            "`--size` is for a layout that is no model. Got '8' for a network that has its",
        ),
        (["digits", "--what", "all", "--size", "8"], "--size must come with --cost, for a MODEL that is a layout. Got"),
        (["digits", "--classes", "8"], "--classes must come with --cost, for a MODEL that is a layout. Got it for dis"),
        (["digits", "--top", "3"], "--top must come with --what units. Got it for distortions."),
        (["digits", "--what", "units", "--strengths", "2"], "--strengths must come with --what distortions."),
        (["--cost", "--strengths", "2"], "--strengths must come with --what distortions. Got it for cost."),
        (["--cost", "--no-probes"], "--no-probes must come with --what units. Got it for cost."),
        (["--cost", "--class-depth", "1"], "--class-depth must come with --what distortions or units."),
        (["digits", "--repeats", "2"], "--repeats must come with --what cost. Got it for distortions."),
        (["--cost", "--channels", "3"], "`--channels` is for a layout that is no model. Got 3 for a network that has"),
        (["--cost", "--classes", "7"], "`--classes` is for a layout that is no model. Got 7 for a network that has"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    words: list[str], sentence: str, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["measure", run, *words, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("what", ["distortions", "units"])
def test_images_of_other_classes_are_one_sentence(
    what: str, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for place in range(6):
            Image.new("L", (8, 8), 20 * place).save(tmp_path / name / f"{place}.png")
    assert main(["measure", run, str(tmp_path), "--what", what, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "The images must have classes of the model. Got 'cat', 'dog', which it does not have; it has '0'" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("what", ["distortions", "units"])
def test_values_that_are_no_numbers_are_one_sentence(
    what: str, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(0).random((40, 8, 8))
    values[3, 2, 2] = np.nan
    np.savez(tmp_path / "a.npz", x=values, y=np.arange(40) % 10)
    assert main(["measure", run, str(tmp_path / "a.npz"), "--what", what, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "finite" in said or "NaN" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["nothing", "runs/nothing"])
def test_neither_a_model_nor_a_layout_is_one_sentence(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", name, "--cost", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert ("A stage must be like 32C5" in said) or ("there is no such file" in said)
    assert said.count("\n") == 1


@pytest.mark.parametrize("what", ["distortions", "units", "cost"])
def test_a_run_folder_that_cannot_be_written_is_said_before_anything_is_measured(
    what: str, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    for name in ("invariance", "units", "cost"):
        (folder / f"{name}.json").unlink(missing_ok=True)
    _forbid_writing(folder, monkeypatch)
    monkeypatch.setattr(f"convscope.api.{_VERBS[what][0]}", _must_not_run)
    data = [] if what == "cost" else ["digits"]
    assert main(["measure", str(folder), *data, "--what", what]) == 2
    out, err = capsys.readouterr()
    file = folder / f"{_VERBS[what][1]}.json"
    assert out == ""
    assert (
        f"must be writable to save the record. Got: Cannot write {file}: there is no permission to write there." in err
    )
    assert "Write it elsewhere, for example with -o my-" in err


def test_from_a_run_folder_that_cannot_be_written_a_record_goes_elsewhere(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(run, tmp_path / "run"))
    (folder / "invariance.json").write_text("an earlier one")
    _forbid_writing(folder, monkeypatch)
    words = ["measure", str(folder), "digits", "--images", "5", "--distortions", "blur"]
    assert main([*words, "-o", str(tmp_path / "new" / "my.json")]) == 0
    assert (tmp_path / "new" / "my.json").is_file()
    assert main([*words, "-o", str(folder / "my.json")]) == 2
    assert f"Cannot write {folder / 'my.json'}: there is no permission to write there" in capsys.readouterr().err
    assert main(words) == 0  # a part replaces no record, and so needs no place
    assert "was not replaced" in capsys.readouterr().err


_VERBS = {
    "distortions": ("measure.measure_invariance", "invariance"),
    "units": ("units.measure_units", "units"),
    "cost": ("cost.measure_cost", "cost"),
}


def _must_not_run(*_: object, **__: object) -> None:
    pytest.fail("it measures before it knows whether the record can be kept")


def _forbid_writing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files in `folder` be refused as without permission, also for root, who may write everywhere."""
    usual = tempfile.TemporaryFile

    def refusing(*words: Any, **named: Any) -> Any:
        if Path(named["dir"]) == folder:
            raise PermissionError(errno.EACCES, "Permission denied")
        return usual(*words, **named)

    monkeypatch.setattr(tempfile, "TemporaryFile", refusing)
