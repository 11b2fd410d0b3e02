"""Training from a trained network: a classifier on its features, in a run folder like any other."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import convscope
from convscope.api.features import compare_classifiers
from convscope.api.train import TrainResult, train
from convscope.cleaning import findings
from convscope.cli import main as run
from convscope.core.context import Context
from convscope.core.errors import ModelFileError, ParameterError
from convscope.features.heads import with_classifier
from convscope.features.reading import Reading
from convscope.images.cache import caching
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.source import Source
from convscope.layers.kinds import Pooling
from convscope.networks.build import Network
from convscope.networks.folding import fold
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.networks.starts import open_start
from convscope.training.report import read_report
from convscope.transfer import start_features
from convscope.transfer.feature_store import FeatureStore, is_stored
from convscope.transfer.head_model import normalized
from convscope.transfer.pooling import with_root_mean_squares
from tests.checks.architectures import ARCHITECTURES

SIDE_PX = 24


def start_model(layout: str = "6C3-MP2-12C3-MP2-16C3", channels: int = 3) -> Model:
    """Return a network with its first weights, which see colors well enough."""
    network = Network(Layout.parse(layout), height=SIDE_PX, width=SIDE_PX, channels=channels, classes=7, seed=1).eval()
    preprocessing = Preprocessing(height=SIDE_PX, width=SIDE_PX, channels=channels, fit="crop")
    return Model(network=network, classes=tuple("abcdefg"), preprocessing=preprocessing)


def photographs(folder: Path, *, images: int = 8, gray: bool = False) -> Path:
    """Write images of three classes, which differ by color, or by which half is bright."""
    rng = np.random.default_rng(0)
    for split, count in (("train", images), ("test", 5)):
        for number, name in enumerate(("red", "green", "blue")):
            (folder / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(0, 110, (30, 36, 3), dtype=np.uint8)
                if gray:
                    pixels = np.repeat(pixels[..., :1], 3, axis=2)
                    pixels[10 * number : 10 * number + 10] += 120
                else:
                    pixels[..., number] += 120
                Image.fromarray(pixels).save(folder / split / name / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs(tmp_path_factory.mktemp("data") / "set")


def started(data: Path, folder: Path, start: Any = None, **options: Any) -> TrainResult:
    context = Context(cache_dir=folder / "cache")
    return train(data, start=start or start_model(), output=folder / "run", context=context, force=True, **options)


def weights_of(model: Model) -> dict[str, torch.Tensor]:
    return dict(model.network.state_dict())


def decoded_images(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the images of each set that is decoded."""
    sets: list[int] = []
    load = caching.load_images

    def counting(source: Source, *parts: Any, **options: Any) -> Any:
        sets.append(len(source))
        return load(source, *parts, **options)

    monkeypatch.setattr(caching, "load_images", counting)
    return sets


def computed_images(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the images of each batch of features that is computed."""
    batches: list[int] = []
    write = FeatureStore.write

    def counting(store: FeatureStore, indices: np.ndarray, rows: np.ndarray) -> None:
        batches.append(len(indices))
        write(store, indices, rows)

    monkeypatch.setattr(FeatureStore, "write", counting)
    return batches


def correct_in(folder: Path, data: Path) -> int:
    """Return how many test images the model of a run recognizes."""
    return sum(one.label == Path(one.image).parent.name for one in convscope.predict(folder, data / "test"))


@pytest.mark.parametrize("head", ["softmax", "svm", "rbf-svm", "lda", "knn"])
def test_the_model_in_the_file_gives_the_accuracy_of_the_report(data: Path, tmp_path: Path, head: Any) -> None:
    result = started(data, tmp_path, head=head)
    assert result.report == read_report(tmp_path / "run/report.json")
    assert result.report.accuracy.fraction > 0.8
    assert correct_in(tmp_path / "run", data) == result.report.correct
    model = read_model(tmp_path / "run")
    assert model.classes == ("blue", "green", "red")
    assert model.learned.classifier == head


def test_many_features_are_normalized_for_each_image_by_a_layer_of_the_model(data: Path, tmp_path: Path) -> None:
    result = started(data, tmp_path, start_model("6C3-MP2-80C3"))
    assert "normalization" in result.model.network.graph.by_name
    assert correct_in(tmp_path / "run", data) == result.report.correct
    again = started(data, tmp_path / "next", tmp_path / "run", mode="fine-tuned", epochs=1)
    assert "normalization2" in again.model.network.graph.by_name
    features = np.random.default_rng(0).normal(3, 7, (4, 80)).astype(np.float32)
    layer = torch.nn.functional.layer_norm(torch.from_numpy(features), (80,), eps=1e-6)
    np.testing.assert_allclose(normalized(features), layer.numpy(), atol=1e-5)
    np.testing.assert_array_equal(normalized(features[:, :20]), features[:, :20])


def test_labels_are_checked_on_the_features_of_the_classifier(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []
    out_of_fold = findings.out_of_fold

    def looked_at(features: np.ndarray, *parts: Any, **options: Any) -> Any:
        seen.append(features)
        return out_of_fold(features, *parts, **options)

    monkeypatch.setattr(findings, "out_of_fold", looked_at)
    started(data, tmp_path, start_model("6C3-MP2-80C3"))
    assert seen[0].shape == (39, 80)
    np.testing.assert_allclose(seen[0].mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(seen[0].std(axis=1), 1, atol=1e-2)


def test_a_module_of_torch_is_a_start(tmp_path: Path) -> None:
    data = photographs(tmp_path / "set", images=3)
    module = ARCHITECTURES["resnet18"].make()
    result = started(data, tmp_path, module, cut="layer2")
    assert correct_in(tmp_path / "run", data) == result.report.correct
    assert "(ResNet)" in " ".join(result.report.notes)
    with pytest.raises(ParameterError, match="start"):  # the module is not in the folder
        train(resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "cache"))
    again = train(start=module, resume=tmp_path / "run", context=Context(cache_dir=tmp_path / "cache"))
    assert again.report.correct == result.report.correct


@pytest.mark.parametrize("nonlinearity", [torch.nn.ReLU(), torch.nn.Tanh()])
def test_the_last_maps_are_pooled_by_root_mean_square_where_none_is_negative(nonlinearity: torch.nn.Module) -> None:
    below = torch.nn.Sequential(torch.nn.Conv2d(3, 7, 3), nonlinearity)
    module = torch.nn.Sequential(below, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(7, 4))
    model = open_start(module).model
    found = with_root_mean_squares(model)
    if isinstance(nonlinearity, torch.nn.Tanh):
        assert found is model
        return
    images = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        expected = module[3](below(images).square().mean(dim=(2, 3)).sqrt())
        torch.testing.assert_close(found.network(images), expected, atol=1e-5, rtol=1e-4)


def module_of_means() -> torch.nn.Module:
    """Return a network that ends with the means of maps that are never negative, enough of them to be normalized."""
    torch.manual_seed(3)
    below = torch.nn.Sequential(torch.nn.Conv2d(3, 80, 3, stride=4), torch.nn.ReLU())
    return torch.nn.Sequential(below, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(80, 4))


@pytest.mark.parametrize(("head", "mode"), [("softmax", "frozen"), ("svm", "frozen"), ("softmax", "fine-tuned")])
def test_the_onnx_file_of_such_a_model_is_used_like_the_model(head: Any, mode: Any, data: Path, tmp_path: Path) -> None:
    more = {"epochs": 1} if mode != "frozen" else {}
    model = started(data, tmp_path, module_of_means(), head=head, mode=mode, **more).model
    assert Pooling(code="LP") in [node.layer for node in model.network.graph.nodes]
    convscope.convert(model, tmp_path / "m.onnx")
    found = convscope.load(tmp_path / "m.onnx")
    images = np.random.default_rng(0).integers(0, 256, (3, *model.preprocessing.size, 3), np.uint8)
    np.testing.assert_allclose(found.predict_proba(images), model.predict_proba(images), atol=1e-5)
    assert head == "svm" or found.network.graph == fold(model.network).graph  # margins have sigmoids in the file
    assert correct_in(tmp_path / "m.onnx", data) == correct_in(tmp_path / "run", data)
    one = found.explain(data / "test/red/0.png")
    assert one["contributions"].values.shape == model.preprocessing.size
    again = started(data, tmp_path / "next", tmp_path / "m.onnx")
    assert again.report.accuracy.fraction > 0.8


@pytest.mark.parametrize(("maps", "head"), [(16, "softmax"), (80, "softmax"), (80, "knn")])
def test_what_training_has_decoded_and_computed_is_explained_without_either(
    maps: int, head: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, computed = decoded_images(monkeypatch), computed_images(monkeypatch)
    model = started(data, tmp_path, start_model(f"6C3-MP2-{maps}C3"), head=head).model
    assert (decoded, sum(computed)) == ([39], 24 + 39)
    image, context = data / "test/red/0.png", Context(cache_dir=tmp_path / "cache")
    for used in (model, tmp_path / "run"):
        found = convscope.explain(used, image, faithfulness=0, nearest=24, context=context)
        assert (decoded, sum(computed)) == ([39], 24 + 39)
    context = Context(cache_dir=tmp_path / "other")
    (expected,) = convscope.explain(model, image, faithfulness=0, nearest=24, context=context).explanations
    assert (decoded, sum(computed)) == ([39, 39], 24 + 39 + 24)
    distances = [{near.name: near.distance for near in one.nearest} for one in (*found.explanations, expected)]
    assert distances[0] == pytest.approx(distances[1], rel=1e-4)


def test_another_classifier_is_explained_by_the_features_that_it_reads(data: Path, tmp_path: Path) -> None:
    model = started(data, tmp_path, start_model("6C3-MP2-16C3")).model
    reading = Reading(layer=model.training["classifier"]["layer"], pool="max")  # the start's are means, as many
    context = Context(cache_dir=tmp_path / "cache")
    found = convscope.extract_features(model, data, layer=reading.layer, pool=reading.pool, context=context)
    (lda,) = compare_classifiers(found, ["lda"])
    other = with_classifier(model, reading, found, "lda", lda.fitted)
    distances = []
    for folder in ("cache", "empty"):
        context = Context(cache_dir=tmp_path / folder)
        (one,) = convscope.explain(
            other, data / "test/red/0.png", data=data, faithfulness=0, nearest=24, context=context
        ).explanations
        distances.append({near.name: near.distance for near in one.nearest})
    assert distances[0] == pytest.approx(distances[1], rel=1e-4)


def test_a_run_is_a_start_for_the_next_one(data: Path, tmp_path: Path) -> None:
    write_model(start_model(), tmp_path / "first.safetensors")
    result = started(data, tmp_path, tmp_path / "first.safetensors")
    assert result.report.accuracy.fraction > 0.8
    second = started(data, tmp_path / "two", tmp_path / "run")
    assert second.report.accuracy.fraction > 0.8


def test_features_are_computed_once_for_all_classifiers(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = computed_images(monkeypatch)
    started(data, tmp_path)
    assert sum(computed) == 24 + 15 + 24  # training images, as they are and flipped; test images
    started(data, tmp_path, head="lda")
    started(data, tmp_path, head="knn", seed=3)
    assert sum(computed) == 24 + 15 + 24


def test_an_interrupted_run_resumes_to_the_same_bits(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_features, "_BATCH", 5)
    write_model(start_model(), tmp_path / "first.safetensors")
    whole = started(data, tmp_path / "whole", tmp_path / "first.safetensors")
    computed = computed_images(monkeypatch)
    write = FeatureStore.write

    def killed(store: FeatureStore, indices: np.ndarray, rows: np.ndarray) -> None:
        if len(computed) == 4:
            raise KeyboardInterrupt
        write(store, indices, rows)

    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            started(data, tmp_path / "cut", tmp_path / "first.safetensors")
    resumed = train(resume=tmp_path / "cut/run", context=Context(cache_dir=tmp_path / "cut/cache"))
    assert sum(computed) == 24 + 15 + 24
    assert all(torch.equal(value, weights_of(resumed.model)[name]) for name, value in weights_of(whole.model).items())
    assert resumed.report.cells == whole.report.cells


def test_a_cache_that_cannot_be_read_has_no_features(tmp_path: Path) -> None:
    assert not is_stored(["any"], images=1, values=1, cache_dir=tmp_path / (300 * "x"))


def test_a_damaged_row_is_computed_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = started(data, tmp_path)
    (rows,) = (path for path in (tmp_path / "cache").glob("*/rows.crc") if np.fromfile(path, "<u4").all())
    with (rows.parent / "images.bin").open("r+b") as file:
        file.write(b"damaged")
    computed = computed_images(monkeypatch)
    again = started(data, tmp_path)
    assert computed == [1]
    assert again.report.cells == first.report.cells


def test_the_best_layer_is_found_and_the_others_are_reported(data: Path, tmp_path: Path) -> None:
    result = started(data, tmp_path, cut="auto")
    notes = " ".join(result.report.notes)
    assert "pooling1" in notes
    assert "by layer" in notes
    assert set(result.model.training["start"]["curve"]) == {"pooling1", "pooling2", "convolution3"}
    assert result.model.training["start"]["cut"] in result.model.training["start"]["curve"]


def test_gray_images_are_repeated_for_a_start_in_color_and_that_is_said(tmp_path: Path) -> None:
    data = photographs(tmp_path / "set", gray=True)
    result = started(data, tmp_path, start_model("8C3-MP2-12C5-MP2-24N"))
    assert any("gray level is repeated" in note for note in result.report.notes)
    assert correct_in(tmp_path / "run", data) == result.report.correct


def test_color_images_become_gray_for_a_gray_start(data: Path, tmp_path: Path) -> None:
    result = started(data, tmp_path, start_model(channels=1))
    assert result.model.preprocessing.channels == 1


def test_two_classes_and_one_image_a_class(tmp_path: Path) -> None:
    images = np.zeros((4, SIDE_PX, SIDE_PX, 3), np.uint8)
    images[1::2, :12] = 200
    images[:, 3] += np.arange(4, dtype=np.uint8)[:, None, None]
    result = started((images, np.array([0, 1, 0, 1])), tmp_path, validation=0.5)  # type: ignore[arg-type]
    assert result.report.images == 2
    said = [note for note in result.report.notes if "calibrated" in note]
    assert said == ["probabilities are not calibrated: a class has one training image"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"start": "efficientnet-lite"}, "Did you mean 'efficientnet-lite0'"),
        ({"start": "nothing/there"}, "none of these. There is no such file or folder"),
        ({"start": "missing.onnx"}, "There is no such file"),
        ({"start": "resnet18"}, "write torchvision:resnet18 or timm:resnet18"),
        ({"start": ""}, "name"),
        ({"start": 3}, "module"),
        ({"layout": "8C3"}, "layout"),
        ({"channels": 1}, "channels"),
        ({"cut": "convolution9"}, "`cut` .*convolution3"),
        ({"cut": "image"}, "before the classifier"),
        ({"cut": "classifier"}, "such as .*pooling"),
        ({"cut": "stage9"}, "such as .*pooling"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(data: Path, tmp_path: Path, options: Any, word: str) -> None:
    options = {"start": start_model(), **options}
    with pytest.raises(ParameterError, match=word):
        train(data, output=tmp_path / "run", context=Context(cache_dir=tmp_path / "cache"), **options)
    assert not (tmp_path / "run").exists()


def test_a_cut_without_a_start_is_refused(data: Path) -> None:
    with pytest.raises(ParameterError, match="start"):
        train(data, cut="auto")


def test_a_network_without_a_layer_before_its_classifier_is_refused(data: Path, tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 224), torch.nn.Flatten())
    with pytest.raises(ParameterError, match="before its classifier"):
        started(data, tmp_path, module)


def test_a_network_of_other_channels_is_refused(data: Path, tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(4, 5, 3), torch.nn.Flatten())
    with pytest.raises(ParameterError, match="channel"):
        started(data, tmp_path, module)


def test_too_many_classes_are_refused_before_any_image_is_read(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convscope.transfer.head_choice.MOST_CLASSES", 2)
    monkeypatch.delattr("convscope.transfer.preparing.prepare")
    with pytest.raises(ParameterError, match="at most 2 classes"):
        train(data, start=start_model(), output=tmp_path / "run")


def test_a_truncated_model_file_is_refused(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(start_model(), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ModelFileError, match="model"):
        started(data, tmp_path, path)


def test_the_command_trains_from_a_start(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_model(start_model(), tmp_path / "first.safetensors")
    words = ["train", str(data), "--start", str(tmp_path / "first.safetensors"), "-o", str(tmp_path / "run")]
    assert run([*words, "--cache-dir", str(tmp_path / "cache")]) == 0
    assert "from start to model" in capsys.readouterr().out


@pytest.mark.parametrize("head", ["softmax", "svm", "lda", "rbf-svm", "knn"])
def test_one_sentence_says_whether_probabilities_are_calibrated(data: Path, tmp_path: Path, head: Any) -> None:
    (said,) = [note for note in started(data, tmp_path, head=head).report.notes if "calibrated" in note]
    assert ("not calibrated" in said) == (head == "knn")
    if losses := re.search(r"loss ([0-9.]+), ([0-9.]+) without", said):
        assert float(losses[1]) <= float(losses[2])
    assert bool(losses) == (head in ("softmax", "lda"))


def test_a_network_that_is_trained_further_is_calibrated_then_and_not_before(data: Path, tmp_path: Path) -> None:
    for validation in (None, 0.25):
        result = started(data, tmp_path / str(validation), mode="fine-tuned", epochs=1, validation=validation)
        (said,) = [note for note in result.report.notes if "calibrated" in note]
        assert ("not calibrated" in said) == (validation is None)


def test_a_value_that_the_start_takes_is_not_said_to_be_set(data: Path, tmp_path: Path) -> None:
    notes = " ".join(started(data, tmp_path).report.notes)
    assert "as set" not in notes
    assert "images of 24x24 in color" in notes
    start = start_model("6C3-MP2-12C3-APg")
    assert "24x24 (width x height): as set" in " ".join(started(data, tmp_path, start, size=24).report.notes)


def test_a_dry_run_shows_the_classifier_of_the_classes(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(start_model("6C3-MP2-80C3"), tmp_path / "first.safetensors")
    words = ["train", str(data), "--start", str(tmp_path / "first.safetensors"), "--dry-run"]
    plan = [*words, "--json", "--quiet", "--cache-dir", str(tmp_path / "cache")]
    assert run(plan) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert (steps[-1]["maps"], steps[-1]["parameters"]) == (3, 3 * 81)
    trained = started(data, tmp_path, tmp_path / "first.safetensors").model.network.plan
    assert [step["name"] for step in steps] == [layer.name for layer in trained.layers]
    assert run([*plan, "--head", "knn"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"][-1]["name"] == steps[-4]["name"]


def test_without_an_image_to_measure_on_there_is_no_accuracy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("red", "green", "blue")):
        (tmp_path / "set" / name).mkdir(parents=True)
        pixels = np.full((30, 36, 3), 50, np.uint8)
        pixels[..., number] += 120
        Image.fromarray(pixels).save(tmp_path / "set" / name / "0.png")
    write_model(start_model(), tmp_path / "first.safetensors")
    words = [
        "train",
        str(tmp_path / "set"),
        "--start",
        str(tmp_path / "first.safetensors"),
        "--cache-dir",
        str(tmp_path / "cache"),
    ]
    assert run([*words, "-o", str(tmp_path / "run")]) == 0
    assert "no accuracy: no image was set aside" in capsys.readouterr().out
    assert run([*words, "-o", str(tmp_path / "other"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["accuracy"], document["accuracy_interval"], document["split"]) == (None, None, "training")
    page = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    assert "No image was set aside" in page
    assert "expect" not in page.partition("</header>")[0].replace("expect less on others", "")


def test_robustness_is_measured_on_such_a_model(data: Path, tmp_path: Path) -> None:
    started(data, tmp_path)
    context = Context(cache_dir=tmp_path / "cache")
    found = convscope.measure(tmp_path / "run", data, distortions=["rotation"], strengths=[0, 20], context=context)
    assert found.images == 15


def test_the_cache_lists_and_deletes_features(data: Path, tmp_path: Path) -> None:
    from convscope.images.cache.folder import clear, entries

    started(data, tmp_path)
    names = [entry.name for entry in entries(tmp_path / "cache")]
    assert len([name for name in names if name.startswith("features of ")]) == 2  # images as they are, and flipped
    clear(tmp_path / "cache")
    assert entries(tmp_path / "cache") == []
