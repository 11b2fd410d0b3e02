"""Verification of a result, finished or not: new positions are computed window by window and compared with it."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.errors import DataError
from convscope.networks.model import Model

from .grid import Box
from .maps_file import StoredMaps, finished_tiles
from .opening import open_image
from .preparing import bands_of, reader_of
from .receipt import DIFFERENCE, Check, Receipt, model_digest, receipt_of, reference
from .sweep import fitted, probabilities


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A verification.

    Attributes:
        receipt: of the result.
        check: comparison of what is stored with window by window.
        seed: of the positions.
        whole: whether the result is finished.
    """

    receipt: Receipt
    check: Check
    seed: int
    whole: bool


def verified(path: Path, model: Model, image: Any, *, count: int, seed: int | None = None) -> Verified:
    """Return the comparison of a result with its network at new positions.

    Args:
        path: of the TIFF; of one that is not whole, the name that it will have.
        model: the one that was used.
        image: the one that was scanned.
        count: positions at random, and as many at joints of tiles, edges and corners.
        seed: of the positions; another one each time by default.

    Raises:
        DataError: the model or the image is another one.
    """
    receipt, file = receipt_of(path)
    if model.is_dense:
        raise DataError("A result to verify must be of a network with one answer for a window. Got one of maps.")
    if model_digest(model) != receipt.model_digest:
        raise DataError(f"The model must be the one that was used, {receipt.layout}. Got other weights.")
    seed = int.from_bytes(os.urandom(4), "little") // 2 if seed is None else seed
    bands, grid = bands_of(receipt), receipt.grid
    stored = StoredMaps(file, grid, (len(receipt.bands), receipt.dtype), receipt.first)
    there = finished_tiles(path, file, grid)
    receipt, whole = replace(receipt, computed=grid.positions_of(there)), bool(there.all())
    found = Check(allowed=bands.step / 2 + DIFFERENCE)
    with open_image(image) as reader:
        if reader.shape[:2] != receipt.image_size:
            raise DataError(
                f"The image must be the one that was scanned, {receipt.image_size[1]}x{receipt.image_size[0]} pixels. "
                f"Got {reader.shape[1]}x{reader.shape[0]}."
            )
        scanned = reader_of(receipt, model, reader)
        for index, (random, nasty) in grid.checked(count, seed).items():
            if not there[index]:
                continue
            windows = []
            for row, column in (*random, *nasty):
                box = grid.pixels(Box(row=row, column=column, rows=1, columns=1))
                values = scanned.read(box.row, box.column, box.rows, box.columns)
                windows.append(fitted(model.preprocessing, values, scanned.name))
            logits = reference(model, np.stack(windows))
            expected = probabilities(model, logits.T[:, :, None])[:, 0]
            here = np.stack(
                [stored.box(Box(row=row, column=column, rows=1, columns=1))[0, 0] for row, column in (*random, *nasty)]
            )
            own = bands.probabilities(here[None])[0]
            if bands.best:  # of two classes with nearly the same probability, either may be the best
                difference = np.abs(own.max(axis=1) - expected.max(axis=1)).max()
            else:
                difference = np.abs(own - expected)[:, bands.numbers].max()
            found = replace(
                found,
                random=found.random + len(random),
                nasty=found.nasty + len(nasty),
                difference=max(found.difference, float(difference)),
                largest=max(found.largest, float(logits.abs().max())),
            )
    allowed = bands.step / 2 + DIFFERENCE * max(1.0, found.largest) + (1e-3 if receipt.dtype == "float16" else 0.0)
    return Verified(receipt=receipt, check=replace(found, allowed=allowed), seed=seed, whole=whole)
