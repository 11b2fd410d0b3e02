"""Records of a comparison: they come back from JSON, and their figures are those of the trainings."""

import json
from typing import Any

import numpy as np
import pytest

from convscope.core.errors import DataError
from convscope.core.records import from_json, to_json
from convscope.core.statistics import wilson_interval
from convscope.measures.comparison.by_image import digits_of
from convscope.measures.comparison.records import Comparison, Trial

from .made_up import IMAGES, comparison, entry, trial


def test_a_comparison_goes_to_json_and_comes_back() -> None:
    found = comparison(entry("convolution", 0.9, 0.92), entry("locally-connected", why_not="It is too large."))
    assert from_json(Comparison, json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.parametrize("count", [1, 4, 5, 8, 999])
def test_which_images_were_right_comes_back_from_the_digits(count: int) -> None:
    right = np.random.default_rng(count).random(count) < 0.5
    digits = digits_of(right)
    assert len(digits) == -(-count // 4)
    found = trial(0.5, total=count, right=digits)
    assert (found.answers() == right).all()
    assert found.correct == right.sum()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"right": "ff"}, r"`right` must have a digit for every four of 1,000 images\. Got 2 digits"),
        ({"right": "z" * 250}, r"`right` must be hexadecimal digits"),
        ({"total": 0, "right": ""}, r"every four of 0 images"),
    ],
)
def test_damaged_answers_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        trial(0.5, **changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"right": 201}, r"`right` and `same` must be from 0 to `images`.* Got 201 and 160 \(of 200, shift-y\)"),
        ({"same": -1}, r"`right` and `same` must be from 0 .* Got 144 and -1"),
        ({"images": 0, "right": 0, "same": 0}, r"of which there is at least one\. Got 0 and 0 \(of 0"),
        ({"images": 300}, r"`disturbed` must be of the same images, .* Got 180 of 200 or 300"),
    ],
)
def test_damaged_counts_are_refused(changes: dict[str, Any], sentence: str) -> None:
    values = to_json(trial(0.9))
    values["disturbed"][0].update(changes)
    with pytest.raises(DataError, match=sentence):
        from_json(Trial, values)


@pytest.mark.parametrize(
    "other", [{"disturbed": ()}, {"total": 4, "right": "f"}, {"disturbed": trial(0.9).disturbed[::-1]}]
)
def test_trainings_that_were_not_judged_alike_are_refused(other: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"`trials` must be evaluated on the same images, .* \(convolution\)"):
        entry("convolution", trials=(trial(0.9), trial(0.9, seed=1, **other)))
    if "total" in other:
        with pytest.raises(DataError, match="Got 2 numbers of images"):
            entry("convolution", 0.9, curve=(trial(0.9, **other),))


def test_more_recognized_undistorted_than_there_were_is_refused() -> None:
    with pytest.raises(DataError, match=r"Got 201 of 200\. Compare anew"):
        trial(0.9, undisturbed=201)


def test_the_interval_of_one_training_is_wilsons_that_of_several_is_students() -> None:
    once, thrice = entry("convolution", 0.9), entry("convolution", 0.89, 0.90, 0.91)
    assert once.interval == wilson_interval(900, IMAGES)
    low, high = thrice.interval
    assert (low + high) / 2 == pytest.approx(0.9)
    assert high - low == pytest.approx(2 * 4.3027 * 0.01 / 3**0.5, rel=1e-4)  # t of 2 degrees of freedom


def test_points_of_a_distortion_have_the_undistorted_one_among_them() -> None:
    points = entry("convolution", 0.9, 0.8, keeps=0.5).points("shift-y")
    assert [point.value for point in points] == [-2, 0, 2]
    assert [point.accuracy for point in points] == pytest.approx([0.425, 0.85, 0.425])
    assert entry("convolution", 0.9).points("rotation") == ()


def test_an_older_trial_without_distortions_can_be_read() -> None:
    plain = {"seed": 0, "trained_on": 9, "epochs": 1, "seconds": 1.0, "total": 4, "right": "f"}
    assert from_json(Trial, plain).correct == 4
