"""Conclusions follow the results: other results, another conclusion."""

import numpy as np
import pytest

from convscope.core.errors import DataError
from convscope.measures.comparison.conclusions import (
    CLEAN,
    Contrast,
    best_sentence,
    conclusions,
    contrast_table,
    contrasts,
    images_sentence,
    limits_sentence,
    pooling_sentence,
    telling,
)
from convscope.measures.comparison.differences import accuracy_difference, relative_accuracy
from convscope.measures.comparison.learning_curve import fit_power_law, points_of
from convscope.measures.comparison.moved import moved
from convscope.measures.comparison.records import Comparison, digits_of
from convscope.measures.comparison.variants import VARIANTS

from .made_up import comparison, digits, growing, run, variant


def learned(*fractions: float) -> Contrast:
    """Return the contrast of the baseline with the first accuracy and a random first stage with the second."""
    found = comparison(variant("convolution", fractions[0]), variant("first-random", fractions[1]))
    return next(contrast for contrast in contrasts(found) if contrast.topic == "first stage")


def test_exchanging_the_results_exchanges_the_conclusion() -> None:
    better, worse, equal = learned(0.95, 0.90), learned(0.90, 0.95), learned(0.90, 0.90)
    assert "significantly more accurate" in better.text
    assert "significantly less accurate" in worse.text
    assert "not significantly different" in equal.text
    assert better.difference.value == pytest.approx(-worse.difference.value) == pytest.approx(0.05)


def test_the_table_of_contrasts_has_a_significance_column() -> None:
    table = contrast_table([learned(0.95, 0.90), learned(0.90, 0.90)])
    column = table.columns.index("significant")
    assert [row[column] for row in table.rows] == ["yes", "no"]
    assert "+5.0" in table.rows[0]


def test_the_table_of_robustness_names_the_distorted_images() -> None:
    results = variant("convolution", 0.9, robustness=0.9), variant("mlp-parameters", 0.7, robustness=0.5)
    table = contrast_table([one for one in contrasts(comparison(*results)) if one.topic == "distortions"])
    assert [row[table.columns.index("images")] for row in table.rows] == ["shifted", "noisy"]


def test_the_best_follows_the_results() -> None:
    results = variant("convolution", 0.95), variant("locally-connected", 0.90)
    assert best_sentence(comparison(*results)).startswith("Most accurate of 2 variants: shared weights (95.0 %)")
    assert "significantly worse" in best_sentence(comparison(*results))
    exchanged = variant("convolution", 0.90), variant("locally-connected", 0.95)
    assert "Most accurate of 2 variants: own weights" in best_sentence(comparison(*exchanged))


def test_variants_that_are_not_significantly_worse_are_named_beside_the_best() -> None:
    near = variant("locally-connected", runs=(run(0.9, correct_digits=digits(0.9, start=300)),))  # other images
    text = best_sentence(comparison(variant("convolution", 0.901), near))
    assert text.endswith("not significantly worse: own weights.")


def test_the_same_network_under_two_names_is_counted_once() -> None:
    found = comparison(variant("convolution", 0.9), variant("pooling-max", 0.9), variant("locally-connected", 0.5))
    assert best_sentence(found).startswith("Most accurate of 2 variants: shared weights")


def test_the_interval_of_a_difference_is_that_of_paired_images() -> None:
    correct = np.arange(1_000) < 900
    worse = correct.copy()
    worse[:20] = False  # 20 lost, none won
    first, second = (
        variant("convolution", runs=(run(0.9, correct_digits=digits_of(bits)),)) for bits in (correct, worse)
    )
    found = accuracy_difference(first, second)
    assert found.value == pytest.approx(0.02)
    half = 1.96 * np.std(np.r_[np.ones(20), np.zeros(980), 1, -1], ddof=1) / 1_002**0.5
    assert found.interval == pytest.approx((0.02 - half, 0.02 + half), rel=1e-4)
    assert found.significant


@pytest.mark.parametrize(("lost", "significant"), [(4, False), (5, False), (6, True)])
def test_a_few_images_are_significant_as_in_the_exact_test_of_mcnemar(lost: int, significant: bool) -> None:
    correct = np.arange(400) < 104
    worse = correct & (np.arange(400) >= lost)
    first, second = (
        variant("convolution", runs=(run(0.26, total=400, correct_digits=digits_of(bits)),))
        for bits in (correct, worse)
    )
    assert accuracy_difference(first, second).significant == significant == (2 * 0.5**lost < 0.05)


def test_the_best_of_many_is_less_easily_significant_than_one_of_two() -> None:
    correct = np.arange(1_000) < 900
    others = [correct & (np.arange(1_000) >= count) for count in (7, 30, 40, 50, 60, 70)]
    names = ["locally-connected", "partly-shared", "stride", "first-random", "pixels-softmax", "pixels-svm"]
    best, *rest = [
        variant(name, runs=(run(0.9, correct_digits=digits_of(bits)),))
        for name, bits in zip(["convolution", *names], [correct, *others], strict=True)
    ]
    assert "all others are significantly worse" in best_sentence(comparison(best, rest[0]))
    assert best_sentence(comparison(best, *rest)).endswith("not significantly worse: own weights.")


def test_variants_with_other_numbers_of_runs_have_the_variance_of_both() -> None:
    two = variant("locally-connected", 0.88, 0.92)
    found, alone = (
        accuracy_difference(variant("convolution", *fractions), two) for fractions in ((0.85, 0.9, 0.95), (0.9,))
    )
    both = (4.3027 * 0.05 / 3**0.5) ** 2 + (12.7062 * 0.0283 / 2**0.5) ** 2
    assert found.value == pytest.approx(0)
    assert (found.high - found.low) / 2 == pytest.approx(both**0.5, rel=0.02)
    assert found.high > alone.high


def test_runs_that_differ_widen_the_interval() -> None:
    other = variant("locally-connected", 0.9, 0.9, 0.9)
    steady = accuracy_difference(variant("convolution", 0.92, 0.92, 0.92), other)
    shaky = accuracy_difference(variant("convolution", 0.97, 0.92, 0.87), other)
    assert steady.value == pytest.approx(shaky.value)
    assert steady.significant
    assert not shaky.significant
    assert shaky.high - shaky.low > 0.2  # t of 2 degrees of freedom: 4.3 standard errors of 0.05 / √3, twice


def test_variants_evaluated_on_other_images_are_not_compared() -> None:
    few = variant("locally-connected", runs=(run(0.5, total=4, correct_digits="f"),))
    with pytest.raises(DataError, match="same images"):
        accuracy_difference(variant("convolution", 0.9), few)


@pytest.mark.parametrize(("first", "second", "sign"), [(0.9, 0.5, 1), (0.5, 0.9, -1), (0.8, 0.8, 0)])
def test_the_difference_in_robustness_follows_the_results(first: float, second: float, sign: int) -> None:
    results = variant("convolution", 0.9, robustness=first), variant("mlp-parameters", 0.7, robustness=second)
    contrast = next(one for one in contrasts(comparison(*results)) if one.images == "shifted")
    assert contrast.values == pytest.approx((first, second), abs=1e-9)
    assert np.sign(contrast.difference.value) == sign
    assert contrast.difference.significant == bool(sign)


def test_robustness_does_not_depend_on_accuracy() -> None:
    good, bad = (
        relative_accuracy(variant("convolution", fraction, robustness=0.5), "shifted") for fraction in (0.9, 0.3)
    )
    assert good is not None
    assert bad is not None
    assert good.value == pytest.approx(bad.value, abs=0.01)
    assert relative_accuracy(variant("convolution", 0.9), "rotated") is None


def test_a_run_without_a_correct_clean_image_has_no_relative_accuracy() -> None:
    lost = run(0.9, clean_digits=digits(0, images=200))
    found = relative_accuracy(variant("convolution", runs=(lost, run(0.9, seed=1, robustness=0.5))), "shifted")
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.half_width > 0
    assert relative_accuracy(variant("convolution", runs=(lost,)), "shifted") is None


@pytest.mark.parametrize(("robustness", "verdict"), [(0.99, "as far as measured"), (0.5, "not as far as estimated")])
def test_lecuns_estimate_is_evaluated_by_the_results(robustness: float, verdict: str) -> None:
    text = limits_sentence(comparison(variant("convolution", 0.9, robustness=robustness)))
    assert f"({verdict})" in text


def test_a_limit_is_interpolated_linearly_between_measured_strengths() -> None:
    limits = variant("convolution", 1.0, robustness=0.8).limits()
    found = {(limit.distortion, limit.sign, limit.fraction): limit for limit in limits}
    assert found["shift-y", 1, 0.9].strength == pytest.approx(1.0)  # from 1 at 0 px to 0.8 at 2 px
    assert found["shift-y", -1, 0.9].strength == pytest.approx(-1.0)
    assert found["shift-y", 1, 0.5].strength is None
    assert found["shift-y", 1, 0.5].farthest == 2


def test_a_variant_is_compared_in_what_it_is_for() -> None:
    pairs = {(one.second, one.images) for one in contrasts(everything()) if one.topic != "distortions"}
    names = ("locally-connected", "mlp-parameters", "no-pooling-connected")
    expected = {(VARIANTS[name].title, images) for name in names for images in (CLEAN, "shifted")}
    assert pairs == expected | {(VARIANTS[name].title, CLEAN) for name in ("first-random", "pixels-softmax")}


def test_what_is_not_significant_is_said_only_where_nothing_is() -> None:
    equal, better = learned(0.9, 0.9), learned(0.95, 0.9)
    assert telling([equal, better]) == [better]
    assert telling([equal]) == [equal]


def test_without_distorted_images_only_accuracy_is_left_to_compare() -> None:
    plain = [variant(name, runs=(run(0.9, distorted=()),)) for name in ("convolution", "locally-connected")]
    assert [(one.topic, one.images) for one in contrasts(comparison(*plain))] == [("sharing", CLEAN)]
    assert moved(comparison(*plain)) is None


def everything() -> Comparison:
    names = ("convolution", "locally-connected", "mlp-parameters", "no-pooling-connected", "first-random")
    return comparison(*(variant(name, 0.9) for name in (*names, "pixels-softmax")))


def test_the_cost_of_no_pooling_and_of_own_weights_is_a_ratio() -> None:
    without = variant("no-pooling-connected", 0.8, macs=30_000, parameters=2_000)
    own = variant("locally-connected", 0.8, parameters=15_000, macs=20_000)
    found = conclusions(comparison(variant("convolution", 0.9), without, own))
    assert found["pooling"] == "Without pooling: 2.0 times the parameters and 3.0 times the MACs of shared weights."
    assert found["sharing"] == "Own weights: 15 times the parameters of shared weights."


def test_poolings_are_ranked_by_what_pooling_is_for() -> None:
    robust, weak = variant("pooling-max", 0.9, robustness=0.9), variant("stride", 0.95, robustness=0.5)
    text = pooling_sentence(comparison(variant("convolution", 0.9), robust, weak))
    assert "of 2 kinds of pooling" in text
    assert ": pooling (max) (" in text.partition("least often")[0]
    assert "least often: strided convolutions in place of pooling" in text


def test_a_power_law_is_recovered() -> None:
    law = fit_power_law(points_of(growing("convolution", 0.4)), test_images=1_000)
    assert law is not None
    assert law.exponent == pytest.approx(0.4, abs=0.02)
    assert law.exponent_low < 0.4 < law.exponent_high
    assert law.falls
    assert law.at_twice_low < law.at_twice < law.at_twice_high
    assert law.for_half == pytest.approx(1_000 * 2 ** (1 / 0.4), rel=0.15)


def test_scatter_makes_the_law_less_certain() -> None:
    exact, scattered = (
        fit_power_law(points_of(growing("convolution", 0.4, noise=noise)), test_images=1_000) for noise in (0.0, 0.4)
    )
    assert exact is not None
    assert scattered is not None
    assert scattered.at_twice_high / scattered.at_twice_low > 2 * exact.at_twice_high / exact.at_twice_low


def test_more_images_help_only_if_the_exponent_is_significant() -> None:
    falling = images_sentence(comparison(growing("convolution", 0.4)))
    assert "with twice as many" in falling
    assert "half the error needs about" in falling
    flat = images_sentence(comparison(growing("convolution", 0.0, noise=0.2)))
    assert "do not help significantly" in flat


def test_three_points_are_no_law() -> None:
    assert fit_power_law(points_of(growing("convolution", 0.4))[:3], test_images=1_000) is None


def test_there_is_no_conclusion_without_a_measurement() -> None:
    nothing = comparison(variant("locally-connected", skipped="It is too large."))
    assert conclusions(nothing) == {}
    assert contrasts(nothing) == ()
    alone = comparison(variant("convolution", 0.9))
    assert set(conclusions(alone)) == {"limits"}
