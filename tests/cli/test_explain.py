"""``convscope explain``: text, one JSON document, files, and sentences."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.api.train import train
from convscope.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain") / "run"
    train("digits", layout="4C3-MP2-6N", epochs=2, output=folder)
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(folder / "line.png")
    return folder


def test_every_method_and_how_far_it_can_be_trusted(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(run), str(run / "line.png"), "--faithfulness", "6", "--quiet"]) == 0
    out = capsys.readouterr().out
    for text in (
        "line.png: ",
        "  Occlusion: loses up to ",
        "  Grad-CAM: maps of pooling1",
        "  Contributions: pixels ",
        "  Nearest training images: ",
        "Faithfulness on 6 images of digits (validation): areas and 95 % intervals\norder of pixels ",
        "edge filter (Sobel) ",
        "random order ",
        "better than an edge filter (",
        "of images have neighbors of the predicted class",
    ):
        assert text in out


def test_one_document(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--methods", "contributions", "--faithfulness", "0", "--json", "--quiet"]
    assert main(["explain", str(run), str(run / "line.png"), *words]) == 0
    data = json.loads(capsys.readouterr().out)
    assert set(data) == {"explanations", "faithfulness", "skipped", "unusable"}
    assert np.shape(data["explanations"][0]["attributions"][0]["values"]) == (8, 8)


def test_an_image_that_cannot_be_read_ends_with_1(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "broken.png").write_bytes(b"nothing")
    words = ["--methods", "contributions", "--faithfulness", "0"]
    assert main(["explain", str(run), str(run / "line.png"), str(run / "broken.png"), *words]) == 1
    assert "broken.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--target", "eleven"], "`--target` must be one of 0, 1"), (["--methods", "cam"], "`--methods` must be one of")],
)
def test_what_does_not_exist_is_one_sentence(
    run: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(run), str(run / "line.png"), *words]) == 2
    err = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in err
    assert err.startswith("Error: ")
