"""What was done to a copy is told from the pixels of both files: each change by its name, none that was not made."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from sklearn.datasets import load_sample_images

from convscope.cleaning.alignment import INVERSES, TURNS
from convscope.cleaning.differences import differences
from convscope.cleaning.findings import find_problems
from convscope.images.dataset import prepare
from convscope.images.inspection import Problem
from convscope.images.sources.opening import open_source
from convscope.images.sources.source import Source

from .test_near_duplicates import photographs

TURN = {words: number for number, (words, _) in enumerate(TURNS)}


@pytest.fixture(scope="module", params=[(40, 20), (180, 90)], ids=["one part", "other part"])
def photograph(request: pytest.FixtureRequest) -> Image.Image:
    left, top = request.param
    return Image.fromarray(load_sample_images().images[0][top : top + 300, left : left + 400])


def source_of(folder: Path, original: Image.Image, copy: Image.Image, **saved: object) -> Source:
    """Write an image and its copy; return both, in this order."""
    original.save(folder / "0.png")
    copy.save(folder / "1.jpg" if saved else folder / "1.png", **saved)  # type: ignore[arg-type]  # of Pillow
    return open_source(folder, unlabeled=True)


def told(source: Source, turn: str = "", *, back: bool = False) -> str:
    """Return what is told of the copy, or of the original."""
    number = TURN[turn]
    pair, number = ([0, 1], number) if back else ([1, 0], INVERSES[number])
    (words,) = differences(source, np.array([pair]), np.array([number]))
    return words


def boxed(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).rectangle((30, 40, 90, 70), fill=(250, 20, 20))
    return image


def tilted(image: Image.Image) -> Image.Image:
    return image.rotate(4, Image.Resampling.BICUBIC).crop((20, 24, 380, 276))


LOSSLESS: dict[str, tuple[str, Callable[[Image.Image], Image.Image]]] = {
    "the same pixels, flipped": ("flipped", ImageOps.mirror),
    "the same pixels, upside down": ("upside down", lambda image: image.rotate(180)),
    "resized: 280x210 pixels, the other one 400x300": ("", lambda image: image.resize((280, 210))),
    "cropped to 90 % of the other one": ("", lambda image: image.crop((8, 5, 388, 290))),
    "cropped to 90 % of the other one, resized": ("", lambda image: image.crop((8, 5, 388, 290)).resize((500, 375))),
    "flipped, resized: 520x390 pixels, the other one 400x300": (
        "flipped",
        lambda image: ImageOps.mirror(image).resize((520, 390)),
    ),
    "brighter": ("", lambda image: image.point(lambda value: min(255, value + 12))),
    "darker, of less contrast": ("", lambda image: ImageEnhance.Brightness(image).enhance(0.6)),
    "without color": ("", lambda image: image.convert("L")),
    "changed in a part: ": ("", boxed),
    "blurred: ": ("", lambda image: image.filter(ImageFilter.GaussianBlur(2))),
    "rotated by 4°": ("", tilted),
}


@pytest.mark.parametrize("expected", LOSSLESS)
def test_what_was_done_is_told(photograph: Image.Image, tmp_path: Path, expected: str) -> None:
    turn, change = LOSSLESS[expected]
    words = told(source_of(tmp_path, photograph, change(photograph)), turn)
    if expected.endswith((": ", "°")):
        assert expected in words
    else:
        assert words == expected
    assert "recompressed" not in words


@pytest.mark.parametrize("number", [1, 2, 6, 7])
def test_a_quarter_turn_is_undone_either_way(photograph: Image.Image, tmp_path: Path, number: int) -> None:
    turned = TURNS[number][1](torch.from_numpy(np.array(photograph)).permute(2, 0, 1)).permute(1, 2, 0)
    source = source_of(tmp_path, photograph, Image.fromarray(turned.contiguous().numpy()))
    (words,) = differences(source, np.array([[1, 0]]), np.array([number]))
    assert words == f"the same pixels, {TURNS[number][0]}"
    (back,) = differences(source, np.array([[0, 1]]), np.array([INVERSES[number]]))
    assert back == words


@pytest.mark.parametrize("quality", [15, 40, 60, 90])
def test_compression_alone_is_called_so_and_nothing_else(photograph: Image.Image, tmp_path: Path, quality: int) -> None:
    source = source_of(tmp_path, photograph, photograph, quality=quality)
    assert told(source).startswith("recompressed: its pixels differ by ")
    assert told(source, back=True) == told(source)


def test_of_a_crop_each_side_is_told_its_own(photograph: Image.Image, tmp_path: Path) -> None:
    source = source_of(tmp_path, photograph, photograph.crop((0, 15, 380, 300)), quality=60)
    assert told(source) == "cropped to 90 % of the other one"
    assert told(source, back=True) == "the other one cropped to 90 % of it"


def test_equal_bytes_are_more_than_equal_pixels(photograph: Image.Image, tmp_path: Path) -> None:
    source = source_of(tmp_path, photograph, photograph)
    assert told(source) == "the same bytes"
    photograph.save(tmp_path / "1.png", compress_level=1)
    assert told(source) == "the same pixels"
    with Image.open(tmp_path / "0.png") as image:  # one level of one pixel
        image.load()
        image.putpixel((399, 299), (9, 9, 9))
        image.save(tmp_path / "1.png")
    assert told(source) == "changed in a part: its pixels differ by less than 0.1 of 255 on average"


def test_large_images_are_equal_only_at_full_scale(photograph: Image.Image, tmp_path: Path) -> None:
    large = photograph.resize((1600, 1200))
    changed = large.copy()
    changed.putpixel((0, 0), tuple(min(255, value + 1) for value in changed.getpixel((0, 0))))  # type: ignore[arg-type,union-attr]
    assert told(source_of(tmp_path, large, changed)).startswith("changed in a part")


def test_a_file_that_is_gone_is_no_reason_to_stop(photograph: Image.Image, tmp_path: Path) -> None:
    source = source_of(tmp_path, photograph, photograph, quality=60)
    (tmp_path / "1.jpg").unlink()
    assert told(source) == "almost the same image"


def near_duplicates_of(folder: Path, *, alike: tuple[str, str] | None = None) -> list[Problem]:
    """Return the near-duplicates of a folder by features that say nothing; the network may see two images as equal."""
    dataset = prepare(open_source(folder), cache_dir=folder.parent / "cache")
    if alike is not None:
        images = np.array(dataset.images)
        first, second = ([dataset.image_name(index) for index in range(len(dataset))].index(name) for name in alike)
        images[second] = images[first]
        dataset = replace(dataset, images=images)
    found = find_problems(dataset, np.random.default_rng(0).normal(size=(len(dataset), 8)).astype(np.float32))
    return [problem for problem in found.problems if problem.kind == "near-duplicate"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, image in enumerate(photographs()):
        (tmp_path / "set/train" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / "set/train" / "ab"[number % 2] / f"{number}.png")
    (tmp_path / "set/test/a").mkdir(parents=True)
    (tmp_path / "set/test/b").mkdir()
    image.rotate(180).crop((0, 0, 100, 90)).save(tmp_path / "set/test/b/own.png")
    return tmp_path / "set"


def test_of_training_and_test_the_training_image_is_the_copy_and_the_words_are_of_it(folder: Path) -> None:
    with Image.open(folder / "train/a/0.png") as image:
        image.rotate(90, expand=True).save(folder / "test/a/turned.png")
        image.resize((100, 100)).save(folder / "train/b/small.png")
    found = {problem.name: problem for problem in near_duplicates_of(folder)}
    turned = found.pop("train/a/0.png")
    assert turned.others == ("test/a/turned.png",)
    assert turned.detail == "the same pixels, rotated by a quarter turn, one in training, the other in test"
    (small,) = found.values()
    assert small.name == "train/b/small.png"
    assert "resized: 100x100 pixels, the other one 140x140" in small.detail
    assert small.detail.endswith("in the classes b and a")


def test_images_that_the_network_sees_as_equal_are_told_by_what_their_files_hold(folder: Path) -> None:
    with Image.open(folder / "train/a/0.png") as image:
        image.save(folder / "train/a/z-equal.png", compress_level=1)
        image.putpixel((3, 3), (9, 9, 9))
        image.save(folder / "train/a/z-almost.png")
    found = near_duplicates_of(folder, alike=("train/a/0.png", "train/a/z-almost.png"))
    told = {problem.name: problem.detail for problem in found}
    assert told.keys() == {"train/a/z-almost.png", "train/a/z-equal.png"}
    assert told["train/a/z-equal.png"] == "the same pixels"
    assert told["train/a/z-almost.png"].startswith("changed in a part")
