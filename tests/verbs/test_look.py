"""Looking inside a network through the public function: which pictures come along, and where the page is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.cli import main
from convscope.core.errors import ParameterError, StorageError
from convscope.core.progress import Plain
from convscope.verbs import look as module


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    convscope.train("digits", layout="4C3-MP2", epochs=1, output=folder, force=True)
    return folder


def test_pictures_held_out_come_along_some_with_a_wrong_answer(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(module, "render_look", lambda model, pictures, title: shown.extend(pictures) or title)
    found = convscope.look(run, force=True)
    assert found.path == run / "look.html"
    assert found.path.read_text() == "digits"
    assert found.pictures == len(shown) == 40
    model = convscope.load(run)
    answers = model.predict_proba(np.stack([one.pixels for one in shown])).argmax(1)
    wrong = answers != [one.label for one in shown]
    assert wrong[:10].all()
    held_out = convscope.extract_features(run, "digits", pool="mean")
    names = {held_out.pictures[place] for place in held_out.part("validation")}
    assert {one.name for one in shown} <= names


def test_pictures_of_ones_own_and_those_that_cannot_be_used(run: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    found = convscope.look(run / "model.safetensors", [tmp_path, tmp_path / "none.png"], output=tmp_path / "x.html")
    assert found.pictures == 2
    assert [Path(name).name for name, _ in found.unusable] == ["bad.png", "none.png"]
    with pytest.raises(StorageError, match="is already there"):
        convscope.look(run, output=tmp_path / "x.html")


def test_a_model_file_alone_names_no_folder_to_read_from(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    file.write_bytes((run / "model.safetensors").read_bytes())
    found = convscope.look(file)
    assert (found.path, found.pictures) == (tmp_path / "m.look.html", 0)
    with pytest.raises(ParameterError, match="`output` must name the file of the page"):
        convscope.look(convscope.load(run))


def test_a_set_that_is_gone_is_said_and_the_page_comes_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "ab":
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(3):
            pixels = np.random.default_rng(number + ord(name)).integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{number}.png")
    convscope.train(tmp_path / "set", layout="softmax", epochs=1, output=tmp_path / "run", cache_dir=tmp_path / "c")
    (tmp_path / "set").rename(tmp_path / "elsewhere")
    import sys

    found = convscope.look(tmp_path / "run", reporter=Plain(sys.stderr), cache_dir=tmp_path / "c")
    assert found.pictures == 0
    assert "no pictures of the training come along, name some after the model: " in capsys.readouterr().err


def test_the_command_opens_what_it_has_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["look", str(run), "-o", str(tmp_path / "x.html"), "--quiet"]) == 0
    assert opened == [(tmp_path / "x.html").as_uri()]
    assert capsys.readouterr().out.startswith(f"page    {tmp_path / 'x.html'} (0.")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    command = ["look", str(run), str(tmp_path / "bad.png"), "-o", str(tmp_path / "x.html"), "--force", "--no-open"]
    assert main(command) == 1
    assert "unusable: " in capsys.readouterr().err
    assert len(opened) == 1
