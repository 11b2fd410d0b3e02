"""The main job in Python: from images to a run folder that holds everything."""

import io
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import convscope.api.train as api_train
from convscope.api.features import extract_features
from convscope.api.look import look
from convscope.api.train import train
from convscope.core.context import Context
from convscope.core.errors import (
    ConvscopeError,
    DataError,
    LayoutError,
    ModelFileError,
    ParameterError,
    StorageError,
    TrainingError,
)
from convscope.core.progress import Plain
from convscope.core.records import to_json
from convscope.networks.build import Network
from convscope.networks.model_file import read_model
from convscope.options.train import TrainOptions
from convscope.training import fit, loop, run, state, watch
from convscope.training.history import History
from convscope.training.pretraining import pretrain_convolutions
from convscope.training.report import read_report
from convscope.training.run import Prepared
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData
from tests.checks.reporters import Heard

QUICK = {"layout": "8C3-MP2-16C3-MP2-32N", "threads": 1}


def prepare(
    data: Any = None, *, cache_dir: Path | None = None, began_s: float | None = None, **options: Any
) -> Prepared:
    """Return the run that `train` would carry out."""
    context = Context(cache_dir=cache_dir)
    if began_s is not None:
        context = Context(cache_dir=cache_dir, command="convscope train", began_s=began_s)
    return api_train.prepare(data, TrainOptions(**options), context)


def two_classes(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return images that differ by which half is bright, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = rng.integers(0, 80, (count, 8, 8), dtype=np.uint8)
    images[labels == 0, :4] += 120
    images[labels == 1, 4:] += 120
    return images, labels


def test_a_run_leaves_model_report_page_history_and_settings(tmp_path: Path) -> None:
    trained = train("digits", epochs=2, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "cache"), **QUICK)
    for name in ("model.safetensors", "report.json", "report.html", "history.csv", "settings.json"):
        assert (tmp_path / "run" / name).stat().st_size > 0
    assert trained.outcome == "done"
    assert len(trained.history) == 2
    assert read_report(tmp_path / "run/report.json") == trained.report
    assert trained.report.split == "validation"
    assert trained.report.images == 359


def test_the_model_in_the_file_gives_the_accuracy_of_the_report(tmp_path: Path) -> None:
    trained = train("digits", epochs=6, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "cache"), **QUICK)
    prepared = prepare("digits", cache_dir=tmp_path / "cache", **QUICK)
    places = prepared.images.indices(2)
    model = read_model(tmp_path / "run/model.safetensors")
    predicted = model.predict_proba(prepared.images.images[places]).argmax(1)
    assert (predicted == prepared.images.labels[places]).mean() == trained.report.accuracy.fraction
    assert trained.report.accuracy.fraction > 0.7  # chance is 0.1; six quick epochs are no good training


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    def weights(seed: int, name: str) -> np.ndarray:
        trained = train(
            two_classes(),
            epochs=2,
            seed=seed,
            output=tmp_path / name,
            context=Context(cache_dir=tmp_path / "c"),
            **QUICK,
        )
        return trained.model.network.classifier.weight.detach().numpy()

    assert np.array_equal(weights(1, "a"), weights(1, "b"))
    assert not np.array_equal(weights(1, "c"), weights(2, "d"))


def test_arrays_are_trained_on_and_two_easy_classes_are_told_apart(tmp_path: Path) -> None:
    trained = train(
        two_classes(), epochs=8, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "cache"), **QUICK
    )
    assert trained.report.accuracy.fraction == 1.0
    assert trained.report.settings["learning_rate"] == 3e-3


def test_until_stops_early_and_says_so(tmp_path: Path) -> None:
    trained = train(
        two_classes(),
        epochs=50,
        target_accuracy=0.9,
        output=tmp_path / "r",
        context=Context(cache_dir=tmp_path / "c"),
        **QUICK,
    )
    assert trained.outcome == "target"
    assert len(trained.history) < 50


def test_minutes_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: 0.2 * next(looks))  # fast, and at an even pace whatever the machine does
    for module in (state, run, fit):
        monkeypatch.setattr(module, "time", clock)
    trained = train("digits", minutes=2.0, output=tmp_path / "r", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    highest = trained.report.settings["learning_rate"]
    assert highest == pytest.approx(3e-3 * min(1, (300 / trained.history[-1].step) ** 0.5), rel=0.01)
    assert 0.9 * highest < max(record.learning_rate for record in trained.history) < 1.1 * highest
    assert 110 < trained.report.seconds < 122  # of 120 s less the writing, plus the last judgment
    assert not any("training had only" in note for note in trained.report.notes)
    assert trained.history[-1].learning_rate < 0.5 * max(record.learning_rate for record in trained.history)


def test_a_training_that_got_little_of_its_minutes_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_WRITING_S", 120 * 60)
    trained = train("digits", minutes=120.0, output=tmp_path / "r", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    assert any("training had only" in note and "of 7200 s" in note for note in trained.report.notes)


def test_seconds_before_the_call_count_toward_the_minutes(tmp_path: Path) -> None:
    before = time.monotonic()
    prepared = prepare("digits", minutes=1.0, cache_dir=tmp_path, began_s=time.monotonic() - 20.0)
    assert before <= prepared.started_s + 20 <= time.monotonic()


def test_a_run_is_not_overwritten_without_force(tmp_path: Path) -> None:
    train(two_classes(), epochs=1, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    with pytest.raises(StorageError, match=r"already holds a run and is not overwritten\. Give another -o"):
        train(two_classes(), epochs=1, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    train(
        two_classes(), epochs=1, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), force=True, **QUICK
    )


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = loop._step

    def spoiled(state: TrainingState, *given: object) -> float:
        if state.epoch == 2:
            state.network.classifier.bias.data.fill_(float("nan"))
        return step(state, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", spoiled)
    with pytest.raises(TrainingError, match=r"no longer a finite number .* in epoch 3, .* last good model is saved in"):
        train("digits", epochs=4, output=tmp_path / "r", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    assert np.isfinite(read_model(tmp_path / "r").predict_proba(np.zeros((1, 8, 8, 1), np.uint8))).all()


def test_a_loss_that_is_not_finite_in_the_first_epoch_leaves_no_model(tmp_path: Path) -> None:
    options = {"layout": "8C3-MP2-32N-linear-nonorm", "threads": 1, "precision": "float32", "smoothing": 0.0}
    with pytest.raises(
        TrainingError, match=r"no longer a finite number .* in epoch 1, step \d+, at learning rate .* no model"
    ):
        train(
            "digits",
            epochs=30,
            learning_rate=1000.0,
            output=tmp_path / "r",
            context=Context(cache_dir=tmp_path / "c"),
            **options,
        )
    assert not (tmp_path / "r/model.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"epochs": 0}, ParameterError, r"`epochs` must be a whole number from 1 to 1,000,000\. Got 0\."),
        ({"epochs": 3, "minutes": 1}, ParameterError, r"Only one of `epochs` and `minutes`"),
        (
            {"target_accuracy": 99},
            ParameterError,
            r"`target_accuracy` must be above 0",
        ),
        ({"validation": 1.5}, ParameterError, r"`validation` must be a fraction from 0 to below 1"),
        ({"layout": "8C3-MP9"}, LayoutError, r"Stage 2, MP9, does not fit"),
        ({"layout": "8X3"}, LayoutError, r"position 1"),
        ({"size": "64x"}, ParameterError, r"`size` must be one side or widthxheight"),
        ({"minutes": -1}, ParameterError, r"`minutes` must be above 0"),
        ({"seed": -1}, ParameterError, r"`seed` must be a whole number from 0"),
        ({"threads": 0}, ParameterError, r"`threads` must be a whole number from 1"),
        ({"fit": "squeeze"}, ConvscopeError, r"`fit` must be one of letterbox, stretch, crop"),
        ({"batch": 0}, ParameterError, r"`batch` must be a whole number from 2"),
        ({"learning_rate": -1.0}, ParameterError, r"`learning_rate` must be a number from"),
        ({"shift": 2000}, ParameterError, r"`shift` must be a whole number from 0"),
        (
            {"pretrain": "kmean"},
            ParameterError,
            r"`pretrain` must be one of random, .* Got 'kmean'\. Did you mean 'kmeans'\?",
        ),
        (
            {"pretrain": "rica", "layout": "500N"},
            ParameterError,
            r"`pretrain` needs a layout whose first stage is a conv",
        ),
        ({"freeze": True}, ParameterError, "`freeze` needs"),
        ({"precision": "int8"}, ConvscopeError, r"`precision` must be one of auto, float32, bfloat16"),
    ],
)
def test_wrong_options_are_one_sentence_and_leave_nothing(
    tmp_path: Path, options: dict[str, object], kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        train("digits", output=tmp_path / "run", context=Context(cache_dir=tmp_path / "cache"), **options)
    assert not (tmp_path / "run").exists()


def test_an_unknown_option_is_an_error_of_python() -> None:
    with pytest.raises(TypeError, match="epoch"):
        train("digits", epoch=3)  # type: ignore[call-arg]


def test_resume_wants_a_run_and_takes_no_options(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"`resume` must name the folder of a run\. Got .*nothing"):
        train(resume=tmp_path / "nothing")
    with pytest.raises(ParameterError, match="Got epochs"):
        train(resume=tmp_path, epochs=3)


def test_resume_of_a_finished_run_gives_the_same_model(tmp_path: Path) -> None:
    first = train("digits", epochs=2, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    said = io.StringIO()
    again = train(resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), progress=Plain(said))
    assert "this run was finished; its model and report are written again" in said.getvalue()
    for name, value in first.model.network.state_dict().items():
        assert np.array_equal(value.numpy(), again.model.network.state_dict()[name].numpy()), name


def test_what_was_measured_stays_only_as_long_as_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_EPOCH_CHECKPOINT_S", 0.0)
    folder = train(
        two_classes(),
        target_accuracy=0.01,
        epochs=2,
        output=tmp_path / "run",
        context=Context(cache_dir=tmp_path / "c"),
        **QUICK,
    ).folder
    measured = (folder.invariance, folder.units, folder.cost)
    for path in measured:
        path.write_text("{}")
    folder.settings.write_text(
        folder.settings.read_text().replace('"target_accuracy": 0.01', '"target_accuracy": null')
    )
    resumed = train(two_classes(), resume=folder.path, context=Context(cache_dir=tmp_path / "c"))
    assert len(resumed.history) == 2
    assert [path.exists() for path in measured] == [False, False, True], "the cost is that of the layout"
    folder.invariance.write_text("{}")
    train(two_classes(), resume=folder.path, context=Context(cache_dir=tmp_path / "c"))
    assert folder.invariance.exists(), "a finished run is written again with the same weights"


@pytest.mark.parametrize("whole", [True, False], ids=["written anew", "removed"])
def test_a_page_of_before_does_not_stay_when_a_resumed_run_ends(
    whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_EPOCH_CHECKPOINT_S", 0.0)
    folder = train(
        two_classes(),
        target_accuracy=0.01,
        epochs=2,
        output=tmp_path / "run",
        context=Context(cache_dir=tmp_path / "c"),
        **QUICK,
    ).folder
    look(folder.path, context=Context(cache_dir=tmp_path / "c"))
    before = folder.look.read_bytes()
    folder.settings.write_text(
        folder.settings.read_text().replace('"target_accuracy": 0.01', '"target_accuracy": null')
    )
    if not whole:
        monkeypatch.setattr("convscope.api.look.explorer_data", _refused)
    said = io.StringIO()
    train(two_classes(), resume=folder.path, context=Context(cache_dir=tmp_path / "c"), progress=Plain(said))
    if not whole:
        assert not folder.look.exists()
        assert f"{folder.look} is removed" in said.getvalue()
        return
    assert folder.look.read_bytes() != before
    assert f"{folder.look} is written again" in said.getvalue()
    folder.look.write_text("mine")
    train(two_classes(), resume=folder.path, context=Context(cache_dir=tmp_path / "c"))
    assert folder.look.read_text() == "mine", "the network is the same"


def _refused(*_given: object, **_named: object) -> None:
    raise DataError("too large")


def test_resume_notices_changed_images(tmp_path: Path) -> None:
    images, labels = two_classes()
    train((images, labels), epochs=1, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    with pytest.raises(ParameterError, match=r"`resume` must find the images of the run, .*as they were"):
        train((images[::-1].copy() // 2, labels), resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"))


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"format_version": 99}', "x" * 2_000_000, "[" * 50_000])
def test_damaged_settings_are_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(ConvscopeError, match=r"settings\.json (is damaged|was written by a newer|is too large)"):
        train(resume=tmp_path)


def test_a_run_of_an_older_version_is_refused_with_the_reason(tmp_path: Path) -> None:
    train("digits", epochs=1, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    path = tmp_path / "run" / "settings.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["recipe"]["progressive_resizing"]
    path.write_text(json.dumps({**record, "format_version": 1}), encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"was written by an older convscope, .* Start the training anew"):
        train(resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"))


def test_what_the_run_was_asked_stands_in_its_settings(tmp_path: Path) -> None:
    train("digits", epochs=1, seed=5, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    record = json.loads((tmp_path / "run/settings.json").read_text())
    assert record["settings"]["seed"] == 5
    assert record["layout"] == QUICK["layout"]
    assert record["recipe"]["epochs"] == 1


def test_one_image_a_class_is_evaluated_on_the_training_images_and_said_so(tmp_path: Path) -> None:
    images, labels = two_classes(2)
    trained = train(
        (images, labels), epochs=1, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK
    )
    assert (trained.report.split, trained.report.images) == ("training", 2)
    assert any("no validation images" in note for note in trained.report.notes)


def test_until_without_images_held_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"`target_accuracy` needs validation images"):
        train(
            two_classes(),
            target_accuracy=0.9,
            validation=0,
            output=tmp_path / "run",
            context=Context(cache_dir=tmp_path / "c"),
            **QUICK,
        )


def test_images_held_out_for_until_are_a_setting_of_the_run(tmp_path: Path) -> None:
    images, labels = two_classes(100)
    np.savez(tmp_path / "set.npz", x_train=images, y_train=labels, x_test=images[:10] // 2, y_test=labels[:10])
    train(
        tmp_path / "set.npz",
        target_accuracy=0.5,
        epochs=1,
        output=tmp_path / "run",
        context=Context(cache_dir=tmp_path / "c"),
        **QUICK,
    )
    found = extract_features(tmp_path / "run", tmp_path / "set.npz", context=Context(cache_dir=tmp_path / "c"))
    assert [found.splits.count(split) for split in ("train", "validation", "test")] == [90, 10, 10]


@pytest.mark.parametrize(
    "turned",
    [
        lambda images: np.moveaxis(np.ascontiguousarray(np.moveaxis(images, 0, -1)), -1, 0),
        lambda images: images[::-1],
        np.asfortranarray,
        lambda images: np.broadcast_to(images[:1], images.shape),
    ],
    ids=["moved", "reversed", "Fortran", "repeated"],
)
def test_arrays_may_lie_in_memory_in_any_order(turned: Callable[[np.ndarray], np.ndarray], tmp_path: Path) -> None:
    images, labels = two_classes()
    given = turned(images)
    assert not given.flags.c_contiguous
    trained = train(
        (given, labels), epochs=1, output=tmp_path / "r", context=Context(cache_dir=tmp_path / "c"), **QUICK
    )
    same = train(
        (given.copy(order="C"), labels),
        epochs=1,
        output=tmp_path / "s",
        context=Context(cache_dir=tmp_path / "c"),
        **QUICK,
    )
    assert trained.report.cells == same.report.cells


def test_names_of_classes_that_no_model_could_hold_are_refused_before_training(tmp_path: Path) -> None:
    images, _ = two_classes(4)
    for labels, sentence in (
        (["", "a"] * 2, "A class must have a name of 1 to 1,000 characters"),
        (["x" * 1001, "a"] * 2, "A class must have a name of 1 to 1,000 characters"),
        (["a\n", "a\\n"] * 2, "Two classes are both written"),
    ):
        with pytest.raises(ConvscopeError, match=sentence):
            train((images, labels), output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_after_a_resume_keeps_the_model_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train("digits", epochs=1, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    record = json.loads((tmp_path / "run/settings.json").read_text())

    def fails(*_given: object, **_named: object) -> None:
        raise TrainingError("The loss is no longer a finite number.")

    monkeypatch.setattr("convscope.training.fit.run", fails)
    (tmp_path / "run/model.safetensors").unlink()
    with pytest.raises(TrainingError, match=r"no longer a finite number\. The last good model is saved in"):
        train(resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"))
    kept = read_model(tmp_path / "run").network.state_dict()
    for name, value in first.model.network.state_dict().items():
        assert np.array_equal(value.numpy(), kept[name].numpy()), name
    assert record["recipe"]["epochs"] == 1


def test_resume_takes_no_other_images(tmp_path: Path) -> None:
    train(two_classes(), epochs=1, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    with pytest.raises(
        ParameterError, match=r"`resume` must find the images of the run, 'arrays'.* others in 'digits'"
    ):
        train("digits", resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"))
    with pytest.raises(ParameterError, match=r"`resume` needs the arrays that the run began with"):
        train(resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"))


def test_a_history_that_cannot_be_replaced_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_history: History, path: Path) -> None:
        raise StorageError(f"Cannot write {path}: another program has it open.")

    written = History.write
    monkeypatch.setattr(History, "write", refused)
    with pytest.raises(StorageError, match=r"history\.csv"):  # at the very end it is said
        train(two_classes(), epochs=2, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "c"), **QUICK)
    assert (tmp_path / "run/model.safetensors").exists()
    monkeypatch.setattr(History, "write", written)
    assert len(train(two_classes(), resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c")).history) == 2


def test_large_maps_make_smaller_batches_and_it_is_said(tmp_path: Path) -> None:
    prepared = prepare(two_classes(4000), cache_dir=tmp_path / "c", size="256", layout="64C3-64C3-MP2", validation=0.5)
    assert prepared.recipe.batch == 2**28 // prepared.plan.values < 128
    assert any(note.startswith(f"{prepared.recipe.batch} images per step") for note in prepared.notes)
    asked = prepare(two_classes(40), cache_dir=tmp_path / "c", size="256", layout="64C3-64C3-MP2", batch=33)
    assert asked.recipe.batch == 33


def test_channels_are_those_asked_for(tmp_path: Path) -> None:
    gray = two_classes()
    assert prepare(gray, channels=3, cache_dir=tmp_path / "c").plan.channels == 3
    colored = np.stack([gray[0], gray[0] // 2, gray[0] // 3], axis=-1)
    assert prepare((colored, gray[1]), cache_dir=tmp_path / "c").plan.channels == 3
    assert prepare((colored, gray[1]), channels=1, cache_dir=tmp_path / "c").plan.channels == 1
    with pytest.raises(ParameterError, match=r"`channels` must be 1 \(gray\) or 3 \(color\)\. Got 2\."):
        prepare(gray, channels=2)


@pytest.mark.parametrize("freeze", [True, False])
def test_stages_learned_first_are_in_the_model_and_the_notes_and_a_resume_gives_the_same_bits(
    tmp_path: Path, freeze: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_EPOCH_CHECKPOINT_S", 0.0)
    options = {"pretrain": "kmeans, random", "freeze": freeze, "epochs": 2, **QUICK}
    context = Context(cache_dir=tmp_path / "c")
    whole = train(two_classes(), output=tmp_path / "whole", context=context, **options)
    assert sum(note.startswith("stage ") for note in whole.report.notes) == 2
    assert whole.model.training["recipe"]["pretrain"] == ["kmeans", "random"]
    loaded = read_model(tmp_path / "whole").network.state_dict()
    part = train(two_classes(), target_accuracy=0.01, output=tmp_path / "part", context=context, **options)
    assert (part.outcome, len(part.history)) == ("target", 1)
    assert (tmp_path / "part/checkpoint/state.safetensors").exists()
    settings = tmp_path / "part/settings.json"
    settings.write_text(settings.read_text().replace('"target_accuracy": 0.01', '"target_accuracy": null'))
    resumed = train(
        two_classes(), resume=tmp_path / "part", context=Context(cache_dir=tmp_path / "c")
    ).model.network.state_dict()
    assert all(np.array_equal(value.numpy(), resumed[name].numpy()) for name, value in loaded.items())
    prepared = prepare(two_classes(), **options)
    data, seed = TrainingData.of(prepared.images), prepared.settings.seed
    mean, std = data.moments
    network = Network(prepared.plan.layout, **prepared.plan.sizes, mean=mean, std=std, seed=seed)
    pretrain_convolutions(network, data, prepared.recipe, seed=seed)
    fresh = network.state_dict()
    for name in ("stages.0.convolution.weight", "stages.1.convolution.weight"):
        assert np.array_equal(fresh[name].numpy(), loaded[name].numpy()) == freeze


def test_time_to_learn_the_first_stages_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learn, began = fit.pretrain_convolutions, time.monotonic()
    late = SimpleNamespace(monotonic=lambda: time.monotonic() + 50 * bool(slow))
    slow: list[int] = []

    def slowly(*given: object, **options: object) -> None:
        learn(*given, **options)  # type: ignore[arg-type]
        slow.append(1)

    monkeypatch.setattr(fit, "pretrain_convolutions", slowly)
    monkeypatch.setattr(fit, "time", late)
    trained = train(
        two_classes(),
        pretrain="random",
        epochs=1,
        output=tmp_path / "r",
        context=Context(cache_dir=tmp_path / "c"),
        **QUICK,
    )
    assert 50 < trained.report.seconds < 50 + time.monotonic() - began


@pytest.mark.parametrize("classifier", ["svm", "hinge"])
def test_margins_are_trained_calibrated_kept_and_predicted_with(tmp_path: Path, classifier: str) -> None:
    layout = f"8C3-MP2-16N-{classifier}"
    options = {"threads": 1, "layout": layout}
    context = Context(cache_dir=tmp_path / "c")
    trained = train(two_classes(), epochs=8, output=tmp_path / "run", context=context, **options)
    assert trained.report.accuracy.fraction == 1.0
    assert trained.report.layout == layout
    calibration = trained.model.training["calibration"]
    assert calibration["on_validation"]
    assert calibration["images"] == trained.report.images
    assert any(note.startswith("probabilities are calibrated: a sigmoid of") for note in trained.report.notes)
    model, images = read_model(tmp_path / "run"), two_classes()[0][..., None]
    assert (calibration["method"], calibration["temperature"]) == ("platt", None)
    assert model.network.offsets.abs().min() > 0
    np.testing.assert_array_equal(model.predict_proba(images), trained.model.predict_proba(images))
    again = train(
        two_classes(), resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "c")
    ).model.network.state_dict()
    assert all(np.array_equal(value.numpy(), again[name].numpy()) for name, value in model.network.state_dict().items())


def test_margins_ask_for_images_held_out_where_only_test_images_are(tmp_path: Path) -> None:
    images, labels = two_classes(100)
    np.savez(tmp_path / "set.npz", x_train=images, y_train=labels, x_test=images[:10] // 2, y_test=labels[:10])
    prepared = prepare(tmp_path / "set.npz", layout="svm", cache_dir=tmp_path / "c")
    assert len(prepared.images.indices(2)) == 10
    assert any("for validation, to turn margins into probabilities" in note for note in prepared.notes)
    both = prepare(tmp_path / "set.npz", layout="svm", target_accuracy=0.9, cache_dir=tmp_path / "c")
    assert any("for validation, to evaluate --target-accuracy and to turn margins" in note for note in both.notes)
    none = prepare(tmp_path / "set.npz", layout="svm", validation=0, cache_dir=tmp_path / "c")
    assert not len(none.images.indices(2))


@pytest.mark.parametrize("data", [np.zeros((4, 8, 8)), 3, [np.zeros((4, 8, 8)), np.zeros(4)]])
def test_what_is_no_data_is_one_sentence(data: object) -> None:
    with pytest.raises(ParameterError, match="pair of arrays"):
        train(data)


@pytest.mark.parametrize(("given", "text"), [(12, "12"), ((16, 12), "16x12"), ([16, 12], "16x12"), ("12", "12")])
def test_a_size_may_be_a_number_or_two(given: Any, text: str) -> None:
    prepared = prepare(two_classes(), size=given)
    assert prepared.settings.size == text
    assert prepared.images.preprocessing.size == ((12, 12) if text == "12" else (12, 16))  # height first


@pytest.mark.parametrize("wrong", [0, (1, 2, 3), (), 3.5, object()])
def test_a_size_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ParameterError, match="`size` must be one side or widthxheight, in pixels"):
        prepare(two_classes(), size=wrong)


def test_numbers_may_be_those_of_numpy(tmp_path: Path) -> None:
    options = {
        "epochs": np.int64(2),
        "progressive_resizing": np.float32(0),
        "learning_rate": np.float32(0.25),
        "seed": np.int32(3),
    }
    prepared = prepare(two_classes(), cache_dir=tmp_path, **options)
    assert (prepared.recipe.epochs, prepared.recipe.learning_rate, prepared.settings.seed) == (2, 0.25, 3)
    assert json.loads(json.dumps(to_json(prepared.record)))["settings"]["epochs"] == 2


def test_who_asks_twice_to_stop_is_told_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, really_run = Heard(), fit.run

    def run_and_stop(*given: Any, **named: Any) -> None:
        really_run(*given, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, "run", run_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train("digits", layout="2C3-MP2", epochs=1, output=tmp_path / "a run", progress=heard)
    again = f"convscope train --resume '{tmp_path / 'a run'}'"
    assert heard.lines[-1].endswith(f"resume from the last checkpoint with: {again}")
    with pytest.raises(KeyboardInterrupt):
        train(
            two_classes(),
            layout="2C3-MP2",
            epochs=1,
            output=tmp_path / "b",
            progress=heard,
            context=Context(cache_dir=tmp_path / "c"),
        )
    assert heard.lines[-1].endswith(f"with: train((images, labels), resume={str(tmp_path / 'b')!r})")
    monkeypatch.undo()
    assert train(resume=tmp_path / "a run").outcome == "done"


def test_a_run_that_reached_its_target_is_finished_and_trains_no_further(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = Context(cache_dir=tmp_path / "c", progress=Plain(sys.stderr))
    first = train("digits", epochs=9, target_accuracy=0.01, output=tmp_path / "run", context=context, **QUICK)
    assert (first.outcome, len(first.history)) == ("target", 1)
    again = train(resume=tmp_path / "run", context=context)
    assert (again.outcome, len(again.history)) == ("target", 1)
    assert "was finished" in capsys.readouterr().err
    for name, value in first.model.network.state_dict().items():
        assert torch.equal(again.model.network.state_dict()[name], value)
