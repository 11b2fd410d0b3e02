"""Comparisons whose figures are made up, so that what is said of them is known beforehand."""

from typing import Any

import numpy as np

from convscope.measures.comparison.by_image import digits_of
from convscope.measures.comparison.kinds import KINDS
from convscope.measures.comparison.records import Comparison, Disturbed, Entry, Trial

IMAGES, DISTURBED = 1_000, 200


def answers(share: float, *, images: int = IMAGES, start: int = 0) -> str:
    """Return that a share of the images is right, from image number `start` on, round to the beginning."""
    right = np.zeros(images, bool)
    right[: round(share * images)] = True
    return digits_of(np.roll(right, start))


def trial(share: float, *, seed: int = 0, keeps: float = 0.8, trained_on: int = 1_000, **changes: Any) -> Trial:
    """Return a training that recognizes `share` of the images, and keeps a part of it on distorted ones."""
    undisturbed = round(share * DISTURBED)
    disturbed = tuple(
        Disturbed(
            distortion=name,
            unit=unit,
            strength=strength,
            images=DISTURBED,
            right=round(keeps * undisturbed),
            same=round(keeps * DISTURBED),
        )
        for name, unit, strengths in (("shift-y", "px", (-2.0, 2.0)), ("noise", "part of the range", (0.1,)))
        for strength in strengths
    )
    values: dict[str, Any] = {
        "seed": seed,
        "trained_on": trained_on,
        "epochs": 2,
        "seconds": 1.0,
        "total": IMAGES,
        "right": answers(share),
        "undisturbed": undisturbed,
        "disturbed": disturbed,
        **changes,
    }
    return Trial(**values)


def entry(kind: str, *shares: float, keeps: float = 0.8, curve: tuple[Trial, ...] = (), **changes: Any) -> Entry:
    """Return a kind with one training for each share."""
    values: dict[str, Any] = {
        "kind": kind,
        "title": KINDS[kind].title,
        "sentence": KINDS[kind].sentence,
        "layout": "8C3-MP2",
        "parameters": 1_000,
        "macs": 10_000,
        "trials": tuple(trial(share, seed=seed, keeps=keeps) for seed, share in enumerate(shares)),
        "curve": curve,
        **changes,
    }
    return Entry(**values)


def comparison(*entries: Entry, **changes: Any) -> Comparison:
    """Return a comparison of these."""
    values: dict[str, Any] = {
        "library_version": "0.1.0",
        "data": "made up",
        "part": "test",
        "classes": 10,
        "height": 8,
        "width": 8,
        "channels": 1,
        "training_images": 1_000,
        "all_training_images": 2_000,
        "test_images": IMAGES,
        "disturbed_images": DISTURBED,
        "layout": "8C3-MP2",
        "budget": "epochs",
        "amount": 2.0,
        "seeds": 1,
        "processor": "a processor",
        "cores": 2,
        "entries": entries,
        **changes,
    }
    return Comparison(**values)


def growing(kind: str, exponent: float, *, noise: float = 0.0) -> Entry:
    """Return a kind whose error is 0.5 × (images / 10) ^ -exponent, times chance."""
    rng = np.random.default_rng(0)
    sizes = (10, 30, 100, 300, 1_000)
    shares = [1 - 0.5 * (size / 10) ** -exponent * float(np.exp(noise * rng.normal())) for size in sizes]
    trials = [trial(share, trained_on=size, disturbed=()) for size, share in zip(sizes, shares, strict=True)]
    return entry(kind, shares[-1], trials=tuple(trials[-1:]), curve=tuple(trials[:-1]))
