"""Images are seen smaller at first where the weights do not depend on their size."""

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convscope.api.train import train
from convscope.core.errors import ParameterError
from convscope.core.progress import Plain
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.options.train import TrainOptions
from convscope.training.choices import choose_network
from convscope.training.loop import run
from convscope.training.progressive_resizing import (
    SMALLEST_SIDE,
    downsized,
    obstacle_to_resizing,
    pixel_fraction,
    reduced_size,
    work_fraction,
)
from convscope.training.training_data import TrainingData
from convscope.training.watch import Interruption
from tests.training.small import Stopper, assert_same_bits, begin, small_recipe, stripes

TEXT = "4C3-MP2-8C3-MPg"


def planned(layout: str, side: int = 32) -> Any:
    return plan(Layout.parse(layout), height=side, width=side, channels=1, classes=2)


def colorful(side: int = 32, count: int = 40) -> TrainingData:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    data = TrainingData.of_arrays(images, np.arange(count) % 2, classes=2)
    return dataclasses.replace(data, class_names=("a", "b"), flippable=True)


@pytest.mark.parametrize("side", [1, 7, *range(8, 130), 500])
def test_sides_are_about_two_thirds_and_never_larger(side: int) -> None:
    height, width = reduced_size(side, side)
    assert 1 <= height == width <= side
    assert side < SMALLEST_SIDE or 2 / 3 <= height / side <= 0.8
    assert side <= 8 or height < side
    assert pixel_fraction(side, side) == pytest.approx((height / side) ** 2)


@pytest.mark.parametrize("height", [1, 8, 9, 32, 41, 96])
@pytest.mark.parametrize("width", [8, 40, 67, 300])
def test_an_image_keeps_its_shape(height: int, width: int) -> None:
    rows, columns = reduced_size(height, width)
    assert (columns, rows) == reduced_size(width, height)
    assert abs(columns / rows - width / height) <= 0.5 * max(width, height) / min(width, height) / min(rows, columns)


@pytest.mark.parametrize(
    ("layout", "fits"),
    [
        (TEXT, True),
        ("8C5/2-MP2-16C3-+16C3-APg-10N-svm", True),
        ("8C3-BPg", True),
        ("8C3-MP2", False),
        ("8C3-MP2-16N", False),
        ("8U3-MPg", False),
        ("8U3:4-MPg", False),
        ("16N", False),
        ("8C5v-MP2-8C5v-MP2-8C4v-MPg", False),
        ("softmax", False),
    ],
)
def test_only_layouts_whose_weights_do_not_depend_on_the_size_see_smaller_images(layout: str, fits: bool) -> None:
    given = planned(layout)
    assert (obstacle_to_resizing(given) is None) is fits
    if fits:
        network = Network(given.layout, height=32, width=32, channels=1, classes=2)
        assert network(downsized(torch.randn(3, 1, 32, 32))).shape == (3, 2)


def test_a_smaller_image_has_the_means_of_what_it_covers() -> None:
    ramp = torch.arange(48.0).expand(2, 1, 48, 48)
    small = downsized(ramp)
    assert small.shape == (2, 1, 32, 32)
    wanted = torch.arange(32) * 1.5 + 0.25
    assert torch.allclose(small[0, 0, 5, 2:-2], wanted[2:-2], atol=0.05)
    assert torch.allclose(downsized(torch.full((1, 3, 48, 96), 2.5)), torch.tensor(2.5))


def sizes_seen(part: float, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    forward = Network.forward

    def watched(self: Network, images: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            seen.append(images.shape[2])
        return forward(self, images)

    monkeypatch.setattr(Network, "forward", watched)
    monkeypatch.setattr("convscope.training.progressive_resizing._MULTIPLE", 1)
    data, recipe = stripes(), small_recipe(progressive_resizing=part)
    run(begin(data, recipe, layout=TEXT), data, recipe, Stopper(), seed=3)
    return seen


@pytest.mark.parametrize(("part", "small"), [(0.0, 0), (0.34, 3), (0.5, 4), (1.0, 9)])
def test_the_first_part_of_the_way_sees_smaller_images(
    part: float, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sizes_seen(part, monkeypatch) == [6] * small + [8] * (9 - small)


@pytest.mark.parametrize("steps", [2, 4, 5, 8])
def test_a_run_stopped_in_either_part_goes_on_to_the_same_bits(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convscope.training.progressive_resizing._MULTIPLE", 1)
    data, recipe = stripes(), small_recipe(progressive_resizing=0.5)
    ends = []
    for first in (steps, 100):
        state = begin(data, recipe, layout=TEXT)
        run(state, data, recipe, Stopper(steps=first), seed=3)
        run(state, data, recipe, Stopper(), seed=3)
        ends.append(state)
    assert_same_bits(*ends)


def test_it_is_chosen_where_it_fits_said_to_the_user_and_left_out_where_asked() -> None:
    usual, choice = choose_network(colorful(), TrainOptions(), None)
    assert obstacle_to_resizing(usual) is None
    assert 0 < choice.recipe.progressive_resizing < 1
    assert "images of 24x24" in choice.notes[-1]
    assert "--progressive-resizing 0" in choice.notes[-1]
    without = choose_network(colorful(), TrainOptions(progressive_resizing=0), None)[1]
    assert without.recipe.progressive_resizing == 0
    assert not any("progressive_resizing" in note for note in without.notes)
    assert (
        choose_network(colorful(), TrainOptions(layout="8C3-MP2-16N"), Layout.parse("8C3-MP2-16N"))[
            1
        ].recipe.progressive_resizing
        == 0
    )
    assert choose_network(colorful(SMALLEST_SIDE - 1), TrainOptions(), None)[1].recipe.progressive_resizing == 0
    assert (
        choose_network(colorful(), TrainOptions(progressive_resizing=0.7), None)[1].recipe.progressive_resizing == 0.7
    )


def test_what_learns_its_first_stage_on_whole_images_sees_no_smaller_ones_unless_asked_to() -> None:
    assert (
        choose_network(colorful(), TrainOptions(pretrain="dct"), Layout.parse(TEXT))[1].recipe.progressive_resizing == 0
    )
    assert (
        choose_network(colorful(), TrainOptions(pretrain="dct", progressive_resizing=0.3), Layout.parse(TEXT))[
            1
        ].recipe.progressive_resizing
        == 0.3
    )


@pytest.mark.parametrize(
    ("layout", "side", "why"),
    [
        ("8C3-MP2-16N", 32, "16N is fully connected"),
        ("8C3-MP2", 32, "softmax is fully connected"),
        ("8U3-MPg", 32, "8U3 is locally connected"),
        ("8C3-8U3:4-MPg", 32, "8U3:4 is locally connected"),
        ("8C5v-MP2-8C5v-MP2-8C4v-MPg", 32, "window .* 24x24"),
        (TEXT, 8, "too small"),
    ],
)
def test_asked_for_where_it_does_not_fit_it_is_refused_with_the_reason(layout: str, side: int, why: str) -> None:
    with pytest.raises(ParameterError, match=why):
        choose_network(colorful(side), TrainOptions(progressive_resizing=0.5), Layout.parse(layout))


def test_a_part_that_is_none_is_refused() -> None:
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ParameterError, match="`progressive_resizing` must be"):
            choose_network(colorful(), TrainOptions(progressive_resizing=wrong), None)


@pytest.mark.parametrize("progressive_resizing", [0.0, 0.25, 0.4, 1.0])
def test_the_share_of_the_work_grows_from_none_to_all_and_more_slowly_where_it_costs_less(
    progressive_resizing: float,
) -> None:
    way = np.linspace(0, 1, 101)
    shares = np.array([work_fraction(float(fraction), progressive_resizing, 0.55) for fraction in way])
    assert (shares[0], shares[-1]) == pytest.approx((0, 1))
    slopes = np.diff(shares) / np.diff(way)
    if 0 < progressive_resizing < 1:
        assert slopes[0] == pytest.approx(0.55 * slopes[-1])
    else:
        assert slopes == pytest.approx(np.ones(100))


@pytest.mark.parametrize(("progressive_resizing", "said"), [(0.9, True), (0.2, True), (0.1, False), (0.0, False)])
def test_who_stops_while_images_are_seen_smaller_is_told(
    progressive_resizing: float,
    said: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = Interruption()
    asked.asked = True
    monkeypatch.setattr("convscope.training.run.interruptible", lambda: contextlib.nullcontext(asked))
    images, labels = colorful().images.numpy(), colorful().labels.numpy()
    options: dict[str, Any] = {"layout": TEXT, "epochs": 3, "progressive_resizing": progressive_resizing, "flip": False}
    trained = train((images, labels), output=tmp_path / "run", progress=Plain(sys.stderr), **options)
    assert trained.outcome == "interrupted"
    assert ("has not seen full-size" in capsys.readouterr().err) is said
    assert any("has not seen full-size" in note for note in trained.report.notes) is said
