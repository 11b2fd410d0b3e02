"""What a comparison shows: tables of differences with their significance, and a few sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from convscope.core.tables import DataTable
from convscope.core.text import counted, percent
from convscope.measures.distortions.family import GROUPS, amount_of, phrase_of
from convscope.measures.robustness import Limit

from .differences import Difference, accuracy_difference, relative_accuracy, robustness_difference
from .learning_curve import PowerLaw, fit_power_law, points_of
from .moved import distance, moved, moved_accuracy, pixels_moved
from .records import Comparison, VariantResult
from .variants import BASELINE, VARIANTS

LECUN = {"shift-y": 0.5, "scale": 1.0, "rotation": 30.0}
"""LeCun et al. 1998 estimate that LeNet-5 is robust to scale changes up to about a factor of 2, vertical shifts up to
about half the height (here a fraction of the side) and rotations up to about 30 degrees either way."""

PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "sharing": tuple((BASELINE, name) for name in ("locally-connected", "partly-shared", "mlp-parameters", "mlp-macs")),
    "pooling": tuple((BASELINE, name) for name in ("no-pooling-mean", "no-pooling-connected", "stride")),
    "first stage": (
        (BASELINE, "first-random"),
        (BASELINE, "first-kmeans-frozen"),
        ("first-kmeans-frozen", "first-random"),
        ("first-kmeans", BASELINE),
    ),
    "start": (
        ("start-frozen", BASELINE),
        ("start-fine-tuned", "start-frozen"),
        ("start-fine-tuned", "start-random"),
        ("start-random", BASELINE),
    ),
    "by hand": tuple((BASELINE, name) for name in ("by-hand-svm", "pixels-softmax", "pixels-svm")),
    "distortions": ((BASELINE, "mlp-parameters"), ("convolution-distorted", BASELINE)),
}
"""Pairs of variants that are compared, by topic: in what the changed one is for; by distortions, in all groups."""
CLEAN = "clean"


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Two variants, a value of each, and the difference with its significance.

    Attributes:
        topic: a key of `PAIRS`.
        images: that they are compared on: `CLEAN`, or a key of `GROUPS` for robustness.
        first, second: titles.
        values: of both, 0…1: accuracy, or relative accuracy.
        difference: first minus second.
    """

    topic: str
    images: str
    first: str
    second: str
    values: tuple[float, float]
    difference: Difference

    @property
    def text(self) -> str:
        """The difference in a sentence."""
        value, low, high = points_text(self.difference)
        what = f"{value} points, 95 % interval {low} to {high}"
        if not self.difference.significant:
            on = f" on {self.images} images" if self.images != CLEAN else ""
            return f"{_capital(self.first)}: not significantly different from {self.second}{on} ({what})."
        word = "more" if self.difference.value > 0 else "less"
        quality = "accurate" if self.images == CLEAN else f"robust on {self.images} images"
        return f"{_capital(self.first)}: significantly {word} {quality} than {self.second} ({what})."


def contrasts(comparison: Comparison) -> tuple[Contrast, ...]:
    """Return every measured pair of `PAIRS`, in what its changed variant is for."""
    compared: list[Contrast | None] = []
    for topic, pairs in PAIRS.items():
        for first, second in _measured(comparison, pairs):
            changed = VARIANTS[(second if first.variant == BASELINE else first).variant]
            purposes = tuple(GROUPS) if topic == "distortions" else changed.purposes
            compared += [_accurate(topic, first, second)] if "accuracy" in purposes else []
            compared += [_robust(topic, group, first, second) for group in GROUPS if group in purposes]
    return tuple(contrast for contrast in compared if contrast is not None)


def telling(compared: Sequence[Contrast]) -> Sequence[Contrast]:
    """Return the significant ones; all if none is."""
    return [contrast for contrast in compared if contrast.difference.significant] or compared


def _measured(comparison: Comparison, pairs: Sequence[tuple[str, str]]) -> list[tuple[VariantResult, VariantResult]]:
    results = [(comparison.variant(first), comparison.variant(second)) for first, second in pairs]
    return [(first, second) for first, second in results if first is not None and second is not None]


def _accurate(topic: str, first: VariantResult, second: VariantResult) -> Contrast:
    difference, values = accuracy_difference(first, second), (first.accuracy, second.accuracy)
    return _contrast(topic, CLEAN, (first, second), values, difference)


def _robust(topic: str, group: str, first: VariantResult, second: VariantResult) -> Contrast | None:
    difference = robustness_difference(first, second, group)
    ours, theirs = relative_accuracy(first, group), relative_accuracy(second, group)
    if ours is None or theirs is None or difference is None:
        return None
    return _contrast(topic, group, (first, second), (ours.value, theirs.value), difference)


def _contrast(
    topic: str,
    images: str,
    results: tuple[VariantResult, VariantResult],
    values: tuple[float, float],
    difference: Difference,
) -> Contrast:
    first, second = (result.title for result in results)
    return Contrast(topic=topic, images=images, first=first, second=second, values=values, difference=difference)


def contrast_table(compared: Sequence[Contrast]) -> DataTable:
    """Return the contrasts as a table with a significance column; differences are in points."""
    rows = []
    for contrast in compared:
        value, low, high = points_text(contrast.difference)
        values = " - ".join(percent(part, fine_ends=True) for part in contrast.values)
        significant = "yes" if contrast.difference.significant else "no"
        rows.append([contrast.images, contrast.first, contrast.second, values, value, f"{low} to {high}", significant])
    return DataTable.of(["images", "variant", "minus", "values", "points", "95 % interval", "significant"], rows)


def baseline_difference(comparison: Comparison, result: VariantResult) -> Difference | None:
    """Return the accuracy of a variant minus that of the baseline; None without a baseline, and for itself."""
    baseline = comparison.variant(BASELINE)
    return None if baseline is None or result.variant == BASELINE else accuracy_difference(result, baseline)


def conclusions(comparison: Comparison) -> dict[str, str]:
    """Return sentences by topic; a topic without data is missing."""
    result = moved(comparison)
    sentences = {
        "moved": "" if result is None else result.sentence,
        "best": best_sentence(comparison),
        "sharing": cost_sentence(comparison, "locally-connected"),
        "pooling": pooling_sentence(comparison),
        "limits": limits_sentence(comparison),
        "images": images_sentence(comparison),
    }
    return {topic: text for topic, text in sentences.items() if text}


def best_sentence(comparison: Comparison) -> str:
    """Return which variant is the most accurate, and which are not significantly worse (Bonferroni)."""
    ranked = sorted(comparison.distinct, key=lambda result: -result.accuracy)
    return _ranking(ranked) if len(ranked) > 1 else ""


def pooling_sentence(comparison: Comparison) -> str:
    """Return which pooling is the most and the least robust to shifts, and the cost of no pooling."""
    pixels = pixels_moved(comparison)
    pools = [result for result in comparison.measured if result.variant.startswith(("pooling-", "stride"))]
    found = [(point.accuracy, result.title) for result in pools if (point := moved_accuracy(result, pixels))]
    sentences = []
    if len(found) > 1:
        (most, best), (least, worst) = max(found), min(found)
        kinds = counted(len(found), "kind")
        sentences.append(
            f"Correct most often of {kinds} of pooling on images moved by {distance(pixels)}: {best} "
            f"({percent(most, fine_ends=True)}); least often: {worst} ({percent(least, fine_ends=True)})."
        )
    sentences.append(cost_sentence(comparison, "no-pooling-connected"))
    return " ".join(sentences).strip()


def cost_sentence(comparison: Comparison, name: str) -> str:
    """Return how many times the parameters or MACs of the baseline a variant needs, where that is what it is for."""
    baseline, result = comparison.variant(BASELINE), comparison.variant(name)
    if baseline is None or result is None:
        return ""
    counts = {"parameters": (result.parameters, baseline.parameters), "MACs": (result.macs, baseline.macs)}
    times = [
        f"{own / other:.{0 if own >= 10 * other else 1}f} times the {what}"
        for what, (own, other) in counts.items()
        if own and other and what.lower() in VARIANTS[name].purposes
    ]
    return f"{_capital(result.title)}: {' and '.join(times)} of {baseline.title}." if times else ""


def _ranking(ranked: Sequence[VariantResult]) -> str:
    """Return a sentence on the first of several results, and those that are not significantly worse."""
    best, others = ranked[0], ranked[1:]
    alike = [
        other.title for other in others if not accuracy_difference(best, other, comparisons=len(others)).significant
    ]
    accuracy = percent(best.accuracy, fine_ends=True)
    text = f"Most accurate of {counted(len(ranked), 'variant')}: {best.title} ({accuracy}); "
    return text + (f"not significantly worse: {_listed(alike)}." if alike else "all others are significantly worse.")


def limits_sentence(comparison: Comparison) -> str:
    """Return whether LeCun's estimate of robustness holds for the baseline: where it falls below 95 % accuracy."""
    baseline = comparison.variant(BASELINE)
    limits = () if baseline is None else baseline.limits()
    side = min(comparison.height, comparison.width)
    parts = []
    for name, claim in LECUN.items():
        own = [limit for limit in limits if limit.distortion == name and limit.fraction == 0.95]
        if own:
            parts.append(_claim(own, claim * side if name == "shift-y" else claim))
    if baseline is None or not parts:
        return ""
    return (
        "LeCun et al. (1998) estimate that such a network is robust to vertical shifts by half the height, scale "
        f"changes by a factor of 2 and rotations by 30 degrees. Here the network with {baseline.title} keeps 95 % of "
        f"its accuracy on images {'; '.join(parts)}."
    )


def _claim(limits: Sequence[Limit], strongest: float) -> str:
    """Return the limits of one distortion in both directions, and whether they reach the estimate."""
    reached, open_ = [], []
    for limit in limits:
        estimate = strongest if limit.distortion != "scale" or limit.sign > 0 else 0.5
        end = limit.farthest if limit.strength is None else limit.strength
        reached.append(abs(end) >= estimate)
        open_.append(limit.strength is None and abs(limit.farthest) < estimate)
    if all(reached):
        verdict = "as far as estimated"
    elif all(held or unknown for held, unknown in zip(reached, open_, strict=True)):
        verdict = "as far as measured"
    else:
        verdict = "not as far as estimated"
    return f"{' or '.join(map(_end, limits))} ({verdict})"


def _end(limit: Limit) -> str:
    """Return a limit in words."""
    if limit.strength is None:
        return f"{phrase_of(limit.distortion, limit.farthest)} and more"
    return phrase_of(limit.distortion, _two_digits(limit.strength))


def limit_text(limit: Limit) -> str:
    """Return the amount of a limit in words.

    Examples:
        >>> values = {"fraction": 0.9, "nearest": None, "latest": None}
        >>> limit_text(Limit(distortion="scale", sign=-1, strength=-0.25, farthest=-0.5, **values))
        '75 %'
        >>> limit_text(Limit(distortion="shift-x", sign=1, strength=None, farthest=8, **values))
        'beyond 8 pixels'
    """
    value = limit.farthest if limit.strength is None else limit.strength
    return f"{'beyond ' if limit.strength is None else ''}{amount_of(limit.distortion, _two_digits(value))}"


def images_sentence(comparison: Comparison) -> str:
    """Return the error to expect with more training images, from the learning curves."""
    laws = [
        (result.title, fit_power_law(points_of(result), test_images=comparison.test_images))
        for result in comparison.measured
    ]
    return " ".join(_law_text(title, law) for title, law in laws if law is not None)


def _law_text(title: str, law: PowerLaw) -> str:
    error, twice, low, high = (
        percent(value, fine_ends=True) for value in (law.error, law.at_twice, law.at_twice_low, law.at_twice_high)
    )
    text = f"{_capital(title)}: the error with {law.images:,} images is {error}"
    if not law.falls:
        interval = f"{law.exponent_low:.2f} to {law.exponent_high:.2f}"
        return f"{text}; more images do not help significantly (exponent {law.exponent:.2f}, 95 % interval {interval})."
    text += f"; with twice as many, {twice} ({low} to {high})"
    if law.for_half is None:
        return f"{text}; half the error needs more than 100 times the images."
    low = "" if law.for_half_low is None else _images_text(law.for_half_low)
    high = "more than 100 times as many" if law.for_half_high is None else _images_text(law.for_half_high)
    return f"{text}; half the error needs about {_images_text(law.for_half)} images ({low} to {high})."


def _images_text(value: float) -> str:
    """Return a number of images in two digits."""
    return f"{_two_digits(value):,.0f}"


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def points_text(difference: Difference) -> tuple[str, str, str]:
    """Return a difference and its interval in percentage points; small ones with two decimals."""
    low, high = difference.interval
    digits = 2 if max(abs(low), abs(high)) < 0.01 and high - low < 0.01 else 1
    return f"{100 * difference.value:+.{digits}f}", f"{100 * low:.{digits}f}", f"{100 * high:.{digits}f}"


def _listed(names: Sequence[str]) -> str:
    """Return names with commas, and `and` before the last; of many the first few.

    Examples:
        >>> _listed(["a"]), _listed(["a", "b", "c"]), _listed(["a", "b", "c", "d", "e", "f"])
        ('a', 'a, b and c', 'a, b, c and 3 others')
    """
    if len(names) > 5:
        return f"{', '.join(names[:3])} and {len(names) - 3} others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
