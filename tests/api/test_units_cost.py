"""Units and costs through the public functions, and as text."""

import json
import re
from pathlib import Path

import pytest

import convscope
from convscope.cli.cost_text import cost_text
from convscope.cli.units_text import units_text
from convscope.core.errors import DataError
from convscope.core.records import from_json, to_json
from convscope.measures.units.records import UnitsReport


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    convscope.train("digits", layout="4C3-MP2-8N", epochs=2, output=folder, force=True)
    return folder


@pytest.fixture(scope="module")
def report(run: Path) -> UnitsReport:
    return convscope.units(run, "digits", top=2, ablation=50)


def test_everything_is_measured_on_the_images_held_out(run: Path, report: UnitsReport) -> None:
    evaluated = json.loads((run / "report.json").read_text())
    assert report.units.images == evaluated["images"] == 359
    names = {top.name for layer in report.units.layers for unit in layer.units for top in unit.top}
    known = convscope.extract_features(run, "digits", pool="mean")
    assert names <= {known.images[place] for place in known.part("validation")}
    assert report.ablation is not None
    assert sum(report.ablation.images) == 50
    assert [(probe.stage, probe.pool, probe.values, probe.total) for probe in report.probes] == [
        (0, "none", 64, 359),
        (1, "none", 64, 359),
        (2, "none", 8, 359),
    ]
    assert report.probes[0].accuracy.fraction > 0.9, "digits are nearly separable as they are"
    assert len(report.gabor_fits) == len(report.random_gabor_fits) == 4
    assert all(value is not None and 0 < value < 1 for value in report.random)
    assert from_json(UnitsReport, json.loads(json.dumps(to_json(report)))) == report


def test_the_text_names_every_layer_and_what_was_measured(report: UnitsReport) -> None:
    text = units_text(report)
    assert text.startswith("4C3-MP2-8N on 359 images of digits\n")
    assert re.search(r"^1: 4C3 +4 +3x3 +14% ", text, re.MULTILINE)
    assert re.search(r"^3: 8N +8 +10x10 +100% ", text, re.MULTILINE)
    assert "linear probe on the pixels (64 values): 9" in text
    assert re.search(r"Gabor fits explain \d+% of .* \(\d+% of random weights\)", text)


def test_images_of_other_classes_are_refused(run: Path, tmp_path: Path) -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for place in range(6):
            Image.new("L", (8, 8), 20 * place).save(tmp_path / name / f"{place}.png")
    with pytest.raises(DataError, match="The images must have classes of the model"):
        convscope.units(run, tmp_path)


def test_a_model_and_its_layout_cost_the_same_and_the_text_says_what(run: Path) -> None:
    found = convscope.cost(run, repeats=0)
    for size in ((8, 8), 8, "8", "8x8"):
        assert found == convscope.cost("4C3-MP2-8N", size=size, classes=10, repeats=0)
    text = cost_text(found)
    assert re.search(r"^4C3 +4 x 8x8 +40 +2,304 +1\.02 kB +1\.28 kB +3x3$", text, re.MULTILINE)
    assert re.search(r"^total +650 ", text, re.MULTILINE)
    assert re.search(r"^locally connected: 4U3-MP2-8N +2,918 +2,896 ", text, re.MULTILINE)
    timed = cost_text(convscope.cost(run, batch=2, repeats=1))
    assert re.search(r"^softmax .* ms +[\d.e-]+ ms$", timed, re.MULTILINE)


def test_a_layout_longer_than_a_file_name_may_be_is_a_layout() -> None:
    text = "-".join(["2C1"] * 70)
    assert len(text) > 255
    assert convscope.cost(text, size=(2, 2), repeats=0).costs[0].layout == text
