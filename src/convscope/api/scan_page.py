"""A folder with an image under its classes, in tiles, and the explorer of the windows that were found in it."""

from collections.abc import Sequence
from pathlib import Path

from convscope.core.atomic import write_bytes, write_text
from convscope.core.document import document
from convscope.core.markup import Html, joined, tag
from convscope.core.text import counted, printable
from convscope.explorer.data import NamedImage, explorer_data
from convscope.explorer.page import render_look
from convscope.networks.model import Model
from convscope.scanning.detections import Detection
from convscope.scanning.grid import Box, Grid
from convscope.scanning.overlay import Overlay, encoded

from .look import room_of

PAGE, EXPLORER, TILES = "index.html", "look.html", "tiles"
LARGEST_SIDE = 16_384
_TILE = 1_024
_STYLE = """\
#map { position: relative; width: max-content; }
#map div { display: flex; }
#map img { display: block; }
#map svg { position: absolute; left: 0; top: 0; }
#map rect { fill: transparent; stroke: currentColor; stroke-width: 2; }
#map a:hover rect, #map a:focus rect { stroke-width: 5; }
"""


def write_page(folder: Path, model: Model, overlay: Overlay, found: Sequence[Detection]) -> None:
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
        tag("main", *lines, svg, id="map"),
    )
    write_text(folder / EXPLORER, render_look(explorer_data(model, images, title="windows of a scan")))
    page = document(title=Html("Positions found"), style=_STYLE, script="", body=body, images="'self' data:")
    write_text(folder / PAGE, page)


def _mark(number: int, one: Detection, grid: Grid, step: int) -> Html:
    """Return the link from the window of a position to the explorer, which shows it as image `number`."""
    top, left = (place * grid.stride / step for place in (one.row, one.column))
    height, width = (side / step for side in grid.window)
    name = tag("title", f"{printable(one.label)} {one.probability:.2f}")
    rect = tag("rect", name, x=f"{left:g}", y=f"{top:g}", width=f"{width:g}", height=f"{height:g}")
    return tag("a", rect, href=f"{EXPLORER}#{number}/0/1/1/1", target="_blank")
