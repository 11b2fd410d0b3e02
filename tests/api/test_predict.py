import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import convscope
from convscope.api import predict as predict_module
from convscope.api.predict import optimized, predict_each
from convscope.core.errors import ModelFileError, ParameterError
from convscope.core.precision import BackendPrecision
from convscope.core.progress import Plain
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from tests.checks.models import small_model, some_pixels


def test_load_and_predict_are_public(tmp_path: Path) -> None:
    model = small_model()
    write_model(model, tmp_path / "model.safetensors")
    images = some_pixels(3, 30, 40)
    expected = model.predict(images, top=2)
    for used in (model, convscope.load(tmp_path), tmp_path, str(tmp_path / "model.safetensors")):
        assert convscope.predict(used, images, top=2) == expected
    assert convscope.load(str(tmp_path)).predict(images, top=2) == expected


def test_what_is_no_model_is_refused_before_an_image_is_read(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no such file"):
        convscope.predict(tmp_path / "none", [])
    with pytest.raises(ModelFileError, match="there is no such file"):
        predict_each(tmp_path / "none", [])


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_calibration_is_for_int8_only(precision: BackendPrecision) -> None:
    given = some_pixels(4), np.arange(4)
    with pytest.raises(ParameterError, match="`calibration` must be left out unless `precision` is int8. Got it with"):
        optimized(small_model(), precision=precision, calibration=given)


def test_other_back_ends_are_tried_for_many_images_only(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    asked: list[str] = []
    monkeypatch.setattr(Model, "optimize", lambda self, precision, *, backend, **_: asked.append(backend) or self)
    enough = predict_module._WORTH_A_CHOICE // model.network.plan.macs + 1
    for images in (None, enough - 1, enough):
        optimized(model, images, precision="auto")
    assert asked == ["torch", "torch", "auto"]
    asked.clear()
    monkeypatch.setattr(predict_module, "_WORTH_A_CHOICE", 2 * model.network.plan.macs)
    for count in (1, 2):
        convscope.predict(model, some_pixels(count))
    assert asked == ["auto"]


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 2)
    try:
        convscope.predict(small_model(), some_pixels(2))
        assert torch.get_num_threads() == before + 2
    finally:
        torch.set_num_threads(before)


def test_the_reporter_hears_how_many_are_done_and_unusable(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    images = [np.zeros((9, 9)), b"", *some_pixels(200)]
    convscope.predict(small_model(), images, progress=Plain(sys.stdout))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "predicting: 0 of 202 images, 0 %"
    assert lines[-1].startswith("predicting: 202 images in ")
    assert lines[-1].endswith("  1 unusable")


def test_mirror_images_are_looked_at_in_python_too(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = {"recipe": {"augmentation": {"flip": False}}}
    model, images = dataclasses.replace(small_model(), training=recipe), some_pixels(3, 17, 14)
    plain, both = (convscope.predict(model, images, tta=tta, top=3) for tta in (False, True))
    of_flipped = convscope.predict(model, images[:, :, ::-1], tta=True, top=3, progress=Plain(sys.stderr))
    assert plain != both
    assert both == of_flipped
    assert "not trained on flipped images" in capsys.readouterr().err
