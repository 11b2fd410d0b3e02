"""What is kept on distorted images, and how sure it is: two kinds are compared on the same images."""

import dataclasses
import json
import statistics
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.records import from_json, to_json
from convscope.measures.comparison.by_image import MOST_STRENGTHS, ByImage, by_image, digits_of
from convscope.measures.comparison.disturbing import STRENGTHS
from convscope.measures.comparison.findings import disturbed_sentence
from convscope.measures.comparison.records import Disturbed, Entry, Trial
from convscope.measures.comparison.robustness import influences, kept, kept_difference
from convscope.report.comparison_page import render_comparison

from .made_up import comparison, entry, trial

Bools = NDArray[np.bool_]
NAMES = ("shift-x", "shift-y")
LAYER = np.linspace(0.3, 3, 5)  # how much harder each strength of a distortion makes an image


def evaluated(undistorted: Bools, distorted: Bools, *, seed: int = 0, **changes: Any) -> Trial:
    """Return a training from which images were recognized: bool N, and bool D x S x N of at most two distortions."""
    names = NAMES[: len(distorted)]
    return trial(
        0.9,
        seed=seed,
        undisturbed=int(undistorted.sum()),
        disturbed=tuple(
            Disturbed(
                distortion=name, unit="px", strength=number + 1, images=len(right), right=int(right.sum()), same=0
            )
            for name, rows in zip(names, distorted, strict=True)
            for number, right in enumerate(rows)
        ),
        undistorted=digits_of(undistorted),
        by_image=tuple(by_image(name, list(rows)) for name, rows in zip(names, distorted, strict=True)),
        **changes,
    )


def drawn(
    rng: np.random.Generator, images: int, skill: float, loss: float, hardness: NDArray[np.float64]
) -> tuple[Bools, Bools]:
    """Return answers of a kind to images of some hardness: bool N, and bool 2 x S x N."""
    chance = skill - hardness
    undistorted = rng.random(images) < 1 / (1 + np.exp(-chance))
    each = 1 / (1 + np.exp(-(chance - loss * LAYER[:, None])))  # S x N
    return undistorted, rng.random((2, *each.shape)) < each


def unpaired(found: Entry) -> Entry:
    """Return the entry as an earlier version kept it."""
    plain = [dataclasses.replace(one, undistorted="", by_image=()) for one in found.trials]
    return dataclasses.replace(found, trials=tuple(plain))


def kinds(
    rng: np.random.Generator, images: int = 150, seeds: int = 1, spread: float = 0.0, alike: float = 2.0
) -> tuple[Entry, Entry]:
    """Return two kinds on the same images, of which some are harder for both: how much, says `alike`."""
    hardness = rng.normal(0, alike, images)
    both = []
    for kind, skill, loss in (("convolution", 3.0, 1.0), ("mlp-parameters", 2.0, 1.3)):
        luck = rng.normal(0, spread, seeds)
        trials = [
            evaluated(*drawn(rng, images, skill, loss + float(luck[seed]), hardness), seed=seed)
            for seed in range(seeds)
        ]
        both.append(entry(kind, trials=tuple(trials)))
    return both[0], both[1]


def truth(spread: float = 0.0) -> float:
    """Return how much more the first kind of `kinds` keeps, on very many images."""
    rng, parts = np.random.default_rng(1), []
    for skill, loss in ((3.0, 1.0), (2.0, 1.3)):
        hardness = rng.normal(0, 2.0, 20_000)
        shares = []
        for luck in rng.normal(0, spread, 20 if spread else 1):
            undistorted, distorted = drawn(rng, len(hardness), skill, loss + float(luck), hardness)
            shares.append(distorted.mean() / undistorted.mean())
        parts.append(statistics.fmean(shares))
    return parts[0] - parts[1]


def half(first: Entry, second: Entry) -> float:
    """Return half of the interval of what one keeps more than another."""
    found = kept_difference(first, second, "shifted")
    assert found is not None
    return (found[2] - found[1]) / 2


def test_the_interval_of_a_difference_holds_the_truth_in_95_of_100() -> None:
    rng, known = np.random.default_rng(0), truth()
    held = []
    for _ in range(300):
        found = kept_difference(*kinds(rng), "shifted")
        assert found is not None
        held.append(found[1] <= known <= found[2])
    assert 0.92 <= np.mean(held) <= 0.985  # 0.95 with a deviation of 0.0126, and the two images that are added


def test_the_interval_over_seeds_holds_the_truth_too() -> None:
    rng, known = np.random.default_rng(0), truth(0.15)
    held = []
    for _ in range(150):
        found = kept_difference(*kinds(rng, seeds=3, spread=0.15), "shifted")
        assert found is not None
        held.append(found[1] <= known <= found[2])
    assert np.mean(held) >= 0.93  # the chance of single answers is in both variances: never too narrow


def test_the_interval_of_one_kind_holds_the_truth_in_95_of_100() -> None:
    rng = np.random.default_rng(0)
    undistorted, distorted = drawn(rng, 40_000, 3.0, 1.0, rng.normal(0, 2.0, 40_000))
    known = distorted.mean() / undistorted.mean()
    found = [kept(kinds(rng)[0], "shifted") for _ in range(300)]
    assert 0.92 <= np.mean([abs(one.value - known) <= one.half for one in found if one]) <= 0.985


def test_pairs_are_told_where_intervals_of_different_images_are_not() -> None:
    first, second = kinds(np.random.default_rng(0), alike=4.0)
    earlier = half(unpaired(first), unpaired(second))
    assert half(first, second) < 0.6 * earlier
    mine, theirs = kept(first, "shifted"), kept(second, "shifted")
    assert mine is not None
    assert theirs is not None
    assert half(first, second) < 0.9 * (mine.half**2 + theirs.half**2) ** 0.5
    assert half(first, unpaired(second)) > half(first, second), "what was not kept cannot be paired"


def test_pairs_of_other_images_are_no_narrower() -> None:
    rng = np.random.default_rng(0)
    (first, _), (_, second) = kinds(rng), kinds(rng)
    mine, theirs = kept(first, "shifted"), kept(second, "shifted")
    assert mine is not None
    assert theirs is not None
    assert half(first, second) == pytest.approx((mine.half**2 + theirs.half**2) ** 0.5, rel=0.15)


def test_equal_kinds_differ_by_nothing_and_cannot_be_told_apart() -> None:
    first, _ = kinds(np.random.default_rng(0), seeds=2)
    value, low, high = kept_difference(first, dataclasses.replace(first, kind="locally-connected"), "shifted") or (
        9,
        9,
        9,
    )
    assert value == 0
    assert low < 0 < high
    recognized = statistics.fmean(one.undisturbed for one in first.trials)
    assert high == pytest.approx(1.96 * 2**0.5 / recognized, rel=0.03), "of the two images that are added"


def test_a_few_images_that_only_one_keeps_are_no_proof() -> None:
    undistorted, every = np.ones(400, bool), np.ones((1, 1, 400), bool)
    fewer = every.copy()
    found = []
    for lost in (4, 5, 6, 8):  # as McNemar's exact test: 6 are the fewest
        fewer[:, :, :lost] = False
        first, second = (entry("locally-connected", trials=(evaluated(undistorted, one),)) for one in (every, fewer))
        value, low, _ = kept_difference(first, second, "shifted") or (9, 9, 9)
        assert value == pytest.approx(lost / 400)
        found.append(low > 0)
    assert found == [False, False, True, True]


def test_a_kind_that_keeps_every_image_is_not_sure_to_keep_all() -> None:
    found = kept(
        entry("locally-connected", trials=(evaluated(np.ones(20, bool), np.ones((1, 5, 20), bool)),)), "shifted"
    )
    assert found is not None
    assert found.value == 1
    assert 0.05 < found.half < 0.2


def test_influences_of_images_are_those_of_leaving_each_out() -> None:
    rng = np.random.default_rng(3)
    undistorted, distorted = drawn(rng, 2_000, 3.0, 1.0, rng.normal(0, 2.0, 2_000))
    found = influences(entry("locally-connected", trials=(evaluated(undistorted, distorted),)), NAMES)
    assert found is not None
    assert found.sum() == pytest.approx(0, abs=1e-9)
    share = distorted.mean() / undistorted.mean()
    without = [
        np.delete(distorted, place, axis=2).mean() / np.delete(undistorted, place).mean()
        for place in range(0, 2_000, 97)
    ]  # the jackknife
    assert found[::97] == pytest.approx((share - np.array(without)) * 1_999, abs=0.002)


def test_seeds_are_paired_too() -> None:
    rng = np.random.default_rng(0)
    hardness = rng.normal(0, 2.0, 300)
    first, second = [], []
    for seed, luck in enumerate((-0.5, 0.0, 0.5)):  # good and bad luck of a seed is that of both
        first.append(evaluated(*drawn(rng, 300, 3.0, 1.0 + luck, hardness), seed=seed))
        second.append(evaluated(*drawn(rng, 300, 2.0, 1.3 + luck, hardness), seed=seed))
    one, other = entry("locally-connected", trials=tuple(first)), entry("stride", trials=tuple(second))
    strange = dataclasses.replace(
        other, trials=tuple(dataclasses.replace(mine, seed=mine.seed + 7) for mine in other.trials)
    )
    assert half(one, other) < 0.5 * half(one, strange)


def test_answers_to_single_images_go_to_json_and_come_back() -> None:
    first, second = kinds(np.random.default_rng(0), seeds=2)
    again = [from_json(Entry, json.loads(json.dumps(to_json(one)))) for one in (first, second)]
    assert again == [first, second]
    assert kept_difference(*again, "shifted") == kept_difference(first, second, "shifted")


def test_a_comparison_of_an_earlier_version_can_be_read_and_has_the_interval_that_it_had() -> None:
    first, second = kinds(np.random.default_rng(0))
    old = []
    for one in (first, second):
        values = to_json(one)
        for each in values["trials"]:
            del each["undistorted"], each["by_image"]
        old.append(from_json(Entry, values))
    assert old == [unpaired(first), unpaired(second)]
    now, before = (kept_difference(*pair, "shifted") for pair in ((first, second), old))
    assert now is not None
    assert before is not None
    assert before[0] == pytest.approx(now[0])
    mine, theirs = kept(old[0], "shifted"), kept(old[1], "shifted")
    assert mine is not None
    assert theirs is not None
    assert before[2] - before[0] == pytest.approx((mine.half**2 + theirs.half**2) ** 0.5)


def test_what_was_kept_by_image_is_what_the_sentence_and_the_page_say() -> None:
    first, second = kinds(np.random.default_rng(0), images=60, alike=4.0)
    found, earlier = comparison(first, second), comparison(unpaired(first), unpaired(second))
    value, low, high = (100 * one for one in kept_difference(first, second, "shifted") or (0, 0, 0))
    text = disturbed_sentence(found, "shifted")
    assert text.endswith(f": {value:.1f} points more (95 % interval {low:.1f} to {high:.1f}).")
    assert "no difference can be told" in disturbed_sentence(earlier, "shifted")
    page = render_comparison(found)
    assert text in page
    share = kept(first, "shifted")
    assert share is not None
    assert f"± {100 * share.half:.1f}" in page
    assert "points more (95 %" not in render_comparison(earlier).split("On shifted images")[1][:200]


def test_no_distortion_has_more_strengths_than_a_digit_counts() -> None:
    assert max(map(len, STRENGTHS.values())) <= MOST_STRENGTHS


SOME = {"distortion": "shift-x", "counts": "110"}


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"undistorted": "c0"}, r"2 digits for 3 images \(undistorted\)"),
        ({"undistorted": "g"}, r"something else than hexadecimal digits \(undistorted\)"),
        ({"undistorted": " "}, r"something else than hexadecimal digits \(undistorted\)"),
        ({"undistorted": "8"}, r"1 recognized image in place of 2 \(undistorted\)"),
        ({"undistorted": ""}, r"0 digits for 3 images \(undistorted\)"),
        ({"by_image": []}, r"digits for no distortion and numbers for shift-x"),
        ({"by_image": [SOME | {"distortion": "noise"}]}, r"digits for noise and numbers for shift-x"),
        ({"by_image": [SOME, SOME]}, r"digits for shift-x, shift-x and numbers for shift-x"),
        ({"by_image": [SOME | {"counts": "11"}]}, r"2 digits for 3 images \(shift-x\)"),
        ({"by_image": [SOME | {"counts": "200"}]}, r"an image that was recognized at 2 strengths of 1 \(shift-x\)"),
        ({"by_image": [SOME | {"counts": "100"}]}, r"1 recognized image in place of 2 \(shift-x\)"),
        ({"undisturbed": 3}, r"2 recognized images in place of 3 \(undistorted\)"),
        ({"disturbed": []}, r"digits for shift-x and numbers for none"),
    ],
)
def test_damaged_digits_are_refused(changes: dict[str, Any], got: str) -> None:
    right = np.array([True, True, False])
    values = to_json(evaluated(right, right[None, None]))
    assert from_json(Trial, values).by_image == (ByImage(distortion="shift-x", counts="110"),)
    sentence = r"`undistorted` and `by_image` must agree with .* \(`undisturbed`, `disturbed`\)\. Got " + got
    with pytest.raises(DataError, match=sentence + r"\. Compare anew\."):
        from_json(Trial, values | changes)


def test_counts_that_are_no_digits_are_refused() -> None:
    with pytest.raises(DataError, match=r"`counts` must be hexadecimal digits, .* Got something else \(noise\)"):
        ByImage(distortion="noise", counts="1x0")


def test_spaces_are_no_digits() -> None:
    with pytest.raises(DataError, match=r"`right` must be hexadecimal digits\. Got something else"):
        trial(0.9, total=16, right="ff  ")


def test_trainings_that_differ_widen_the_interval_of_one_kind() -> None:
    rng = np.random.default_rng(0)
    hardness = rng.normal(0, 2.0, 300)
    each = [evaluated(*drawn(rng, 300, 3.0, loss, hardness), seed=seed) for seed, loss in enumerate((0.5, 1.5))]
    alone = [kept(entry("locally-connected", trials=(one,)), "shifted") for one in each]
    both = kept(entry("locally-connected", trials=tuple(each)), "shifted")
    assert both is not None
    shares = [one.value for one in alone if one is not None]
    assert both.value == pytest.approx(statistics.fmean(shares))
    assert both.half == pytest.approx(12.706 * abs(shares[0] - shares[1]) / 2, rel=0.01)  # t of 1 degree of freedom
