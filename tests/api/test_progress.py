"""What takes long tells how far it is, in every command."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.api.cost import cost
from convscope.api.features import compare_classifiers, extract_features
from convscope.api.look import look
from convscope.api.measure import measure
from convscope.api.predict import optimized
from convscope.api.train import train
from convscope.api.units import units
from convscope.features.extraction import FeatureSet
from convscope.networks.model_file import read_model
from tests.checks.reporters import Counting


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    heard, folder = Counting(), tmp_path_factory.mktemp("progress") / "run"
    train("digits", layout="4C3-MP2", epochs=1, output=folder, progress=heard)
    return folder, heard.told


def jobs(told: list[Any]) -> dict[str, tuple[float, float]]:
    """Return of each job how much there was to do, and how much was told to be done."""
    found: dict[str, tuple[float, float]] = {}
    title = ""
    for one in told:
        if isinstance(one, tuple):
            title = one[0]
            found[title] = (one[1], 0.0)
        else:
            found[title] = (found[title][0], found[title][1] + one)
    return found


def test_after_training_probabilities_are_calibrated_and_evaluated_in_sight(learned: tuple[Path, list[Any]]) -> None:
    found = jobs(learned[1])
    assert found["calibrating"] == found["evaluating"] == (359, 359)


def test_a_page_is_written_in_sight(learned: tuple[Path, list[Any]], tmp_path: Path) -> None:
    heard = Counting()
    look(learned[0], np.zeros((3, 8, 8), np.uint8), output=tmp_path / "a.html", progress=heard)
    found = jobs(heard.told)
    assert found["reading images"] == (3, 3)
    assert "writing the page" in found


def test_each_classifier_is_said_to_be_learning(learned: tuple[Path, list[Any]]) -> None:
    features = extract_features(learned[0], "digits", pool="mean")
    assert isinstance(features, FeatureSet)
    heard = Counting()
    compare_classifiers(features, ["knn", "lda"], progress=heard)
    assert heard.told == [
        ("classifiers", 2, "classifiers"),
        ("knn: learning from 1,438 images", 0, ""),
        1,
        ("lda: learning from 1,438 images", 0, ""),
        1,
    ]


def test_every_measurement_is_made_in_sight(learned: tuple[Path, list[Any]]) -> None:
    heard = Counting()
    measure(learned[0], "digits", images=20, distortions=["shift-x"], progress=heard)
    units(learned[0], "digits", ablation=20, probes=True, top=2, progress=heard)
    cost("4C3-MP2", size=8, repeats=1, progress=heard)
    found = jobs(heard.told)
    assert {
        "distorting",
        "units",
        "without each unit",
        "softmax: learning from 1,438 images",
        "timing",
    } <= found.keys()
    assert found["timing"][0] == found["timing"][1] > 1


def test_a_model_is_made_ready_in_sight(learned: tuple[Path, list[Any]]) -> None:
    heard = Counting()
    optimized(read_model(learned[0]), precision="int8", backend="auto", calibration="digits", progress=heard)
    found = jobs(heard.told)
    assert found["reading images for int8"] == (500, 500)
    assert "optimizing the model" in found
