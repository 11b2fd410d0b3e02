"""One color image as an array of three axes is never taken for many gray ones: one sentence wherever arrays enter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convscope
from convscope.core.errors import DataError
from convscope.networks.prediction import predict
from tests.checks.models import small_model

MODEL = small_model(height=16, width=16)
IMAGE = np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)
ONE: dict[str, Any] = {
    "H W 3": IMAGE,
    "H W 4": np.dstack([IMAGE, IMAGE[..., :1]]),
    "H W 3 as floats": IMAGE / 255.0,
    "3 H W": np.moveaxis(IMAGE, -1, 0),
    "4 H W": np.moveaxis(np.dstack([IMAGE, IMAGE[..., :1]]), -1, 0),
}
ENTRANCES: dict[str, Callable[[Any, Path], Any]] = {
    "predict": lambda images, _: convscope.predict(MODEL, images),
    "Model.predict": lambda images, _: MODEL.predict(images),
    "Model.predict_proba": lambda images, _: MODEL.predict_proba(images),
    "the stream of predictions": lambda images, _: list(predict(MODEL, images)),
    "extract_features": lambda images, _: convscope.extract_features(MODEL, images),
    "ConvFeatures": lambda images, _: convscope.ConvFeatures(MODEL).transform(images),
    "look": lambda images, folder: convscope.look(MODEL, images, output=folder / "look.html"),
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("kind", ONE)
def test_one_image_in_color_is_one_sentence(kind: str, entrance: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"looks like one in color\. Give .*\[None\]"):
        ENTRANCES[entrance](ONE[kind], tmp_path)


@pytest.mark.parametrize("entrance", ["predict", "Model.predict", "look"])
def test_channels_in_front_of_many_are_named(entrance: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="channels come last"):
        ENTRANCES[entrance](np.moveaxis(IMAGE[None], -1, 1), tmp_path)


@pytest.mark.parametrize("images", [IMAGE[None], IMAGE[None] / 255.0, IMAGE[None, ..., :1], IMAGE[None, ..., 0]])
def test_one_image_with_the_axis_of_many_is_one_prediction(images: Any) -> None:
    assert len(convscope.predict(MODEL, images)) == 1


def test_in_a_list_every_array_is_one_image() -> None:
    given = [IMAGE, IMAGE[..., 0], IMAGE[:, :3, 0], IMAGE[:, :4, 0]]
    assert [one.error for one in convscope.predict(MODEL, given)] == [None] * 4


def test_as_many_labels_as_rows_or_the_size_of_the_network_make_them_gray_ones(tmp_path: Path) -> None:
    labels = np.array(["a", "b"] * 8)
    narrow = np.random.default_rng(0).integers(0, 255, (16, 4, 4)).astype(np.uint8)
    fitted = convscope.ConvClassifier("2C3", epochs=1).fit(narrow, labels)
    assert fitted.predict_proba(narrow).shape == (16, 2)
    assert len(convscope.predict(fitted.model_, narrow)) == len(fitted.model_.predict_proba(narrow)) == 16
    assert convscope.train((narrow, labels), epochs=1, layout="2C3", output=tmp_path).model.preprocessing.size == (4, 4)
    with pytest.raises(DataError, match="looks like one in color"):
        convscope.train((IMAGE, labels[:3]), epochs=1, output=tmp_path / "other")
    with pytest.raises(DataError, match="looks like one in color"):
        convscope.ConvClassifier("2C3", epochs=1).fit(IMAGE[None].repeat(16, 0), labels).predict_proba(IMAGE)
