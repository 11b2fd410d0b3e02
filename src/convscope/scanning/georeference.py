"""Where the positions of a scan lie: the tags of their TIFF, and what of these an OME-Zarr image can say."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

GEOTIFF = {
    33550: "ModelPixelScale",
    33922: "ModelTiepoint",
    34264: "ModelTransformation",
    34735: "GeoKeyDirectory",
    34736: "GeoDoubleParams",
    34737: "GeoAsciiParams",
}
"""The tags of GeoTIFF 1.1, by number."""
_LINEAR_UNITS = {9001: "meter", 9002: "foot"}  # of EPSG, as far as OME-Zarr has a name for them
_PROJECTED_UNIT = 3076  # the key of a GeoKeyDirectory


def registration(
    tags: Mapping[int, Any],
    window: tuple[int, int],
    stride: int,
    margin: tuple[float, float],
    scale: float,
    *,
    pixel_um: tuple[float, float] | None = None,
) -> dict[int, Any]:
    """Return the tags that say where the positions lie, from those of the image.

    A position stands for `stride` pixels around the center of its window. Its resolution and position are in the unit
    of the image, in pixels where that has none. GeoTIFF tags are moved and scaled by the same numbers.

    Args:
        tags: of the image, by number.
        window: rows and columns.
        stride: in pixels of the scanned image.
        margin: pixels filled in above and to the left.
        scale: pixels of the scanned image for each of the file.
        pixel_um: rows and columns of a pixel in micrometers, where the image says so otherwise than by its tags.
    """
    step = stride / scale
    down, across = ((window[side] - stride) / 2 / scale - margin[side] / scale for side in (0, 1))
    if 282 in tags and 283 in tags and tags.get(296, 2) in (2, 3):
        found = (_ratio(tags[282]), _ratio(tags[283]), int(tags.get(296, 2)))
    elif pixel_um is not None:
        found = (_per_cm(pixel_um[1]), _per_cm(pixel_um[0]), 3)
    else:
        found = (Fraction(1), Fraction(1), 1)
    x, y, unit = (found[0] or Fraction(1)), (found[1] or Fraction(1)), found[2]
    result: dict[int, Any] = {
        282: x / Fraction(step),
        283: y / Fraction(step),
        286: max(Fraction(0), Fraction(across) / x),
        287: max(Fraction(0), Fraction(down) / y),
        296: [unit],
    }
    geo = {code: tags[code] for code in GEOTIFF if code in tags}
    if 33550 in geo and 33922 in geo:
        wide, tall, *rest = (float(number) for number in geo[33550])
        i, j, k, east, north, up = (float(number) for number in geo[33922][:6])
        geo[33550] = (wide * step, tall * step, *rest)
        geo[33922] = (0.0, 0.0, k, east + (across - i) * wide, north - (down - j) * tall, up)
    if 34264 in geo:
        matrix = np.array(geo[34264], float).reshape(4, 4)
        moved = matrix @ np.array([[step, 0, 0, across], [0, step, 0, down], [0, 0, 1, 0], [0, 0, 0, 1]], float)
        geo[34264] = tuple(moved.ravel().tolist())
    return result | geo


def _per_cm(pixel_um: float) -> Fraction:
    return Fraction(10_000 / pixel_um).limit_denominator(10_000)


def _ratio(value: Any) -> Fraction:
    """Return a rational tag; 0 where it is none."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return Fraction(int(value[0]), int(value[1])) if value[1] else Fraction(0)
    return Fraction(value) if isinstance(value, (int, float)) else Fraction(0)


def ground_size(tags: Mapping[int, Any]) -> tuple[tuple[float, float], str] | None:
    """Return rows and columns of a pixel on the ground, and their unit, where GeoTIFF tags say it in meters or feet.

    Examples:
        >>> keys = (1, 1, 0, 2, 1024, 0, 1, 1, 3076, 0, 1, 9001)
        >>> ground_size({33550: (0.5, 0.25, 0.0), 34735: keys}), ground_size({33550: (0.5, 0.25, 0.0)})
        (((0.25, 0.5), 'meter'), None)
    """
    try:
        wide, tall = (float(number) for number in tags[33550][:2])
        keys = [int(number) for number in tags[34735]]
        units = dict(zip(keys[4::4], keys[7::4], strict=True))
        unit = _LINEAR_UNITS[units[_PROJECTED_UNIT]]
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return ((tall, wide), unit) if tall > 0 and wide > 0 else None


def geotiff_attributes(tags: Mapping[int, Any]) -> dict[str, Any]:
    """Return GeoTIFF tags by their names, as JSON has them; empty where there are none.

    Examples:
        >>> geotiff_attributes({282: (1, 1), 33550: (2.0, 2.0, 0.0), 34737: "WGS 84|"})
        {'ModelPixelScale': [2.0, 2.0, 0.0], 'GeoAsciiParams': 'WGS 84|'}
    """
    return {name: _plain(tags[code]) for code, name in GEOTIFF.items() if code in tags}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode("ascii", "replace")
    if isinstance(value, str):
        return value.rstrip("\0")
    return np.asarray(value).ravel().tolist()
