"""A model that is given to ``compare``: the same images, its own preprocessing, no training."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import convscope
from convscope.api.train import TrainResult
from convscope.cli import main
from convscope.core.errors import ModelFileError, ParameterError
from convscope.images.preprocessing import Preprocessing
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.networks.folding import fold
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from tests.checks.graphs import residual_model, residual_module
from tests.checks.models import small_model

SMALL: dict[str, Any] = {"variants": ["convolution"], "layout": "4C3-MP2", "epochs": 1, "seeds": 2, "distorted": 30}
DIGITS = tuple("0123456789")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return convscope.train("digits", layout="8C3-MP2", epochs=2, output=tmp_path_factory.mktemp("run"), force=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare")


def three_classes() -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    labels = np.arange(60) % 3
    images = np.zeros((60, 8, 8), np.uint8) + labels[:, None, None].astype(np.uint8)
    return images, np.array(["first", "second", "third"])[labels]


def given(model: Any, folder: Path) -> tuple[VariantResult, Comparison]:
    comparison = convscope.compare("digits", model=model, output=folder, force=True, **SMALL).comparison
    result = comparison.variants[-1]
    assert result.variant == "given-model"
    return result, comparison


def test_the_given_model_predicts_the_same_images_as_the_variants(trained: TrainResult, folder: Path) -> None:
    result, comparison = given(trained.folder.path, folder)
    (run,), planned = result.runs, trained.model.network.plan
    assert result.accuracy == pytest.approx(trained.report.accuracy.fraction)  # the same validation images
    assert (result.parameters, result.macs, result.layout) == (planned.parameters, planned.macs, "8C3-MP2")
    assert (run.trained_on, run.epochs, run.seconds) == (0, 0, 0.0)
    others = comparison.variants[0].runs[0].distorted
    assert [(one.distortion, one.strengths, one.images) for one in run.distorted] == [
        (one.distortion, one.strengths, one.images) for one in others
    ]
    assert "may have learned" in result.note
    assert "given model" in (folder / "compare.html").read_text(encoding="utf-8")
    assert "given-model" in (folder / "comparison.csv").read_text(encoding="utf-8")


def test_a_graph_and_classes_in_another_order_give_the_same_result(trained: TrainResult, folder: Path) -> None:
    expected, _ = given(trained.model, folder)
    graph = dataclasses.replace(trained.model, network=fold(trained.model.network))
    assert given(graph, folder)[0].runs[0].correct_digits == expected.runs[0].correct_digits
    network = fold(trained.model.network)
    tensors = {name: value.detach().clone() for name, value in network.tensors.items()}
    for name in ("classifier.weight", "classifier.bias"):
        tensors[name] = tensors[name].flip(0)
    turned = type(network)(
        network.graph, tensors, mean=network.mean.tolist(), std=network.std.tolist(), title="turned"
    ).eval()
    model = Model(network=turned, classes=DIGITS[::-1], preprocessing=trained.model.preprocessing)
    assert given(model, folder)[0].runs[0].correct_digits == expected.runs[0].correct_digits


def test_a_model_of_another_size_takes_the_images_in_its_own(folder: Path) -> None:
    small = small_model("4C3-MP2", classes=10, height=12, width=20)
    model = Model(
        network=small.network, classes=DIGITS, preprocessing=Preprocessing(height=12, width=20, channels=3, fit="crop")
    )
    result, _ = given(model, folder)
    assert "20x12 pixels" in result.note
    assert "3 channels" in result.note
    assert result.runs[0].total == 359


def test_what_cannot_be_compared_is_refused_before_any_image_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("convscope.api.compare.prepare")
    with pytest.raises(ParameterError, match=r"`model` must have the 10 classes of the images\. Got one of 3"):
        given(residual_model(residual_module()), folder)
    dense = residual_model(residual_module(dense=True))
    with pytest.raises(ParameterError, match="must give one number per class to predict. Got one that gives 6x5"):
        convscope.compare(three_classes(), model=dense, output=folder / "other", **SMALL)
    with pytest.raises(ModelFileError):
        given("no such file", folder)
    with pytest.raises(ParameterError):
        given(3, folder)


def test_the_command_shows_the_given_model(
    trained: TrainResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(trained.model, tmp_path / "m.safetensors")
    words = ["--variants", "convolution", "--layout", "4C3-MP2", "--epochs", "1", "--seeds", "1", "--distorted", "0"]
    output = ["-o", str(tmp_path / "out"), "--quiet"]
    assert main(["compare", "digits", "--model", str(tmp_path / "m.safetensors"), *words, *output]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("given model"))
    assert f"{trained.report.accuracy.fraction:.2%}" in line
