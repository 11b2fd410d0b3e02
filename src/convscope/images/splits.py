"""Which images are learned from, which are held out: stratified, by seed, exact duplicates always on one side."""

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.numeric import is_number
from convscope.core.splitmix64 import scattered
from convscope.core.text import are, counted
from convscope.images.sources.source import SPLIT_NAMES, TEST, TRAIN, UNASSIGNED, VALIDATION

DEFAULT_FRACTION = 0.2
"""How much is held out for validation where the set has no parts of its own."""

LEFT_OUT = UNASSIGNED
"""In the splits of a prepared set: in no part, as the same image is in validation or test, or no class is known."""


def check_fraction(validation: object) -> None:
    """Raise ParameterError unless `validation` is None or a fraction from 0 up to, but not including, 1."""
    if validation is None:
        return
    if not is_number(validation) or not 0 <= validation < 1:
        raise ParameterError(
            f"`validation` must be a fraction from 0 to below 1. Got {validation!r}. Give for example 0.2."
        )


def assign(
    assigned: NDArray[np.uint8],
    labels: NDArray[np.int64],
    digests: NDArray[np.uint64],
    *,
    validation: float | None = None,
    seed: int = 0,
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the part of every image (TRAIN, VALIDATION, TEST, or LEFT_OUT) and sentences that say how.

    Args:
        assigned: what the source says, uint8 N.
        labels: class of each image, int64 N.
        digests: N x 2; equal for exact duplicates.
        validation: fraction of the training images to hold out; None holds a fifth out only where the source has
            no parts of its own.
        seed: another seed, another choice. The choice depends on the images, not on their names or order.

    Raises:
        ParameterError: `validation` is no fraction, or the set has a validation part already.
    """
    check_fraction(validation)
    groups = group(digests)
    notes = []
    validating = (assigned == VALIDATION) | (assigned == TEST)
    if not validating.any():
        fraction = DEFAULT_FRACTION if validation is None else validation
        splits, note = hold_out(labels, groups, digests, fraction, seed)
        return splits, (note,)
    splits = assigned.copy()
    unassigned = int(np.count_nonzero(assigned == UNASSIGNED))
    if unassigned:
        splits[assigned == UNASSIGNED] = TRAIN
        notes.append(f"{counted(unassigned, 'image')} that the set gives to no part {are(unassigned)} learned from")
    notes += [_given_split_note(assigned, split) for split in (VALIDATION, TEST) if (assigned == split).any()]
    notes += _leave_out(splits, groups)
    if validation:
        if (assigned == VALIDATION).any():
            raise ParameterError(
                f"`validation` must be left out for a set with a validation part of its own. Got {validation:g}. "
                "Leave it out."
            )
        train = np.flatnonzero(splits == TRAIN)
        splits[train], note = hold_out(labels[train], group(digests[train]), digests[train], validation, seed)
        notes.append(note)
    return splits, tuple(notes)


def group(digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each image the number of its group of exact duplicates, int64 N; groups are numbered from 0.

    Examples:
        >>> group(np.array([[5, 1], [4, 0], [5, 1]], np.uint64))
        array([1, 0, 1])
    """
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    ordered = digests[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.cumsum(is_new) - 1
    return numbers


def hold_out(
    labels: NDArray[np.int64], groups: NDArray[np.int64], digests: NDArray[np.uint64], fraction: float, seed: int
) -> tuple[NDArray[np.uint8], str]:
    """Return TRAIN or VALIDATION for each image, and the sentence.

    Of each class about `fraction` of the images is held out, at least one where it has two different ones, never
    all. A group of duplicates counts to the class with the lowest number among them.
    """
    splits = np.full(len(labels), TRAIN, np.uint8)
    if fraction == 0:
        return splits, "validation: none is held out, as asked"
    count = int(groups.max(initial=-1)) + 1
    sizes = np.bincount(groups, minlength=count)
    lowest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(lowest, groups, labels)
    rank = np.empty(count, np.uint64)
    rank[groups] = scattered(digests[:, 0] ^ scattered(np.full(1, seed % (1 << 64), np.uint64)))
    chosen = np.zeros(count, bool)
    order = np.lexsort((rank, lowest))
    edges = np.flatnonzero(np.diff(lowest[order])) + 1
    for members in np.split(order, edges):
        chosen[_choose(members, sizes[members], fraction)] = True
    splits[chosen[groups]] = VALIDATION
    validating = int(np.count_nonzero(splits == VALIDATION))
    fraction_text = "a fifth" if fraction == DEFAULT_FRACTION else f"{fraction:g}"
    count_text = f"{validating:,} of {counted(len(labels), 'image')}"
    return splits, f"validation: {fraction_text} of each class is held out by seed {seed}: {count_text}"


def _choose(members: NDArray[np.int64], sizes: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """Return the groups of one class to hold out; `members` come in their random order."""
    total = int(sizes.sum())
    if len(members) < 2:
        return members[:0]
    target = min(max(1, round(fraction * total)), total - 1)
    if int(sizes.max()) == 1:
        return members[:target]
    taken, chosen_indices = 0, []
    for index, size in enumerate(sizes.tolist()):
        if taken + size <= target:
            taken += size
            chosen_indices.append(index)
    return members[chosen_indices or [int(np.argmin(sizes))]]


def _leave_out(splits: NDArray[np.uint8], groups: NDArray[np.int64]) -> list[str]:
    """Take images out of training whose exact duplicate is held out; change `splits`, return the sentence."""
    is_held = np.zeros(int(groups.max()) + 1, bool)
    is_held[groups[(splits == VALIDATION) | (splits == TEST)]] = True
    leaving = (splits == TRAIN) & is_held[groups]
    splits[leaving] = LEFT_OUT
    count = int(np.count_nonzero(leaving))
    count_text = f"{counted(count, 'training image')} {are(count)}"
    return [f"{count_text} left out: the same image is in validation or test"] if count else []


def _given_split_note(assigned: NDArray[np.uint8], split: int) -> str:
    name = {VALIDATION: "validation", TEST: "test"}[split]
    count = int(np.count_nonzero(assigned == split))
    return f"{name}: {counted(count, 'image')}, as the set gives them ({SPLIT_NAMES[split]})"
