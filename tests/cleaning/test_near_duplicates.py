"""Near-duplicates: changed copies of photographs are found, other photographs and other parts of them are not."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images

from convscope.cleaning.alignment import TURNS, align
from convscope.cleaning.near_duplicates import near_duplicates, squares

SIDE_PX = 96
Pixels = NDArray[np.uint8]


def photographs() -> list[Image.Image]:
    """Return crops of two photographs that do not overlap."""
    parts = []
    for pixels in load_sample_images().images:  # 427 × 640
        parts += [
            Image.fromarray(pixels[top : top + 140, left : left + 140])
            for top in (0, 142, 284)
            for left in range(0, 640 - 140, 142)
        ]
    return parts


def seen(images: list[Image.Image]) -> Pixels:
    return np.stack([np.asarray(image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)) for image in images])


def no_features(count: int) -> NDArray[np.float32]:
    """Return features that say nothing."""
    return np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "brighter": lambda image: image.point(lambda value: int(min(255, 1.15 * value + 8))),
    "smaller": lambda image: image.resize((70, 70)),
    "wider": lambda image: image.resize((180, 140)),
    "cropped on the left": lambda image: image.crop((7, 0, 140, 140)),
    "cropped all around": lambda image: image.crop((4, 4, 136, 136)),
    "flipped": ImageOps.mirror,
    "upside down": lambda image: image.rotate(180),
    "rotated": lambda image: image.rotate(90),
    "flipped, rotated, cropped": lambda image: ImageOps.mirror(image).rotate(270).crop((7, 5, 140, 138)),
    "turned a little": lambda image: image.rotate(4, Image.Resampling.BICUBIC).crop((6, 6, 134, 134)),
}


@pytest.fixture(scope="module")
def originals() -> list[Image.Image]:
    return photographs()


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_without_the_help_of_features(originals: list[Image.Image], change: str) -> None:
    copies = [CHANGES[change](image) for image in originals[::4]]
    images = seen([*originals, *copies])
    found = near_duplicates(squares(images), no_features(len(images)), 0.5)
    expected = {(4 * number, len(originals) + number) for number in range(len(copies))}
    pairs = set(map(tuple, found.pairs.tolist()))
    assert len(pairs & expected) >= len(expected) - 1
    assert pairs <= expected


def test_parts_of_one_photograph_are_not_copies(originals: list[Image.Image]) -> None:
    found = near_duplicates(squares(seen(originals)), no_features(len(originals)), 0.5)
    assert len(found.pairs) == 0


def test_images_of_one_color_are_not_copies_of_each_other() -> None:
    images = np.broadcast_to(np.arange(0, 240, 8, dtype=np.uint8)[:, None, None, None], (30, 64, 64, 3))
    assert len(near_duplicates(squares(images), no_features(30), 0.5).pairs) == 0


def test_each_turn_is_undone_by_its_function(originals: list[Image.Image]) -> None:
    grays = squares(seen(originals[:3]))
    turned = [turn(grays) for _, turn in TURNS]
    assert len({tuple(one.flatten().tolist()) for one in turned}) == len(TURNS) == 8
    for one in turned:  # some turn takes it back
        assert any(torch.equal(turn(one), grays) for _, turn in TURNS)


def test_alignment_finds_a_motion_that_it_is_not_told(originals: list[Image.Image]) -> None:
    whole = squares(seen(originals))
    moved = squares(seen([image.crop((12, 3, 138, 139)) for image in originals]))
    assert np.median(align(whole, moved)) > 0.7
    assert np.median(align(whole, moved.roll(1, 0))) < 0.2


def test_a_turned_image_may_move_less_for_outlines_fit_each_other(originals: list[Image.Image]) -> None:
    whole = squares(seen(originals))
    moved = squares(seen([image.crop((17, 0, image.width, image.height - 17)) for image in originals]))
    assert np.median(align(whole, moved)) > 0.7
    assert np.median(align(whole, moved, turned=True)) == 0
