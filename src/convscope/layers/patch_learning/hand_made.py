"""Units that nobody learns: waves in a window, edges, and the cosines of JPEG. To add a bank, add one line to `BANKS`.

Each takes the side and the channels of a patch and a number of units, and returns units × side × side × channels, each
of length 1. Waves and edges see brightness only: their weights are the same in every channel.
"""

from collections.abc import Callable

import numpy as np

from convscope.core.errors import ParameterError
from convscope.layers.unit import Values

from .learners import unit_length

Bank = Callable[[int, int, int], Values]

_SHORTEST_WAVE_PX = 2.5  # below 2 pixels a wave aliases to a longer one
_WINDOW = 0.4  # deviation of the window in waves: 1.5 octaves, about what the cells of the eye's cortex have
_FEWEST_ANGLES = 4


def gabor(side: int, channels: int, units: int) -> Values:
    """Return waves under a round Gaussian window: lengths × phases × evenly spaced angles (Daugman 1985).

    The waves are as long as the patch, then half as long, and so on down to 2.5 pixels, if four angles each are left.
    Of each length there are lines (cosines) and edges (sines); each unit has the sum 0, so that an even patch gives
    nothing. Where `units` does not divide, the last angles of the shortest edges are left out.

    Raises:
        ParameterError: the patch has no side of at least 3 pixels.

    Examples:
        >>> gabor(5, 3, 16).shape
        (16, 5, 5, 3)
    """
    _check_side("gabor", side)
    lengths = [side / 2**octave for octave in range(side) if side / 2**octave >= _SHORTEST_WAVE_PX]
    lengths = lengths[: max(1, units // (2 * _FEWEST_ANGLES))]
    number = -(-units // (2 * len(lengths)))
    down, across = _places(side)
    waves = []
    for length in lengths:
        window = np.exp(-(down**2 + across**2) / (2 * (_WINDOW * length) ** 2))
        for phase in (0.0, np.pi / 2):
            for angle in np.pi * np.arange(number) / number:
                along = across * np.cos(angle) + down * np.sin(angle)
                wave = window * np.cos(2 * np.pi * along / length - phase)
                waves.append(wave - window * wave.sum() / window.sum())
    return _in_every_channel(np.stack(waves[:units]), channels)


def edges(side: int, channels: int, units: int) -> Values:
    """Return slopes of a Gaussian in directions evenly spaced over the full turn (Canny 1986).

    Opposite directions answer to opposite edges (light beside dark, dark beside light), which a rectified unit tells
    apart. The Gaussian has a deviation of a fifth of the side.

    Raises:
        ParameterError: the patch has no side of at least 3 pixels.

    Examples:
        >>> edges(3, 1, 4)[0, 1, :, 0].round(2).tolist()        # the middle row: from dark on the left to light
        [-0.67, 0.0, 0.67]
    """
    _check_side("edges", side)
    down, across = _places(side)
    angles = 2 * np.pi * np.arange(units)[:, None, None] / units
    slopes = across * np.cos(angles) + down * np.sin(angles)
    gaussian = np.exp(-(down**2 + across**2) / (2 * (side / 5) ** 2))
    return _in_every_channel(slopes * gaussian, channels)


def dct(side: int, channels: int, units: int) -> Values:
    """Return the first `units` of the two-dimensional DCT-II, low frequencies first (Ahmed, Natarajan & Rao 1974).

    Over colors the cosines go on along the channels: brightness, red against blue, green against both. All of them
    are an orthonormal basis of patches. Frequencies are counted as their sum over rows, columns and channels.

    Raises:
        ParameterError: there are more units than values in a patch.

    Examples:
        >>> bank = dct(3, 1, 9).reshape(9, 9)
        >>> bool(np.allclose(bank @ bank.T, np.eye(9)))
        True
    """
    size = side * side * channels
    if units > size:
        raise ParameterError(
            f"`units` of dct must be at most {size:,}, the values of a patch {side} × {side} × {channels}. "
            f"Got {units:,}. Use fewer units, larger patches, or another learner, for example kmeans."
        )
    order = sorted(np.ndindex(side, side, channels), key=lambda place: (sum(place), place[2], place[:2]))
    along, over = _cosines(side), _cosines(channels)
    return np.stack([np.einsum("y,x,c->yxc", along[y], along[x], over[c]) for y, x, c in order[:units]])


BANKS: dict[str, Bank] = {"gabor": gabor, "edges": edges, "dct": dct}


def _cosines(size: int) -> Values:
    """Return the orthonormal DCT-II basis of `size` values: frequencies × values."""
    from scipy.fft import dct as transform

    return np.asarray(transform(np.eye(size), axis=0, norm="ortho"))


def _places(side: int) -> Values:
    """Return rows and columns of a patch, counted from its middle: 2 × side × side."""
    return np.mgrid[:side, :side] - (side - 1) / 2


def _in_every_channel(bank: Values, channels: int) -> Values:
    """Return units × side × side × channels, of length 1, from units × side × side."""
    units, side, _ = bank.shape
    copied = np.repeat(bank[..., None], channels, axis=3)
    return unit_length(copied.reshape(units, -1)).reshape(units, side, side, channels)


def _check_side(name: str, side: int) -> None:
    if side < 3:
        raise ParameterError(
            f"`side` of a patch for {name} must be at least 3 pixels. Got {side}. Use larger patches, or another "
            "learner."
        )
