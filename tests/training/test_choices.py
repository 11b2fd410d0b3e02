"""What is chosen for a set when the user does not choose."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from convscope.core.errors import ParameterError
from convscope.core.machine import machine
from convscope.core.precision import choose_precision
from convscope.networks.layout import Layout
from convscope.options.train import TrainOptions
from convscope.training.choices import (
    choose_network,
    choose_recipe,
    default_batch,
    default_epochs,
)
from convscope.training.loop import steps_per_epoch
from convscope.training.training_data import TrainingData


def examples(count: int = 100, *, side: int = 28, flippable: bool | None = False, name: str = "set") -> TrainingData:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side, 1), dtype=np.uint8)
    data = TrainingData.of_arrays(images, np.arange(count) % 2, classes=2)
    return replace(data, class_names=("a", "b"), name=name, flippable=flippable)


def test_more_images_never_mean_more_epochs_or_smaller_batches() -> None:
    counts = [1, 2, 10, 100, 1_000, 10_000, 100_000, 10_000_000]
    epochs, batches = [default_epochs(n, flip=False) for n in counts], [default_batch(n) for n in counts]
    assert epochs == sorted(epochs, reverse=True)
    assert batches == sorted(batches)
    assert min(epochs) >= 1
    assert min(batches) >= 2


def test_what_the_user_says_goes_first() -> None:
    said: dict[str, Any] = {"epochs": 3, "batch": 17, "learning_rate": 0.5, "smoothing": 0.0, "balance": True}
    changes: dict[str, Any] = {"shift": 0, "flip": True, "rotate": 3.0, "scale": 0.2, "erase": 0.5}
    recipe = choose_recipe(examples(), TrainOptions(**said, **changes, precision="float32")).recipe
    assert {name: getattr(recipe, name) for name in said} == said
    assert {name: getattr(recipe.augmentation, name) for name in changes} == changes
    assert recipe.precision == "float32"


@pytest.mark.parametrize(
    ("flippable", "asked", "flip", "reason"),
    [
        (False, None, False, "known for letters"),
        (True, None, True, "known for letters"),
        (False, True, True, "--flip"),
        (True, False, False, "--no-flip"),
        (None, None, True, "look alike in every class"),
    ],
)
def test_flips_come_from_the_user_or_the_set_or_the_images_and_the_note_says_which(
    flippable: bool | None, asked: bool | None, flip: bool, reason: str
) -> None:
    choice = choose_recipe(examples(flippable=flippable, name="letters"), TrainOptions(flip=asked))
    assert choice.recipe.augmentation.flip is flip
    assert reason in choice.notes[1]


def test_only_what_is_learned_from_decides_about_flips() -> None:
    some = examples(200, flippable=None)
    lopsided = some.images.clone()
    lopsided[100:, :, :14] //= 4
    half = replace(some, images=lopsided, training=torch.arange(100))
    assert choose_recipe(half, TrainOptions()).recipe.augmentation.flip
    assert not choose_recipe(replace(half, training=torch.arange(100, 200)), TrainOptions()).recipe.augmentation.flip


def test_shifts_grow_with_the_shorter_side_and_tiny_images_are_not_shifted() -> None:
    shifts = [
        choose_recipe(examples(10, side=side), TrainOptions()).recipe.augmentation.shift for side in (1, 4, 8, 28, 64)
    ]
    assert shifts == sorted(shifts)
    assert shifts[0] == 0
    assert shifts[3] == 2


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_is_chosen_only_where_the_processor_has_it(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(machine(), bfloat16=native)
    monkeypatch.setattr("convscope.core.precision.machine", lambda: changed)
    assert choose_precision("auto") == ("bfloat16" if native else "float32")
    assert choose_precision("bfloat16") == "bfloat16"
    assert choose_precision("float32") == "float32"


def test_a_quicker_recipe_never_takes_more_epochs_and_the_user_is_told_of_the_others() -> None:
    kinds = ({"gray": True}, {"gray": False}, {"gray": False, "wide": True})
    for images, flip, one in itertools.product((10, 1_000, 20_000, 60_000, 10**6), (False, True), kinds):
        kind = {"flip": flip, **one}
        epochs = [default_epochs(images, **kind, recipe=name) for name in ("quick", "balanced", "best")]
        assert 1 <= epochs[0] < epochs[1] < epochs[2]
    for name in ("quick", "balanced", "best"):
        assert f"recipe {name}" in choose_recipe(examples(), TrainOptions(recipe=name)).notes[0]


def test_an_unknown_recipe_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ParameterError, match="quick"):
        TrainOptions(recipe="fast")  # type: ignore[arg-type]


def test_a_better_recipe_takes_a_larger_network_for_many_gray_images() -> None:
    many = replace(examples(), training=torch.arange(60_000))
    names = ("quick", "balanced", "best")
    quick, balanced, best = (choose_network(many, TrainOptions(recipe=name), None)[0].macs for name in names)
    assert quick < balanced < best / 2


def test_a_quick_recipe_sees_no_mirror_images_of_gray_images_unless_asked() -> None:
    for asked, flip in ((None, False), (True, True)):
        change = choose_recipe(examples(flippable=True), TrainOptions(recipe="quick", flip=asked)).recipe.augmentation
        assert (change.flip, change.shift) == (flip, 1)


def test_gray_images_of_things_are_shifted_less_than_signs() -> None:
    signs, things = (
        choose_recipe(examples(flippable=flippable), TrainOptions()).recipe.augmentation for flippable in (False, True)
    )
    assert (signs.shift, things.shift) == (2, 1)


def test_images_are_not_shifted_for_a_network_without_stages_unless_asked() -> None:
    some = examples(60)
    for text, asked, shift in (("softmax", None, 0), ("svm", None, 0), ("softmax", 1, 1), ("9N", None, 2)):
        _, choice = choose_network(some, TrainOptions(shift=asked), Layout.parse(text))
        assert choice.recipe.augmentation.shift == shift
    assert choose_network(some, TrainOptions(), None)[1].recipe.augmentation.shift == 2


def test_images_of_few_pixels_are_seen_fewer_times() -> None:
    tiny, small = (choose_recipe(examples(500, side=side), TrainOptions()).recipe.epochs for side in (8, 28))
    assert 3 * tiny == small == default_epochs(500, flip=False)


def test_the_recipe_has_the_learning_rate_of_its_steps_unless_time_settles_them() -> None:
    many = replace(examples(), training=torch.arange(60_000))
    _, choice = choose_network(many, TrainOptions(layout="4C3-MP2"), Layout.parse("4C3-MP2"))
    steps = choice.recipe.epochs * steps_per_epoch(60_000, choice.recipe.batch)
    assert choice.recipe.learning_rate == pytest.approx(3e-3 * (300 / steps) ** 0.5)
    assert choose_network(many, TrainOptions(learning_rate=0.5), None)[1].recipe.learning_rate == 0.5
    assert choose_network(many, TrainOptions(minutes=1), None)[1].recipe.learning_rate is None


def test_the_wider_network_in_color_takes_fewer_passes() -> None:
    settings = TrainOptions(recipe="best", flip=True)
    color = replace(examples(), images=torch.zeros((10, 32, 32, 3), dtype=torch.uint8), training=torch.arange(50_000))
    planned, choice = choose_network(color, settings, None)
    assert (str(planned.layout)[:13], choice.recipe.epochs, choice.recipe.progressive_resizing) == (
        "24C3v-64C3-MP",
        14,
        0.4,
    )
    own = replace(settings, layout="8C3-MPg")
    assert choose_network(color, own, Layout.parse("8C3-MPg"))[1].recipe.epochs == 29
