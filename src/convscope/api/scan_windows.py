"""Windows of a scan written as a class folder, to be corrected in a page and trained on."""

import contextlib
import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.core.atomic import explained, remove, write_bytes, write_text
from convscope.core.errors import DataError, ParameterError, choose
from convscope.core.tables import DataTable
from convscope.core.text import printable
from convscope.features.reading import Reading, StageFeatures
from convscope.images.inspection import ClassCount, Inspection, Problem, SizeSpread, spell
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions
from convscope.report.check_page import render_check
from convscope.scanning.detections import Candidate, Search, detection, objects_of, peaks, seen_by_peaks
from convscope.scanning.grid import Box
from convscope.scanning.overlay import encoded
from convscope.scanning.receipt import Receipt
from convscope.scanning.sweep import Sweep
from convscope.scanning.windows import hardness, picks, spread, uncertainty

Read = Callable[[Box], NDArray[np.float32]]

_POOL = 20  # windows for each one that is wanted, of which those whose features are far apart are taken
PAGE, TABLE = "check.html", "windows.csv"
_COLUMNS = ("image", "kind", "score", "class", "suggested", "x", "y", "left", "top", "width", "height")
_ABOUT = (
    "The score of an uncertain window is 1 minus the lead of its class, that of a hard example the probability of the "
    "wrong class. What lies in the center of a window decides its class: half an object is background. No file is "
    "moved or changed: put the class folders among your training images, save your decisions as a list, and train with "
    "--labels labels.csv."
)


def check_windows(options: ScanOptions, model: Model) -> None:
    """Refuse options that do not go together or do not fit the network, before anything is looked up or computed.

    Raises:
        ParameterError: options do not go together, there is no such class, or the network gives maps.
        DataError: the name of a class is none of a folder.
    """
    if bool(options.uncertain or options.hardest) != (options.windows is not None):
        raise ParameterError("`windows` must be given with `uncertain` or `hardest`, and only then.")
    if bool(options.hardest) != (options.label is not None):
        raise ParameterError("`label`, the true class of the whole image, must be given with `hardest`, and only then.")
    if options.windows is None:
        return
    model.check_answers()
    if options.label is not None:
        choose("label", options.label, model.classes)
    for name in model.classes:
        if not re.fullmatch(r"[^/\\:\x00-\x1f]{1,200}", name) or name.strip(". ") != name:
            raise DataError(f"The classes must have names of folders to write windows. Got {printable(name)[:80]!r}.")


def written_windows(folder: Path) -> frozenset[str]:
    """Return the windows that a scan wrote into a folder, as ``class/name``, by its table; none where it has none."""
    with contextlib.suppress(OSError, ValueError, csv.Error), (folder / TABLE).open(encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        if tuple(rows.fieldnames or ()) == _COLUMNS:
            names = [(row["image"] or "").strip() for row in rows]  # a space keeps a spreadsheet from computing it
            return frozenset(name for name in names if re.fullmatch(r"(?!\.\.?/)[^/\\]+/[^/\\]+\.png", name))
    return frozenset()


def _clear(folder: Path) -> None:
    """Remove the windows of an earlier scan, so that no class folder mixes those of two."""
    files = [folder / name for name in written_windows(folder)]
    for file in files:
        if not (file.is_symlink() or file.parent.is_symlink()):
            remove(file)
    for label in {file.parent for file in files}:
        with contextlib.suppress(OSError):  # it has others
            label.rmdir()


def write_windows(receipt: Receipt, read: Read, sweep: Sweep, options: ScanOptions) -> int:
    """Write the windows that are asked for, a table of them and the page to go through them; return how many.

    `read` gives the probabilities at some positions.
    """
    if options.windows is None:
        return 0
    folder = Path(options.windows)
    search = Search(classes=receipt.classes, wanted=receipt.classes, threshold=0.0, distance=0.0, scale=receipt.scale)
    name = re.sub(r"[^\w-]", "_", Path(receipt.image).stem or "image")[:80]
    pixels: dict[str, NDArray[np.uint8]] = {}
    problems: list[Problem] = []
    rows: list[list[str]] = []
    for kind, one in _picked(receipt, read, sweep, options):
        box = Box(row=one.row, column=one.column, rows=1, columns=1)
        order = np.argsort(-read(box)[0, 0], kind="stable")
        first, second = (receipt.classes[number] for number in order[:2])
        label, suggested = (first, second) if kind == "uncertain" else (str(options.label), first)
        found = detection(receipt.grid, search, one)
        file = f"{label}/{name}_x{found.left + 0.5:.0f}_y{found.top + 0.5:.0f}.png"
        pixels[file] = sweep.pixels(receipt.grid.pixels(box))
        detail = f"at x {found.x:g}, y {found.y:g}; looks like {printable(first)}, next {printable(second)}"
        score = round(one.value, 3)
        problems.append(Problem(name=file, kind=kind, detail=detail, score=score, label=label, suggested=suggested))
        numbers = (found.x, found.y, found.left, found.top, found.width, found.height)
        rows.append([file, kind, f"{score:g}", label, suggested, *(f"{number:g}" for number in numbers)])
    _clear(folder)
    write_text(folder / TABLE, DataTable.of(_COLUMNS, rows).csv())  # first: it says which files are of this scan
    for file, values in pixels.items():
        with explained(folder / file):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / file, encoded(values, "PNG"))
    write_text(folder / PAGE, render_check(_inspection(folder, receipt, problems), pixels.get, about=_ABOUT))
    return len(problems)


def _spread(pool: Sequence[Candidate], count: int, sweep: Sweep) -> list[Candidate]:
    """Return windows of the pool whose last features are far apart, the largest score first."""
    if len(pool) <= count:
        return list(pool)
    extractor = StageFeatures(sweep.model, Reading(pool="mean"))
    boxes = [Box(row=one.row, column=one.column, rows=1, columns=1) for one in pool]
    step = extractor.batch()
    features = [
        rows
        for at in range(0, len(boxes), step)
        for rows in extractor.of(np.stack([sweep.pixels(sweep.grid.pixels(box)) for box in boxes[at : at + step]]))
    ]
    return [pool[index] for index in spread(np.concatenate(features), count)]


def _picked(receipt: Receipt, read: Read, sweep: Sweep, options: ScanOptions) -> list[tuple[str, Candidate]]:
    """Return the windows with their kind: hard examples, and uncertain ones apart from them.

    Of all positions, the network is most uncertain beside objects, where a window has half of one; so uncertain windows
    are taken only where the probability of an object is the largest around.
    """
    label = None if options.label is None else receipt.classes.index(options.label)

    def hard(box: Box) -> NDArray[np.float32]:
        return hardness(read(box), label or 0)

    grid, objects = receipt.grid, [receipt.classes.index(name) for name in objects_of(receipt.classes)]
    reach = max(1, min(grid.window) // (2 * grid.stride))

    def uncertain(box: Box) -> NDArray[np.float32]:
        wide = seen_by_peaks(grid, box, reach)
        values = read(wide)
        _, is_peak = peaks(values[..., objects].max(axis=-1), reach)
        return (uncertainty(values) * is_peak)[box.inside(wide)]

    hardest = _spread(picks(hard, grid, _POOL * options.hardest), options.hardest, sweep)
    pool = picks(uncertain, grid, _POOL * options.uncertain, taken=hardest)
    others = _spread(pool, options.uncertain, sweep)
    return [*(("hard example", one) for one in hardest), *(("uncertain", one) for one in others)]


def _inspection(folder: Path, receipt: Receipt, problems: Sequence[Problem]) -> Inspection:
    """Return the windows as what is found in a dataset of them."""
    labels = [problem.label for problem in problems]
    height, width = receipt.grid.window
    return Inspection(
        source=spell(folder.name),
        images=len(problems),
        usable=len(problems),
        classes=tuple(
            ClassCount(name=name, images=labels.count(name), usable=labels.count(name)) for name in receipt.classes
        ),
        problems=tuple(problems),
        sizes=SizeSpread(widths=(width,) * 3, heights=(height,) * 3),
        modes={},
        formats={},
    )
