"""Robustness on distorted images with its intervals: two variants are compared on the same images."""

import dataclasses
import json
import statistics

import numpy as np
import pytest
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.records import from_json, to_json
from convscope.measures.comparison.conclusions import contrasts
from convscope.measures.comparison.differences import (
    Difference,
    RelativeAccuracy,
    influences,
    relative_accuracy,
    robustness_difference,
)
from convscope.measures.comparison.records import DistortionResult, VariantResult, VariantRun, digits_of
from convscope.measures.distortions.family import DISTORTIONS
from convscope.report.comparison_page import render_comparison

from .made_up import comparison, run, variant

Bools = NDArray[np.bool_]
NAMES = ("shift-x", "shift-y")
LAYER = np.linspace(0.3, 3, 5)  # how much harder each strength of a distortion makes an image


def evaluated(clean: Bools, distorted: Bools, *, seed: int = 0) -> VariantRun:
    """Return a run from which images are correct: bool N, and bool D x S x N of at most two distortions."""
    results = (
        DistortionResult.of((name, "px"), {number + 1.0: (correct, 0) for number, correct in enumerate(rows)})
        for name, rows in zip(NAMES, distorted, strict=False)
    )
    return run(0.9, seed=seed, clean_digits=digits_of(clean), distorted=tuple(results))


def drawn(
    rng: np.random.Generator, images: int, skill: float, loss: float, hardness: NDArray[np.float64]
) -> tuple[Bools, Bools]:
    """Return which images of some hardness a variant predicts correctly: bool N, and bool 2 x S x N."""
    chance = skill - hardness
    clean = rng.random(images) < 1 / (1 + np.exp(-chance))
    each = 1 / (1 + np.exp(-(chance - loss * LAYER[:, None])))  # S x N
    return clean, rng.random((2, *each.shape)) < each


def pair(
    rng: np.random.Generator, images: int = 150, seeds: int = 1, spread: float = 0.0, alike: float = 2.0
) -> tuple[VariantResult, VariantResult]:
    """Return two variants on the same images, some harder for both by a normal distribution of std `alike`."""
    hardness = rng.normal(0, alike, images)
    both = []
    for name, skill, loss in (("convolution", 3.0, 1.0), ("mlp-parameters", 2.0, 1.3)):
        luck = rng.normal(0, spread, seeds)
        runs = [
            evaluated(*drawn(rng, images, skill, loss + float(luck[seed]), hardness), seed=seed)
            for seed in range(seeds)
        ]
        both.append(variant(name, runs=tuple(runs)))
    return both[0], both[1]


def truth(spread: float = 0.0) -> float:
    """Return the difference in relative accuracy of `pair` on very many images."""
    rng, means = np.random.default_rng(1), []
    for skill, loss in ((3.0, 1.0), (2.0, 1.3)):
        hardness = rng.normal(0, 2.0, 20_000)
        ratios = []
        for luck in rng.normal(0, spread, 20 if spread else 1):
            clean, distorted = drawn(rng, len(hardness), skill, loss + float(luck), hardness)
            ratios.append(distorted.mean() / clean.mean())
        means.append(statistics.fmean(ratios))
    return means[0] - means[1]


def difference(first: VariantResult, second: VariantResult) -> Difference:
    """Return the difference in robustness to shifts."""
    found = robustness_difference(first, second, "shifted")
    assert found is not None
    return found


def robustness(result: VariantResult) -> RelativeAccuracy:
    """Return the robustness to shifts."""
    found = relative_accuracy(result, "shifted")
    assert found is not None
    return found


def half(first: VariantResult, second: VariantResult) -> float:
    """Return the half-width of the interval of the difference."""
    found = difference(first, second)
    return (found.high - found.low) / 2


def unpaired_half(first: VariantResult, second: VariantResult) -> float:
    """Return the half-width of the difference if the images were not the same."""
    return float(np.hypot(robustness(first).half_width, robustness(second).half_width))


def test_the_interval_of_a_difference_holds_the_truth_in_95_of_100() -> None:
    rng, known = np.random.default_rng(0), truth()
    held = []
    for _ in range(300):
        found = difference(*pair(rng))
        held.append(found.low <= known <= found.high)
    assert 0.92 <= np.mean(held) <= 0.985  # 0.95 with a standard error of 0.0126, and the pseudo-observations


def test_the_interval_over_seeds_holds_the_truth_too() -> None:
    rng, known = np.random.default_rng(0), truth(0.15)
    held = []
    for _ in range(150):
        found = difference(*pair(rng, seeds=3, spread=0.15))
        held.append(found.low <= known <= found.high)
    assert np.mean(held) >= 0.93  # the noise of single predictions is in both variances: never too narrow


def test_the_interval_of_one_variant_holds_the_truth_in_95_of_100() -> None:
    rng = np.random.default_rng(0)
    clean, distorted = drawn(rng, 40_000, 3.0, 1.0, rng.normal(0, 2.0, 40_000))
    known = distorted.mean() / clean.mean()
    found = [robustness(pair(rng)[0]) for _ in range(300)]
    assert 0.92 <= np.mean([abs(one.value - known) <= one.half_width for one in found]) <= 0.985


def test_pairs_on_the_same_images_have_a_narrower_interval() -> None:
    first, second = pair(np.random.default_rng(0), alike=4.0)
    assert half(first, second) < 0.9 * unpaired_half(first, second)


def test_pairs_on_other_images_are_no_narrower() -> None:
    rng = np.random.default_rng(0)
    (first, _), (_, second) = pair(rng), pair(rng)
    assert half(first, second) == pytest.approx(unpaired_half(first, second), rel=0.15)


def test_other_numbers_of_images_are_refused() -> None:
    rng = np.random.default_rng(0)
    (first, _), (_, second) = pair(rng), pair(rng, images=100)
    with pytest.raises(DataError, match="same distorted images"):
        robustness_difference(first, second, "shifted")


def test_equal_variants_are_not_significantly_different() -> None:
    first, _ = pair(np.random.default_rng(0), seeds=2)
    found = difference(first, dataclasses.replace(first, variant="locally-connected"))
    assert found.value == 0
    assert not found.significant
    clean = statistics.fmean(run.clean().sum() for run in first.runs)
    assert found.high == pytest.approx(1.96 * 2**0.5 / clean, rel=0.03), "of the two pseudo-observations"


def test_a_few_images_on_which_variants_differ_are_not_significant() -> None:
    clean, every = np.ones(400, bool), np.ones((1, 1, 400), bool)
    fewer = every.copy()
    significant = []
    for lost in (4, 5, 6, 8):  # as McNemar's exact test: 6 are the fewest
        fewer[:, :, :lost] = False
        first, second = (variant("locally-connected", runs=(evaluated(clean, bits),)) for bits in (every, fewer))
        found = difference(first, second)
        assert found.value == pytest.approx(lost / 400)
        significant.append(found.significant)
    assert significant == [False, False, True, True]


def test_a_variant_that_loses_no_image_is_not_certain_to_lose_none() -> None:
    whole = evaluated(np.ones(20, bool), np.ones((1, 5, 20), bool))
    found = robustness(variant("locally-connected", runs=(whole,)))
    assert found.value == 1
    assert 0.05 < found.half_width < 0.2


def test_influences_of_images_are_those_of_leaving_each_out() -> None:
    rng = np.random.default_rng(3)
    clean, distorted = drawn(rng, 2_000, 3.0, 1.0, rng.normal(0, 2.0, 2_000))
    found = influences(variant("locally-connected", runs=(evaluated(clean, distorted),)), "shifted")
    assert found.sum() == pytest.approx(0, abs=1e-9)
    ratio = distorted.mean() / clean.mean()
    without = [
        np.delete(distorted, index, axis=2).mean() / np.delete(clean, index).mean() for index in range(0, 2_000, 97)
    ]  # the jackknife
    assert found[::97] == pytest.approx((ratio - np.array(without)) * 1_999, abs=0.002)


def test_seeds_are_paired_too() -> None:
    rng = np.random.default_rng(0)
    hardness = rng.normal(0, 2.0, 300)
    first, second = [], []
    for seed, luck in enumerate((-0.5, 0.0, 0.5)):  # the luck of a seed is that of both
        first.append(evaluated(*drawn(rng, 300, 3.0, 1.0 + luck, hardness), seed=seed))
        second.append(evaluated(*drawn(rng, 300, 2.0, 1.3 + luck, hardness), seed=seed))
    one, other = variant("locally-connected", runs=tuple(first)), variant("stride", runs=tuple(second))
    other_seeds = tuple(dataclasses.replace(run, seed=run.seed + 7) for run in other.runs)
    assert half(one, other) < 0.5 * half(one, dataclasses.replace(other, runs=other_seeds))


def test_predictions_image_by_image_go_to_json_and_return() -> None:
    first, second = pair(np.random.default_rng(0), seeds=2)
    again = [from_json(VariantResult, json.loads(json.dumps(to_json(one)))) for one in (first, second)]
    assert again == [first, second]
    assert difference(*again) == difference(first, second)


def test_the_page_has_the_difference_and_the_intervals() -> None:
    found = comparison(*pair(np.random.default_rng(0), images=60, alike=4.0))
    contrast = next(one for one in contrasts(found) if one.images == "shifted")
    assert contrast.difference == difference(*found.variants)
    page = render_comparison(found)
    assert f"{100 * contrast.difference.value:+.1f}" in page
    assert f"± {100 * robustness(found.variants[0]).half_width:.1f}" in page


def test_no_distortion_has_more_strengths_than_a_digit_counts() -> None:
    assert max(len(distortion.compared) for distortion in DISTORTIONS.values()) <= 0xF


def test_runs_that_differ_widen_the_interval_of_one_variant() -> None:
    rng = np.random.default_rng(0)
    hardness = rng.normal(0, 2.0, 300)
    each = [evaluated(*drawn(rng, 300, 3.0, loss, hardness), seed=seed) for seed, loss in enumerate((0.5, 1.5))]
    values = [robustness(variant("locally-connected", runs=(run,))).value for run in each]
    both = robustness(variant("locally-connected", runs=tuple(each)))
    assert both.value == pytest.approx(statistics.fmean(values))
    assert both.half_width == pytest.approx(12.706 * abs(values[0] - values[1]) / 2, rel=0.01)  # t of 1 degree
