"""A run goes on where its images are now; a place that leads back has its real name; sizes of a few pixels."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import convscope
from convscope.cli.group import main
from convscope.core.errors import ConvscopeError, DataError, ParameterError
from convscope.images.sizes import ImageOptions, parse_size
from convscope.measures.distortions.distortion import Distortion
from convscope.networks.model_file import write_model
from convscope.options.data import data_name, refuse_among_images
from tests.checks.models import small_model
from tests.checks.reporters import Heard

QUICK: dict[str, Any] = {"layout": "4C3-MP2", "validation": 0.25, "seed": 1}


def _folder(root: Path, *, shift: int = 0) -> Path:
    for number, name in enumerate(("a", "b")):
        (root / name).mkdir(parents=True)
        for place in range(8):
            pixels = np.random.default_rng(100 * number + place + shift).integers(0, 255, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{place}.png")
    return root


@pytest.fixture
def cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, dict[str, torch.Tensor]]:
    """Return a run that was cut off, its images (moved since), and the weights that it would have come to."""
    images = _folder(tmp_path / "p")
    whole = convscope.train(images, epochs=2, output=tmp_path / "whole", **QUICK).model.network.state_dict()
    monkeypatch.setattr("convscope.api.train_layout.save_trained", _cut)
    with pytest.raises(KeyboardInterrupt):
        convscope.train(images, epochs=2, output=tmp_path / "run", **QUICK)
    monkeypatch.undo()
    shutil.move(images, tmp_path / "moved")
    return tmp_path / "run", tmp_path / "moved", whole


def _cut(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_run_goes_on_where_its_images_are_now(cut_off: tuple[Path, Path, dict[str, torch.Tensor]]) -> None:
    run, moved, whole = cut_off
    with pytest.raises(DataError, match="no longer at .*train NEW-PLACE --resume RUN"):
        convscope.train(resume=run)
    resumed = convscope.train(moved, resume=run).model
    assert all(torch.equal(value, whole[name]) for name, value in resumed.network.state_dict().items())
    assert json.loads((run / "settings.json").read_text())["settings"]["data"] == str(moved)
    assert resumed.learned.data == str(moved)
    heard = Heard()
    assert convscope.look(run, progress=heard).images == 4, heard.lines


def test_other_images_are_not_taken_for_those_of_the_run(
    cut_off: tuple[Path, Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    run, moved, _ = cut_off
    before = (run / "settings.json").read_bytes()
    with pytest.raises(ParameterError, match="must find the images of the run"):
        convscope.train(_folder(tmp_path / "others", shift=1), resume=run)
    (moved / "a" / "0.png").unlink()
    with pytest.raises(ParameterError, match="must find the images of the run"):
        convscope.train(moved, resume=run)
    assert (run / "settings.json").read_bytes() == before


def test_look_says_where_images_were_that_moved(tmp_path: Path) -> None:
    images, heard = _folder(tmp_path / "p"), Heard()
    convscope.train(images, epochs=1, output=tmp_path / "run", **QUICK)
    shutil.move(images, tmp_path / "moved")
    assert convscope.look(tmp_path / "run", progress=heard).images == 0
    assert any("no longer at" in line and "--resume RUN" in line for line in heard.lines)


@pytest.mark.parametrize("place", ["..", ".", "../..", "../../p/", "../../p/.", "../../p/a/.."])
def test_what_leads_back_has_its_real_name(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = _folder(tmp_path / "p") / "a"
    monkeypatch.chdir(inside)
    kept = data_name(place)
    assert ".." not in Path(kept).parts
    assert Path(kept).name == Path(place).resolve().name
    with pytest.raises(ParameterError, match="outside the folder of images") as raised:
        refuse_among_images(Path(kept) / "runs", kept)
    assert ".." not in str(raised.value).split("-o ")[1]


def test_a_link_keeps_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "set")
    assert data_name(tmp_path / "link") == str(tmp_path / "link")
    assert "runs" in _hint(Path("/"))


def _hint(images: Path) -> str:
    with pytest.raises(ParameterError) as raised:
        refuse_among_images(images / "runs", str(images))
    return str(raised.value)


@pytest.mark.parametrize("size", ["0", "16385", "16384x16384", "99999", "4097x4096"])
def test_there_is_one_limit_for_sizes(size: str) -> None:
    sides = [int(side) for side in size.split("x")]
    sentences = set()
    for ask in (lambda: parse_size(size), lambda: ImageOptions(size=tuple(sides) if len(sides) > 1 else sides[0])):
        with pytest.raises(ParameterError, match="from 1 to 16384 a side and 16,777,216 in all") as raised:
            ask()
        sentences.add(str(raised.value).split("Got")[0])
    assert len(sentences) == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (1, 2)])
def test_images_of_few_pixels_are_measured_shown_and_drawn(size: tuple[int, int], tmp_path: Path) -> None:
    model = small_model("4N", height=size[0], width=size[1])
    images = np.random.default_rng(0).integers(0, 255, (12, *size, 3)).astype(np.uint8)
    data = (images, np.array(list(model.classes) * 4))
    write_model(model, tmp_path / "model.safetensors")
    np.savez(tmp_path / "set.npz", x=data[0], y=data[1])
    found = convscope.measure(model, data, images=6)
    assert found.curves
    assert all(curve.points for curve in found.curves)
    convscope.look(model, images, output=tmp_path / "look.html")
    convscope.draw("layout", model, output=tmp_path / "layout.png")
    convscope.draw("maps", model, images[0], output=tmp_path / "maps.png")
    words = ["measure", str(tmp_path / "model.safetensors"), str(tmp_path / "set.npz"), "--quiet", "--images", "6"]
    assert main([*words, "--what", "all"]) == 0


def test_what_is_too_small_for_a_distortion_is_left_out_and_for_all_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Distortion.strengths
    monkeypatch.setattr(Distortion, "strengths", lambda self, side: () if self.unit == "px" else usual(self, side))
    model, heard = small_model("4N", height=1, width=1), Heard()
    data = (np.zeros((6, 1, 1, 3), np.uint8), np.array(list(model.classes) * 2))
    with pytest.raises(ConvscopeError, match="large enough"):
        convscope.measure(model, data, distortions=["shift-x"], output=tmp_path / "m.json")
    assert not list(tmp_path.iterdir())
    found = convscope.measure(model, data, distortions=["shift-x", "noise"], progress=heard)
    assert [curve.distortion for curve in found.curves] == ["noise"]
    assert any("too small: shift-x" in line for line in heard.lines)
