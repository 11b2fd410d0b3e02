"""The result in one sentence: its numbers are those of the runs, on images moved by one distance in all directions."""

import numpy as np
import pytest

from convscope.core.statistics import mean_interval, wilson_interval
from convscope.measures.comparison.moved import SAID, moved, moved_accuracy, pixels_moved
from convscope.measures.comparison.records import DistortionResult, VariantResult

from .made_up import DISTORTED, comparison, run, variant


def shifted(name: str, *correct: dict[float, int]) -> VariantResult:
    """Return a variant whose runs have so many correct predictions by strength, along both axes."""
    runs = []
    for seed, counts in enumerate(correct):
        outcomes = {strength: (np.arange(DISTORTED) < count, count) for strength, count in counts.items()}
        distorted = tuple(DistortionResult.of((axis, "px"), outcomes) for axis in ("shift-x", "shift-y"))
        runs.append(run(0.9, seed=seed, distorted=distorted))
    return variant(name, runs=tuple(runs))


def four(*accuracies: int) -> list[VariantResult]:
    return [shifted(name, {-1.0: count, 1.0: count}) for name, count in zip(SAID, accuracies, strict=True)]


def test_the_sentence_has_the_accuracy_of_each_variant_in_order() -> None:
    found = moved(comparison(*four(188, 132, 123, 168)))
    assert found is not None
    assert found.sentence == (
        "Moved by one pixel: shared weights 94.0 %, own weights 66.0 %, plain network 61.5 %, without pooling 84.0 %."
    )
    assert [row.clean for row in found.variants] == [0.9] * 4


def test_a_variant_that_was_not_measured_is_left_out_and_without_the_baseline_nothing_is_said() -> None:
    shared, own, *_ = four(188, 132, 0, 0)
    found = moved(comparison(shared, own))
    assert found is not None
    assert found.sentence.endswith("shared weights 94.0 %, own weights 66.0 %.")
    assert moved(comparison(shared)) is None
    assert moved(comparison(own, four(0, 0, 9, 9)[2])) is None


def test_the_accuracy_is_the_mean_over_directions_and_runs() -> None:
    result = shifted("convolution", {-1.0: 100, 1.0: 140, 2.0: 0}, {-1.0: 120, 1.0: 160, 2.0: 0})
    found = moved_accuracy(result, 1.0)
    assert found is not None
    assert found.accuracy == pytest.approx(0.65)
    assert found.interval == pytest.approx(mean_interval([480, 560], 800))
    assert moved_accuracy(result, 3.0) is None


def test_one_run_has_the_interval_of_as_many_images_as_there_are_not_of_each_direction_anew() -> None:
    found = moved_accuracy(shifted("convolution", {-1.0: 100, 1.0: 140}), 1.0)
    assert found is not None
    assert found.interval == pytest.approx(wilson_interval(120, DISTORTED))


@pytest.mark.parametrize(("side", "pixels"), [(8, 1.0), (16, 1.0), (28, 2.0), (96, 6.5), (400, 8.0)])
def test_the_distance_is_a_pixel_and_a_16th_of_the_side_where_that_was_measured(side: int, pixels: float) -> None:
    measured = shifted("convolution", dict.fromkeys((0.5, -1.0, 1.0, 2.0, 6.5, 8.0), 100))
    assert pixels_moved(comparison(measured, height=side, width=2 * side)) == pixels
