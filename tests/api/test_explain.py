"""Explanations through the public functions."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.api.explain_files import ExplainResult
from convscope.attribution.faithfulness_record import EDGES, RANDOM, Faithfulness
from convscope.attribution.methods import faithfulness_table
from convscope.core.errors import DataError, ParameterError, StorageError
from convscope.core.records import from_json, strict_json
from tests.checks import models
from tests.checks.graphs import residual_model, residual_module
from tests.checks.reporters import Counting, Heard

IMAGE = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explained") / "run"
    convscope.train("digits", layout="6C3-MP2-8N", epochs=3, output=folder)
    return folder


@pytest.fixture(scope="module")
def result(run: Path) -> ExplainResult:
    return convscope.explain(run, [IMAGE, IMAGE.T], output=run / "why", faithfulness=12, nearest=3)


def test_every_method_says_something_of_every_image(result: ExplainResult) -> None:
    assert [one.name for one in result.explanations] == ["[0]", "[1]"]
    assert result.skipped == ()
    for one in result.explanations:
        assert [item.method for item in one.attributions] == ["occlusion", "grad-cam", "contributions"]
        assert one.target == one.predicted
        assert one["contributions"].values.sum() + one["contributions"].biases == pytest.approx(one.logit, abs=1e-4)
        distances = [near.distance for near in one.nearest]
        assert distances == sorted(distances)
        assert len(distances) == 3


def test_a_large_network_is_explained_before_its_methods_are_measured_on_fewer_images(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("convscope.api.explain._LARGE_MACS", 1_000)
    monkeypatch.setattr("convscope.api.explain._MOST_MACS", 1_000)
    there: list[list[str]] = []

    class Hearing(Heard):
        def task(self, title: str, total: float, unit: str = "") -> Any:
            if title == "faithfulness":
                there.append(sorted(path.name for path in (tmp_path / "why").glob("*.png")))
            return super().task(title, total, unit)

    heard = Hearing()
    model = convscope.load(run)  # the run keeps its own record
    result = convscope.explain(model, [IMAGE], output=tmp_path / "why", progress=heard)
    assert there == [["001-0.png"]]
    assert result.faithfulness is not None
    assert result.faithfulness.images == 8
    assert "measured on 8 images" in " ".join(heard.lines)
    assert faithfulness_table(result.faithfulness).columns[-1] == "random weights (on 2 images)"


def test_as_many_images_as_a_large_network_is_measured_on_by_default_are_no_part(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("convscope.api.explain._MOST_MACS", 1_000)
    shutil.copytree(run, tmp_path / "run")
    for images, kept in ((None, 8), (10, 10), (7, 10)):
        convscope.explain(tmp_path / "run", [IMAGE], faithfulness=images)
        read = from_json(Faithfulness, strict_json((tmp_path / "run/faithfulness.json").read_text()))
        assert read.images == kept


def test_progress_counts_all_that_is_computed(run: Path) -> None:
    heard = Counting()
    convscope.explain(run, [IMAGE, IMAGE.T], faithfulness=12, progress=heard)
    for title in ("explaining", "faithfulness"):
        begun = next(index for index, one in enumerate(heard.told) if isinstance(one, tuple) and one[0] == title)
        steps = itertools.takewhile(lambda one: not isinstance(one, tuple), heard.told[begun + 1 :])
        assert sum(steps) == heard.told[begun][1] > 0


def test_files_hold_the_same(result: ExplainResult, run: Path) -> None:
    folder = run / "why"
    assert sorted(path.name for path in folder.iterdir()) == [
        "001-0.png",
        "002-1.png",
        "explain.csv",
        "explain.json",
        "faithfulness.png",
    ]
    data = json.loads((folder / "explain.json").read_text())
    written = np.array(data["explanations"][1]["attributions"][0]["values"])
    np.testing.assert_allclose(written, result.explanations[1]["occlusion"].values, rtol=1e-4, atol=1e-6)
    assert (folder / "explain.csv").read_text().count("\n") == 1 + 2 * 4
    with pytest.raises(StorageError, match="already"):
        convscope.explain(run, [IMAGE], output=folder, faithfulness=0)


def test_faithfulness_stands_beside_edges_and_chance_and_in_the_run(result: ExplainResult, run: Path) -> None:
    measured = result.faithfulness
    assert measured is not None
    assert [order.name for order in measured.orders] == ["occlusion", "grad-cam", "contributions", EDGES, RANDOM]
    assert measured.images == 12
    for order in measured.orders:
        assert order.deleted[0] == pytest.approx(measured.orders[0].deleted[0], abs=1e-6), "nothing is gone yet"
        assert order.inserted[-1] == pytest.approx(order.deleted[0], abs=1e-6), "everything is back"
        assert len(order.deleted) == len(measured.fractions)
    assert measured.nearest is not None
    assert measured.nearest.training_images == 1_438
    read = from_json(Faithfulness, strict_json((run / "faithfulness.json").read_text()))
    assert [order.name for order in read.orders] == [order.name for order in measured.orders]
    assert read.orders[0].deletion.mean == pytest.approx(measured.orders[0].deletion.mean, rel=1e-3)


def test_a_class_can_be_named(run: Path) -> None:
    (one,) = convscope.explain(run, [IMAGE], target="3", methods=["contributions"], faithfulness=0).explanations
    assert (one.label, one.target) == ("3", 3)
    with pytest.raises(ParameterError, match="`target` must be one of"):
        convscope.explain(run, [IMAGE], target="eleven", faithfulness=0)


def test_a_model_explains_one_image() -> None:
    model = models.small_model("4C3-MP2-6N")
    one = model.explain(models.some_pixels(1)[0])
    assert one["occlusion"].values.shape == (17, 14)
    assert one.nearest == ()


def test_without_the_dataset_it_says_what_is_missing() -> None:
    found = convscope.explain(models.small_model("6N-tanh"), models.some_pixels(1))
    assert found.faithfulness is None
    assert [item.method for item in found.explanations[0].attributions] == ["occlusion", "contributions"]
    assert "Grad-CAM needs maps" in found.skipped[0]
    assert "dataset" in found.skipped[1]


def test_a_network_that_answers_everywhere_is_refused() -> None:
    model = residual_model(residual_module(dense=True))
    with pytest.raises(ParameterError, match="segmentation"):
        convscope.explain(model, models.some_pixels(1, 14, 16))


def test_what_cannot_be_read_is_named(run: Path, tmp_path: Path) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    found = convscope.explain(run, tmp_path, methods=["occlusion"], faithfulness=0)
    assert [Path(one.name).name for one in found.explanations] == ["good.png"]
    assert [Path(name).name for name, _ in found.unusable] == ["broken.png"]
    with pytest.raises(DataError, match="broken.png"):
        convscope.explain(run, tmp_path / "broken.png", faithfulness=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"methods": ["oclusion"]}, "occlusion"),
        ({"patch": 9}, "at most 8"),
        ({"layer": "linear1"}, "several positions"),
        ({"nearest": 0}, "nearest"),
    ],
)
def test_settings_that_cannot_be_are_refused(run: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        convscope.explain(run, [IMAGE], faithfulness=0, **options)  # type: ignore[arg-type]


def test_an_image_that_is_dark_on_light_where_training_images_are_light_on_dark_is_noted(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper = np.full((90, 60), 250, np.uint8)  # with margins at both sides, dark ones, once it is square
    paper[20:70, 26:34] = 10
    for name, pixels in (("dark", paper), ("light", 255 - paper)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    paths = [str(tmp_path / f"{name}.png") for name in ("dark", "light")]
    convscope.explain(run, paths, methods=["nearest"], faithfulness=0, progress=True)
    said = [line for line in capsys.readouterr().err.splitlines() if "light on dark" in line]
    assert len(said) == 1
    assert "dark.png: the image is dark on light, and the training images are light on dark. Invert it." in said[0]
