"""Gabor fits of first-layer filters: how far a filter detects bars or edges, of which orientation and width."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.layers.kinds import Convolution
from convscope.networks.folding import fold
from convscope.networks.image_network import ImageNetwork

Values = NDArray[np.float64]
_ITERATIONS = 40


@dataclass(frozen=True, kw_only=True)
class GaborFit:
    """The Gabor function that is most similar to the weights of a unit.

    Attributes:
        unit: its index in its layer, from 0.
        direction_deg: of the stripes, from horizontal, counter-clockwise, 0…180.
        wavelength_px: of the wave.
        width_px: standard deviation of the envelope.
        explained: fraction of the squared weights that it explains, 0…1. Small filters are easily explained: compare
            with random weights.
    """

    unit: int
    direction_deg: float
    wavelength_px: float
    width_px: float
    explained: float


def fit_filters(network: ImageNetwork) -> tuple[GaborFit, ...]:
    """Return the fit of every unit of the first layer; empty if that is no square convolution of at least 2 × 2.

    Weights on several channels are reduced to one pattern, that of the mixture of channels with most of their energy;
    other mixtures count as unexplained.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> len(fit_filters(Network(Layout.parse("4C5-MP2"), height=8, width=8, channels=3, classes=2)))
        4
    """
    arithmetic = fold(network)
    first = arithmetic.graph.nodes[0]
    if not isinstance(first.layer, Convolution) or not 2 <= first.layer.rows.kernel == first.layer.columns.kernel:
        return ()
    weights = arithmetic.tensors_of(first)["weight"].detach().cpu().numpy()
    return tuple(fit_gabor(own, unit=unit) for unit, own in enumerate(weights))


def fit_gabor(weights: NDArray[np.float32], *, unit: int = 0) -> GaborFit:
    """Return the Gabor function most similar to `weights`, channels × k × k: a grid search, then ever smaller steps.

    Amplitude and phase are solved exactly (least squares).
    """
    side = weights.shape[-1]
    flat = np.asarray(weights, dtype=np.float64).reshape(len(weights), -1)  # channels, k*k
    total = float((flat**2).sum())
    if total == 0:
        return GaborFit(unit=unit, direction_deg=0.0, wavelength_px=float(side), width_px=float(side), explained=0.0)
    _, sizes, patterns = np.linalg.svd(flat, full_matrices=False)
    pattern = sizes[0] * patterns[0]
    grid = _grid(side)
    best = grid[int(np.argmax(_projected(pattern, grid, side)))]
    step = np.array([7.5, 0.15, 0.15, side / 8, side / 8])
    value = float(_projected(pattern, best[None], side)[0])
    for _ in range(_ITERATIONS):
        near = _within(best + np.concatenate([np.diag(step), -np.diag(step)]), side)
        found = _projected(pattern, near, side)
        if found.max() > value:
            best, value = near[int(np.argmax(found))], float(found.max())
        else:
            step = step / 2
    return GaborFit(
        unit=unit,
        direction_deg=float(best[0] % 180),
        wavelength_px=float(2.0 ** best[1]),
        width_px=float(2.0 ** best[2]),
        explained=min(1.0, value / total),
    )


def _grid(side: int) -> Values:
    """Return initial waves: direction in degrees, log2 of wavelength and width, center down and across."""
    axes = (
        np.arange(0, 180, 15.0),
        np.log2(np.geomspace(2, 2 * side, 6)),
        np.log2(np.geomspace(side / 6, side, 4)),
        np.linspace(-side / 4, side / 4, 3),
        np.linspace(-side / 4, side / 4, 3),
    )
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def _within(waves: Values, side: int) -> Values:
    """Return the waves with wavelength 2 pixels … twice the side, width and center within the patch."""
    low = [-np.inf, 1.0, np.log2(side / 8), -side / 2, -side / 2]
    high = [np.inf, np.log2(2 * side), np.log2(2 * side), side / 2, side / 2]
    return np.clip(waves, low, high)


def _projected(pattern: Values, waves: Values, side: int) -> Values:
    """Return the squared sum of what each wave explains of `pattern` with its best amplitude and phase."""
    down, across = (axis.ravel() for axis in np.mgrid[:side, :side] - (side - 1) / 2)
    direction, length, width, y, x = (column[:, None] for column in waves.T)
    angle = np.deg2rad(direction)
    rows, columns = down - y, across - x
    along = np.cos(angle) * rows + np.sin(angle) * columns  # across the stripes; rows grow downward
    envelope = np.exp(-(rows**2 + columns**2) / (2 * 4.0**width))
    phase = 2 * np.pi * along / 2.0**length
    even, odd = envelope * np.cos(phase), envelope * np.sin(phase)
    a, b, d = (even**2).sum(1), (even * odd).sum(1), (odd**2).sum(1)
    u, v = even @ pattern, odd @ pattern
    single = u**2 / np.maximum(a, 1e-12)
    determinant = a * d - b**2
    with np.errstate(over="ignore"):  # where the determinant is 0, `single` is taken
        both = (d * u**2 - 2 * b * u * v + a * v**2) / np.maximum(determinant, 1e-300)
    result: Values = np.where(determinant > 1e-9 * a * np.maximum(a, d), both, single)
    return result
