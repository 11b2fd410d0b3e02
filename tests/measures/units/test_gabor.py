"""A Gabor wave is recognized as one, with its direction and wavelength; noise is explained less."""

import numpy as np
import pytest

from convscope.measures.units.gabor import fit_filters, fit_gabor
from tests.checks.models import small_model


def wave(side: int, direction_deg: float, wavelength: float, width: float, phase: float) -> np.ndarray:
    """Return stripes of a direction, drawn by looking at each pixel's distance from the middle stripe."""
    found = np.zeros((side, side), np.float32)
    turn = np.deg2rad(direction_deg)
    for row in range(side):
        for column in range(side):
            correct, up = column - (side - 1) / 2, (side - 1) / 2 - row
            distance = -np.sin(turn) * correct + np.cos(turn) * up  # from the line through the middle in that direction
            envelope = np.exp(-(correct**2 + up**2) / (2 * width**2))
            found[row, column] = envelope * np.cos(2 * np.pi * distance / wavelength + phase)
    return found


@pytest.mark.parametrize(
    ("direction", "wavelength", "phase"), [(0.0, 5.0, 0.3), (37.0, 4.0, 1.5), (90.0, 6.0, 0.0), (150.0, 3.5, 2.0)]
)
def test_a_wave_is_found_with_its_direction_and_length(direction: float, wavelength: float, phase: float) -> None:
    fit = fit_gabor(wave(9, direction, wavelength, 2.2, phase)[None])
    assert fit.explained > 0.999
    assert min(abs(fit.direction_deg - direction), 180 - abs(fit.direction_deg - direction)) < 2
    assert fit.wavelength_px == pytest.approx(wavelength, rel=0.05)
    assert fit.width_px == pytest.approx(2.2, rel=0.1)


def test_colors_are_one_pattern_and_what_is_not_counts_as_not_explained() -> None:
    stripes = wave(7, 30.0, 4.0, 2.0, 0.5)
    mixed = np.stack([0.5 * stripes, -1.0 * stripes, 0.2 * stripes])
    assert fit_gabor(mixed).explained > 0.999
    other = wave(7, 120.0, 3.0, 2.0, 0.0)
    size = np.sqrt((mixed**2).sum() / (other**2).sum())
    assert fit_gabor(np.concatenate([mixed, size * other[None]])).explained < 0.75


def test_noise_is_explained_less_and_nothing_not_at_all() -> None:
    random = np.random.default_rng(0)
    noise = [fit_gabor(random.normal(size=(1, 9, 9)).astype(np.float32)).explained for _ in range(4)]
    assert max(noise) < 0.6
    assert all(one > 0 for one in noise)
    assert fit_gabor(np.zeros((1, 5, 5), np.float32)).explained == 0


@pytest.mark.parametrize(("text", "units"), [("4C5-MP2", 4), ("3C1", 0), ("3U3", 0), ("MP2-3C3", 0), ("5N", 0)])
def test_only_shared_patches_on_the_image_are_fitted(text: str, units: int) -> None:
    assert [fit.unit for fit in fit_filters(small_model(text).network)] == list(range(units))
