"""What a scan writes beside its maps: the table of positions and the overlay."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.targets import check_folder, check_output, refuse_existing
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions
from convscope.scanning.detections import Detection, Search, check_table, detections, write_detections
from convscope.scanning.grid import Box
from convscope.scanning.overlay import LARGEST_SIDE, Overlay, write_overlay
from convscope.scanning.receipt import Receipt
from convscope.scanning.sweep import Sweep

from . import scan_page
from .scan_page import write_page


def check_beside(options: ScanOptions, model: Model) -> None:
    """Refuse what cannot be written, or does not go together, before anything is computed.

    Raises:
        ParameterError: options do not go together.
        StorageError: a file is there, and not to be overwritten.
    """
    for path in (options.positions, options.overlay):
        if path is not None:
            check_output(Path(path), force=options.force)
    if options.positions is not None:
        check_table(Path(options.positions))
    if options.page is not None:
        model.check_answers()
        check_folder(Path(options.page))
        for name in (scan_page.PAGE, scan_page.EXPLORER):
            refuse_existing(Path(options.page) / name, force=options.force)
    if options.per_megapixel is not None and not len(options.blank):
        raise ParameterError("`per_megapixel` must be given with blank. Got no blank images.")
    if len(options.blank) and not len(options.classes):
        raise ParameterError("`classes` must be given with blank: those that the images do not hold. Got none.")


def search_of(receipt: Receipt, options: ScanOptions) -> Search:
    """Return what counts as a position of the table."""
    distance = min(receipt.grid.window) / 2 if options.distance is None else options.distance * receipt.scale
    return Search(
        classes=receipt.classes,
        wanted=tuple(options.classes) or receipt.classes,
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
        write_detections(Path(options.positions), found)
    if options.page is not None:
        write_page(Path(options.page), sweep.model, replace(overlay, largest=scan_page.LARGEST_SIDE), found)
    return tuple(found)
