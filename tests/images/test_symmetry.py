"""Whether left and right may change places, found in the images themselves."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from convscope.images.symmetry import detect_symmetry


def noise(count: int, channels: int = 1, side: int = 12) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def letters(count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return drawings of b (0) and d (1): a bowl with a stem at its left or right, moved a little, with noise."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (count, 16, 16, 1), dtype=np.uint8)
    labels = rng.permutation(np.arange(count) % 2)
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(0, 3), rng.integers(0, 4)  # as often left of the middle as right of it
        image[top + 6 : top + 13, left + 3 : left + 10] += 150
        stem = left + 3 if label == 0 else left + 9
        image[top : top + 13, stem] = 210
    return images, labels


def test_digits_are_not_flipped() -> None:
    digits = load_digits()
    symmetry = detect_symmetry(digits.images[..., None].astype(np.uint8), digits.target, tuple("0123456789"))
    assert not symmetry.flip
    assert "left and right differ in class" in symmetry.reason


def test_letters_that_are_mirror_images_of_each_other_are_not_flipped() -> None:
    images, labels = letters(200)
    assert not detect_symmetry(images, labels, ("b", "d")).flip


def test_a_class_that_shows_both_sides_alike_is_flipped() -> None:
    images, labels = letters(200)
    symmetry = detect_symmetry(images, np.zeros_like(labels), ("b or d",))
    assert symmetry.flip
    assert symmetry.reason == "left and right look alike in every class"


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_is_flipped(channels: int) -> None:
    assert detect_symmetry(noise(400, channels), np.arange(400) % 4, ("a", "b", "c", "d")).flip


def test_one_lopsided_class_is_enough() -> None:
    images, labels = noise(200), np.arange(200) % 2
    images[labels == 1, :, :6] //= 3
    symmetry = detect_symmetry(images, labels, ("even", "odd"))
    assert not symmetry.flip
    assert "in class 'odd'" in symmetry.reason


def test_the_answer_is_the_same_for_flipped_images() -> None:
    images, labels = letters(200)
    flipped = np.ascontiguousarray(images[:, :, ::-1])
    assert detect_symmetry(images, labels, ("b", "d")).flip == detect_symmetry(flipped, labels, ("b", "d")).flip


def test_gray_images_are_evaluated_alike_in_one_channel_and_in_three() -> None:
    images, labels = letters(200)
    assert detect_symmetry(np.repeat(images, 3, axis=3), labels, ("b", "d")) == detect_symmetry(
        images, labels, ("b", "d")
    )


@pytest.mark.parametrize(("channels", "flip", "kind"), [(1, False, "gray"), (3, True, "color")])
def test_with_few_images_only_photographs_are_flipped(channels: int, flip: bool, kind: str) -> None:
    symmetry = detect_symmetry(noise(10, channels), np.arange(10) % 2, ("a", "b"))
    assert symmetry.flip is flip
    assert symmetry.reason == f"{kind} images, too few per class to test"


@pytest.mark.parametrize("side", [1, 2, 5])
def test_images_of_one_value_and_of_few_pixels_are_evaluated(side: int) -> None:
    assert detect_symmetry(np.zeros((60, side, side, 1), np.uint8), np.arange(60) % 2, ("a", "b")).flip


@pytest.mark.parametrize("shape", [(28, 28, 1), (13, 17, 3), (1, 1, 1)])
def test_both_sides_of_a_symmetric_image_are_equal_to_the_bit(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (48, *shape), dtype=np.uint8)
    images = np.maximum(images, images[:, :, ::-1])
    assert detect_symmetry(images, np.zeros(48, np.int64), ("one",)).flip
