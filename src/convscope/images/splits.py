"""Training, validation and test split: stratified, seeded, with exact duplicates in the same split."""

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.numeric import is_number
from convscope.core.splitmix64 import scattered
from convscope.core.text import are, counted
from convscope.images.sources.source import SPLIT_NAMES, TEST, TRAIN, UNASSIGNED, VALIDATION

DEFAULT_FRACTION = 0.2
"""Fraction for validation if the dataset has no splits."""

LEFT_OUT = UNASSIGNED
"""In the splits of a dataset: in none, because a duplicate is in validation or test, or the class is unknown."""


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
    """Return the split of every image (TRAIN, VALIDATION, TEST, or LEFT_OUT), and notes on it.

    Args:
        assigned: split by the source, uint8 N.
        labels: class of each image, int64 N.
        digests: N x 2; equal for exact duplicates.
        validation: fraction of the training images for validation; None takes 0.2 if the source has no splits.
        seed: of the choice, which depends on the images, not on their names or order.

    Raises:
        ParameterError: `validation` is not a fraction, or the source has a validation split already.
    """
    check_fraction(validation)
    groups = group(digests)
    notes = []
    validating = (assigned == VALIDATION) | (assigned == TEST)
    if not validating.any():
        fraction = DEFAULT_FRACTION if validation is None else validation
        splits, note = split_off_validation(labels, groups, digests, fraction, seed)
        return splits, (note,)
    splits = assigned.copy()
    unassigned = int(np.count_nonzero(assigned == UNASSIGNED))
    if unassigned:
        splits[assigned == UNASSIGNED] = TRAIN
        notes.append(f"{counted(unassigned, 'image')} without a split {are(unassigned)} used for training")
    notes += [_given_split_note(assigned, split) for split in (VALIDATION, TEST) if (assigned == split).any()]
    notes += _leave_out(splits, groups)
    if validation:
        if (assigned == VALIDATION).any():
            raise ParameterError(
                f"`validation` must be omitted for a dataset with a validation split. Got {validation:g}. Omit it."
            )
        train = np.flatnonzero(splits == TRAIN)
        splits[train], note = split_off_validation(
            labels[train], group(digests[train]), digests[train], validation, seed
        )
        notes.append(note)
    return splits, tuple(notes)


def group(digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the group of exact duplicates of each image, int64 N, numbered from 0.

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


def split_off_validation(
    labels: NDArray[np.int64], groups: NDArray[np.int64], digests: NDArray[np.uint64], fraction: float, seed: int
) -> tuple[NDArray[np.uint8], str]:
    """Return TRAIN or VALIDATION for each image, and the note.

    About `fraction` of the images of each class goes to validation: at least one if there are two different ones,
    never all. A group of duplicates belongs to the lowest class index in it.
    """
    splits = np.full(len(labels), TRAIN, np.uint8)
    if fraction == 0:
        return splits, "validation: none, as set"
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
    count_text = f"{validating:,} of {counted(len(labels), 'image')}"
    return splits, f"validation: a fraction of {fraction:g} of each class, by seed {seed}: {count_text}"


def _choose(members: NDArray[np.int64], sizes: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """Return the groups of one class for validation; `members` come in random order."""
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
    """Remove training images whose exact duplicate is in validation or test from `splits`; return the note."""
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
    return f"{name}: {counted(count, 'image')}, as the dataset has them ({SPLIT_NAMES[split]})"
