import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convscope.core.errors import DataError, ParameterError
from convscope.networks.inference import FlipTTA
from convscope.networks.model import Model
from tests.checks.models import LAYOUTS, small_model, some_pixels


@pytest.mark.parametrize("text", LAYOUTS)
def test_every_row_of_probabilities_has_the_sum_one(text: str) -> None:
    probabilities = small_model(text).predict_proba(some_pixels(9))
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (9, 3)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("text", LAYOUTS)
def test_the_result_is_the_same_whatever_the_batch_size(text: str) -> None:
    model, images = small_model(text), some_pixels(300)
    whole = model.predict_proba(images, batch=256)
    for batch in (1, 7, 300, None):
        np.testing.assert_allclose(model.predict_proba(images, batch=batch), whole, atol=1e-5)


def test_probabilities_are_the_softmax_of_the_scores_in_evaluation_mode() -> None:
    model, images = small_model(), some_pixels(5)
    with torch.no_grad():
        logits = model.network.eval()(torch.from_numpy(images)).double()
    expected = torch.exp(logits) / torch.exp(logits).sum(1, keepdim=True)
    np.testing.assert_allclose(model.predict_proba(images), expected.numpy(), atol=1e-6)


@pytest.mark.parametrize("backend", ["torch", "openvino", "onnxruntime"])
@pytest.mark.parametrize("text", ["4C3-MP2-6N", "4C3-MP2-6N-svm"])
def test_flipped_probabilities_are_the_means_of_both(text: str, backend: Any) -> None:
    model, images = small_model(text), some_pixels(9)
    flipped = np.array(images[:, :, ::-1])
    both = FlipTTA(model=model.optimize("float32", backend=backend))
    expected = (model.predict_proba(images) + model.predict_proba(flipped)) / 2
    np.testing.assert_allclose(both.predict_proba(images, batch=4), expected, atol=1e-5)
    np.testing.assert_allclose(both.predict_proba(flipped), expected, atol=1e-5)
    assert np.abs(expected - model.predict_proba(images)).max() > 1e-3, "or nothing was tested"


def test_both_sides_of_an_image_one_pixel_wide_are_looked_at() -> None:
    model = small_model("4C3-6N", height=5, width=1)
    images = some_pixels(3, 5, 1)
    np.testing.assert_array_equal(FlipTTA(model=model).predict_proba(images), model.predict_proba(images))
    assert FlipTTA(model=model).predict_proba(images[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({}, None),
        ({"recipe": 3}, None),
        ({"recipe": {"augmentation": [1]}}, None),
        ({"recipe": {"augmentation": {"flip": "no"}}}, None),
        ({"recipe": {"augmentation": {"flip": False}}}, False),
        ({"recipe": {"augmentation": {"flip": True}}}, True),
    ],
)
def test_what_a_file_says_of_mirror_images_is_read_and_nothing_else(training: Any, said: bool | None) -> None:
    assert dataclasses.replace(small_model(), training=training).learned_flipped is said


def test_prediction_puts_back_the_mode_of_every_part_and_changes_no_statistics() -> None:
    model = small_model()
    model.network.train()
    model.network.stages[0].eval()
    modes = [module.training for module in model.network.modules()]
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    first = model.predict_proba(some_pixels(5))
    assert [module.training for module in model.network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.network.state_dict().items())
    model.network.eval()
    np.testing.assert_array_equal(model.predict_proba(some_pixels(5)), first)


def test_the_mode_is_put_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    model.network.train()

    def fails(_images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("as when memory ends")

    monkeypatch.setattr(model.network, "forward", fails)
    with pytest.raises(RuntimeError, match="memory ends"):
        model.predict_proba(some_pixels(2))
    assert all(module.training for module in model.network.modules())


def test_no_images_have_no_rows() -> None:
    assert small_model().predict_proba(some_pixels(0)).shape == (0, 3)


def test_arrays_that_are_mapped_read_only_reversed_or_strided_give_the_same(tmp_path: Path) -> None:
    model, images = small_model(), some_pixels(6)
    expected = model.predict_proba(images)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    np.testing.assert_array_equal(model.predict_proba(mapped), expected)
    np.testing.assert_array_equal(model.predict_proba(images[::-1])[::-1], expected)
    np.testing.assert_array_equal(model.predict_proba(np.asfortranarray(images)), expected)


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 17, 14, 3)), np.zeros((2, 14, 17, 3), np.uint8), np.zeros((17, 14, 3), np.uint8), np.uint8(3)],
)
def test_images_of_another_kind_are_refused(images: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"`images` must be (a uint8 array N 17 14 3|images, N H W).* Got "):
        small_model().predict_proba(images)


@pytest.mark.parametrize("batch", [0, -1, 2.0, True, "4"])
def test_a_batch_that_is_no_number_of_images_is_refused(batch: int) -> None:
    with pytest.raises(ParameterError, match=r"`batch` must be a whole number of at least 1\. Got"):
        small_model().predict_proba(some_pixels(2), batch=batch)


def test_the_batch_is_smaller_where_the_maps_are_large() -> None:
    assert small_model().batch == 256
    large = small_model("64C1-4C1/4-MPg", height=400, width=400)
    assert large.batch == 3


def test_a_model_is_printed_in_a_line_however_many_classes_it_has() -> None:
    said = repr(small_model("4C3-MP2", classes=1_000))
    assert said == "Model(4C3-MP2, 1,000 classes: 'class 0', 'class 1', 'class 2', …, 14x17x3 pixels)"


def test_parts_that_do_not_belong_together_are_refused() -> None:
    model = small_model()
    with pytest.raises(ParameterError, match=r"`classes` must be 3 different names, .*Got 2 \(2 different\)"):
        dataclasses.replace(model, classes=("a", "b"))
    with pytest.raises(ParameterError, match=r"`classes` must be 3 different names, .*Got 3 \(2 different\)"):
        dataclasses.replace(model, classes=("a", "b", "a"))
    smaller = dataclasses.replace(model.preprocessing, height=16)
    with pytest.raises(ParameterError, match="must give the network's 14x17 pixels of 3 channels. Got 14x16 of 3"):
        dataclasses.replace(model, preprocessing=smaller)


def test_predict_takes_images_of_any_size() -> None:
    model = small_model()
    (prediction,) = model.predict([np.zeros((40, 50), np.uint8)], top=2)
    assert prediction.label in model.classes
    assert prediction.top[0] == (prediction.label, prediction.probability)
    assert isinstance(model, Model)
