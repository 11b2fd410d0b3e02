"""A layout and the graph that it folds into are one network: every measure gives the same of both."""

import dataclasses
from pathlib import Path

import pytest

import convscope
from convscope.cli.group import main
from convscope.networks.folding import fold
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model


@pytest.fixture(scope="module")
def layout_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return convscope.train(
        "digits", layout="4C3-MP2-+4C3-8N", epochs=2, output=tmp_path_factory.mktemp("run"), force=True
    ).model


@pytest.fixture(scope="module")
def graph_model(layout_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("graph") / "graph.safetensors"
    write_model(dataclasses.replace(layout_model, network=fold(layout_model.network)), path)
    return read_model(path)


def test_invariance_is_the_same(layout_model: Model, graph_model: Model) -> None:
    settings = {"distortions": ["shift-x"], "strengths": [1], "images": 60}
    first, second = (convscope.measure(model, "digits", **settings) for model in (layout_model, graph_model))
    assert (first.is_layout, second.is_layout) == (True, False)
    assert second.layers == ("convolution1", "pooling1", "convolution2", "linear1", "classifier")
    assert first.correct == second.correct
    for one, other in zip(first.curves[0].points[0].layers, second.curves[0].points[0].layers, strict=True):
        assert one.changed == pytest.approx(other.changed, rel=1e-4)
        assert one.verdict == other.verdict


def test_units_and_their_ablation_are_the_same(layout_model: Model, graph_model: Model) -> None:
    first, second = (
        convscope.units(model, "digits", ablation=80, top=2, probes=False) for model in (layout_model, graph_model)
    )
    assert first.ablation is not None
    assert second.ablation is not None
    for one, other in zip(first.ablation.layers, second.ablation.layers, strict=True):
        assert [unit.correct for unit in one.units] == [unit.correct for unit in other.units]
    for ours, theirs in zip(first.units.layers, second.units.layers, strict=True):
        assert [unit.silent for unit in ours.units] == [unit.silent for unit in theirs.units]
    assert first.importance is not None
    assert second.importance is not None
    assert first.importance.agreement == pytest.approx(second.importance.agreement)
    assert second.importance.budget_macs == 0, "all of a small network are ablated"


def test_costs_are_those_of_the_folded_layers(layout_model: Model, graph_model: Model) -> None:
    first, second = (convscope.cost(model, repeats=0).costs for model in (layout_model, graph_model))
    assert first[0].macs == second[0].macs
    assert [layer.notation for layer in second[0].layers] == ["4C3", "MP2", "4C3", "8N", "10N"]
    assert [layer.training_bytes for layer in first[0].layers] == [layer.training_bytes for layer in second[0].layers]
    assert len(second) == 1, "no variants"


def test_every_command_takes_the_file(
    graph_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(graph_model, Path("graph.safetensors"))
    assert main(["measure", "graph.safetensors", "--cost", "--quiet", "--repeats", "1"]) == 0
    assert "convolution2" in capsys.readouterr().out
    words = ["graph.safetensors", "digits", "--what", "units", "--layer", "convolution2", "--ablation", "30", "--quiet"]
    assert main(["measure", *words]) == 0
    assert "not ablated" in capsys.readouterr().out
    words[5] = "convolution3"
    assert main(["measure", *words]) == 2
    assert "`--layer` must be a layer with units, one of 1 (convolution1)" in capsys.readouterr().err
    assert main(["draw", "layout", "graph.safetensors", "--quiet"]) == 0
    assert main(["draw", "filters", "graph.safetensors", "--layer", "convolution2", "--quiet"]) == 0
    assert main(["draw", "fields", "graph.safetensors", "--quiet"]) == 0
