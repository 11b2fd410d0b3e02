"""The positions where a class was found: local maxima of its probability, at least a distance apart."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.atomic import write_text
from convscope.core.errors import DataError, ParameterError
from convscope.core.tables import DataTable

from .grid import Box, Grid

MOST = 1_000_000
ENDINGS = (".csv", ".geojson")
COLUMNS = ("class", "probability", "x", "y", "left", "top", "width", "height", "row", "column", "padded")


@dataclass(frozen=True, kw_only=True)
class Detection:
    """One position where a class was found.

    Attributes:
        label: the class.
        probability: there.
        x, y: center of the window, in pixels of the image; the center of the first pixel is at 0, 0.
        left, top, width, height: the window, from the edge of its first pixel, at −0.5.
        row, column: of the position in the maps.
        padded: the window reaches beyond the image.
    """

    label: str
    probability: float
    x: float
    y: float
    left: float
    top: float
    width: float
    height: float
    row: int
    column: int
    padded: bool


@dataclass(frozen=True, kw_only=True)
class Search:
    """What counts as a position.

    Attributes:
        classes: names, in the order of the probabilities.
        wanted: those that are looked for.
        threshold: least probability.
        distance: least distance of two positions, in positions of the maps.
        scale: pixels of the scanned image for each of the image.
    """

    classes: tuple[str, ...]
    wanted: tuple[str, ...]
    threshold: float
    distance: float
    scale: float = 1.0


def detections(read: Callable[[Box], NDArray[np.float32]], grid: Grid, search: Search) -> list[Detection]:
    """Return the positions found, by rows; each is the best within a distance, of all classes that are wanted.

    The best is where the mean probability around is largest: the middle of a plateau, not its corner.

    Args:
        read: gives the probabilities of some positions, rows × columns × classes.
        grid: positions.
        search: what counts.

    Raises:
        DataError: there are too many.
    """
    candidates = list(_candidates(read, grid, search))
    if len(candidates) > MOST:
        raise DataError(f"There must be at most {MOST:,} positions. Got {len(candidates):,}. Use a larger --threshold.")
    candidates.sort(key=lambda one: (-one[0], one[1], one[2]))
    side = max(1.0, search.distance)
    taken: dict[tuple[int, int], list[tuple[int, int]]] = {}
    found = []
    for _, row, column, number, value in candidates:
        cell = int(row // side), int(column // side)
        near = (
            place
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
            for place in taken.get((cell[0] + down, cell[1] + across), ())
        )
        if all((row - other[0]) ** 2 + (column - other[1]) ** 2 >= search.distance**2 for other in near):
            taken.setdefault(cell, []).append((row, column))
            found.append(_detection(grid, search, row, column, (search.wanted[number], value)))
    return sorted(found, key=lambda one: (one.row, one.column))


def _candidates(
    read: Callable[[Box], NDArray[np.float32]], grid: Grid, search: Search
) -> Iterator[tuple[float, int, int, int, float]]:
    """Give (mean around, row, column, class, probability) of local maxima, band by band, with a halo."""
    from scipy import ndimage

    numbers = [search.classes.index(name) for name in search.wanted]
    reach = max(1, int(search.distance))
    halo = 2 * reach
    band = max(256, halo)
    for row in range(0, grid.shape[0], band):
        top, bottom = max(0, row - halo), min(grid.shape[0], row + band + halo)
        values = read(Box(row=top, column=0, rows=bottom - top, columns=grid.shape[1]))[..., numbers]
        best = values.max(axis=-1)
        if best.max() < search.threshold:
            continue
        side = reach // 2 * 2 + 1
        mean = best.astype(np.float64)
        for _ in range(2):  # a pyramid of weights: a plateau has one middle
            mean = ndimage.uniform_filter(mean, side, mode="constant")
        peaks = (ndimage.maximum_filter(mean, side) == mean) & (best >= search.threshold)
        rows, columns = np.nonzero(peaks[row - top : row - top + band])
        for line, place in zip((rows + row - top).tolist(), columns.tolist(), strict=True):
            number = int(values[line, place].argmax())
            yield float(mean[line, place]), line + top, place, number, float(values[line, place, number])


def _detection(grid: Grid, search: Search, row: int, column: int, found: tuple[str, float]) -> Detection:
    """Return a position in pixels of the image."""
    y, x = ((center + 0.5) / search.scale - 0.5 for center in grid.center(row, column))
    height, width = (side / search.scale for side in grid.window)
    inside = all(
        first >= 0 and first + side <= size - 2 * margin
        for first, side, size, margin in zip(
            (grid.center(row, column)[axis] - (grid.window[axis] - 1) / 2 for axis in (0, 1)),
            grid.window,
            grid.image,
            grid.margin,
            strict=True,
        )
    )
    return Detection(
        label=found[0],
        probability=round(found[1], 4),
        x=round(x, 3),
        y=round(y, 3),
        left=round(x - width / 2, 3),
        top=round(y - height / 2, 3),
        width=round(width, 3),
        height=round(height, 3),
        row=row,
        column=column,
        padded=not inside,
    )


def check_table(path: Path) -> None:
    """Refuse an ending that no table has.

    Raises:
        ParameterError: it is neither .csv nor .geojson.
    """
    if path.suffix.lower() not in ENDINGS:
        raise ParameterError(f"`positions` must name a {' or '.join(ENDINGS)} file. Got {path.name!r}.")


def write_detections(path: Path, found: Sequence[Detection]) -> None:
    """Write the positions as CSV, or as GeoJSON that QuPath opens (pixels, from the corner of the first one)."""
    if path.suffix.lower() == ".csv":
        rows = [
            (one.label, *(f"{getattr(one, name):g}" for name in COLUMNS[1:-1]), "yes" if one.padded else "no")
            for one in found
        ]
        write_text(path, DataTable.of(COLUMNS, rows).csv())
        return
    document = {"type": "FeatureCollection", "features": [_feature(one) for one in found]}
    write_text(path, json.dumps(document, indent=1))


def _feature(one: Detection) -> dict[str, Any]:
    left, top = one.left + 0.5, one.top + 0.5
    right, bottom = left + one.width, top + one.height
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "objectType": "annotation",
            "classification": {"name": one.label},
            "measurements": {"probability": one.probability, "x": one.x, "y": one.y},
        },
    }
