"""What is said follows the figures: other figures, another sentence."""

import numpy as np
import pytest

from convscope.core.errors import DataError
from convscope.measures.comparison.by_image import digits_of
from convscope.measures.comparison.differences import difference
from convscope.measures.comparison.findings import (
    best_sentence,
    difference_sentence,
    disturbed_sentence,
    findings,
    images_sentence,
    limits_sentence,
    pooling_sentence,
)
from convscope.measures.comparison.growth import fit_power_law, points_of
from convscope.measures.comparison.limits import limits_of
from convscope.measures.comparison.robustness import kept

from .made_up import answers, comparison, entry, growing, trial


def said(topic: str, *shares: float) -> str:
    """Return what is said when the network has the first share and locally connected units the second."""
    found = comparison(entry("convolution", shares[0]), entry("locally-connected", shares[1]))
    return next(one.text for one in findings(found) if one.topic == topic)


def test_turning_the_figures_around_turns_the_sentence_around() -> None:
    assert said("sharing", 0.95, 0.90).startswith("Convolutional recognizes 5.0 points more than locally connected")
    assert said("sharing", 0.90, 0.95).startswith("Convolutional recognizes 5.0 points fewer than locally connected")
    assert said("sharing", 0.90, 0.90).startswith(
        "No difference between convolutional and locally connected can be told"
    )


def test_the_best_follows_the_figures() -> None:
    assert said("best", 0.95, 0.90).startswith(
        "The best of 2 is convolutional, with 95.0 %; the other recognizes fewer"
    )
    assert said("best", 0.90, 0.95).startswith("The best of 2 is locally connected, with 95.0 %")


def test_what_the_interval_cannot_tell_is_named_beside_the_best() -> None:
    near = entry(
        "locally-connected", 0.9, trials=(trial(0.9, right=answers(0.9, start=300)),)
    )  # right and wrong on other images
    assert "no difference from it can be told of locally connected" in best_sentence(
        comparison(entry("convolution", 0.901), near)
    )


def test_the_same_network_under_two_names_is_counted_once() -> None:
    found = comparison(entry("convolution", 0.9), entry("pooling-max", 0.9), entry("locally-connected", 0.5))
    assert best_sentence(found).startswith("The best of 2 is convolutional")


def test_the_interval_of_a_difference_is_that_of_paired_images() -> None:
    right = np.arange(1_000) < 900
    worse = right.copy()
    worse[:20] = False  # 20 lost, none won
    one, other = (entry("convolution", 0.9, trials=(trial(0.9, right=digits_of(mine)),)) for mine in (right, worse))
    found = difference(one, other)
    assert found.value == pytest.approx(0.02)
    half = 1.96 * np.std(np.r_[np.ones(20), np.zeros(980), 1, -1], ddof=1) / 1_002**0.5
    assert found.interval == pytest.approx((0.02 - half, 0.02 + half), rel=1e-4)
    assert found.told


@pytest.mark.parametrize(("lost", "told"), [(4, False), (5, False), (6, True)])
def test_a_few_images_are_told_as_the_exact_test_of_mcnemar_tells_them(lost: int, told: bool) -> None:
    right = np.arange(400) < 104
    worse = right & (np.arange(400) >= lost)
    one, other = (
        entry("convolution", 0.26, trials=(trial(0.26, total=400, right=digits_of(mine)),)) for mine in (right, worse)
    )
    assert difference(one, other).told == told == (2 * 0.5**lost < 0.05)


def test_the_best_of_many_is_told_less_easily_than_one_of_two() -> None:
    right = np.arange(1_000) < 900
    others = [right & (np.arange(1_000) >= count) for count in (7, 30, 40, 50, 60, 70)]
    kinds = ["locally-connected", "partly-shared", "stride", "first-random", "pixels-softmax", "pixels-svm"]
    best, *rest = [
        entry(kind, 0.9, trials=(trial(0.9, right=digits_of(mine)),))
        for kind, mine in zip(["convolution", *kinds], [right, *others], strict=True)
    ]
    assert "the other recognizes fewer" in best_sentence(comparison(best, rest[0]))
    assert best_sentence(comparison(best, *rest)).endswith("no difference from it can be told of locally connected.")


def test_kinds_with_other_numbers_of_trainings_have_the_variance_of_both() -> None:
    two = entry("locally-connected", 0.88, 0.92)
    found, alone = (difference(entry("convolution", *shares), two) for shares in ((0.85, 0.9, 0.95), (0.9,)))
    both = (4.3027 * 0.05 / 3**0.5) ** 2 + (12.7062 * 0.0283 / 2**0.5) ** 2
    assert found.value == pytest.approx(0)
    assert (found.high - found.low) / 2 == pytest.approx(both**0.5, rel=0.02)
    assert found.high > alone.high


def test_trainings_that_differ_widen_the_interval() -> None:
    steady = difference(entry("convolution", 0.92, 0.92, 0.92), entry("locally-connected", 0.9, 0.9, 0.9))
    shaky = difference(entry("convolution", 0.97, 0.92, 0.87), entry("locally-connected", 0.9, 0.9, 0.9))
    assert steady.value == pytest.approx(shaky.value)
    assert steady.told
    assert not shaky.told
    assert shaky.high - shaky.low > 0.2  # t of 2 degrees of freedom: 4.3 deviations of 0.05 / √3, twice
    assert "one training each" not in difference_sentence(shaky)
    assert "one training each" in said("sharing", 0.9, 0.8)


def test_kinds_evaluated_on_other_images_are_not_told_apart() -> None:
    few = entry("locally-connected", 0.9, trials=(trial(0.5, total=4, right="f"),))
    with pytest.raises(DataError, match=r"evaluated on the same images to be told apart\. Got 1,000 and 4"):
        difference(entry("convolution", 0.9), few)


@pytest.mark.parametrize(
    ("first", "second", "ending"),
    [(0.9, 0.5, "points more"), (0.5, 0.9, "points less"), (0.8, 0.8, "no difference can be told")],
)
def test_what_is_kept_on_distorted_images_follows_the_figures(first: float, second: float, ending: str) -> None:
    found = comparison(entry("convolution", 0.9, keeps=first), entry("mlp-parameters", 0.7, keeps=second))
    text = disturbed_sentence(found, "shifted")
    assert f"convolutional keeps {100 * first:.1f} % of its accuracy ({90 * first:.1f} % recognized)" in text
    assert ending in text


def test_what_is_kept_does_not_depend_on_how_good_a_kind_is() -> None:
    good, bad = (kept(entry("convolution", share, keeps=0.5), "shifted") for share in (0.9, 0.3))
    assert good is not None
    assert bad is not None
    assert good.value == pytest.approx(bad.value, abs=0.01)
    assert kept(entry("convolution", 0.9), "turned") is None


def test_a_training_that_recognizes_no_image_to_distort_has_no_part_to_keep() -> None:
    lost = trial(0.9, undisturbed=0)
    found = kept(entry("convolution", 0.9, trials=(lost, trial(0.9, seed=1, keeps=0.5))), "shifted")
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.half > 0
    assert kept(entry("convolution", 0.9, trials=(lost,)), "shifted") is None


@pytest.mark.parametrize(("keeps", "verdict"), [(0.99, "as far as was measured"), (0.5, "not as far as estimated")])
def test_lecuns_estimate_is_judged_by_the_figures(keeps: float, verdict: str) -> None:
    text = limits_sentence(comparison(entry("convolution", 0.9, keeps=keeps)))
    assert f"({verdict})" in text


def test_a_limit_lies_between_measured_strengths_by_a_straight_line() -> None:
    found = {(one.distortion, one.sign, one.part): one for one in limits_of(entry("convolution", 1.0, keeps=0.8))}
    assert found["shift-y", 1, 0.9].strength == pytest.approx(1.0)  # from 1 at 0 px to 0.8 at 2 px
    assert found["shift-y", -1, 0.9].strength == pytest.approx(-1.0)
    assert found["shift-y", 1, 0.5].strength is None
    assert found["shift-y", 1, 0.5].farthest == 2


def test_what_pooling_costs_is_the_ratio_of_the_counts() -> None:
    never = entry("no-pooling-mean", 0.8, macs=30_000)
    text = pooling_sentence(comparison(entry("convolution", 0.9), never))
    assert text.endswith("Without pooling it takes 3.0 times the MACs.")  # its time is that of the budget


def test_the_worst_is_named_only_where_it_can_be_told_from_the_best() -> None:
    steady, shaky = entry("pooling-max", 0.92, 0.92, 0.92), entry("stride", 0.99, 0.82, 0.73)
    middle = entry("pooling-mean", 0.88, 0.88, 0.88)
    text = pooling_sentence(comparison(entry("convolution", 0.9), steady, middle, shaky))
    assert text == (
        "Of 3 ways to make maps smaller, pooling (max) does best (92.0 %); no difference from the best can be "
        "told of larger steps in place of pooling."
    )
    known = pooling_sentence(comparison(entry("convolution", 0.9), steady, middle))
    assert known.endswith("does best (92.0 %) and pooling (mean) worst (88.0 %).")


def test_a_power_law_is_found_again() -> None:
    law = fit_power_law(points_of(growing("convolution", 0.4)), test_images=1_000)
    assert law is not None
    assert law.exponent == pytest.approx(0.4, abs=0.02)
    assert law.exponent_low < 0.4 < law.exponent_high
    assert law.falls
    assert law.at_twice_low < law.at_twice < law.at_twice_high
    assert law.for_half == pytest.approx(1_000 * 2 ** (1 / 0.4), rel=0.15)


def test_scatter_makes_the_law_less_sure() -> None:
    exact, scattered = (
        fit_power_law(points_of(growing("convolution", 0.4, noise=noise)), test_images=1_000) for noise in (0.0, 0.4)
    )
    assert exact is not None
    assert scattered is not None
    assert scattered.at_twice_high / scattered.at_twice_low > 2 * exact.at_twice_high / exact.at_twice_low


def test_more_images_help_only_where_the_curve_says_so() -> None:
    falling = images_sentence(comparison(growing("convolution", 0.4)))
    assert "twice as many would make it" in falling
    assert "half of it would take about" in falling
    flat = images_sentence(comparison(growing("convolution", 0.0, noise=0.2)))
    assert "does not tell whether more images would help" in flat


def test_three_points_are_no_law() -> None:
    assert fit_power_law(points_of(growing("convolution", 0.4))[:3], test_images=1_000) is None


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert findings(comparison(entry("locally-connected", why_not="It is too large."))) == ()
    alone = comparison(entry("convolution", 0.9))
    assert {one.topic for one in findings(alone)} == {"limits"}
