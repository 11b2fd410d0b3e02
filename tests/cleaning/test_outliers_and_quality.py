"""Outliers and bad images: what was put in stands out, whatever the other images are."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from convscope.cleaning.calibration import PRECISION, least_value, precision_at
from convscope.cleaning.quality import DETAILS, oddness, outlyingness, statistics_of

from .test_near_duplicates import photographs, seen

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "clean.json"
SPOILS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(3)),
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.15),
    "over-exposed": lambda image: ImageEnhance.Brightness(image).enhance(6),
    "other kind": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("kind", SPOILS)
def test_a_spoiled_image_stands_out_most(kind: str) -> None:
    images = photographs()
    spoiled = 5
    images[spoiled] = SPOILS[kind](images[spoiled])
    found = oddness(statistics_of(seen(images)))
    assert set(found) == set(SPOILS)
    assert found[kind].argmax() == spoiled


@pytest.mark.parametrize("value", [0, 255])
def test_a_set_that_is_all_alike_has_nothing_odd(value: int) -> None:
    found = oddness(statistics_of(np.full((30, 16, 16, 1), value, np.uint8)))
    assert all((precision_at(kind, values) < 0.5).all() for kind, values in found.items())


def test_an_image_far_from_all_others_is_the_outlier_even_with_a_copy() -> None:
    rng = np.random.default_rng(0)
    features = (np.repeat(rng.normal(size=(4, 12)), 50, axis=0) + 0.2 * rng.normal(size=(200, 12))).astype(np.float32)
    features[[7, 8]] = rng.normal(size=12)  # in none of the four clusters
    assert set(np.argsort(-outlyingness(features))[:2].tolist()) == {7, 8}


@pytest.mark.parametrize("kind", PRECISION)
def test_scores_grow_with_what_is_measured_and_are_precisions(kind: str) -> None:
    raw, precision = (np.array(values) for values in zip(*PRECISION[kind], strict=True))
    assert (np.diff(raw) > 0).all()
    assert (np.diff(precision) >= 0).all()
    assert precision.min() >= 0
    assert precision.max() <= 1
    assert precision_at(kind, least_value(kind, 0.5)) == pytest.approx(0.5)


def test_scores_are_those_of_the_benchmark() -> None:
    measured = json.loads(RESULTS.read_text())["precision"]
    assert {kind: tuple(map(tuple, curve)) for kind, curve in measured.items()} == PRECISION


def test_every_kind_has_words() -> None:
    assert set(DETAILS) <= set(PRECISION)


@pytest.mark.parametrize("side", [4, 8, 13])
def test_small_images_have_finite_statistics(side: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, side, side, 1), dtype=np.uint8)
    assert all(np.isfinite(values).all() for values in oddness(statistics_of(images)).values())
