"""Comparisons with invented results, whose conclusions are known beforehand."""

from typing import Any

import numpy as np

from convscope.measures.comparison.records import (
    Comparison,
    DistortionResult,
    VariantResult,
    VariantRun,
    digits_of,
)
from convscope.measures.comparison.variants import VARIANTS

IMAGES, DISTORTED = 1_000, 200


def digits(fraction: float, *, images: int = IMAGES, start: int = 0) -> str:
    """Return that a fraction of the images is correct, from image number `start` on, circularly."""
    correct = np.zeros(images, bool)
    correct[: round(fraction * images)] = True
    return digits_of(np.roll(correct, start))


def distortion(name: str, unit: str, strengths: tuple[float, ...], correct: int) -> DistortionResult:
    """Return that the first images are correct at every strength, and the others at none."""
    images = np.arange(DISTORTED) < correct
    return DistortionResult.of((name, unit), dict.fromkeys(strengths, (images, correct)))


def run(
    fraction: float, *, seed: int = 0, robustness: float = 0.8, trained_on: int = 1_000, **changes: Any
) -> VariantRun:
    """Return a run with an accuracy of `fraction`, and a relative accuracy on distorted images."""
    clean = round(fraction * DISTORTED)
    correct = round(robustness * clean)
    values: dict[str, Any] = {
        "seed": seed,
        "trained_on": trained_on,
        "epochs": 2,
        "seconds": 1.0,
        "total": IMAGES,
        "correct_digits": digits(fraction),
        "clean_digits": digits_of(np.arange(DISTORTED) < clean),
        "distorted": (
            distortion("shift-y", "px", (-2.0, 2.0), correct),
            distortion("noise", "fraction of the range", (0.1,), correct),
        ),
    }
    plain = {"clean_digits": ""} if changes.get("distorted") == () else {}
    return VariantRun(**(values | plain | changes))


def variant(
    name: str, *fractions: float, robustness: float = 0.8, curve: tuple[VariantRun, ...] = (), **changes: Any
) -> VariantResult:
    """Return a variant with one run for each accuracy."""
    values: dict[str, Any] = {
        "variant": name,
        "title": VARIANTS[name].title,
        "description": VARIANTS[name].description,
        "layout": "8C3-MP2",
        "parameters": 1_000,
        "macs": 10_000,
        "runs": tuple(run(fraction, seed=seed, robustness=robustness) for seed, fraction in enumerate(fractions)),
        "curve": curve,
        **changes,
    }
    return VariantResult(**values)


def comparison(*variants: VariantResult, **changes: Any) -> Comparison:
    """Return a comparison of these."""
    values: dict[str, Any] = {
        "library_version": "0.1.0",
        "data": "made up",
        "split": "test",
        "classes": 10,
        "height": 8,
        "width": 8,
        "channels": 1,
        "training_images": 1_000,
        "all_training_images": 2_000,
        "test_images": IMAGES,
        "distorted_images": DISTORTED,
        "layout": "8C3-MP2",
        "budget": "epochs",
        "amount": 2.0,
        "seeds": 1,
        "processor": "a processor",
        "cores": 2,
        "variants": variants,
        **changes,
    }
    return Comparison(**values)


def growing(name: str, exponent: float, *, noise: float = 0.0) -> VariantResult:
    """Return a variant whose error is 0.5 × (images / 10) ^ -exponent, times noise."""
    rng = np.random.default_rng(0)
    sizes = (10, 30, 100, 300, 1_000)
    fractions = [1 - 0.5 * (size / 10) ** -exponent * float(np.exp(noise * rng.normal())) for size in sizes]
    runs = [run(fraction, trained_on=size, distorted=()) for size, fraction in zip(sizes, fractions, strict=True)]
    return variant(name, runs=tuple(runs[-1:]), curve=tuple(runs[:-1]))
