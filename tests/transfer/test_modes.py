"""Training a start further: all of it, or its last stages, with everything that training has."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import convscope
from convscope.api.train import prepare, train
from convscope.cli import main as run
from convscope.core.context import Context
from convscope.core.errors import ParameterError
from convscope.networks.folding import fold
from convscope.networks.model_file import read_model, write_model
from convscope.options.train import TrainOptions
from convscope.training import watch
from convscope.training.relative_adam import RelativeAdam, rates_by_depth
from convscope.training.report import read_report
from convscope.transfer import fine_tuning
from convscope.transfer.fine_tuning import above, with_part
from convscope.transfer.modes import choose_mode
from convscope.transfer.sizes import copied, with_size
from tests.transfer.test_start import (
    SIDE_PX,
    computed_images,
    correct_in,
    photographs,
    start_model,
    started,
    weights_of,
)

MODES = ("fine-tuned", "last-stages")
ANY_SIZE = "6C3-MP2-12C3-MP2-16C3-APg"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture
def start(tmp_path: Path) -> Path:
    write_model(start_model(), tmp_path / "start.safetensors")
    return tmp_path / "start.safetensors"


def tensors(network: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach() for name, value in fold(network).tensors.items()}


@pytest.mark.parametrize("mode", MODES)
def test_the_model_in_the_file_gives_the_accuracy_of_the_report(mode: str, data: Path, tmp_path: Path) -> None:
    result = started(data, tmp_path, mode=mode, epochs=3)
    assert result.report == read_report(tmp_path / "run/report.json")
    assert result.report.accuracy.fraction > 0.8
    assert correct_in(tmp_path / "run", data) == result.report.correct
    assert len(result.history) == 3
    assert (tmp_path / "run/history.csv").read_text(encoding="utf-8").count("\n") == 4
    assert read_model(tmp_path / "run").training["start"]["mode"] == mode


def test_fine_tuning_changes_every_layer_the_last_one_most(data: Path, tmp_path: Path) -> None:
    model = start_model()
    result = started(data, tmp_path, model, mode="fine-tuned", epochs=2)
    before, after = tensors(model.network), tensors(result.model.network)
    moved = {
        name: float((after[name] - before[name]).norm() / before[name].norm())
        for name in after
        if name.endswith("weight") and not name.startswith("classifier")
    }
    assert all(moved.values())
    assert max(moved, key=lambda name: moved[name]) == "convolution3.weight"


def test_last_stages_leave_the_layers_below_the_cut_as_they_are(data: Path, tmp_path: Path) -> None:
    model = start_model()
    result = started(data, tmp_path, model, mode="last-stages", epochs=2, cut="pooling1")
    before, after = tensors(model.network), tensors(result.model.network)
    assert torch.equal(before["convolution1.weight"], after["convolution1.weight"])
    assert not torch.equal(before["convolution2.weight"], after["convolution2.weight"])
    assert result.model.training["start"]["boundary"] == "pooling1"


def test_maps_below_the_cut_are_computed_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = computed_images(monkeypatch)
    started(data, tmp_path, mode="last-stages", epochs=2)
    features = 24 + 15 + 24  # training images, as they are and flipped; test images
    maps = 24 + 24
    assert sum(computed) == features + maps
    started(data, tmp_path, mode="last-stages", epochs=3, seed=1)
    assert sum(computed) == features + maps


def test_the_layers_above_a_cut_give_the_logits_of_the_whole_network() -> None:
    whole = copied(fold(start_model().network)).requires_grad_(requires_grad=False)
    maps = {node.name: values for node, values in whole.values(torch.randn(2, 3, SIDE_PX, SIDE_PX))}
    part = above(whole, "pooling1")
    with torch.inference_mode():
        stored = maps["pooling1"].permute(0, 2, 3, 1)
        assert torch.allclose(part(part.standardize(stored)), maps["classifier"].flatten(1), atol=1e-5)
    with torch.no_grad():
        part.tensors["classifier.bias"].add_(7)
    assert float(tensors(with_part(whole, part))["classifier.bias"].min()) > 5


@pytest.mark.parametrize("mode", MODES)
def test_a_killed_run_resumes_to_the_same_bits(
    mode: str, data: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = started(data, tmp_path / "whole", start, mode=mode, epochs=2, batch=5, progress=False)
    saved: list[int] = []
    save = watch.Watch.save

    def killed(self: watch.Watch, state: Any) -> None:
        save(self, state)
        saved.append(state.step)
        if len(saved) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(watch, "CHECKPOINT_EVERY_S", 0.0)
        patch.setattr(watch.Watch, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            started(data, tmp_path / "cut", start, mode=mode, epochs=2, batch=5)
    resumed = train(resume=tmp_path / "cut/run", context=Context(cache_dir=tmp_path / "cut/cache"))
    assert saved == [1, 2, 3]
    assert resumed.outcome == "done"
    assert all(torch.equal(value, weights_of(resumed.model)[name]) for name, value in weights_of(whole.model).items())
    assert resumed.report.cells == whole.report.cells


def test_an_interruption_saves_the_model_and_says_how_to_go_on(
    data: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = watch.Watch.after_step

    def stopped(self: watch.Watch, state: Any, loss: float) -> bool:
        self.interruption.asked = True
        return after(self, state, loss)

    monkeypatch.setattr(watch.Watch, "after_step", stopped)
    result = started(data, tmp_path, start, mode="fine-tuned", epochs=9)
    assert result.outcome == "interrupted"
    assert correct_in(tmp_path / "run", data) == result.report.correct


@pytest.mark.parametrize("mode", MODES)
def test_minutes_count_from_the_start_and_include_the_evaluation(
    mode: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines = []
    fit = fine_tuning.fit_watched

    def told(*parts: Any, **options: Any) -> Any:
        deadlines.append(options["deadline"])
        return fit(*parts, **{**options, "deadline": None})

    monkeypatch.setattr(fine_tuning, "fit_watched", told)
    began = time.monotonic()
    started(data, tmp_path, mode=mode, minutes=90)
    (deadline,) = deadlines
    assert began + 5390 < deadline.end_s < time.monotonic() + 5400
    assert deadline.evaluated >= 15


def test_lower_layers_learn_less() -> None:
    network = copied(fold(start_model().network))
    rates = rates_by_depth(network, first=0.01)
    by_name = {name: rates[f"weights.{name.replace('.', '/')}"] for name in network.graph.tensors}
    assert by_name["convolution1.weight"] == pytest.approx(0.01)
    assert by_name["classifier.weight"] == by_name["classifier.bias"] == 1
    assert by_name["convolution2.weight"] == pytest.approx(0.01**0.6)  # the third of six layers


def test_a_step_is_relative_to_the_weights_of_each_unit() -> None:
    weight = torch.nn.Parameter(torch.tensor([[[[100.0, -100.0]]], [[[0.01, 0.01]]]]))
    method = RelativeAdam({"weight": weight}, {"weight": 0.5})
    before = weight.detach().clone()
    weight.grad = torch.tensor([[[[3.0, -2.0]]], [[[1e-3, 5.0]]]])
    method.step(1, rate=0.1)
    assert torch.allclose((before - weight.detach()) / before.abs(), 0.05 * weight.grad.sign(), rtol=1e-3)


def test_a_start_takes_images_of_another_size_where_its_weights_fit() -> None:
    model = with_size(start_model(ANY_SIZE), 16, 32)
    assert model is not None
    assert model.network.graph.image.columns == 32
    assert model.preprocessing.size == (16, 32)
    assert with_size(start_model("8C3-MP2-24N"), 16, 32) is None


def test_size_and_fit_are_those_that_are_asked_for(data: Path, tmp_path: Path) -> None:
    result = started(data, tmp_path, start_model(ANY_SIZE), size="32", fit="letterbox")
    assert result.model.preprocessing.size == (32, 32)
    assert result.model.preprocessing.fit == "letterbox"
    assert correct_in(tmp_path / "run", data) == result.report.correct
    assert started(data, tmp_path / "own").model.preprocessing.fit == "crop"


def test_sixteen_bit_and_wide_images_are_brought_to_the_start(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 4)):
        for number in range(2):
            (tmp_path / "set" / split / "ab"[number]).mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(100, 3_000, (20, 60), dtype=np.uint16)
                pixels[:, 20 + 10 * number : 30 + 10 * number] += 20_000
                Image.fromarray(pixels).save(tmp_path / "set" / split / "ab"[number] / f"{index}.png")
    result = started(tmp_path / "set", tmp_path, start_model("8C3-MP2-12C5-MP2-24N"), mode="fine-tuned", epochs=4)
    notes = " ".join(result.report.notes)
    assert "gray level is repeated" in notes
    assert "crop" in notes
    assert correct_in(tmp_path / "run", tmp_path / "set") == result.report.correct


def test_auto_finds_the_boundary_among_the_layers_below_the_last(data: Path, tmp_path: Path) -> None:
    result = started(data, tmp_path, mode="last-stages", epochs=2, cut="auto")
    start = result.model.training["start"]
    assert start["cut"] == "convolution3"
    assert start["boundary"] in {"pooling1", "pooling2"}
    page = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "Accuracy by layer" in page
    assert result.report.cut == start["boundary"]


def test_progressive_resizing_is_the_default_where_the_weights_fit(data: Path, tmp_path: Path) -> None:
    context = Context(cache_dir=tmp_path / "cache")
    options = TrainOptions(start="given", mode="fine-tuned", size="160")
    assert prepare(data, options, context, start=start_model(ANY_SIZE)).recipe.progressive_resizing > 0
    small = TrainOptions(start="given", mode="fine-tuned")
    assert prepare(data, small, context, start=start_model()).recipe.progressive_resizing == 0


def mode_of(*, images: int = 500, fewest: int = 100, macs: int = 600_000_000, **options: Any) -> str:
    settings = TrainOptions(start="x", **options)
    return choose_mode(settings, macs=macs, images=images, fewest=fewest)[0]


def test_the_mode_follows_from_images_and_minutes() -> None:
    assert mode_of() == "frozen"
    assert mode_of(seed=3, head="lda") == "frozen"
    assert mode_of(minutes=1_000, head="knn") == "frozen"
    assert mode_of(epochs=3) == "fine-tuned"
    assert mode_of(minutes=1_000) == "fine-tuned"
    assert mode_of(minutes=1_000, fewest=2) == "frozen"
    assert mode_of(minutes=0.1) == "frozen"
    assert mode_of(minutes=1_000, mode="last-stages") == "last-stages"
    modes = [mode_of(minutes=minutes) for minutes in (0.1, 3, 5, 1_000)]
    assert modes == sorted(modes, key=["frozen", "fine-tuned"].index)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"mode": "frozen", "epochs": 3}, "epochs"),
        ({"mode": "frozen", "rotate": 3}, "fine-tuned"),
        ({"mode": "last-stages", "rotate": 3}, "stored maps"),
        ({"mode": "fine-tuned", "layout": "8C3"}, "layout"),
        ({"mode": "fine-tuned", "head": "knn"}, "head"),
        ({"mode": "last-stages", "cut": "convolution3"}, "before convolution3"),
        ({"mode": "fine-tuned", "target_accuracy": 0.5, "epochs": 1}, "validation"),
        ({"mode": "fine-tuned", "size": "17", "start": start_model("8C3-MP2-24N")}, "size"),
        ({"mode": "last-stages", "start": start_model("8C3")}, "two stages"),
        ({"mode": "half"}, "mode"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(data: Path, tmp_path: Path, options: Any, word: str) -> None:
    options = {"start": start_model(), **options}
    with pytest.raises(ParameterError, match=word) as caught:
        train(data, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "cache"), **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_mode_without_a_start_is_refused(data: Path) -> None:
    with pytest.raises(ParameterError, match="start"):
        train(data, mode="fine-tuned")


def test_a_class_that_the_start_knows_is_a_class_like_any_other(tmp_path: Path) -> None:
    data = photographs(tmp_path / "set", images=4)
    (data / "train/red").rename(data / "train/a")  # the name of a class of the start
    (data / "test/red").rename(data / "test/a")
    result = started(data, tmp_path)
    assert result.model.classes == ("a", "blue", "green")
    assert correct_in(tmp_path / "run", data) == result.report.correct


def test_a_dry_run_shows_mode_and_recipe_and_trains_nothing(
    data: Path, start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", str(data), "--start", str(start), "--cache-dir", str(tmp_path / "cache"), "--dry-run"]
    assert run(words) == 0
    out = capsys.readouterr()
    assert "parameters" in out.out
    assert "mode frozen" in out.err
    assert run([*words, "--mode", "last-stages", "--epochs", "7"]) == 0
    out = capsys.readouterr()
    assert "7 epochs" in out.out
    assert "--mode last-stages" in out.out
    assert run([*words, "--json"]) == 0
    assert not (tmp_path / "runs").exists()


def test_a_model_that_was_fine_tuned_can_be_used_like_any_other(data: Path, tmp_path: Path) -> None:
    started(data, tmp_path, mode="last-stages", epochs=1, head="svm")
    context = Context(cache_dir=tmp_path / "cache")
    found = convscope.measure(tmp_path / "run", data, distortions=["rotation"], strengths=[0, 20], context=context)
    assert found.images == 15
    again = started(data, tmp_path / "next", tmp_path / "run")
    assert again.report.accuracy.fraction > 0.8


def test_probabilities_are_calibrated_on_validation_images(data: Path, tmp_path: Path) -> None:
    result = started(data, tmp_path, mode="fine-tuned", epochs=2, validation=0.25)
    assert any("calibrated" in note and "validation images" in note for note in result.report.notes)
    assert result.history[-1].validation_accuracy is not None
    without = started(data, tmp_path / "without", mode="fine-tuned", epochs=1)
    assert any("not calibrated" in note for note in without.report.notes)
