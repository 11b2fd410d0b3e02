"""Weights that are finite can give infinity and NaN: no answer, record or file ever holds one."""

import copy
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convscope.api.draw import draw
from convscope.api.measure import measure
from convscope.api.predict import predict
from convscope.core.errors import DataError
from convscope.explorer.data import NamedImage, explorer_data
from convscope.features.reading import Reading, StageFeatures
from convscope.features.trace import trace
from convscope.measures.distortions.family import distortion_named
from convscope.measures.invariance import EvaluationImages, measure_invariance
from convscope.measures.units.ablation import measure_ablation
from convscope.measures.units.measuring import measure_units
from convscope.networks.build import Network
from convscope.networks.finite import NOT_A_NUMBER
from convscope.networks.folding import fold
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from convscope.networks.prediction_files import tables
from tests.checks.models import small_model, some_pixels

LARGEST = 3e38


def _large_weights(network: Network) -> None:
    for value in network.parameters():
        value.fill_(LARGEST)


def _large_statistics(network: Network) -> None:
    network.stages[0].normalization.running_mean.fill_(-LARGEST)
    network.stages[0].normalization.running_var.zero_()


def _large_classifier(network: Network) -> None:
    network.classifier.weight.fill_(LARGEST)


def _tiny_temperature(network: Network) -> None:
    network.temperature.fill_(1e-45)


def _tiny_deviation(network: Network) -> None:
    network.std.fill_(1e-44)


SPOILED = {
    change.__name__.lstrip("_"): change
    for change in (_large_weights, _large_statistics, _large_classifier, _tiny_temperature, _tiny_deviation)
}


def _spoiled(name: str) -> Model:
    model = small_model()
    network = copy.deepcopy(model.network)
    with torch.no_grad():
        SPOILED[name](network)
    return dataclasses.replace(model, network=network)


@pytest.mark.parametrize("name", SPOILED)
@pytest.mark.parametrize("tta", [False, True])
def test_an_output_that_is_no_number_is_a_row_with_its_error(name: str, tta: bool, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(_spoiled(name), path)
    predictions = predict(path, [some_pixels(1)[0], b"no image"], tta=tta, top=3)
    assert [one.label for one in predictions] == [None, None]
    assert predictions[0].error == NOT_A_NUMBER
    targets = {kind: str(tmp_path / f"rows.{kind}") for kind in ("csv", "json", "parquet")}
    with tables(targets, io.StringIO(), top=3) as table:
        for one in predictions:
            table.write(one)
    document = json.loads((tmp_path / "rows.json").read_text(), parse_constant=_refuse)
    assert document["predictions"][0]["probability"] is None
    assert document["unusable"] == 2
    assert "nan" not in (tmp_path / "rows.csv").read_text().lower()


def _refuse(text: str) -> None:
    raise AssertionError(f"{text} is in the document")


@pytest.mark.parametrize("name", SPOILED)
def test_an_array_of_probabilities_never_holds_nan(name: str) -> None:
    with pytest.raises(DataError, match="finite"):
        _spoiled(name).predict_proba(some_pixels(3))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("backend", ["torch", "openvino", "onnxruntime"])
@pytest.mark.parametrize("name", SPOILED)
def test_no_back_end_hides_that_the_output_is_no_number(name: str, backend: Any, precision: Any) -> None:
    if (backend, precision) in (("torch", "int8"), ("onnxruntime", "bfloat16")):
        return
    if backend != "torch":
        pytest.importorskip(backend)
    calibration = some_pixels(8) if precision == "int8" else None
    with pytest.raises(DataError, match="finite"):
        _spoiled(name).optimize(precision, backend=backend, calibration=calibration).predict_proba(some_pixels(3))


def _evaluated() -> EvaluationImages:
    return EvaluationImages(images=some_pixels(4), labels=np.array([0, 1, 2, 0]), indices=np.arange(4))


ASKED: dict[str, Callable[[Model], Any]] = {
    "features": lambda model: list(StageFeatures(model, Reading()).of(some_pixels(3))),
    "trace": lambda model: trace(model, some_pixels(1)[0]),
    "invariance": lambda model: measure_invariance(model, _evaluated(), {distortion_named("shift-x"): [1.0]}),
    "units": lambda model: measure_units(model, some_pixels(4)),
    "ablation": lambda model: measure_ablation(model, some_pixels(4), _evaluated().labels),
    "look": lambda model: explorer_data(model, [NamedImage(name="one", pixels=some_pixels(1)[0])]),
    "fold": lambda model: fold(model.network),
}


@pytest.mark.parametrize("asked", ASKED)
def test_whatever_needs_the_values_says_that_they_are_no_numbers(asked: str) -> None:
    with pytest.raises(DataError, match="finite"):
        ASKED[asked](_spoiled("large_statistics"))


def test_no_record_and_no_drawing_is_written_of_them(tmp_path: Path) -> None:
    model = dataclasses.replace(_spoiled("large_statistics"), classes=("a", "b", "c"))
    data = (some_pixels(30), np.tile(["a", "b", "c"], 10))
    with pytest.raises(DataError, match="finite"):
        measure(model, data, distortions=["shift-x"], strengths=[1], output=tmp_path / "record.json")
    with pytest.raises(DataError, match="finite"):
        draw("filters", model, output=tmp_path / "filters.png")
    assert list(tmp_path.iterdir()) == []
