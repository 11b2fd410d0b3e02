"""The recipe refuses numbers that no training can have."""

import json
from typing import Any

import numpy as np
import pytest

from convscope.core.errors import ParameterError
from convscope.core.records import from_json, to_json
from convscope.images.augmentation import Augmentation
from convscope.training.recipe import Recipe


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("epochs", 0, "a whole number from 1 to 1,000,000"),
        ("epochs", 2.5, "a whole number from 1 to 1,000,000"),
        ("epochs", True, "a whole number from 1"),
        ("epochs", "3", "a whole number from 1"),
        ("batch", 1, "a whole number from 2 to 65,536"),
        ("batch", 65_537, "a whole number from 2 to 65,536"),
        ("learning_rate", 0.0, "a number from 1e-09 to 1,000"),
        ("learning_rate", float("nan"), "a number from"),
        ("learning_rate", float("inf"), "a number from"),
        ("learning_rate", "fast", "a number from"),
        ("weight_decay", -0.1, "a number from 0 to 100"),
        ("warmup", 1.0, "a number from 0 to 0.99"),
        ("smoothing", 1.0, "a number from 0 to 0.99"),
        ("averaging", 1.5, "a number from 0 to 1"),
    ],
)
def test_a_number_out_of_range_is_refused(name: str, value: Any, rule: str) -> None:
    with pytest.raises(ParameterError, match=rf"`{name}` must be {rule}.*Got {value!r}"):
        Recipe(**({"epochs": 1} | {name: value}))


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(
        ParameterError, match="`precision` must be one of float32, bfloat16. Got 'bfloat61'. Did you mean"
    ):
        Recipe(epochs=1, precision="bfloat61")  # type: ignore[arg-type]  # on purpose


def test_a_recipe_goes_to_json_and_comes_back_equal() -> None:
    recipe = Recipe(epochs=3, learning_rate=0.1, augmentation=Augmentation(shift=2, erase=0.3), balance=True)
    assert from_json(Recipe, to_json(recipe)) == recipe


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("shift", -1, "a whole number from 0 to 1024"),
        ("shift", 0.5, "a whole number from 0 to 1024"),
        ("rotate", 181, "a number from 0 to 180"),
        ("rotate", float("nan"), "a number from 0 to 180"),
        ("scale", 0.95, "a number from 0 to 0.9"),
        ("erase", 1.1, "a number from 0 to 1"),
        ("erase", "half", "a number from 0 to 1"),
        ("erase", np.array([1]), "a number from 0 to 1"),
    ],
)
def test_a_strength_out_of_range_is_refused(name: str, value: Any, rule: str) -> None:
    with pytest.raises(ParameterError, match=f"`{name}` must be {rule}. Got"):
        Augmentation(**{name: value})


def test_numbers_of_numpy_in_a_record_become_plain_ones_in_json() -> None:
    found = to_json({"seeds": np.int64(3), "parts": (np.float32(0.25), np.bool_(True))})
    assert json.loads(json.dumps(found)) == {"seeds": 3, "parts": [0.25, True]}
