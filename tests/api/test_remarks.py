"""What is not as it should be with images is said by every command that reads them; those left out are exit code 1."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.cli.group import main
from convscope.images.preprocessing import Preprocessing
from convscope.images.transparency import VANISHED
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.model_file import write_model
from tests.checks.reporters import Heard
from tests.images.generated import folder

SAID = f"1 image is invisible, {Path('b', 'drawing.png')}: {VANISHED}; convscope check names all"
CUT = "the file is cut off"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    network = Network(Layout.parse("2C3-MP2"), height=12, width=12, channels=1, classes=2).eval()
    step = Preprocessing(height=12, width=12, channels=1)
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    write_model(Model(network=network, classes=("a", "b"), preprocessing=step), path)
    return str(path)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write two classes with a black drawing on nothing, a file that is cut off and one that is not read."""
    top = folder(tmp_path_factory.mktemp("data") / "set", each=12, size=(12, 12))
    ink = np.zeros((12, 12, 4), np.uint8)
    ink[3:9, 5:7, 3] = 255
    Image.fromarray(ink).save(top / "b" / "drawing.png")
    (top / "a" / "cut.png").write_bytes((top / "a" / "0.png").read_bytes()[:150])
    (top / "a" / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic")
    return top


MEASURING: dict[str, list[str]] = {
    "distortions": ["--distortions", "shift-x", "--strengths", "1"],
    "units": ["--what", "units", "--ablation", "0"],
}


@pytest.mark.parametrize("what", MEASURING)
def test_measure_names_them_and_its_exit_code_tells_of_those_left_out(
    what: str, model: str, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["measure", model, str(images), "--json", *MEASURING[what]]) == 1
    said = capsys.readouterr()
    assert SAID in said.err
    assert f"unusable: {Path('a', 'cut.png')}: {CUT}" in said.err
    assert f"unusable: {Path('a', 'photo.heic')}: it is an image in an unsupported format: HEIC" in said.err
    assert "unusable" not in json.loads(said.out)  # the document is as it was


def test_python_has_what_measure_left_out(model: str, images: Path) -> None:
    heard = Heard()
    options: dict[str, Any] = {"progress": heard}
    found = convscope.measure(model, images, distortions=["shift-x"], strengths=[1], **options)
    assert [one.name for one in found.unusable] == [str(Path("a", "cut.png")), str(Path("a", "photo.heic"))]
    assert heard.lines.count(SAID) == 1


def test_compare_ends_so_too(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--variants",
        "pixels-softmax",
        "--layout",
        "2C3-MP2",
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--test-images",
        "10",
    ]
    (tmp_path / "more").mkdir()
    top = folder(tmp_path / "more", each=30, size=(12, 12))
    (top / "a" / "cut.png").write_bytes((images / "a" / "cut.png").read_bytes())
    assert main(["compare", str(top), "-o", str(tmp_path / "done"), *words]) == 1
    assert f"unusable: {Path('a', 'cut.png')}: {CUT}" in capsys.readouterr().err


@pytest.mark.parametrize("extractor", ["model", "pixels"])
def test_features_names_them(
    extractor: str, model: str, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["features", model if extractor == "model" else extractor, str(images), "-o", str(tmp_path / "f.npz")]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert f"unusable: {Path('a', 'cut.png')}: {CUT}" in said
    assert (SAID in said) == (extractor == "model")  # by itself a set gets a background that shows the drawing


def test_look_and_draw_name_the_image(
    model: str, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = images / "b" / "drawing.png"
    assert main(["look", model, str(drawing), "-o", str(tmp_path / "look.html")]) == 0
    assert f"note: {drawing}: {VANISHED}" in capsys.readouterr().err
    assert main(["draw", "maps", model, str(drawing), "-o", str(tmp_path / "maps.png")]) == 0
    assert f"note: {drawing}: {VANISHED}" in capsys.readouterr().err


@pytest.mark.parametrize("color", [0, 255])
def test_check_and_train_name_drawings_that_their_background_swallows(color: int, tmp_path: Path) -> None:
    top = folder(tmp_path / "set", each=6, size=(12, 12))
    for name in ("a", "b"):  # framed in the other color, which decides the background
        for file in (top / name).iterdir():
            Image.fromarray(np.pad(np.asarray(Image.open(file).convert("L")), 1, constant_values=color)).save(file)
    ink = np.full((14, 14, 4), color, np.uint8)
    ink[..., 3] = 0
    ink[4:10, 6:8, 3] = 255
    Image.fromarray(ink).save(top / "b" / "drawing.png")
    found = convscope.check(top)
    assert [(one.name, one.detail) for one in found.of_kind("invisible")] == [(str(Path("b", "drawing.png")), VANISHED)]
    heard = Heard()
    options: dict[str, Any] = {"layout": "2C3-MP2", "epochs": 1, "batch": 4, "progress": heard}
    convscope.train(top, output=tmp_path / "run", **options)
    assert SAID in heard.lines
