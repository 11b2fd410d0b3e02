"""``convscope look`` as a user calls it."""

import webbrowser
from pathlib import Path

import pytest

from convscope.cli import main
from convscope.networks.model_file import write_model
from tests.checks.models import small_model, some_pixels
from tests.page.test_look_page import data_of


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder with a model, and two images, in the current folder."""
    from PIL import Image

    write_model(small_model(), tmp_path / "run" / "model.safetensors")
    for place, pixels in enumerate(some_pixels(2, 30, 40)):
        Image.fromarray(pixels).save(tmp_path / f"{place}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were opened; no browser is."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) or True)
    return addresses


def test_the_page_is_written_and_opened(here: Path, opened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["look", "run", "0.png", "1.png"]) == 0
    assert capsys.readouterr().out.startswith("page    run/look.html (2 images, 0.")
    assert opened == [(here / "run" / "look.html").as_uri()]


def test_with_no_open_it_is_only_written(here: Path, opened: list[str]) -> None:
    assert main(["look", "run", "0.png", "-o", "x.html", "--no-open"]) == 0
    assert (here / "x.html").is_file()
    assert opened == []


def test_an_image_that_cannot_be_read_is_named_and_the_exit_code_says_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "2.png").touch()
    assert main(["look", "run", "0.png", "2.png", "--no-open"]) == 1
    out, err = capsys.readouterr()
    assert "(1 image, " in out
    assert "unusable: 2.png: the file is empty (0 bytes)" in err


def test_what_stands_there_is_kept_unless_forced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "x.html").write_text("mine")
    assert main(["look", "run", "0.png", "-o", "x.html", "--no-open"]) == 2
    assert "x.html is already there and is not overwritten" in capsys.readouterr().err
    assert (here / "x.html").read_text() == "mine"
    assert main(["look", "run", "0.png", "-o", "x.html", "--no-open", "--force"]) == 0
    assert (here / "x.html").read_text() != "mine"


def test_a_second_model_goes_beside(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_model(small_model("5N"), here / "flat.safetensors")
    assert main(["look", "run", "0.png", "--beside", "flat.safetensors", "--no-open"]) == 0
    capsys.readouterr()
    assert '"layout":"5N"' in data_of((here / "run" / "look.html").read_text(encoding="utf-8"))
