"""Checks of a dataset: which problems its images, classes and splits have."""

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.progress import Reporter, Silent
from convscope.core.text import counted, printable
from convscope.images.decoding.damage import BOMB
from convscope.images.decoding.decoder_messages import DAMAGED
from convscope.images.loading.facts import facts_of_stack
from convscope.images.loading.pool import load_images
from convscope.images.sources.naming import escaped, look_alikes
from convscope.images.sources.source import SPLIT_NAMES, TEST, VALIDATION, Source

from .inspection import PROBLEM_KINDS, ClassCount, Inspection, Problem, SizeSpread, spell
from .sampling import nothing_readable, take_sample
from .sizes import ImageOptions, choose_preprocessing, choose_ranges
from .splits import group
from .transparency import VANISHED
from .values import ValueRanges

_FEW = 10
_SLOW_BYTES = 1 << 30  # of an array: checking more takes seconds
_IMBALANCE = 10
_REASONS = (
    ("0 bytes", "empty file"),
    ("not an image", "not an image"),
    ("unsupported format", "not an image"),
    ("unsupported kind", "unsupported"),
    ("cut off", "truncated"),
    (BOMB, "decompression bomb"),
)
"""Words in the text of an UnreadableImageError, and the kind of problem; the first match counts."""


def kind_of(reason: str) -> str:
    """Return the kind of problem for the text of an UnreadableImageError.

    Examples:
        >>> kind_of("the file is cut off: its image data end too early")
        'truncated'
    """
    return next((kind for words, kind in _REASONS if words in reason), "unreadable")


def inspect(
    source: Source,
    *,
    ranges: ValueRanges | None = None,
    reporter: Reporter | None = None,
    workers: int | None = None,
) -> Inspection:
    """Return the problems of a source; every image is read once, nothing is written.

    Training on the source with default options finds the same problems. `ranges` as in `ImageOptions`.

    Raises:
        DataError: no image can be read.

    Examples:
        >>> from convscope.images.sources.opening import open_source
        >>> images = np.stack([np.eye(8), np.eye(8), np.zeros((8, 8))])
        >>> [problem.kind for problem in inspect(open_source((images, ["a", "b", "b"]))).problems[:3]]
        ['single color', 'duplicate', 'two classes']
    """
    reporter = reporter or Silent()
    sample = take_sample(source, reporter)
    options = ImageOptions(ranges=ranges)
    preprocessing, _ = choose_preprocessing(options, sample)
    values = tuple(choose_ranges(options, sample)[1])
    stack = source.stack()
    if stack is not None and stack.shape[3] != 4:
        listener = reporter if stack.nbytes > _SLOW_BYTES else Silent()
        with listener.task("reading images", total=len(stack), unit="images") as task:
            inspection = check_facts(source, facts_of_stack(stack, preprocessing.ranges, task.advance), {})
    else:
        loaded = load_images(
            source, preprocessing, pixels=sample.pixels, target=None, reporter=reporter, workers=workers
        )
        inspection = check_facts(source, loaded.facts, loaded.reasons, loaded.remarks)
    return dataclasses.replace(inspection, values=values)


def check_facts(
    source: Source,
    facts: NDArray[np.void],
    reasons: Mapping[int, str],
    remarks: Mapping[int, tuple[str, ...]] = MappingProxyType({}),
) -> Inspection:
    """Return the problems of a source by the facts of its images.

    Args:
        source: names, labels and splits of the images.
        facts: FACTS, one row per image.
        reasons: why an image is unusable, by its index.
        remarks: defects of usable images, by their index.

    Raises:
        DataError: no image can be read.
    """
    usable = np.flatnonzero(~facts["unusable"])
    counts = _count(source, usable)
    if not len(usable):
        raise nothing_readable(source, next(iter(reasons.values()), "there are none"))
    problems = [
        *_unusable(source, reasons),
        *(Problem(name=spell(name), kind="passed over", detail=reason) for name, reason in source.passed_over),
        *(Problem(name=spell(name), kind="class without images", detail="no image in it") for name in source.empty),
        *_by_flag(source, facts),
        *_remarked(source, remarks),
        *_twins(source, facts, usable),
        *(_classes(source, counts, usable) if source.labeled else ()),
        *_look_alikes(source),
        *(Problem(name=spell(name), kind="ignored", detail="passed over") for name in source.ignored),
    ]
    order = list(PROBLEM_KINDS)
    return Inspection(
        source=spell(source.name),
        images=len(source),
        usable=len(usable),
        classes=counts,
        problems=tuple(sorted(problems, key=lambda problem: order.index(problem.kind))),
        sizes=SizeSpread(widths=_spread(facts["width"][usable]), heights=_spread(facts["height"][usable])),
        modes=_tally(facts["mode"][usable]),
        formats=_tally(facts["format"][usable]),
        notes=source.notes,
    )


def _count(source: Source, usable: NDArray[np.int64]) -> tuple[ClassCount, ...]:
    listed = np.bincount(source.labels, minlength=len(source.classes)).tolist()
    usable_counts = np.bincount(source.labels[usable], minlength=len(source.classes)).tolist()
    return tuple(
        ClassCount(name=spell(name), images=images, usable=usable)
        for name, images, usable in zip(source.classes, listed, usable_counts, strict=True)
    )


def require_every_class(inspection: Inspection) -> None:
    """Require a usable image of every class.

    Raises:
        DataError: a class has none; the message names the first.
    """
    for count in inspection.classes:
        if not count.usable:
            raise DataError(
                f"`{printable(inspection.source)}` must have a readable image of every class. "
                f"Got none of {printable(count.name)!r} ({counted(count.images, 'file')}, none of them readable). "
                "Repair them or remove the class."
            )


def _unusable(source: Source, reasons: Mapping[int, str]) -> Iterator[Problem]:
    for index in sorted(reasons):
        reason = reasons[index]
        yield Problem(name=spell(source.image_name(index)), kind=kind_of(reason), detail=reason)


def _by_flag(source: Source, facts: NDArray[np.void]) -> Iterator[Problem]:
    flags = (
        ("misnamed", "wrong extension"),
        ("flat", "single color"),
        ("animated", "animated"),
        ("clipped", "clipped"),
    )
    for flag, kind in flags:
        for index in np.flatnonzero(facts[flag]).tolist():
            details = {
                "misnamed": f"its format is {facts['format'][index].decode()}",
                "flat": "all its pixels are equal",
                "animated": "only its first frame is used",
                "clipped": "more than 1 % of its values lie beyond the range of the dataset",
            }
            yield Problem(name=spell(source.image_name(index)), kind=kind, detail=details[flag])


def _remarked(source: Source, remarks: Mapping[int, tuple[str, ...]]) -> Iterator[Problem]:
    for index in sorted(remarks):
        for remark in remarks[index]:
            yield Problem(name=spell(source.image_name(index)), kind=_kind_of_remark(remark), detail=remark)


def _kind_of_remark(remark: str) -> str:
    if remark == VANISHED:
        return "invisible"
    return "damaged" if remark.startswith(DAMAGED) else "partly used"


def _twins(source: Source, facts: NDArray[np.void], usable: NDArray[np.int64]) -> Iterator[Problem]:
    """Give one problem of each kind for every group of exact duplicates."""
    groups = group(facts["digest"][usable])
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    for number in np.flatnonzero(sizes > 1).tolist():
        indices = usable[order[starts[number] : starts[number] + sizes[number]]].tolist()
        first, *others = (spell(source.image_name(index)) for index in indices)
        labels = sorted({int(source.labels[index]) for index in indices})
        splits = sorted({int(source.splits[index]) for index in indices})
        problems = [("duplicate", f"{len(indices)} times the same pixels")]
        if len(labels) > 1:
            names = ", ".join(spell(source.classes[label]) for label in labels)
            problems.append(("two classes", f"the same image is in the classes {names}"))
        if len(splits) > 1 and splits[-1] > 1:
            names = " and ".join(SPLIT_NAMES[split] for split in splits)
            problems.append(("train and test", f"the same image is in {names}"))
        for kind, detail in problems:
            yield Problem(name=first, kind=kind, detail=detail, others=tuple(others))


def _classes(source: Source, counts: tuple[ClassCount, ...], usable: NDArray[np.int64]) -> Iterator[Problem]:
    for count in counts:
        if count.usable < _FEW:
            need = "at least two are needed, for training and evaluation" if count.usable < 2 else f"{_FEW} are few"
            yield Problem(name=count.name, kind="few images", detail=f"{counted(count.usable, 'usable image')}; {need}")
    least, most = (pick(counts, key=lambda count: count.usable) for pick in (min, max))
    if least.usable and most.usable > _IMBALANCE * least.usable:
        times = most.usable / least.usable
        detail = f"{counted(least.usable, 'image')}, {most.name} has {most.usable:,}: {times:.0f} times as many"
        yield Problem(name=least.name, kind="imbalance", detail=detail)
    for split in (VALIDATION, TEST):
        there = np.bincount(source.labels[usable[source.splits[usable] == split]], minlength=len(counts))
        if not there.any():
            continue
        for index in np.flatnonzero(there == 0).tolist():
            detail = f"no usable image in {SPLIT_NAMES[split]}"
            yield Problem(name=counts[index].name, kind="empty class folder", detail=detail)


def _look_alikes(source: Source) -> Iterator[Problem]:
    for first, *others in look_alikes(source.classes):
        detail = f"looks like {', '.join(map(escaped, others))}"
        yield Problem(name=spell(first), kind="similar names", detail=detail)


def _spread(values: NDArray[np.uint32]) -> tuple[int, int, int]:
    return int(values.min()), int(np.median(values)), int(values.max())


def _tally(values: NDArray[np.bytes_]) -> dict[str, int]:
    names, counts = np.unique(values, return_counts=True)
    return {name.decode(): count for name, count in zip(names.tolist(), counts.tolist(), strict=True)}
