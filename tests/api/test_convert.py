"""`convscope.convert`: ONNX files to model files, and models to ONNX files."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import convscope
from convscope.core.errors import ConvscopeError, MissingPackageError, ParameterError, StorageError
from convscope.networks.export.onnx_export import onnx_bytes
from convscope.networks.foreign.standardization import IMAGENET_MEAN, IMAGENET_STD
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from tests.checks.architectures import ARCHITECTURES
from tests.checks.models import graph_model, small_model, some_pixels

IMAGES = some_pixels(5, 17, 14)


def run(path: Path, images: Any) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, {"images": images})[0]
    return found


@pytest.mark.parametrize("model", [graph_model(), small_model("4C3-MP2-6N"), small_model("4C3-MP2-6N-svm")], ids=str)
def test_there_and_back_predicts_the_same(model: Model, tmp_path: Path) -> None:
    there = convscope.convert(model, tmp_path / "新しい" / "網.onnx")
    assert there.path == tmp_path / "新しい" / "網.onnx"
    assert there.difference is not None
    assert there.difference < 1e-4
    np.testing.assert_allclose(run(there.path, IMAGES), model.predict_proba(IMAGES), atol=1e-5)
    if model.title.endswith("svm"):
        return
    back = convscope.convert(there.path, tmp_path / "back.safetensors")
    found = convscope.load(back.path)
    np.testing.assert_allclose(found.predict_proba(IMAGES), model.predict_proba(IMAGES), atol=1e-5)
    assert found.classes == model.classes
    assert (back.layers, back.classes) == (len(found.network.plan.layers), 3)


def test_a_graph_there_and_back_is_the_same_graph(tmp_path: Path) -> None:
    model = graph_model()
    for preprocessing in ("inside", "outside"):
        convscope.convert(model, tmp_path / "m.onnx", preprocessing=preprocessing, force=True)
        convscope.convert(tmp_path / "m.onnx", tmp_path / "m.safetensors", force=True)
        found = convscope.load(tmp_path / "m.safetensors")
        assert found.network.graph == model.network.graph
        np.testing.assert_allclose(found.network.mean, model.network.mean, atol=1e-6)
        np.testing.assert_allclose(found.predict_proba(IMAGES), model.predict_proba(IMAGES), atol=1e-5)


def test_with_the_preprocessing_outside_floats_go_in_and_logits_come_out(tmp_path: Path) -> None:
    model = graph_model()
    convscope.convert(model, tmp_path / "m.onnx", preprocessing="outside", opset=18)
    file = onnx.load(tmp_path / "m.onnx")
    assert [entry.version for entry in file.opset_import] == [18]
    mean, std = (np.float32(values.tolist()) for values in (model.network.mean, model.network.std))
    floats = ((IMAGES / np.float32(255) - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    logits = run(tmp_path / "m.onnx", floats)
    with np.errstate(over="ignore"):
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(probabilities, model.predict_proba(IMAGES), atol=1e-5)


def test_what_a_file_does_not_say_is_given(tmp_path: Path) -> None:
    convscope.convert(graph_model(), tmp_path / "m.onnx", preprocessing="outside")
    (tmp_path / "名前.txt").write_text("猫\n犬\n鳥\n", encoding="utf-8")
    result = convscope.convert(
        tmp_path / "m.onnx",
        tmp_path / "m.safetensors",
        classes=tmp_path / "名前.txt",
        mean=[10, 20, 30],
        std=[50, 51, 52],
        scale="255",
        color="bgr",
        size="14x17",
    )
    found = convscope.load(result.path)
    assert found.classes == ("猫", "犬", "鳥")
    np.testing.assert_allclose(found.network.mean, np.float32([30, 20, 10]) / 255, rtol=1e-6)
    np.testing.assert_allclose(found.network.std, np.float32([52, 51, 50]) / 255, rtol=1e-6)
    given = convscope.convert(tmp_path / "m.onnx", result.path, classes=["a", "b", "c"], force=True)
    assert convscope.load(given.path).classes == ("a", "b", "c")


def bare_file(path: Path, **settings: Any) -> Path:
    """Write a file that says nothing beside its network."""
    file = onnx.load_from_string(onnx_bytes(graph_model().network, preprocessing="outside", **settings))
    del file.metadata_props[:]
    path.write_bytes(file.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("arguments", "mean", "std", "note"),
    [
        ({"size": "14x17"}, IMAGENET_MEAN, IMAGENET_STD, "mean and standard deviation of ImageNet."),
        ({"color": "bgr"}, IMAGENET_MEAN, IMAGENET_STD, "mean and standard deviation of ImageNet."),
        ({"scale": "255"}, IMAGENET_MEAN, IMAGENET_STD, "of ImageNet, for pixels from 0 to 255."),
        ({"mean": [0.5]}, (0.5,) * 3, IMAGENET_STD, "by: standard deviation of ImageNet."),
        ({"std": [51], "scale": "255"}, IMAGENET_MEAN, (0.2,) * 3, "by: mean of ImageNet, for pixels from 0 to 255."),
        ({"mean": [0.5], "std": [0.2]}, (0.5,) * 3, (0.2,) * 3, ""),
    ],
    ids=str,
)
def test_only_what_is_said_replaces_what_is_assumed(
    arguments: dict[str, Any], mean: tuple[float, ...], std: tuple[float, ...], note: str, tmp_path: Path
) -> None:
    result = convscope.convert(bare_file(tmp_path / "m.onnx"), tmp_path / "m.safetensors", **arguments)
    network = convscope.load(result.path).network
    np.testing.assert_allclose(network.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(network.std, std, rtol=1e-6)
    assert [one for one in result.notes if "assumed" in one and note in one] == list(result.notes)
    assert bool(result.notes) is bool(note)


@pytest.mark.parametrize("ending", ["onnx", "safetensors"])
def test_a_part_is_taken(ending: str, tmp_path: Path) -> None:
    convscope.convert(graph_model(), tmp_path / "m.onnx")
    result = convscope.convert(tmp_path / "m.onnx", tmp_path / f"part.{ending}", up_to="gated")
    assert (result.layers, result.classes) == (5, 6)
    found = convscope.load(result.path)
    assert found.is_dense
    assert found.network.graph.output.name == "gated"
    assert convscope.convert(graph_model(), tmp_path / f"stem.{ending}", up_to="stem").layers == 1


def test_a_part_of_a_layout_is_taken(tmp_path: Path) -> None:
    convscope.convert(small_model("4C3-MP2-6N"), tmp_path / "part.onnx", up_to="linear1")
    found = convscope.load(tmp_path / "part.onnx")
    assert [node.name for node in found.network.graph.nodes] == ["convolution1", "pooling1", "linear1"]
    with pytest.raises(ParameterError, match="Did you mean 'linear1'"):
        convscope.convert(small_model("4C3-MP2-6N"), tmp_path / "part2.onnx", up_to="linear")


def test_a_segmentation_is_written_with_its_maps(tmp_path: Path) -> None:
    architecture = ARCHITECTURES["unet"]
    model = convscope.load(architecture.make(), architecture.example(), preprocessing="unit")
    result = convscope.convert(model, tmp_path / "m.onnx")
    pixels = some_pixels(2, *architecture.shape[1:])
    assert run(result.path, pixels).shape[2:] == architecture.shape[1:]
    assert convscope.load(result.path).network.graph == model.network.graph


def test_nothing_is_replaced_without_being_told(tmp_path: Path) -> None:
    for name in ("m.onnx", "m.safetensors"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(StorageError, match="force|exists"):
            convscope.convert(graph_model(), tmp_path / name)
        assert (tmp_path / name).read_text() == "mine"
    convscope.convert(graph_model(), tmp_path / "m.onnx", force=True)
    assert (tmp_path / "m.onnx").stat().st_size > 1_000


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"output": None}, "`output`"),
    ({"output": "m.pt"}, "`output`"),
    ({"output": "onnx"}, "`output`"),
    ({"output": "m.onnx", "opset": 12}, "`opset`"),
    ({"output": "m.onnx", "opset": 999}, "`opset`"),
    ({"output": "m.onnx", "opset": "17"}, "`opset`"),
    ({"output": "m.onnx", "preprocessing": "within"}, "`preprocessing`"),
    ({"output": "m.onnx", "classes": ["a"]}, "`classes`"),
    ({"output": "m.onnx", "classes": 3}, "`classes`"),
    ({"output": "m.onnx", "up_to": "nothing"}, "`up_to`"),
    ({"output": "m.onnx", "up_to": 3}, "`up_to`"),
    ({"output": "m.onnx", "up_to": ""}, "`up_to`"),
    ({"output": "m.onnx", "force": "yes"}, "`force`"),
    ({"output": "m.safetensors", "opset": 17}, "`opset`"),
    ({"output": "m.safetensors", "preprocessing": "inside"}, "`preprocessing`"),
    *(({"output": "m.onnx", name: value}, f"`{name}`") for name, value in {
        "mean": [0.5], "std": [0.5], "scale": "255", "color": "bgr", "size": 14,
    }.items()),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "word"), WRONG, ids=str)
def test_what_does_not_fit_is_refused(
    arguments: dict[str, Any], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=word):
        convscope.convert(graph_model(), **arguments)
    assert not list(tmp_path.iterdir())


WRONG_OF_FILES: list[tuple[dict[str, Any], str]] = [
    ({"mean": [0.5, 0.5]}, "`mean`"),
    ({"mean": "0.5"}, "`mean`"),
    ({"std": [0.5, 0.5, -0.5]}, "`std`"),
    ({"std": [float("nan")]}, "`std`"),
    ({"scale": "256"}, "`scale`"),
    ({"scale": 255}, "`scale`"),
    ({"color": "gray"}, "`color`"),
    ({"size": "17"}, "`size`"),
    ({"size": "17x14x3"}, "`size`"),
    ({"size": -3}, "`size`"),
    ({"classes": "missing.txt"}, "missing.txt"),
    ({"up_to": "gatd"}, "gatd"),
    ({"up_to": ""}, "`up_to`"),
]


@pytest.mark.parametrize(("arguments", "word"), WRONG_OF_FILES, ids=str)
def test_what_does_not_fit_a_file_is_refused(arguments: dict[str, Any], word: str, tmp_path: Path) -> None:
    convscope.convert(graph_model(), tmp_path / "m.onnx", preprocessing="outside")
    with pytest.raises(ConvscopeError, match=word):
        convscope.convert(tmp_path / "m.onnx", tmp_path / "m.safetensors", **arguments)
    assert not (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize("name", ["nowhere.onnx", "nowhere.safetensors", "folder", "damaged.onnx", "folder.onnx"])
def test_a_model_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "damaged.onnx").write_bytes(b"\0" * 100)
    with pytest.raises(ConvscopeError, match=name):
        convscope.convert(tmp_path / name, tmp_path / "m.safetensors")


@pytest.mark.parametrize("name", ["m.onnx", "m.safetensors"])
def test_a_model_is_never_replaced_by_itself(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    convscope.convert(graph_model(), path)
    before = path.read_bytes()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ParameterError, match="another file than the inputs"):
        convscope.convert(path, tmp_path / "folder" / ".." / name, force=True)
    assert path.read_bytes() == before


def test_a_model_file_is_not_saved_under_the_name_of_another_format(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"convscope\.convert"):
        convscope.save(graph_model(), tmp_path / "w.onnx")
    assert not list(tmp_path.iterdir())


def test_an_old_comparison_is_not_told_again(tmp_path: Path) -> None:
    convscope.convert(bare_file(tmp_path / "m.onnx"), tmp_path / "m.safetensors")
    again = convscope.convert(tmp_path / "m.safetensors", tmp_path / "n.safetensors")
    assert (again.difference, again.proof) == (None, None)


def test_what_onnx_has_no_operator_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="locally connected"):
        convscope.convert(small_model("4U3-MP2"), tmp_path / "m.onnx")


def test_a_module_is_no_model_yet_and_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"convscope\.load"):
        convscope.convert(ARCHITECTURES["lenet5"].make(), tmp_path / "m.onnx")  # type: ignore[arg-type]


def test_an_onnx_file_in_upper_case_and_a_run_folder_are_models(tmp_path: Path) -> None:
    convscope.convert(graph_model(), tmp_path / "M.ONNX")
    write_model(graph_model(), tmp_path / "model.safetensors")
    one, two = (convscope.convert(model, tmp_path / "x.onnx", force=True) for model in (tmp_path / "M.ONNX", tmp_path))
    assert one.parameters == two.parameters
    assert not issubclass(MissingPackageError, ParameterError)
