"""Records of a comparison: they return from JSON, and their numbers are those of the runs."""

import json
from typing import Any

import numpy as np
import pytest

from convscope.core.errors import DataError
from convscope.core.records import from_json, to_json
from convscope.core.statistics import wilson_interval
from convscope.measures.comparison.records import Comparison, VariantRun, digits_of

from .made_up import IMAGES, comparison, run, variant


def test_a_comparison_goes_to_json_and_returns() -> None:
    found = comparison(variant("convolution", 0.9, 0.92), variant("locally-connected", skipped="It is too large."))
    assert from_json(Comparison, json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.parametrize("count", [1, 4, 5, 8, 999])
def test_which_images_are_correct_returns_from_the_digits(count: int) -> None:
    correct = np.random.default_rng(count).random(count) < 0.5
    digits = digits_of(correct)
    assert len(digits) == -(-count // 4)
    found = run(0.5, total=count, correct_digits=digits)
    assert (found.correct() == correct).all()
    assert found.accuracy.correct == correct.sum()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"correct_digits": "ff"}, "1,000 images"),
        ({"correct_digits": "z" * 250}, "hexadecimal"),
        ({"total": 16, "correct_digits": "ff  "}, "hexadecimal"),
        ({"total": 0, "correct_digits": ""}, "at least 1"),
        ({"clean_digits": "f" * 51}, "200 images"),
        ({"clean_digits": "z" * 50}, "hexadecimal"),
        ({"distorted": run(0.5).distorted[:1] * 2}, "once"),
    ],
)
def test_damaged_digits_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(DataError, match=word):
        run(0.5, **changes)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"correct": [201, 144]}, "outside"),
        ({"same": [-1, 0]}, "outside"),
        ({"same": [1]}, "2 strengths"),
        ({"strengths": [], "correct": [], "same": []}, "0 strengths"),
        ({"image_counts": ""}, "counts"),
        ({"image_counts": "1x0"}, "outside|hexadecimal"),
        ({"image_counts": "3" * 200}, "3 strengths of 2"),
        ({"image_counts": "2" * 200}, "400 correct by image"),
    ],
)
def test_damaged_counts_are_refused(changes: dict[str, Any], word: str) -> None:
    values = to_json(run(0.9))
    values["distorted"][0].update(changes)
    with pytest.raises(DataError, match=word):
        from_json(VariantRun, values)


@pytest.mark.parametrize(
    "other", [{"distorted": ()}, {"total": 4, "correct_digits": "f"}, {"distorted": run(0.9).distorted[::-1]}]
)
def test_runs_that_are_not_evaluated_alike_are_refused(other: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="same images"):
        variant("convolution", runs=(run(0.9), run(0.9, seed=1, **other)))
    if "total" in other:
        with pytest.raises(DataError, match="2 numbers of images"):
            variant("convolution", 0.9, curve=(run(0.9, **other),))


def test_the_interval_of_one_run_is_wilsons_that_of_several_is_students() -> None:
    once, thrice = variant("convolution", 0.9), variant("convolution", 0.89, 0.90, 0.91)
    assert once.interval == wilson_interval(900, IMAGES)
    low, high = thrice.interval
    assert (low + high) / 2 == pytest.approx(0.9)
    assert high - low == pytest.approx(2 * 4.3027 * 0.01 / 3**0.5, rel=1e-4)  # t of 2 degrees of freedom


def test_points_of_a_distortion_include_the_clean_accuracy() -> None:
    points = variant("convolution", 0.9, 0.8, robustness=0.5).points("shift-y")
    assert [point.strength for point in points] == [-2, 0, 2]
    assert [point.accuracy for point in points] == pytest.approx([0.425, 0.85, 0.425])
    assert variant("convolution", 0.9).points("rotation") == ()


def test_a_run_without_distortions_needs_no_clean_digits() -> None:
    plain = {"seed": 0, "trained_on": 9, "epochs": 1, "seconds": 1.0, "total": 4, "correct_digits": "f"}
    assert from_json(VariantRun, plain).accuracy.correct == 4
