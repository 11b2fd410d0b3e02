"""A drawing on a transparent ground that the background swallows is said, and another background shows it."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.cli.group import main
from convscope.core.context import Context
from convscope.core.errors import ParameterError
from convscope.images.preprocessing import Preprocessing
from convscope.images.transparency import VANISHED
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.model_file import write_model

INK = np.zeros((12, 12), np.uint8)
INK[3:9, 5:7] = 255


def _model(channels: int = 1) -> Model:
    network = Network(Layout.parse("2C3-MP2"), height=12, width=12, channels=channels, classes=2).eval()
    step = Preprocessing(height=12, width=12, channels=channels)
    return Model(network=network, classes=("a", "b"), preprocessing=step)


def _palette() -> Image.Image:
    image = Image.fromarray((INK > 0).astype(np.uint8))
    image.putpalette([0, 0, 0] * 256)
    image.info["transparency"] = 0
    return image


def _rgba(color: int = 0) -> Image.Image:
    return Image.fromarray(np.dstack([np.full((12, 12, 3), color, np.uint8), INK]))


DRAWN: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
    "RGBA": (_rgba(), "png", {}),
    "gray and alpha": (Image.fromarray(np.dstack([np.zeros_like(INK), INK])), "png", {}),
    "palette": (_palette(), "png", {"transparency": 0}),
    "GIF": (_palette(), "gif", {"transparency": 0}),
    "WebP": (_rgba(), "webp", {"lossless": True, "exact": True}),
    "TIFF": (_rgba(), "tiff", {}),
}


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("channels", [1, 3])
def test_black_ink_on_nothing_is_named_on_black_and_seen_on_white(kind: str, channels: int, tmp_path: Path) -> None:
    image, ending, options = DRAWN[kind]
    path = tmp_path / f"drawing.{ending}"
    image.save(path, **options)
    model = _model(channels)
    (lost,) = convscope.predict(model, path)
    assert lost.remarks == (VANISHED,)
    assert lost.label is not None
    (seen,) = convscope.predict(model, path, background="white")
    assert seen.remarks == ()


@pytest.mark.parametrize("given", [_rgba(255), _rgba(120), Image.fromarray(INK), Image.new("RGBA", (12, 12))])
def test_what_is_seen_or_was_never_drawn_has_no_remark(given: Image.Image) -> None:
    file = io.BytesIO()
    given.save(file, "png")
    assert convscope.predict(_model(), file.getvalue())[0].remarks == ()


def test_white_ink_is_lost_on_white_only(tmp_path: Path) -> None:
    _rgba(255).save(tmp_path / "white.png")
    model = _model(3).on_background("white")
    assert model.preprocessing.background == (255, 255, 255)
    assert convscope.predict(model, tmp_path / "white.png")[0].remarks == (VANISHED,)
    assert convscope.predict(model, tmp_path / "white.png", background="#102030")[0].remarks == ()
    assert convscope.predict(model, np.dstack([np.full((12, 12, 3), 255, np.uint8), INK])[None])[0].remarks


def test_the_command_says_it_writes_it_and_takes_a_background(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _rgba().save(tmp_path / "drawing.png")
    write_model(_model(), tmp_path / "model.safetensors")
    words = ["predict", str(tmp_path / "model.safetensors"), str(tmp_path / "drawing.png"), "--json"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["predictions"][0]["remarks"] == [VANISHED]
    assert "drawing.png: all of it has the color of the background" in said.err
    assert main([*words, "--background", "white"]) == 0
    said = capsys.readouterr()
    assert "remarks" not in json.loads(said.out)["predictions"][0]
    assert "color of the background" not in said.err
    assert main([*words, "--background", "nope"]) == 2


def test_features_take_a_background_too(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    _rgba().save(tmp_path / "set" / "one.png")
    model, place = _model(), tmp_path / "set"
    black, white = (
        convscope.extract_features(
            model, place, stage=0, background=color, context=Context(cache_dir=tmp_path / "c")
        ).values
        for color in (None, "white")
    )
    assert np.ptp(black) == 0
    assert np.ptp(white) > 0
    with pytest.raises(ParameterError, match="background"):
        convscope.extract_features("pixels", place, background="white")


def test_a_training_set_that_vanishes_is_said(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for place in range(6):
            image = Image.fromarray(np.dstack([np.zeros((12, 12, 3), np.uint8), np.roll(INK, place, axis=1)]))
            image.save(tmp_path / "set" / name / f"{place}.png")
    said = {
        color: convscope.train(
            tmp_path / "set", epochs=1, layout="2C3", background=color, output=tmp_path / f"run-{color}"
        ).report.notes
        for color in ("black", "white")
    }
    assert any("have one color" in note for note in said["black"])
    assert not any("have one color" in note for note in said["white"])
