"""Each benchmark still works: run at its smallest, never timed. Peers that need their own libraries are left out."""

import contextlib
import functools
import importlib
import io
import json
import runpy
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.cli import main as cli_main
from convscope.core.machine import machine
from convscope.images.sources.source import TEST, TRAIN
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.pretrained.efficientnet_lite import efficientnet_lite0, tensors_of
from tests.checks.architectures import ARCHITECTURES
from tests.checks.elsewhere import Elsewhere, elsewhere  # noqa: F401  # the fixture
from tests.checks.models import small_model
from tests.images.generated import save
from tests.measures.comparison.made_up import comparison, variant

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
HERE = {"train": ("convscope_step", "ceiling"), "predict": ("convscope_step", "plain_torch")}

pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="the benchmarks are not in an installed package")


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    monkeypatch.setattr(importlib.import_module("results_file"), "processor_share", lambda: 1.0)  # it takes 2 s
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if not name.startswith(("convscope", "sklearn", "scipy", "skimage")) and (BENCHMARKS / f"{name}.py").exists():
            sys.modules.pop(name)


PROGRAMS = sorted(path.stem for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_says_what_it_does_and_measures_nothing_when_asked_for_help(
    name: str, program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program("results_file")
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    monkeypatch.setattr(subprocess, "run", _refused)
    monkeypatch.setattr(time, "perf_counter", _refused)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: {name}.py [-h]")
    assert f"python benchmarks/{name}.py" in out


def _refused(*_given: object, **_named: object) -> None:
    pytest.fail("it was to say what it does, and began to do it")


def test_a_step_of_everybody_is_measured_and_they_predict_the_same(program, monkeypatch: pytest.MonkeyPatch) -> None:
    step = program("step")
    monkeypatch.setattr(step, "MODES", HERE)
    case = step.Case(layout="4C3-MP2-8C3-+8C3-MPg-12N-nonorm", side=12, channels=3, batch=16)
    for mode in step.MODES:
        found = step.measure(case, mode, rounds=1, seconds=0.01)
        assert all(rate > 0 for rate in found["images_per_second"].values())
        assert {name.split()[0] for name in found["images_per_second"]} == set(HERE[mode])
    assert found["agreement"]["convscope_step float32"] == 1.0


def test_a_race_runs_the_whole_command(program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    race = program("race")
    small = race.Race(data="digits", options=("--epochs", "1", "--layout", "4C3-MP2"), accuracy=0.05)
    measured = functools.cache(functools.partial(race.measure, reference=False))
    monkeypatch.setattr(race, "measure", lambda *given, **_: measured(*given))  # the warm run need not run here
    found = race.run_race(small, tmp_path, tmp_path, seeds=1, peers=False, warm=True)
    assert found["reached"]
    assert 0 < found["samples"][0]["training_seconds"] < found["samples"][0]["seconds"]


def test_growth_of_a_square_has_the_exponent_two(program) -> None:
    growth = program("growth")
    found = growth.exponent([1, 10, 100], [3.0, 300.0, 30_000.0])
    assert (found["exponent"], found["half_width_95"]) == (2.0, 0.0)
    point = growth.Point(images=64, side=8, classes=2, batch=16)
    assert growth.measure_here(point)["seconds"] > 0


def test_each_choice_for_the_machine_is_a_variant_of_its_own(program) -> None:
    variants = program("ablation").variants()
    assert variants["all choices"] == ({}, {})
    assert variants["channels-last"] == ({}, {"CONVSCOPE_WITHOUT": "channels-last"})


def test_results_of_speed_name_the_class_of_their_machine(program, monkeypatch: pytest.MonkeyPatch) -> None:
    results, here = program("results_file"), "convscope.core.machine"
    for half, flags, expected in ((True, ["avx2"], ""), (False, ["avx2", "avx512f"], "-avx512"), (False, [], "-other")):
        monkeypatch.setattr(f"{here}.machine", lambda half=half: replace(machine(), bfloat16=half))
        monkeypatch.setattr(f"{here}.processor_flags", lambda flags=flags: flags)
        assert results.machine_class() == expected


def test_a_budget_is_missed_by_seconds_over_those_asked_for(program, monkeypatch: pytest.MonkeyPatch) -> None:
    module = program("minutes")
    monkeypatch.setattr(module, "measure", lambda task, *_, **__: {"seconds": 31.2, "options": task.options})
    found = module.run("digits", 0.5, BENCHMARKS, BENCHMARKS)
    assert (found["off"], found["within"], found["options"]) == (0.04, False, ("--minutes", "0.5"))


def test_every_way_to_predict_is_measured_on_the_same_images(program, monkeypatch: pytest.MonkeyPatch) -> None:
    module, rng = program("backends"), np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 17, 14, 3), np.uint8)
    splits = np.repeat(np.array([TRAIN, TEST], np.uint8), 30)
    source = SimpleNamespace(stack=lambda: images, splits=splits, labels=np.zeros(60, np.int64))
    monkeypatch.setattr(module, "open_source", lambda data, data_dir: source)
    found = module.measure(small_model("8C3-MP2-12N"), "faked", BENCHMARKS, rounds=1)
    assert {"torch float32", "onnxruntime int8", "openvino int8"} <= set(found["images_per_second"])
    assert found["agreement"]["openvino float32"] == found["agreement"]["onnxruntime float32"] == 1.0


def test_what_mirror_images_add_is_paired_by_image(program) -> None:
    module, rng = program("flipped"), np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 17, 14, 3), np.uint8), rng.integers(0, 3, 60)
    settings = {"settings": {"seed": 0, "recipe": "quick", "data": "x/photos"}}
    settings["recipe"] = {"epochs": 1, "augmentation": {"flip": True}}
    models = [replace(small_model("8C3-MP2-12N", seed=seed), training=settings) for seed in (0, 1)]
    parts = program("sets").Parts(train=images, train_labels=labels, test=images, test_labels=labels, flippable=True)
    found = module.measure(models, parts)
    assert found["gain"]["mean"] == pytest.approx(np.mean(found["flipped"]) - np.mean(found["plain"]), abs=1e-3)
    assert 0 < found["gain"]["mean_95_half_width"] < 0.2
    result = {"rows": [{"set": "photos", **found}], **program("results_file").surroundings()}
    assert "| photos | quick | 1 | 2 | " in "\n".join(program("speed_page").flipped_part(result))
    module.check(models[0], "photos")
    with pytest.raises(SystemExit, match="must have learned from it"):
        module.check(models[0], "mnist")
    settings["recipe"]["augmentation"]["flip"] = False
    models[0] = replace(models[0], training=settings)
    with pytest.raises(SystemExit, match="must have learned from flipped images"):
        module.check(models[0], "photos")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("/tmp/run", "FOLDER"), ("cifar10=/tmp/run", "cifar10=FOLDER"), ("/tmp/a=b", "FOLDER"), ("a=b", "a=b")],
)
def test_paths_of_this_machine_do_not_go_into_results(given: str, kept: str, program) -> None:
    assert program("results_file")._anywhere(given) == kept


def test_photographs_are_made_and_read_as_a_tutorial_reads_them(
    program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = program("photographs")
    assert module.write_folder(tmp_path, 100) > 100 * 10_000
    sizes = []
    for path in sorted(tmp_path.rglob("*.jpg")):
        with Image.open(path) as image:
            sizes.append(image.size)
    assert len(sizes) == 100
    assert 480 < np.mean(sizes, axis=0)[0] < 520
    monkeypatch.syspath_prepend(str(BENCHMARKS / "peers"))
    case = module.Case(layout="4C3/2-MP2-6N", side=16, channels=3, batch=10)
    given = module.description(case, "train", tmp_path) | {"folder": str(tmp_path), "workers": 0, "threads": 1}
    monkeypatch.setattr(sys, "argv", ["image_folder_torch.py", json.dumps(given)])
    importlib.import_module("image_folder_torch").main()
    assert json.loads(capsys.readouterr().out)["images"] == 90


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_recipe_of_airbench_learns_on_any_device(
    device: str,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: Elsewhere,  # noqa: F811
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS / "peers"))
    recipe = importlib.import_module("airbench_recipe")
    monkeypatch.setattr(recipe, "BATCH", 16)
    monkeypatch.setattr(recipe, "WIDTHS", (24, 16, 16))
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(32) % 2
    maps = torch.randn(32, 3, 32, 32, generator=generator) + labels[:, None, None, None]
    maps, labels, learner = maps.to(device), labels.to(device), recipe.Learner(2).to(device)
    learner.whiten(maps)
    found = recipe.train(learner, maps, labels, {"epochs": 2, "seconds": None, "bfloat16": False})
    assert (found["epochs"], learner.whitening.weight.requires_grad) == (2, False)
    assert recipe.accuracy(learner, maps, labels, half=False) > 0.8


def test_both_have_the_same_minutes_on_cifar10(program, monkeypatch: pytest.MonkeyPatch) -> None:
    module = program("airbench")
    monkeypatch.setattr(module, "ours", lambda folder, scratch, options: {"options": options})
    monkeypatch.setattr(module, "recipe", lambda folder, epochs, seconds: {"seconds": seconds})
    found = module.compare(BENCHMARKS, BENCHMARKS, 2.0)
    assert (found["convscope"]["options"], found["recipe"]["seconds"]) == (("--minutes", "2.0"), 120.0)


def test_every_part_of_the_measurement_on_a_gpu_is_done_at_its_smallest(
    program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(48):
        split = "train" if number < 24 else "test"
        save(tmp_path / "cifar10" / split / "ab"[number % 2] / f"{number}.jpg", number, size=(32, 32))
    with tarfile.open(tmp_path / "cifar10-jpeg.tar", "w") as archive:
        archive.add(tmp_path / "cifar10", "cifar10")
    gpu = program("gpu")

    def in_process(words: list[str], **_: Any) -> SimpleNamespace:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = cli_main(words[words.index("convscope") + 1 :])
        return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr="")

    monkeypatch.setattr(gpu, "subprocess", SimpleNamespace(run=in_process))
    monkeypatch.setattr(gpu, "recipe", lambda *_, **more: {"command_seconds": 60.0, **more})
    monkeypatch.setattr(gpu, "write", _refused)
    monkeypatch.setattr(gpu, "SCANNED", "2C5v-MP4-4N")
    words = ["--data-dir", str(tmp_path), "--sets", "cifar10", "mnist", "--device", "cpu", "--dry-run"]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *words])
    gpu.main()
    lines = capsys.readouterr().out.splitlines()
    assert "'device': 'cpu'" in next(line for line in lines if line.startswith("airbench recipe"))
    failed = [line.split(" {")[0] for line in lines if "'failed'" in line]
    assert failed == ["mnist", "mnist predictions"], "MNIST is not there, and all else is measured"
    assert sum("accuracy" in line or "_per_second" in line for line in lines) == 4


def test_one_pass_over_some_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for place in range(6):
            Image.new("RGB", (32, 32), (20 * place, 90, len(name))).save(tmp_path / name / f"{place}.png")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    units = importlib.import_module("units")
    found = units.one_pass(tmp_path, 8)
    assert (found["images"], found["units"]) == (8, 224)
    assert 0 < found["before_megabytes"] <= found["peak_megabytes"]
    for name in ("units", "results_file"):
        sys.modules.pop(name, None)


def test_any_network_is_read_from_both_sources_and_used(program, monkeypatch: pytest.MonkeyPatch) -> None:
    module, model = program("any_network"), small_model("4C3-MP2-6N")
    monkeypatch.setattr(module, "load", lambda *given, **settings: model)
    monkeypatch.setattr(module, "write_onnx", lambda network, example, path: path.write_bytes(b"file"))
    example = torch.randn(1, 3, 17, 14, generator=torch.Generator().manual_seed(0))
    found = module.Case(name="small", network=model.network, example=example).measure()
    for source in module.SOURCES:
        assert (found[source]["difference"], found[source]["parameters"]) == (0.0, model.network.plan.parameters)
        assert set(found[source]["commands"].values()) == {"ok"}
        assert "not: none" in module.line(found, source)
    monkeypatch.setattr(module, "load", lambda path: model)  # and no example beside it
    assert module.Case(name="small", network=model.network, example=example).read(BENCHMARKS, 1, 2).keys() == {"fault"}


def test_plain_torch_fine_tunes_the_network_that_convscope_starts_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS / "peers"))
    peer = importlib.import_module("fine_tune_torch")
    torch.manual_seed(0)
    network = peer.Lite0()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    ours = GraphNetwork(efficientnet_lite0(64), tensors_of(network.state_dict())).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(network.eval()(images), ours(images), atol=1e-3, rtol=1e-3)


def test_every_way_from_a_start_has_the_same_minutes(program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = program("transfer")
    monkeypatch.setattr(module, "weights_file", lambda: "weights")
    monkeypatch.setattr(module, "python_of", lambda peer: "python")  # and nothing is installed
    chosen = SimpleNamespace(folder=tmp_path, minutes=3.0, threads=2, clock="wall", options=[])
    for way in module.WAYS:
        command = module.command_of(way, chosen, 1, tmp_path / "run")
        if way in ("torch", "fastai"):
            assert json.loads(command[-1])["seconds"] == 180
            assert command[-2].endswith(f"fine_tune_{way}.py")
        else:
            assert command[command.index("--mode") + 1] == way
            assert (command[-2:] == ["--minutes", "3"]) == (way != "frozen")
    chosen.clock = "processor"
    assert module.command_of("fine-tuned", chosen, 1, tmp_path)[-1] == "6"
    assert "process_time" in module.command_of("fine-tuned", chosen, 1, tmp_path)[2]


def test_the_figures_on_cleaning_are_those_of_the_result_file(program) -> None:
    for path, text in program("clean_page").written().items():
        assert path.read_text(encoding="utf-8") == text, "write it with: python benchmarks/clean_page.py"


def test_the_page_on_starts_is_up_to_date(program) -> None:
    module = program("transfer_page")
    written = module.PAGE.read_text(encoding="utf-8")
    assert written == module.page(), "write it with: python benchmarks/transfer_page.py"
    table = program("start").table()
    assert table in (BENCHMARKS.parent / "docs" / "start.md").read_text(encoding="utf-8"), "benchmarks/start.py"


def test_a_network_is_written_as_onnx_with_logits_alone(program, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    module, architecture = program("any_network"), ARCHITECTURES["fcn_resnet50"]
    network, example = architecture.make(), architecture.example()
    module.write_onnx(network, example, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    (logits,) = session.run(None, {session.get_inputs()[0].name: example.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(logits, network(example)["out"], atol=1e-4)


@pytest.mark.parametrize("program", sorted(path.name for path in BENCHMARKS.glob("*.py")))
def test_a_benchmark_can_be_imported_and_says_what_it_measures(program: str) -> None:
    text = (BENCHMARKS / program).read_text(encoding="utf-8")
    compile(text, program, "exec")
    assert text.startswith('"""')


@pytest.mark.parametrize("result", sorted(path.name for path in (BENCHMARKS / "results").glob("*.json")))
def test_a_result_names_its_command_and_where_it_was_measured(result: str) -> None:
    found = json.loads((BENCHMARKS / "results" / result).read_text(encoding="utf-8"))
    assert found["command"].startswith(("python benchmarks/", "python -m tests.fuzz"))
    assert found["commit"]
    assert found["processor"]


def test_the_page_of_speed_matches_the_results(program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = BENCHMARKS.parent / "docs" / "speed.md"
    before = page.read_bytes()
    monkeypatch.setattr(sys, "argv", ["speed_page.py", "--to", str(tmp_path)])
    try:
        program("speed_page").main()
        assert (tmp_path / "speed.md").read_bytes() == before, "write it with: python benchmarks/speed_page.py"
    finally:
        assert page.read_bytes() == before


def few(program: Callable[[str], ModuleType], train: int = 160, test: int = 60) -> Any:
    return program("sets").load("digits", BENCHMARKS, train=train, test=test)


def test_a_set_for_benchmarks_has_two_parts_and_is_thinned_evenly(program) -> None:
    parts = few(program, train=200)
    assert (parts.train.shape, parts.test.shape) == ((200, 8, 8, 1), (60, 8, 8, 1))
    assert set(np.bincount(parts.train_labels) > 10) == {True}
    assert few(program, train=10**6).train.shape[0] == 1438


def test_first_stages_are_compared_in_pairs(program) -> None:
    found = program("first_stage").measure(few(program), "8C3-MP2", epochs=1, seeds=2)
    assert len(found["samples"]) == 2
    assert set(found["minus_learned"]) == {"whitening, frozen", "whitening, then learned on", "random, frozen"}
    gain = found["minus_learned"]["random, frozen"]["accuracy"]
    means = {way: one["accuracy"]["mean"] for way, one in found["ways"].items()}
    assert gain["mean"] == pytest.approx(means["random, frozen"] - means["learned with labels"])


def test_no_winner_is_named_without_an_interval(program) -> None:
    module = program("softmax_svm")
    found = module.measure(few(program), "8C3-MP2-8N", epochs=1, seeds=1)
    assert {one["won"] for one in found["svm_minus_softmax"].values()} == {"none"}
    clear = [{"softmax": 0.9, "svm": 0.95 + 0.001 * seed} for seed in range(5)]
    assert module.difference(clear)["won"] == "svm"
    assert module.difference([{"softmax": one["svm"], "svm": one["softmax"]} for one in clear])["won"] == "softmax"
    assert module.difference([{"softmax": 0.9, "svm": 0.9 + 0.01 * (-1) ** seed} for seed in range(4)])["won"] == "none"


def test_features_are_timed_beside_prediction_and_checked(program) -> None:
    parts = few(program)
    found = program("features_speed").measure(parts.train, parts.train_labels, rounds=1)
    assert set(found["times_prediction"]) == {"features", "features to a file"}
    assert all(one["median"] > 0 for one in found["seconds"].values())


def test_the_svm_of_k_means_features_is_that_of_scikit_learn(program) -> None:
    from sklearn.svm import LinearSVC

    module, random = program("kmeans_cifar10"), np.random.default_rng(0)
    labels = np.arange(300) % 3
    features = (random.normal(size=(300, 5)) + labels[:, None]).astype(np.float32)
    weights = module.fit_svm(features, labels, strength=0.1)
    theirs = LinearSVC(C=0.1, intercept_scaling=100, tol=1e-6, max_iter=100_000).fit(features, labels)
    np.testing.assert_allclose(weights[:-1].T, theirs.coef_, atol=0.01)
    np.testing.assert_allclose(weights[-1], theirs.intercept_, atol=0.01)
    images = random.integers(0, 256, (60, 8, 8, 3), np.uint8)
    parts = program("sets").Parts(
        train=images, train_labels=labels[:60], test=images[:9], test_labels=labels[:9], flippable=True
    )
    found = module.measure(parts, 4)
    assert (found["values"], found["test_images"]) == (16, 9)


def test_units_of_the_digits_5_to_9_are_read_on_0_to_4(program) -> None:
    module = program("first_stage_digits04")
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (80, 14, 14, 1), np.uint8), np.arange(80) % 10
    parts = program("sets").Parts(train=images, train_labels=labels, test=images, test_labels=labels, flippable=False)
    found = module.measure(parts, "random", units=4, window=3, images=40, seed=0)
    assert 0 <= found["accuracy"] <= 1
    layer = program("convscope.layers.patch_learning").learn_layer(images, units=3, side=9, by="random", patches=50)
    maps = layer.everywhere(images[0] / 255)  # 6 6 3
    expected = maps.reshape(2, 3, 2, 3, 3).mean(axis=(1, 3)).transpose(2, 0, 1).ravel()
    np.testing.assert_allclose(module.pooled(layer, images[:1], 3)[0], expected, atol=1e-5)


def test_hand_made_features_are_tuned_on_images_held_out(program, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skimage")
    module = program("hand_made")
    monkeypatch.setattr(module, "CELLS", ((2,), (2, 3)))
    monkeypatch.setattr(module, "ORIENTATIONS", (4,))
    found = module.tuned("digits", few(program))
    assert len(found["tried"]) == 4
    assert found["chosen"]["accuracy"] == max(one["accuracy"] for one in found["tried"])
    assert found["accuracy"] > 0.5


def test_one_unit_is_timed_in_three_ways_that_agree(program) -> None:
    (row,) = program("one_unit").measure(sides=(8,), patches=(3, 15))
    assert set(row["seconds"]) == {"loop", "product", "engine"}
    assert row["difference"] < 1e-9


def test_locally_connected_stages_and_networks_on_pixels_are_measured(program, monkeypatch: pytest.MonkeyPatch) -> None:
    found = program("locally_connected").measure("digits", "4U3:2", {"epochs": 1})
    assert (found["layout"], found["epochs"]) == ("4U3:2-MP2-64N", 1)
    module, written = program("mlp_pixels"), {}
    monkeypatch.setattr(module, "write", lambda name, scope, results: written.update(results))
    monkeypatch.setattr(
        sys, "argv", ["mlp_pixels.py", "--data", "digits", "--layout", "9N", "--epochs", "1", "--seeds", "1"]
    )
    module.main()
    assert set(written["ways"]) == {"default recipe", "images as they are"}
    assert all(one["error"]["n"] == 1 for one in written["ways"].values())


def test_the_page_of_scanning_matches_the_results(program) -> None:
    written = (BENCHMARKS.parent / "docs" / "results" / "scan.md").read_text(encoding="utf-8")
    assert program("scan_page").page() == written, "write it with: python benchmarks/scan_page.py"


@pytest.mark.slow
def test_scanning_is_measured_at_its_smallest_and_shown(
    program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module, page = program("scan"), program("scan_page")
    fully, model = module.fully, replace(module.model_of("4C3-MP2-6N", 28), classes=(*"012345678", "background"))
    monkeypatch.setattr(module, "NETWORKS", (("4C3-MP2-6C3-MPg", 12, 1.0), ("4C3v-MP2-6N", 12, 1.0)))
    monkeypatch.setattr(module, "fully", lambda model, title, side, settings: fully(model, title, 64, settings))
    monkeypatch.setattr(module, "residual", module.unet)
    monkeypatch.setattr(module, "train", lambda *_, **__: SimpleNamespace(model=model))
    monkeypatch.setattr(module, "with_background", functools.partial(module.with_background, count=20))
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), np.uint8)
    digits = images, np.arange(40) % 9
    monkeypatch.setattr(module, "digits", lambda folder: (digits, digits))
    words = ["--cpu", "--rounds", "1", "--size", "16", "--threads", "1", "--mnist", "folder"]
    monkeypatch.setattr(sys, "argv", ["scan.py", *words, "-o", str(tmp_path / "scan.json")])
    module.main()
    found = json.loads((tmp_path / "scan.json").read_text(encoding="utf-8"))
    assert [one["way"] for one in found["networks"]] == ["families", "dense"]
    assert all(one["difference"] < 1e-4 and one["ratio"] > 0 for one in found["networks"])
    assert all(one["difference"] < 1e-5 and one["speed"] > 0 for one in found["fully"])
    assert all(0 <= one["exact"]["right"] <= 1 for one in found["truth"])
    monkeypatch.setattr(page, "RESULT", tmp_path / "scan.json")
    assert all(one["layout"] in page.page() for one in found["networks"])
    for holder, name in ((module.TiffReader, "read"), (module.MapsFile, "write")):
        monkeypatch.setattr(holder, name, getattr(holder, name))  # it times them in place; they are put back
    assert all(0 < share < 1 for share in module.reading_and_writing(64).values())
    module.virtual("4C3v-MP2-6N", 12, 5_000)
    assert float(capsys.readouterr().out.split()[-1]) > 100


def test_a_simulated_cluster_obeys_the_laws_of_queues(program) -> None:
    module = program("scale_model")
    rates = module.Rates(
        decode_s=0.01,
        predict_s=0.01,
        start_s=2,
        shard_s=0.5,
        listing_s=1e-3,
        image_bytes=1e5,
        row_bytes=50,
        list_bytes=50,
    )

    def seconds(workers: int, **settings: float) -> float:
        cluster = module.Cluster(**{"workers": workers, "cores": workers, **settings})
        outcome = module.simulate(rates, cluster, 1_000, 100)
        assert 0 < outcome.busy <= 1
        return outcome.seconds

    assert seconds(1, cores=1) == pytest.approx(2 + 1 + 1_000 * 0.02 + 10 * 0.5)
    assert seconds(2, cores=1) == pytest.approx(2 * 2 + 1 + 1_000 * 0.02 + 10 * 0.5)
    times = [seconds(workers) for workers in (1, 2, 5, 10, 20)]
    assert times == sorted(times, reverse=True)
    assert times[-1] == times[-2] == pytest.approx(2 + 1 + 2 + 0.5), "ten shards keep ten workers busy"
    assert seconds(10, dispatch_s=100) == pytest.approx(2 + 1 + 2 + 10 * 100 + 2 + 0.5)
    assert seconds(10, bytes_s=1e5) > 1_000 * 1e5 / 1e5, "the network is the bound"
    assert seconds(10, latency_s=1) == pytest.approx(2 + 1 + 100 * 1 / 2 + 0.5)
    assert seconds(10, slow=1, slowness=3) == pytest.approx(2 + 1 + 3 * 2.5)
    assert seconds(10, lost=1) == pytest.approx(2 + 1 + 1.5 * 2.5)


def test_the_simulated_cluster_agrees_with_the_measured_ones(program) -> None:
    module = program("scale_model")
    found = json.loads((BENCHMARKS / "results" / "scale.json").read_text(encoding="utf-8"))
    again, (low, high) = module.agreement(found), module.WANTED
    assert {name: found[name] for name in again} == again, "the ratios are those of the rates and the samples"
    assert all(low <= ratio <= high for ratio in found["processor_ratio"].values())
    if min(found["share_before"], found["share_after"]) >= module.QUIET:  # else the page says that it was not
        assert all(low <= ratio <= high for ratio in found["ratio"].values())


def test_the_page_of_scale_matches_the_results_and_is_short(program) -> None:
    written = (BENCHMARKS.parent / "docs" / "scale.md").read_text(encoding="utf-8")
    assert program("scale_page").page() == written, "write it with: python benchmarks/scale_page.py"
    assert len(written.split()) <= 900


def test_the_page_of_layers_matches_the_results(program) -> None:
    written = (BENCHMARKS.parent / "docs" / "layers" / "results.md").read_text(encoding="utf-8")
    assert program("layers_page").page() == written, "write it with: python benchmarks/layers_page.py"


def test_no_table_stands_on_two_pages(program) -> None:
    stages, learned = program("layers_page").page(), program("results_learned").learned_page()
    rows = {line for line in learned if line.startswith("| ") and any(letter.isdigit() for letter in line)}
    numbers = {" ".join(line.split("|")[3:5]) for line in rows}
    assert rows
    assert not numbers & {" ".join(line.split("|")[3:5]) for line in stages.splitlines() if line.startswith("| ")}
    assert "(../results/learned.md)" in stages


def test_an_exponent_is_shown_for_a_straight_line_only(program) -> None:
    page = program("layers_page")
    ways = {"loop": (1, 4, 16), "product": (1, 4.2, 15), "engine": (1, 40, 16)}
    rows = [
        {"side": side, "patch": 7, "seconds": {way: times[place] for way, times in ways.items()}}
        for place, side in enumerate((64, 128, 256))
    ]
    name, loop, product, engine = page._growth(rows, "side", "patch", 7, 64)
    assert (name, loop) == ("side from 64 to 256, patch 7", "2.00 (R² 1.000)")
    assert product.startswith("1.95 (R² 0.99")
    assert engine == "no straight line (R² 0.52)"


def test_a_section_of_the_page_of_layers_names_its_processor_and_command(program) -> None:
    line = program("layers_page").measured_on({"command": "a", "commit": "b", "cores": 1, "processor": "P"})
    assert "1 core of P" in line
    assert "`a`" in line


def test_a_set_that_is_not_measured_again_keeps_its_command(
    program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module, files = program("softmax_svm"), program("results_file")
    parts = few(program, 60, 30)
    monkeypatch.setattr(module, "load", lambda *_, **__: parts)
    for place in (module, files):
        monkeypatch.setattr(place, "RESULTS", tmp_path)
    for name in ("mnist", "cifar10"):
        monkeypatch.setattr(sys, "argv", ["softmax_svm.py", name, "--seeds", "1", "--epochs", "1"])
        module.main()
    found = json.loads((tmp_path / "softmax-svm.json").read_text(encoding="utf-8"))
    commands = {name: one["command"].split()[2] for name, one in found["sets"].items()}
    assert commands == {"mnist": "mnist", "cifar10": "cifar10"}
    monkeypatch.setattr(program("results_words"), "RESULTS", tmp_path)
    text = "\n".join(program("results_learned").learned_page())
    for name in ("mnist", "cifar10"):
        (line,) = (line for line in text.splitlines() if f"softmax_svm.py {name} " in line)
        assert f"({name})" in line
    for one in found["sets"].values():
        one.pop("command")  # as it was written before
    (line,) = files.told_by_set(found, lambda one: one["command"])
    assert "last run: python benchmarks/softmax_svm.py c" in line
    assert line.endswith("(mnist, cifar10)")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("results_pages")
    for name in ("results_pages", "results_learned", "results_words", "results_file"):
        sys.modules.pop(name, None)


def test_the_pages_of_results_match_the_results(pages: ModuleType) -> None:
    for name, page in pages.PAGES.items():
        written = (BENCHMARKS.parent / "docs" / "results" / f"{name}.md").read_text(encoding="utf-8")
        assert written == "\n".join(page()).rstrip() + "\n", "write it with: python benchmarks/results_pages.py"


def test_verdicts_on_the_pages_follow_the_figures(pages: ModuleType) -> None:
    learned = importlib.import_module("results_learned")
    claimed, other = ({"MP2": {"all": 0.6, "alive": alive}} for alive in (3 / 8, 1 / 8))
    assert "about as claimed" in pages._pooled_verdict(claimed, 2, 3)
    assert "not confirmed" in pages._pooled_verdict(other, 2, 3)
    rising, flat = (
        {
            step: {
                "selectivity": {"mean": value, "mean_95_half_width": 0.05},
                "selectivity_random": {"mean": 0.2, "mean_95_half_width": 0.05},
            }
            for step, value in (("1: 4C3", 0.2), ("3: 8N", last))
        }
        for last in (0.6, 0.22)
    )
    verdict = learned._selectivity_verdict(rising)
    assert "random weights to 0.20" in verdict
    assert "Training adds 0.40 at the last layer" in verdict
    assert "nothing significant at the first" in verdict
    assert "not confirmed" in learned._selectivity_verdict(flat)
    for values in rising.values():
        del values["selectivity"]["mean_95_half_width"]
    assert "not confirmed" in learned._selectivity_verdict(rising)  # one run is never significant
    for first, second, verdict in ((0.9, 0.5, "**Yes.**"), (0.5, 0.9, "**No.**"), (0.8, 0.8, "Not significantly")):
        made = comparison(
            variant("convolution", 0.9, robustness=first), variant("mlp-parameters", 0.9, robustness=second)
        )
        assert verdict in pages._verdict_on_shifts(made)


def test_the_page_names_the_layer_at_which_the_change_falls_most(pages: ModuleType) -> None:
    def sensitivity(*changed: float) -> dict[str, object]:
        steps = dict(zip(("1: 8C3", "2: MP2", "3: softmax"), changed, strict=True))
        made = {
            "steps": {name: {"changed": {"mean": value, "mean_95_half_width": 0.01}} for name, value in steps.items()}
        }
        return {"sensitivity": {"convolution": made, "mlp-parameters": made}}

    where = pages._where
    assert "layer 2, MP2 (pooling), from 90.0 ± 1.0 to 40.0" in where(sensitivity(0.9, 0.4, 0.3))
    assert "layer 3, softmax (not pooling)" in where(sensitivity(0.9, 0.8, 0.3))
    assert "not significantly" not in where(sensitivity(0.9, 0.4, 0.3))
    assert "to 60.0 ± 1.0; not significantly more than at 3, softmax" in where(sensitivity(0.9, 0.6, 0.31))
    assert "significantly at no layer" in where(sensitivity(0.9, 0.9, 0.9))
