"""What a comparison shows, in sentences that are made from its figures and from nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from convscope.core.text import counted

from .differences import Difference, difference
from .growth import PowerLaw, fit_power_law, points_of
from .limits import KindLimit, limits_of
from .records import Comparison, Entry
from .robustness import GROUPS, kept, kept_difference, recognized

LECUN = {"shift-y": 0.5, "scale": 1.0, "rotation": 30.0}
"""LeCun et al. 1998: LeNet-5 is estimated to be right for scale changes up to about a factor of 2, vertical shifts up
to about half the height (a part of the side here) and rotations up to about 30 degrees either way."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence or a few, and what it is about.

    Attributes:
        topic: ``best``, ``sharing``, ``pooling``, ``first stage``, ``by hand``, a word of `GROUPS`, ``limits`` or
            ``images``.
        text: the sentences.
    """

    topic: str
    text: str


def findings(found: Comparison) -> tuple[Finding, ...]:
    """Return everything that can be said of a comparison."""
    pairs = [
        ("best", best_sentence(found)),
        ("sharing", _against_base(found, ("locally-connected", "partly-shared", "mlp-parameters", "mlp-MACs"))),
        ("pooling", pooling_sentence(found)),
        ("first stage", first_stage_sentence(found)),
        ("by hand", _against_base(found, ("by-hand-svm", "pixels-softmax", "pixels-svm"))),
        *((group, disturbed_sentence(found, group)) for group in GROUPS),
        ("limits", limits_sentence(found)),
        ("images", images_sentence(found)),
    ]
    return tuple(Finding(topic=topic, text=text) for topic, text in pairs if text)


def difference_sentence(one: Difference) -> str:
    """Return one difference as a sentence; where its interval holds 0, that nothing can be told.

    Examples:
        >>> one = Difference(first="a", second="b", value=0.012, low=0.004, high=0.02, seeds=3)
        >>> difference_sentence(one)
        'a recognizes 1.2 points more than b (95 % interval 0.4 to 2.0).'
        >>> difference_sentence(Difference(first="a", second="b", value=0.001, low=-0.004, high=0.006, seeds=1))
        'no difference between a and b can be told (+0.1 points, 95 % interval -0.4 to 0.6, one training each).'
    """
    once = ", one training each" if one.seeds == 1 else ""
    digits = 2 if max(abs(one.low), abs(one.high)) < 0.01 and one.high - one.low < 0.01 else 1
    low, high = (f"{100 * end:.{digits}f}" for end in one.interval)
    if not one.told:
        return (
            f"no difference between {one.first} and {one.second} can be told ({100 * one.value:+.{digits}f} points, "
            f"95 % interval {low} to {high}{once})."
        )
    if one.value < 0:
        low, high = (f"{-100 * end:.{digits}f}" for end in reversed(one.interval))
    word = "more" if one.value > 0 else "fewer"
    return (
        f"{one.first} recognizes {100 * abs(one.value):.{digits}f} points {word} than {one.second} "
        f"(95 % interval {low} to {high}{once})."
    )


def best_sentence(found: Comparison) -> str:
    """Return which kind is best, and which cannot be told from it, the more kinds there are the less easily."""
    ranked = sorted(found.measured, key=lambda one: -one.accuracy)
    if len(ranked) < 2:
        return ""
    ranked = [one for place, one in enumerate(ranked) if not any(_same(one, other) for other in ranked[:place])]
    best, others = ranked[0], ranked[1:]
    alike = [one.title for one in others if not difference(best, one, among=len(others)).told]
    text = f"The best of {len(ranked)} is {best.title}, with {_percent(best.accuracy)}"
    if not alike:
        fewer = "the other recognizes" if len(others) == 1 else "all others recognize"
        return f"{text}; {fewer} fewer, and not by chance."
    return f"{text}; no difference from it can be told of {_listed(alike)}."


def _against_base(found: Comparison, kinds: Sequence[str]) -> str:
    base = found.entry("convolution")
    others = [one for kind in kinds if (one := found.entry(kind)) is not None]
    if base is None or not others:
        return ""
    return " ".join(_capital(difference_sentence(difference(base, one))) for one in others)


def pooling_sentence(found: Comparison) -> str:
    """Return what pooling buys and costs: against none, and kind against kind."""
    base = found.entry("convolution")
    if base is None:
        return ""
    parts = [_never_subsampled(base, one) for one in _entries(found, "no-pooling-")]
    kinds = [*_entries(found, "pooling-"), *_entries(found, "stride")]
    if len(kinds) > 1:
        ranked = sorted(kinds, key=lambda one: -one.accuracy)
        best, last = ranked[0], ranked[-1]
        told = [one for one in ranked[1:] if difference(best, one, among=len(ranked) - 1).told]
        alike = [one.title for one in ranked[1:] if one not in told]
        text = f"Of {len(ranked)} ways to make maps smaller, {best.title} does best ({_percent(best.accuracy)})"
        text += f" and {last.title} worst ({_percent(last.accuracy)})" if last in told else ""
        text += f"; no difference from the best can be told of {_listed(alike)}." if alike else "."
        parts.append(text)
    return " ".join(parts)


def _never_subsampled(base: Entry, one: Entry) -> str:
    text = _capital(difference_sentence(difference(base, one)))
    if base.macs and one.macs:
        times = one.macs / base.macs
        text += f" Without pooling it takes {_times(times)} the MACs."
    return text


def first_stage_sentence(found: Comparison) -> str:
    """Return what a first stage is worth that is random, or learned from patches."""
    base, chance, patches = (found.entry(kind) for kind in ("convolution", "first-random", "first-kmeans-frozen"))
    begun = found.entry("first-kmeans")
    pairs = [(base, chance), (base, patches), (patches, chance), (begun, base)]
    said = [difference(one, other) for one, other in pairs if one is not None and other is not None]
    return " ".join(_capital(difference_sentence(one)) for one in said)


def disturbed_sentence(found: Comparison, group: str) -> str:
    """Return how much the network keeps on distorted images: beside fully connected units, and trained on them."""
    parts = []
    pairs = (("convolution", "mlp-parameters"), ("convolution-distorted", "convolution"))
    for kind, other in pairs:
        first, second = found.entry(kind), found.entry(other)
        if first is None or second is None:
            continue
        mine, theirs = kept(first, group), kept(second, group)
        gap = kept_difference(first, second, group)
        if mine is None or theirs is None or gap is None:
            continue
        value, low, high = (100 * one for one in gap)
        text = f"On {group} images, {first.title} keeps {_percent(mine.value)} of its accuracy "
        text += f"({_percent(recognized(first, group))} recognized), "
        text += f"{second.title} {_percent(theirs.value)} ({_percent(recognized(second, group))}): "
        if low <= 0 <= high:
            text += f"no difference can be told (95 % interval {low:.1f} to {high:.1f} points)."
        elif value > 0:
            text += f"{value:.1f} points more (95 % interval {low:.1f} to {high:.1f})."
        else:
            text += f"{-value:.1f} points less (95 % interval {-high:.1f} to {-low:.1f})."
        parts.append(text)
    return " ".join(parts)


def limits_sentence(found: Comparison) -> str:
    """Return whether LeCun's estimate holds for the network: at which strength it falls below 95 % of its accuracy."""
    base = found.entry("convolution")
    if base is None or not base.trials[0].disturbed:
        return ""
    side = min(found.height, found.width)
    parts = []
    for name, claim in LECUN.items():
        strongest = claim * side if name == "shift-y" else claim
        mine = [one for one in limits_of(base) if one.distortion == name and one.part == 0.95]
        if mine:
            parts.append(_claim(mine, strongest))
    if not parts:
        return ""
    return (
        "LeCun and others estimated in 1998 that such a network stands vertical shifts by half the height, a factor of "
        "2 in scale and rotations by 30 degrees. Here, "
        f"{base.title} keeps 95 % of its accuracy {'; '.join(parts)}."
    )


_WAYS = {"shift-y": "vertical shifts", "scale": "scale", "rotation": "rotations"}


def _claim(mine: Sequence[KindLimit], strongest: float) -> str:
    """Return how far one distortion goes both ways, and whether that is as far as was estimated."""
    reached = []
    for one in mine:
        wanted = strongest if one.distortion != "scale" or one.sign > 0 else 0.5
        end = one.farthest if one.strength is None else one.strength
        reached.append((one, abs(end) >= wanted, one.strength is None and abs(one.farthest) < wanted))
    ends = " and ".join(_end(one) for one, _, _ in reached)
    if all(held for _, held, _ in reached):
        verdict = "as far as estimated"
    elif any(not held and not open_ for _, held, open_ in reached):
        verdict = "not as far as estimated"
    else:
        verdict = "as far as was measured"
    return f"in {_WAYS[mine[0].distortion]} {ends} ({verdict})"


def _end(one: KindLimit) -> str:
    """Return a limit in its unit."""
    value, beyond = (one.farthest, "beyond ") if one.strength is None else (one.strength, "to ")
    if one.distortion == "scale":
        return f"{beyond}{1 + value:.2f} times"
    unit = {"px": "px", "degrees": "degrees"}.get(one.unit, one.unit)
    return f"{beyond}{value:+.1f} {unit}"


def images_sentence(found: Comparison) -> str:
    """Return how many images are needed, as far as the learning curves tell."""
    parts = []
    for entry in found.measured:
        points = points_of(entry)
        law = fit_power_law(points, test_images=found.test_images)
        if law is not None:
            parts.append(law_sentence(entry.title, law))
    return " ".join(parts)


def law_sentence(title: str, law: PowerLaw) -> str:
    """Return what a power law says of more images."""
    text = f"{_capital(title)}: with {law.images:,} images the error is {_percent(law.error)}"
    if not law.falls:
        return f"{text}; the curve does not tell whether more images would help (exponent {_exponent(law)})."
    text += f"; twice as many would make it {_percent(law.at_twice)} "
    text += f"({_percent(law.at_twice_low)} to {_percent(law.at_twice_high)})"
    if law.for_half is None:
        return f"{text}, and half of it would take more than 100 times the images."
    low = "" if law.for_half_low is None else f"{_round(law.for_half_low)}"
    high = "more than 100 times as many" if law.for_half_high is None else f"{_round(law.for_half_high)}"
    return f"{text}, and half of it would take about {_round(law.for_half)} images ({low} to {high})."


def _exponent(law: PowerLaw) -> str:
    return f"{law.exponent:.2f}, 95 % interval {law.exponent_low:.2f} to {law.exponent_high:.2f}"


def _round(value: float) -> str:
    """Return a number of images in two digits."""
    return f"{float(f'{value:.2g}'):,.0f}"


def _percent(value: float) -> str:
    """Return a part of one in per cent, with more digits near both ends."""
    return f"{100 * value:.{2 if value > 0.985 or value < 0.015 else 1}f} %"


def _times(value: float) -> str:
    return f"{value:.1f} times" if value < 10 else f"{value:.0f} times"


def _entries(found: Comparison, beginning: str) -> list[Entry]:
    return [one for one in found.measured if one.kind.startswith(beginning)]


def _same(one: Entry, other: Entry) -> bool:
    """Return whether two kinds are the same network here."""
    return one.trials == other.trials


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


def budget_words(found: Comparison) -> str:
    """Return what every training had the same of."""
    if found.budget == "epochs":
        return f"the same {counted(int(found.amount), 'pass', 'passes')} over the training images"
    return f"the same {counted(found.amount, 'second')} of training"
