"""The positions where a class was found: local maxima of its probability, at least a distance apart."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convscope.core.atomic import write_text
from convscope.core.errors import DataError, ParameterError
from convscope.core.tables import DataTable

from .grid import Box, Grid
from .overlay import class_colors
from .stability import box_sums

MOST = 1_000_000
BLOCK = 512  # positions a side that are searched at once
_BACKGROUND = "background"
_WEIGHT = 65_535  # of a probability of 1
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
        thresholds: one for each class that is wanted, at or above `threshold`; that for all of them if empty.
    """

    classes: tuple[str, ...]
    wanted: tuple[str, ...]
    threshold: float
    distance: float
    scale: float = 1.0
    thresholds: tuple[float, ...] = ()

    def takes(self, one: "Candidate") -> bool:
        """Return whether a candidate reaches the threshold of its class."""
        return one.value >= (self.thresholds[one.number] if self.thresholds else self.threshold)


class Candidate(NamedTuple):
    """A local maximum of probability: weight of the probability around it, place, class and probability there."""

    weight: int
    row: int
    column: int
    number: int
    value: float


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
    found = suppressed(candidates(read, grid, search), search)
    return [detection(grid, search, one) for one in sorted(found, key=lambda one: (one.row, one.column))]


def suppressed(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Return the candidates at or above the threshold, without those that are too near to a better one."""
    side = max(1.0, search.distance)
    taken: dict[tuple[int, int], list[Candidate]] = {}
    left = []
    for one in sorted(found, key=lambda one: (-one.weight, one.row, one.column)):
        if not search.takes(one):
            continue
        cell = int(one.row // side), int(one.column // side)
        near = (
            other
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
            for other in taken.get((cell[0] + down, cell[1] + across), ())
        )
        if all((one.row - other.row) ** 2 + (one.column - other.column) ** 2 >= search.distance**2 for other in near):
            taken.setdefault(cell, []).append(one)
            left.append(one)
    return left


def objects_of(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes without one named background; all of them if there is no other."""
    return tuple(name for name in classes if name.lower() != _BACKGROUND) or classes


def seen_by_peaks(grid: Grid, box: Box, reach: int) -> Box:
    """Return the positions that decide which of a box are peaks."""
    return grid.around(box, 2 * reach)


def peaks(best: NDArray[np.float32], reach: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the weight of the probability around each position, and where it is the largest around, in integers.

    Args:
        best: probabilities, rows × columns.
        reach: positions across what is around a position; half as many lie on each side.
    """
    from scipy import ndimage

    half = reach // 2
    weights = np.rint(best * _WEIGHT).astype(np.int64)
    for _ in range(2):  # a pyramid of weights: a plateau has one middle
        weights = box_sums(weights, half)
    return weights, ndimage.maximum_filter(weights, 2 * half + 1) == weights


def candidates(read: Callable[[Box], NDArray[np.float32]], grid: Grid, search: Search) -> list[Candidate]:
    """Return the local maxima at or above the threshold, found block by block, in integers: the same for every block.

    Raises:
        DataError: there are too many.
    """
    numbers = [search.classes.index(name) for name in search.wanted]
    reach = max(1, int(search.distance))
    found: list[Candidate] = []
    for _, box in replace(grid, tile=max(BLOCK, 4 * reach)).every_box():
        wide = seen_by_peaks(grid, box, reach)
        values = read(wide)[..., numbers]
        best = values.max(axis=-1)
        if best.max() < search.threshold:
            continue
        weights, is_peak = peaks(best, reach)
        inner = box.inside(wide)
        for row, column in np.argwhere((is_peak & (best >= search.threshold))[inner]).tolist():
            line, place = row + inner[0].start, column + inner[1].start
            number = int(values[line, place].argmax())
            value = float(values[line, place, number])
            found.append(Candidate(int(weights[line, place]), row + box.row, column + box.column, number, value))
        if len(found) > MOST:
            raise DataError(f"There must be at most {MOST:,} positions. Got {len(found):,}. Use a larger --threshold.")
    return found


def detection(grid: Grid, search: Search, found: Candidate) -> Detection:
    """Return a position in pixels of the image."""
    row, column = found.row, found.column
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
        label=search.wanted[found.number],
        probability=round(found.value, 4),
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
    """Raise an error for an ending that no table has.

    Raises:
        ParameterError: it is neither .csv nor .geojson.
    """
    if path.suffix.lower() not in ENDINGS:
        raise ParameterError(f"`positions` must name a {' or '.join(ENDINGS)} file. Got {path.name!r}.")


def write_detections(path: Path, found: Sequence[Detection], classes: Sequence[str]) -> None:
    """Write the positions as CSV, or as GeoJSON that QuPath opens (pixels, from the corner of the first one).

    Each class of the model, in order, has the color that it has in an overlay.
    """
    if path.suffix.lower() == ".csv":
        rows = [
            (one.label, *(f"{getattr(one, name):g}" for name in COLUMNS[1:-1]), "yes" if one.padded else "no")
            for one in found
        ]
        write_text(path, DataTable.of(COLUMNS, rows).csv())
        return
    colors = dict(zip(classes, class_colors(len(classes)).tolist(), strict=True))
    document = {"type": "FeatureCollection", "features": [_feature(one, colors[one.label]) for one in found]}
    write_text(path, json.dumps(document, indent=1))


def _feature(one: Detection, color: list[int]) -> dict[str, Any]:
    left, top = one.left + 0.5, one.top + 0.5
    right, bottom = left + one.width, top + one.height
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "objectType": "annotation",
            "classification": {"name": one.label, "color": color},
            "measurements": {"probability": one.probability, "x": one.x, "y": one.y},
        },
    }
