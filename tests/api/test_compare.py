"""``compare`` from images to files: page, record, table and images; and sentences for what cannot be."""

import csv
import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.api import compare_options
from convscope.api.compare_files import table_of, write_files
from convscope.cli import main
from convscope.cli.compare import command
from convscope.core.context import Context
from convscope.core.errors import ConvscopeError, DataError, LayoutError, ParameterError, StorageError
from convscope.core.progress import Reporter
from convscope.core.records import from_json
from convscope.measures.comparison.records import Comparison
from convscope.measures.comparison.variants import VARIANTS
from convscope.training import state as training_state
from tests.measures.comparison import made_up
from tests.transfer.test_start import start_model

SMALL: dict[str, Any] = {"layout": "4C3-MP2-8N", "epochs": 1, "seeds": 1, "images": 200, "distorted": 20}
WORDS = ["--layout", "4C3-MP2-8N", "--epochs", "1", "--seeds", "1", "--images", "200", "--distorted", "20", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compare every variant on few images."""
    place = tmp_path_factory.mktemp("compare")
    convscope.compare("digits", output=place, **SMALL)
    return place


def test_every_variant_is_measured_on_small_images(folder: Path) -> None:
    found = from_json(Comparison, json.loads((folder / "comparison.json").read_text(encoding="utf-8")))
    assert [result.variant for result in found.variants] == [name for name in VARIANTS if "start-" not in name]
    assert not [result.skipped for result in found.variants if not result.measured]
    assert 190 < found.training_images <= 200
    for result in found.measured:
        assert result.runs[0].total == 359
        assert sum(len(one.strengths) for one in result.runs[0].distorted) > 30
        assert result.parameters is not None
    same = found.variant("mlp-parameters"), found.variant("convolution")
    assert same[0] is not None
    assert same[1] is not None
    assert same[0].parameters == pytest.approx(same[1].parameters, rel=0.1)


def test_the_files_hold_the_same_figures(folder: Path) -> None:
    found = from_json(Comparison, json.loads((folder / "comparison.json").read_text(encoding="utf-8")))
    rows = list(csv.DictReader((folder / "comparison.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["variant"] for row in rows] == [result.variant for result in found.variants]
    assert [float(row["accuracy"]) for row in rows] == pytest.approx([one.accuracy for one in found.variants], abs=1e-6)
    page = (folder / "compare.html").read_text(encoding="utf-8")
    assert "Content-Security-Policy" in page
    for name in ("variants", "distorted"):
        with Image.open(folder / f"comparison-{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 10, "not an empty sheet"
        assert (folder / f"comparison-{name}.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_finished_results_are_not_overwritten_and_force_uses_what_is_done(folder: Path) -> None:
    with pytest.raises(StorageError, match=r"comparison\.json is already there and is not overwritten"):
        convscope.compare("digits", output=folder, **SMALL)
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
    convscope.compare("digits", output=folder, force=True, **SMALL)
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()} == before


@pytest.mark.parametrize(
    "name", ["compare.html", "comparison.csv", "comparison-variants.png", "comparison-distorted.svg", "comparison.json"]
)
def test_no_file_of_results_is_overwritten_without_force(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(StorageError, match=rf"{re.escape(name)} is already there and is not overwritten"):
        convscope.compare("digits", output=tmp_path, **SMALL)
    assert (tmp_path / name).read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_images_of_an_earlier_comparison_do_not_stay_beside_the_new(tmp_path: Path) -> None:
    for name in ("comparison-images.png", "comparison-distorted.svg", "comparison-of-mine.png"):
        (tmp_path / name).write_text("old")
    plain = (made_up.run(0.9, distorted=()),)
    variants = (made_up.variant(name, runs=plain) for name in ("convolution", "locally-connected"))
    write_files(made_up.comparison(*variants), tmp_path)
    left = {path.name for path in tmp_path.glob("comparison-*")}
    assert left == {"comparison-variants.png", "comparison-variants.svg", "comparison-of-mine.png"}


def test_no_reason_is_a_formula_for_a_spreadsheet() -> None:
    table = table_of(made_up.comparison(made_up.variant("locally-connected", skipped="+8C3 has no input to add.")))
    (row,) = csv.DictReader(table.csv().splitlines())
    assert row["skipped"] == " +8C3 has no input to add."


def test_a_learning_curve_is_measured_drawn_and_said(tmp_path: Path) -> None:
    names = ["convolution", "pixels-softmax"]
    done = convscope.compare(
        "digits", variants=names, learning_curve=True, output=tmp_path, **(SMALL | {"distorted": 0})
    )
    for result in done.comparison.variants:
        assert [run.trained_on for run in result.curve] == sorted(run.trained_on for run in result.curve)
        assert len(result.curve) == 4
    assert (tmp_path / "comparison-images.png").exists()
    assert not (tmp_path / "comparison-distorted.png").exists()
    assert "Learning curves" in done.page.read_text(encoding="utf-8")


def test_the_command_prints_a_table_and_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "digits", "--variants", "convolution,pixels-softmax", "-o", str(tmp_path / "a"), *WORDS]
    assert main(words) == 0
    out = capsys.readouterr().out
    for part in ("shared weights", "pixels (softmax)", "accuracy", "95 % interval", "compare.html"):
        assert part in out
    assert main(words) == 2
    assert "already there" in capsys.readouterr().err
    assert main([*words, "--force", "--json"]) == 0
    assert from_json(Comparison, json.loads(capsys.readouterr().out)).seeds == 1


def test_the_time_is_shown_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in WORDS if word != "--quiet"]
    assert main(["compare", "digits", "--variants", "pixels-softmax", "-o", str(tmp_path), *words]) == 0
    err = capsys.readouterr().err
    assert "1 training of 1 variant, 1 epoch each: about" in err
    assert err.index("about") < err.index("comparing")


def test_seconds_are_the_same_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()
    monkeypatch.setattr(training_state, "time", SimpleNamespace(monotonic=lambda: 0.002 * next(looks)))  # an even pace
    done = convscope.compare(
        "digits", variants=["convolution", "pixels-softmax"], seconds=1, seeds=1, layout="4C3-MP2", distorted=0,
        output=tmp_path,
    )  # fmt: skip
    assert (done.comparison.budget, done.comparison.amount) == ("seconds", 1.0)
    for result in done.comparison.variants:
        assert result.seconds == pytest.approx(1, abs=0.6)
        assert result.epochs > 1


def test_quick_says_how_many_epochs_it_takes() -> None:
    fewest, most = compare_options._QUICK_EPOCHS
    told = next(one.help for one in command.params if isinstance(one, click.Option) and one.name == "quick")
    assert f"{fewest} to {most} epochs" in str(told)
    assert f"{fewest} to {most} epochs" in str(convscope.compare.__doc__)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"variants": ["convolutoin"]}, ParameterError, r"must be one of .* Did you mean 'convolution'"),
        ({"epochs": 1, "seconds": 3}, ParameterError, "Only one of `epochs` and `seconds`"),
        ({"seeds": 0}, ParameterError, "from 1 to 100"),
        ({"images": 3}, ParameterError, "`images` .* at least 20"),
        ({"test_images": 3}, ParameterError, "`test_images` .* at least 10"),
        ({"distorted": -1}, ParameterError, "`distorted` .* from 0 to 10,000"),
        ({"layout": "9X"}, LayoutError, "A stage must be like 32C5"),
        (
            {"layout": "16N"},
            LayoutError,
            "`layout` must have a convolution to compare with. Got 16N. Give one that has",
        ),
        ({"layout": "4U3-MP2-16N"}, LayoutError, "`layout` must have a convolution to compare with. Got 4U3-MP2-16N."),
        ({"size": "huge"}, ParameterError, "`size`"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    options: dict[str, Any], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=sentence):
        convscope.compare("digits", output=tmp_path, **options)


def test_images_without_an_evaluated_split_are_refused(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (2, 8, 8), dtype=np.uint8)
    with pytest.raises(DataError, match="validation or test"):
        convscope.compare((images, [0, 1]), output=tmp_path)


def test_ctrl_c_says_that_the_same_command_continues(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object, **options: object) -> None:
        del given, options
        raise KeyboardInterrupt

    monkeypatch.setattr("convscope.measures.comparison.run.learn", interrupted)
    words = [word for word in WORDS if word != "--quiet"]
    assert main(["compare", "digits", "--variants", "pixels-softmax", "-o", str(tmp_path), *words]) == 130
    assert "interrupted; 1 training is left" in capsys.readouterr().err
    assert not (tmp_path / "comparison.json").exists()


def test_fewer_images_than_classes_are_refused(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (90, 8, 8), dtype=np.uint8)
    with pytest.raises(ParameterError, match=r"`images` must be at least 30, one of each class\. Got 25\."):
        convscope.compare((images, np.arange(90) % 30), images=25, output=tmp_path)


def test_results_among_the_images_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            pixels = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    with pytest.raises(ParameterError, match="`output` must be outside the folder of images"):
        convscope.compare(tmp_path, output=tmp_path / "results")


class _Refusing(Reporter):
    """Lets nothing begin."""

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def task(self, title: str, total: float, unit: str = "") -> Any:
        raise AssertionError(title)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": "huge"}, "`size` must be one side"),
        ({"value_range": "wide"}, "`value_range`"),
        ({"channels": 2}, "`channels` must be 1"),
        ({"layout": "16N"}, "`layout` must have a convolution"),
        ({"output": "file"}, "Cannot write file: it already exists and is not a folder"),
        ({"output": "done"}, "comparison.json is already there and is not overwritten"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_read(
    options: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "comparison.json").touch()
    (tmp_path / "data.npz").write_bytes(b"what would be said if it was opened")
    with pytest.raises(ConvscopeError, match=sentence):
        convscope.compare("data.npz", progress=_Refusing(), **options)


def test_a_start_is_compared_by_images_a_class(tmp_path: Path) -> None:
    names = ["convolution", "start-frozen", "start-fine-tuned", "start-random"]
    start = start_model("6C3-MP2-8C3-MPg", channels=1)
    options = {**SMALL, "variants": names, "start": start, "learning_curve": True, "images": 60, "distorted": 0}
    found = convscope.compare("digits", output=tmp_path, context=Context(cache_dir=tmp_path / "cache"), **options)
    comparison = found.comparison
    assert [result.variant for result in comparison.measured] == names
    assert comparison.each == (1, 2, 5)
    for result in comparison.measured:
        assert [run.trained_on for run in result.curve] == [10, 20, 50]
    page = found.page.read_text(encoding="utf-8")
    assert "From a trained network" in page
    assert "training images per class" in page
    frozen, random = comparison.variant("start-frozen"), comparison.variant("start-random")
    assert frozen is not None
    assert random is not None
    assert frozen.accuracy > 0.15  # of ten classes, on the maps of a random network
    assert frozen.parameters == random.parameters
    again = convscope.compare(
        "digits", output=tmp_path, force=True, context=Context(cache_dir=tmp_path / "cache"), **options
    )
    assert again.comparison == comparison  # finished runs are used again, by the weights of the start


def test_a_start_for_other_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="start"):
        convscope.compare("digits", output=tmp_path, start=start_model(channels=3), **SMALL)
    with pytest.raises(ParameterError, match="Name one"):
        convscope.compare("digits", output=tmp_path, variants=["start-frozen"], **SMALL)
