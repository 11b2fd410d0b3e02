"""A training record may say anything that JSON can: it is read once, and nothing that uses the model trusts it."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.api.cost import cost
from convscope.api.look import look
from convscope.api.predict import predict
from convscope.core.errors import ConvscopeError, ParameterError
from convscope.features.extraction import images_for
from convscope.images.sources.opening import open_source
from convscope.networks.model_file import read_model, write_model
from convscope.networks.training_record import TrainingRecord, read_training
from tests.checks.models import small_model, some_pixels
from tests.checks.reporters import Heard

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["data", "data_dir", "validation", "seed", "size", "augmentation", "flip", "name"])
PART = JSON | st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=2), max_size=4)
KEYS = st.sampled_from(["settings", "recipe", "classifier", "calibration", "seconds", "pixel_range", "epochs"])
RECORDS = st.dictionaries(KEYS, PART, max_size=4)
ODD: dict[str, dict[str, Any]] = {
    "settings": {"settings": "x"},
    "settings.data": {"settings": {"data": ["x"]}},
    "settings.data_dir": {"settings": {"data_dir": "a\0b"}},
    "settings.validation": {"settings": {"validation": 1.5}},
    "settings.seed": {"settings": {"seed": -1}},
    "recipe.augmentation": {"recipe": {"augmentation": [True]}},
    "recipe.augmentation.flip": {"recipe": {"augmentation": {"flip": "yes"}}},
    "classifier": {"classifier": 3},
    "classifier.name": {"classifier": {"name": "\x1b[31m"}},
}


@pytest.mark.parametrize("place", ODD)
def test_what_is_odd_counts_as_unknown_and_is_named(place: str) -> None:
    found = read_training(ODD[place])
    assert found.odd == (place,)
    assert dataclasses.replace(found, odd=()) == TrainingRecord()
    assert place in found.note


@given(RECORDS)
def test_every_value_that_is_read_is_of_its_type(training: dict[str, Any]) -> None:
    found = read_training(training)
    assert found.data is None or isinstance(found.data, str)
    assert found.validation is None or 0 <= found.validation < 1
    assert found.seed is None or 0 <= found.seed < 2**31
    assert found.flip in (None, True, False)
    assert bool(found.odd) == bool(found.note)


@settings(max_examples=10)
@given(training=RECORDS)
def test_a_model_with_any_record_can_be_kept_and_used(training: dict[str, Any], tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("odd")
    path = folder / "model.safetensors"
    write_model(dataclasses.replace(small_model(), training=training), path)
    model = read_model(path)
    assert predict(path, some_pixels(1), tta=True)[0].label is not None
    assert look(path, output=folder / "look.html", force=True).path.exists()
    assert cost(model, repeats=0).classes == 3
    data = (some_pixels(12), np.tile(["class 0", "class 1", "class 2"], 4))
    assert len(images_for(model, open_source(data))) == 12


@pytest.mark.parametrize("training", [None, [], "x", 3, ("a",)])
def test_a_record_that_is_no_dict_is_refused(training: Any) -> None:
    with pytest.raises(ParameterError, match="training"):
        dataclasses.replace(small_model(), training=training)


def test_a_record_that_json_cannot_hold_is_refused_when_it_is_saved(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for odd in ({1, 2}, object(), deep, 10**5_000):
        with pytest.raises(ConvscopeError, match="training"):
            write_model(dataclasses.replace(small_model(), training={"odd": odd}), tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


def test_the_user_is_told_that_the_parts_are_not_those_of_the_training() -> None:
    model, told = dataclasses.replace(small_model(), training={"settings": "x"}), Heard()
    images_for(model, open_source((some_pixels(6), ["class 0", "class 1", "class 2"] * 2)), reporter=told)
    assert any("are ignored: settings" in one for one in told.lines)
