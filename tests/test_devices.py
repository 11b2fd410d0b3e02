"""``--device``: every command computes where it is told, the same to rounding; what is not there is refused."""

import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch

from convscope.api.check import check
from convscope.api.compare import compare
from convscope.api.explain import explain
from convscope.api.features import extract_features, layers
from convscope.api.measure import measure
from convscope.api.predict import predict
from convscope.api.scan import scan
from convscope.api.train import train
from convscope.api.units import units
from convscope.cli import main
from convscope.cli.group import COMMANDS
from convscope.core.errors import ParameterError
from convscope.core.records import to_json
from convscope.estimators.classifier import ConvClassifier
from convscope.estimators.features import ConvFeatures
from convscope.networks.model_file import model_bytes
from tests.checks.elsewhere import Elsewhere, elsewhere  # noqa: F401  # the fixture
from tests.checks.models import graph_model, small_model
from tests.checks.reporters import Heard
from tests.scanning.test_fully import unet

RNG = np.random.default_rng(0)
DATA = RNG.integers(0, 256, (36, 17, 14, 3), dtype=np.uint8), np.arange(36) % 3
COMPUTED: dict[str, Callable[..., Any]] = {
    "predict": lambda model, **more: predict(model, DATA[0][:5], top=3, **more),
    "features": lambda model, **more: extract_features(model, DATA[0], **more).values.tolist(),
    "layer": lambda model, **more: extract_features(
        model, DATA[0], layer=layers(model)[1].name, pool="mean", **more
    ).values.tolist(),
    "measure": lambda model, **more: measure(model, DATA, distortions=["shift-x"], strengths=[2], **more),
    "units": lambda model, **more: units(model, DATA, ablation=9, **more),
    "explain": lambda model, **more: explain(model, DATA[0][:1], data=DATA, patch=7, faithfulness=1, **more),
    "scan": lambda model, **more: scan(model, DATA[0].reshape(-1, 14, 3)[:20], scale=1, check=5, **more).maps.tolist(),
    "check": lambda model, **more: check(DATA, model=model, **more),
}


def apart(one: Any, other: Any) -> float:
    """Return the largest difference of the numbers of two JSON values, which must else be equal."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        return max((apart(value, other[name]) for name, value in one.items() if "seconds" not in name), default=0.0)
    if isinstance(one, list | tuple):
        assert len(one) == len(other)
        return max((apart(*pair) for pair in zip(one, other, strict=True)), default=0.0)
    if isinstance(one, float):
        return abs(one - other)
    assert one == other
    return 0.0


@pytest.mark.parametrize("name", [*COMPUTED, *(f"{name} of a graph" for name in ("layer", "units", "explain"))])
def test_results_are_those_of_the_processor(name: str, elsewhere: Elsewhere) -> None:  # noqa: F811
    name, of, _ = name.partition(" of ")
    model = dataclasses.replace(graph_model() if of else small_model(), classes=("0", "1", "2"))
    here, there = (to_json(COMPUTED[name](model, device=device)) for device in ("cpu", "mps"))
    assert elsewhere.waits, "nothing was brought back"
    assert apart(here, there) < 2e-4


def test_a_network_of_maps_is_scanned_there(elsewhere: Elsewhere) -> None:  # noqa: F811
    image = RNG.integers(0, 256, (40, 36, 3), dtype=np.uint8)
    here, there = (scan(unet(), image, scale=1, stride=0, check=9, device=device) for device in ("cpu", "mps"))
    assert np.abs(here.maps.astype(int) - there.maps).max() <= 1
    assert there.receipt.check.holds


def test_a_model_on_a_device_is_stored_and_given_to_torch_as_it_was(elsewhere: Elsewhere) -> None:  # noqa: F811
    model = small_model()
    there = model.to("mps")
    assert there.network.device.type == "meta"
    assert there.to("mps") is there
    assert model_bytes(there) == model_bytes(model)
    assert {value.device.type for value in there.to_torch().state_dict().values()} == {"cpu"}
    images = DATA[0][:5]
    assert np.allclose(
        there.optimize("float32", device="mps").predict_proba(images), model.predict_proba(images), atol=1e-5
    )
    with pytest.raises(ParameterError, match="has the back end torch"):
        model.optimize("int8", backend="auto", device="mps")


def test_a_training_on_a_device_is_that_of_the_processor_and_goes_on_there(
    tmp_path: Path,
    elsewhere: Elsewhere,  # noqa: F811
) -> None:
    options: dict[str, Any] = {"layout": "4C3-MP2-6N", "ranks": 1, "precision": "float32", "validation": 0.3}
    folders = {name: tmp_path / name for name in ("cpu", "mps")}
    found = {name: train(DATA, epochs=2, device=name, output=folder, **options) for name, folder in folders.items()}  # type: ignore[arg-type]
    losses = [[epoch.loss for epoch in one.history] for one in found.values()]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert found["mps"].model.network.device.type == "cpu"
    heard = Heard()
    resumed = train(DATA, resume=folders["mps"], progress=heard)
    assert resumed.report.accuracy == found["mps"].report.accuracy
    assert any("started on mps and continues on cpu" in line for line in heard.lines)


@pytest.mark.parametrize("mode", ["frozen", "fine-tuned", "last-stages"])
def test_a_training_from_a_start_is_that_of_the_processor(mode: Any, tmp_path: Path, elsewhere: Elsewhere) -> None:  # noqa: F811
    start, more = small_model("4C3-MP2-6C3-MP2"), {} if mode == "frozen" else {"epochs": 1}
    found = [
        train(DATA, start=start, mode=mode, device=name, output=tmp_path / name, **more) for name in ("cpu", "mps")
    ]  # type: ignore[arg-type]
    images = DATA[0][:9]
    assert np.allclose(*(one.model.predict_proba(images) for one in found), atol=1e-4)
    heard = Heard()
    train(DATA, start=start, resume=tmp_path / "mps", progress=heard)
    assert any("started on mps and continues on cpu" in line for line in heard.lines)


def test_a_comparison_is_that_of_the_processor(tmp_path: Path, elsewhere: Elsewhere) -> None:  # noqa: F811
    model = dataclasses.replace(small_model("4C3-MP2-6C3-MP2"), classes=("0", "1", "2"))
    given: dict[str, Any] = {"epochs": 1, "seeds": 1, "layout": "4C3-MP2", "model": model, "start": model}
    given |= {"variants": ["convolution", "start-frozen", "start-fine-tuned"], "distorted": 5}
    found = [
        compare(DATA, device=name, output=tmp_path / name, **given).comparison.variants
        for name in ("cpu", "mps")  # type: ignore[arg-type]
    ]
    assert [len(one) for one in found] == [4, 4]
    for here, there in zip(*found, strict=True):
        assert (here.variant, here.skipped, len(here.runs)) == (there.variant, "", 1)
        assert there.runs[0].correct_digits == here.runs[0].correct_digits
    assert elsewhere.waits, "nothing was brought back"
    runs = [{path.name for path in (tmp_path / name / "runs").iterdir()} for name in ("cpu", "mps")]
    assert not runs[0] & runs[1], "those of one device are not taken for those of another"


def test_the_estimators_compute_there(elsewhere: Elsewhere) -> None:  # noqa: F811
    given = {"layout": "4C3-MP2", "epochs": 1, "precision": "float32"}
    classifiers = [ConvClassifier(**given, device=name).fit(*DATA) for name in ("cpu", "mps")]
    assert np.allclose(*(one.predict_proba(DATA[0]) for one in classifiers), atol=1e-4)
    model = classifiers[0].model_
    assert np.allclose(*(ConvFeatures(model, device=name).fit_transform(DATA[0]) for name in ("cpu", "mps")), atol=1e-5)


def test_every_command_that_computes_refuses_a_device_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = tmp_path / "model.safetensors"
    model.write_bytes(model_bytes(small_model()))
    words = {
        "train": ["train", "digits"],
        "predict": ["predict", str(model), "image.png"],
        "explain": ["explain", str(model), "image.png"],
        "measure": ["measure", str(model), "digits"],
        "scan": ["scan", str(model), "image.tif", "-o", str(tmp_path / "maps.tif")],
        "features": ["features", str(model), "digits", "-o", str(tmp_path / "features.npy")],
        "check": ["check", "digits", "--model", str(model)],
        "compare": ["compare", "digits", "-o", str(tmp_path / "compared")],
    }
    commands: dict[str, click.Command] = {
        name: importlib.import_module(f"convscope.cli.{name}").command for name in COMMANDS
    }
    assert {name for name, one in commands.items() if "device" in {each.name for each in one.params}} == {*words}
    for name, given in words.items():
        assert main([*given, "--device", "cuda"]) == 2, name
        assert capsys.readouterr().err.count("must be one that torch") == 1, name
