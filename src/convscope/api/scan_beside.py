"""What a scan writes beside its maps: the table of positions, the overlay, and the page of its windows."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.core.atomic import write_bytes, write_text
from convscope.core.document import document
from convscope.core.errors import ParameterError
from convscope.core.markup import Html, joined, tag
from convscope.core.options import AnyPath
from convscope.core.targets import check_folder, refuse_existing, refuse_unwritable
from convscope.core.text import counted, printable
from convscope.explorer.data import NamedImage, explorer_data
from convscope.explorer.page import render_look
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions
from convscope.scanning.detections import (
    Detection,
    Search,
    check_table,
    detections,
    objects_of,
    write_detections,
)
from convscope.scanning.grid import Box, Grid
from convscope.scanning.maps_file import check_name, journal_of, partial
from convscope.scanning.overlay import LARGEST_SIDE, Overlay, check_overlay, class_colors, encoded, write_overlay
from convscope.scanning.receipt import Receipt
from convscope.scanning.sweep import Sweep

from .kept_inputs import keep_apart
from .look import room_of
from .scan_windows import PAGE as CHECK_PAGE
from .scan_windows import TABLE, check_windows, written_windows

PAGE, EXPLORER, TILES = "index.html", "look.html", "tiles"
_FILES = {"page": (PAGE, EXPLORER), "windows": (CHECK_PAGE, TABLE)}  # in the folder that an option names
_LARGEST_PAGE = 16_384
_TILE = 1_024
_STYLE = """\
#map { position: relative; width: max-content; }
#map div { display: flex; }
#map img { display: block; }
#map svg { position: absolute; left: 0; top: 0; }
#map rect { fill: transparent; stroke: currentColor; stroke-width: 2; }
#map a:hover rect, #map a:focus rect { stroke-width: 5; }
"""


def _write_page(folder: Path, model: Model, overlay: Overlay, found: Sequence[Detection]) -> None:
    """Write the page, its tiles, and the explorer; a click on a position opens its window there.

    The explorer has room for some hundred windows: those of the most probable positions are linked.

    Raises:
        DataError: the network is too large for a page.
    """
    (folder / TILES).mkdir(parents=True, exist_ok=True)
    grid = overlay.grid
    linked = sorted(found, key=lambda one: -one.probability)[: room_of(model)]
    images = [
        NamedImage(
            name=f"{one.label} {one.probability:.2f} at x {one.x:g}, y {one.y:g}",
            pixels=overlay.region(grid.pixels(Box(row=one.row, column=one.column, rows=1, columns=1))),
        )
        for one in linked
    ]
    lines = []
    rows, columns = overlay.shape
    for row in range(0, rows, _TILE):
        line = []
        for column in range(0, columns, _TILE):
            box = Box(row=row, column=column, rows=min(_TILE, rows - row), columns=min(_TILE, columns - column))
            name = f"{TILES}/{row // _TILE}-{column // _TILE}.jpg"
            write_bytes(folder / name, encoded(overlay.pixels(box), "JPEG"))
            line.append(tag("img", src=name, alt="", width=box.columns, height=box.rows, loading="lazy"))
        lines.append(tag("div", *line))
    marks = [_mark(number, one, grid, overlay.step) for number, one in enumerate(linked, 1)]
    svg = tag("svg", *marks, width=columns, height=rows, viewBox=f"0 0 {columns} {rows}")
    body = joined(
        tag("h1", "Positions found"),
        tag(
            "p",
            f"{counted(len(found), 'position')}; a click on one of the {len(linked):,} most probable opens its window.",
        ),
        _legend(model.classes, overlay.wanted),
        tag("main", *lines, svg, id="map"),
    )
    write_text(folder / EXPLORER, render_look(explorer_data(model, images, title="windows of a scan")))
    page = document(title=Html("Positions found"), style=_STYLE, script="", body=body, images="'self' data:")
    write_text(folder / PAGE, page)


def _legend(classes: Sequence[str], wanted: Sequence[int]) -> Html:
    """Return the classes beside their colors."""
    parts: list[str] = []
    for number, color in zip(wanted, class_colors(max(wanted) + 1)[list(wanted)].tolist(), strict=True):
        spot = tag("circle", cx=6, cy=6, r=6, fill="#{:02x}{:02x}{:02x}".format(*color))
        parts += [tag("svg", spot, width=12, height=12, aria_hidden="true"), f" {printable(classes[number])} \u2003"]
    return tag("p", *parts, id="legend")


def _mark(number: int, one: Detection, grid: Grid, step: int) -> Html:
    """Return the link from the window of a position to the explorer, which shows it as image `number`."""
    top, left = (place * grid.stride / step for place in (one.row, one.column))
    height, width = (side / step for side in grid.window)
    name = tag("title", f"{printable(one.label)} {one.probability:.2f}")
    rect = tag("rect", name, x=f"{left:g}", y=f"{top:g}", width=f"{width:g}", height=f"{height:g}")
    return tag("a", rect, href=f"{EXPLORER}#{number}/0/1/1/1", target="_blank")


def outputs_of(options: ScanOptions) -> list[AnyPath | None]:
    """Return the files that a scan writes, and the folders that it writes anew."""
    outputs = [options.output, options.positions, options.overlay]
    if options.output is not None:
        outputs += [partial(Path(options.output)), journal_of(Path(options.output))]
    if options.page is not None:
        outputs.append(Path(options.page) / TILES)
    return [*outputs, *_files_in(_folders(options))]


def _folders(options: ScanOptions) -> dict[str, Path]:
    """Return the folders that a scan writes into, by the options that name them."""
    return {name: Path(path) for name in _FILES if (path := getattr(options, name)) is not None}


def _files_in(folders: Mapping[str, Path]) -> list[Path]:
    """Return the files with names of their own that a scan writes into its folders."""
    return [folder / file for name, folder in folders.items() for file in _FILES[name]]


def check_outputs(options: ScanOptions, model: Model) -> None:
    """Refuse options that do not go together or do not fit the network, before anything is looked up or computed.

    Raises:
        ParameterError: options do not go together, or a name has the ending of another format.
        DataError: the name of a class is none of a folder.
    """
    if options.output is not None:
        check_name(Path(options.output))
    if options.positions is not None:
        check_table(Path(options.positions))
    if options.overlay is not None:
        check_overlay(Path(options.overlay))
    if options.page is not None:
        model.check_answers()
    check_windows(options, model)
    if options.per_megapixel is not None and not len(options.blank):
        raise ParameterError("`per_megapixel` must be given with `blank`. Got no blank images.")
    if len(options.blank) and not len(options.classes):
        raise ParameterError("`classes`, which the blank images do not show, must be given with `blank`. Got none.")


def check_beside(options: ScanOptions, model: Model, begun: Collection[Path]) -> None:
    """Refuse what cannot be written, before anything is computed.

    Args:
        options: name the files.
        model: whose training images are kept apart.
        begun: files of this scan, which was cut off while it wrote them.

    Raises:
        StorageError: a file is there, and not to be overwritten.
        ParameterError: a folder is one of a run or of images.
    """
    files = [Path(path) for path in (options.positions, options.overlay) if path is not None]
    folders = _folders(options)
    for path in (*files, *_files_in(folders)):
        refuse_existing(path, force=options.force or path.resolve() in begun)
    for path in files:
        refuse_unwritable(path)
    for name, folder in folders.items():
        check_folder(folder)
        tiles = {f"{TILES}/{one.name}" for one in (folder / TILES).glob("*.jpg") if re.fullmatch(r"\d+-\d+", one.stem)}
        keep_apart(name, folder, model, tiles | written_windows(folder))


def search_of(receipt: Receipt, options: ScanOptions) -> Search:
    """Return what counts as a position of the table: of the classes given, or of all but one named background."""
    distance = min(receipt.grid.window) / 2 if options.distance is None else options.distance * receipt.scale
    return Search(
        classes=receipt.classes,
        wanted=tuple(options.classes) or objects_of(receipt.classes),
        threshold=options.threshold if receipt.alarms is None else receipt.alarms.threshold,
        distance=distance / receipt.grid.stride,
        scale=receipt.scale,
        thresholds=() if receipt.alarms is None else receipt.alarms.thresholds,
    )


def write_beside(
    receipt: Receipt, read: Callable[[Box], NDArray[np.float32]], sweep: Sweep, options: ScanOptions
) -> tuple[Detection, ...]:
    """Write table, overlay and page; return the positions of the table. `read` gives probabilities at positions."""
    search, grid = search_of(receipt, options), receipt.grid
    numbers = [receipt.classes.index(name) for name in search.wanted]
    overlay = Overlay(region=sweep.pixels, read=read, grid=grid, wanted=numbers, largest=LARGEST_SIDE)
    if options.overlay is not None:
        write_overlay(Path(options.overlay), overlay)
    found = [] if options.positions is None and options.page is None else detections(read, grid, search)
    if options.positions is not None:
        write_detections(Path(options.positions), found, receipt.classes)
    if options.page is not None:
        _write_page(Path(options.page), sweep.model, replace(overlay, largest=_LARGEST_PAGE), found)
    return tuple(found)
