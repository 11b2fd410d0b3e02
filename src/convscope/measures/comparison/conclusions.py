"""What a comparison shows: tables of differences with their significance, and a few sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from convscope.core.tables import DataTable
from convscope.core.text import percent
from convscope.measures.distortions.family import GROUPS
from convscope.measures.robustness import Limit

from .differences import Difference, accuracy_difference, relative_accuracy, robustness_difference
from .learning_curve import PowerLaw, fit_power_law, points_of
from .records import Comparison, VariantResult
from .variants import BASELINE

LECUN = {"shift-y": 0.5, "scale": 1.0, "rotation": 30.0}
"""LeCun et al. 1998 estimate that LeNet-5 is robust to scale changes up to about a factor of 2, vertical shifts up to
about half the height (here a fraction of the side) and rotations up to about 30 degrees either way."""
_WAYS = {"shift-y": "vertical shifts", "scale": "scale", "rotation": "rotations"}

PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "sharing": tuple((BASELINE, name) for name in ("locally-connected", "partly-shared", "mlp-parameters", "mlp-macs")),
    "pooling": tuple((BASELINE, name) for name in ("no-pooling-mean", "no-pooling-connected")),
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
}
"""Pairs of variants whose accuracies are compared, by topic."""
ROBUST_PAIRS = ((BASELINE, "mlp-parameters"), ("convolution-distorted", BASELINE))
"""Pairs of variants whose robustness is compared."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Two variants, a value of each, and the difference with its significance.

    Attributes:
        topic: a key of `PAIRS`, or of `GROUPS` for robustness.
        first, second: titles.
        values: of both, 0…1: accuracy, or relative accuracy.
        difference: first minus second.
    """

    topic: str
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
            return f"{_capital(self.first)} and {self.second} do not differ significantly ({what})."
        word = "more" if self.difference.value > 0 else "less"
        quality = "robust" if self.topic in GROUPS else "accurate"
        return f"{_capital(self.first)} is significantly {word} {quality} than {self.second} ({what})."


def contrasts(comparison: Comparison) -> tuple[Contrast, ...]:
    """Return every measured pair of `PAIRS`, and of `ROBUST_PAIRS` for each group of distortions."""
    compared = []
    for topic, pairs in PAIRS.items():
        for first, second in _measured(comparison, pairs):
            values = first.accuracy, second.accuracy
            compared.append(_contrast(topic, first, second, values, accuracy_difference(first, second)))
    for group in GROUPS:
        for first, second in _measured(comparison, ROBUST_PAIRS):
            difference = robustness_difference(first, second, group)
            ours, theirs = relative_accuracy(first, group), relative_accuracy(second, group)
            if ours is not None and theirs is not None and difference is not None:
                compared.append(_contrast(group, first, second, (ours.value, theirs.value), difference))
    return tuple(compared)


def _measured(comparison: Comparison, pairs: Sequence[tuple[str, str]]) -> list[tuple[VariantResult, VariantResult]]:
    results = [(comparison.variant(first), comparison.variant(second)) for first, second in pairs]
    return [(first, second) for first, second in results if first is not None and second is not None]


def _contrast(
    topic: str, first: VariantResult, second: VariantResult, values: tuple[float, float], difference: Difference
) -> Contrast:
    return Contrast(topic=topic, first=first.title, second=second.title, values=values, difference=difference)


def contrast_table(compared: Sequence[Contrast]) -> DataTable:
    """Return the contrasts as a table with a significance column; differences are in points.

    Contrasts in robustness have a column for the kind of distorted images.
    """
    robustness = any(contrast.topic in GROUPS for contrast in compared)
    columns = [
        *(["images"] if robustness else []),
        "variant",
        "minus",
        "values",
        "points",
        "95 % interval",
        "significant",
    ]
    rows = []
    for contrast in compared:
        value, low, high = points_text(contrast.difference)
        values = " - ".join(percent(part, fine_ends=True) for part in contrast.values)
        significant = "yes" if contrast.difference.significant else "no"
        rows.append(
            [
                *([contrast.topic] if robustness else []),
                contrast.first,
                contrast.second,
                values,
                value,
                f"{low} to {high}",
                significant,
            ]
        )
    return DataTable.of(columns, rows)


def baseline_difference(comparison: Comparison, result: VariantResult) -> Difference | None:
    """Return the accuracy of a variant minus that of the baseline; None without a baseline, and for itself."""
    baseline = comparison.variant(BASELINE)
    return None if baseline is None or result.variant == BASELINE else accuracy_difference(result, baseline)


def conclusions(comparison: Comparison) -> dict[str, str]:
    """Return sentences by topic: ``best``, ``pooling``, ``limits`` and ``images``; a topic without data is missing."""
    sentences = {
        "best": best_sentence(comparison),
        "pooling": pooling_sentence(comparison),
        "limits": limits_sentence(comparison),
        "images": images_sentence(comparison),
    }
    return {topic: text for topic, text in sentences.items() if text}


def best_sentence(comparison: Comparison) -> str:
    """Return which variant is the most accurate, and which are not significantly worse (Bonferroni)."""
    ranked = sorted(comparison.measured, key=lambda result: -result.accuracy)
    distinct = [
        result for index, result in enumerate(ranked) if not any(result.runs == other.runs for other in ranked[:index])
    ]
    return _ranking(distinct, "variants") if len(distinct) > 1 else ""


def pooling_sentence(comparison: Comparison) -> str:
    """Return which pooling is the most accurate, and the MACs without pooling."""
    kinds = [result for result in comparison.measured if result.variant.startswith(("pooling-", "stride"))]
    ranked = sorted(kinds, key=lambda result: -result.accuracy)
    sentences = [_ranking(ranked, "kinds of pooling")] if len(ranked) > 1 else []
    baseline, without = comparison.variant(BASELINE), comparison.variant("no-pooling-mean")
    if baseline is not None and without is not None and baseline.macs and without.macs:
        times = without.macs / baseline.macs
        sentences.append(f"Without pooling the network needs {times:.{0 if times >= 10 else 1}f} times the MACs.")
    return " ".join(sentences)


def _ranking(ranked: Sequence[VariantResult], what: str) -> str:
    """Return a sentence on the first of several results, and those that are not significantly worse."""
    best, others = ranked[0], ranked[1:]
    alike = [
        other.title for other in others if not accuracy_difference(best, other, comparisons=len(others)).significant
    ]
    text = f"Of {len(ranked)} {what}, {best.title} is the most accurate ({percent(best.accuracy, fine_ends=True)}); "
    return text + (f"not significantly worse: {_listed(alike)}." if alike else "all others are significantly worse.")


def limits_sentence(comparison: Comparison) -> str:
    """Return whether LeCun's estimate of robustness holds for the baseline: where it falls below 95 % accuracy."""
    baseline = comparison.variant(BASELINE)
    limits = () if baseline is None else baseline.limits()
    side, units = min(comparison.height, comparison.width), dict(comparison.distortions)
    parts = []
    for name, claim in LECUN.items():
        own = [limit for limit in limits if limit.distortion == name and limit.fraction == 0.95]
        if own:
            parts.append(_claim(own, claim * side if name == "shift-y" else claim, units[name]))
    if baseline is None or not parts:
        return ""
    return (
        "LeCun et al. (1998) estimate that such a network is robust to vertical shifts by half the height, scale "
        f"changes by a factor of 2 and rotations by 30 degrees. Here {baseline.title} keeps 95 % of its accuracy "
        f"{'; '.join(parts)}."
    )


def _claim(limits: Sequence[Limit], strongest: float, unit: str) -> str:
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
    ends = " and ".join(_end(limit, unit) for limit in limits)
    return f"in {_WAYS[limits[0].distortion]} {ends} ({verdict})"


def _end(limit: Limit, unit: str) -> str:
    """Return a limit in its unit."""
    value, word = (limit.farthest, "beyond") if limit.strength is None else (limit.strength, "to")
    return f"{word} {1 + value:.2f} times" if limit.distortion == "scale" else f"{word} {value:+.1f} {unit}"


def limit_text(limit: Limit) -> str:
    """Return a limit without its sign, in the unit of `Distortion.directions`.

    Examples:
        >>> values = {"fraction": 0.9, "nearest": None, "latest": None}
        >>> limit_text(Limit(distortion="scale", sign=-1, strength=-0.25, farthest=-0.5, **values))
        '0.75'
        >>> limit_text(Limit(distortion="noise", sign=1, strength=None, farthest=0.4, **values))
        'beyond 0.4'
    """
    value = limit.farthest if limit.strength is None else limit.strength
    shown = 1 + value if limit.distortion == "scale" else abs(value)
    return f"{'beyond ' if limit.strength is None else ''}{shown:.2g}"


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
    return f"{float(f'{value:.2g}'):,.0f}"


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
