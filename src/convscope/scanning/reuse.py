"""Never the same tile twice: tiles of an earlier result whose pixels, halo included, and network are the same."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.records import json_text

from .grid import Box
from .maps_file import KEY_BYTES, StoredMaps, finished_tiles
from .receipt import Receipt, receipt_of

_SETTINGS = ("version", "model_digest", "way", "bands", "best", "dtype", "stability")


def tile_key(receipt: Receipt, box: Box, wide: Box, region: NDArray[np.uint8]) -> bytes:
    """Return what stands for everything that the numbers of a tile depend on.

    Args:
        receipt: network, way and bands.
        box: positions of the tile.
        wide: positions that are computed for them.
        region: pixels that these depend on, as the network takes them.
    """
    places = [part for one in box.inside(wide) for part in (one.start, one.stop)]
    settings = [getattr(receipt, name) for name in _SETTINGS]
    head = json_text(
        [settings, receipt.grid.stride, receipt.grid.window, places, wide.rows, wide.columns, region.shape]
    )
    digest = hashlib.blake2b(head.encode(), digest_size=KEY_BYTES)
    digest.update(np.ascontiguousarray(region).data)
    return digest.digest()


class EarlierTiles:
    """The tiles of an earlier result, finished or not, by their keys.

    Args:
        path: of the TIFF.

    Raises:
        DataError: it is no result of a scan.
    """

    def __init__(self, path: Path) -> None:
        self.receipt, file = receipt_of(path)
        self._grid = self.receipt.grid
        self._stored = StoredMaps(file, self._grid, (len(self.receipt.bands), self.receipt.dtype), self.receipt.first)
        there = finished_tiles(path, file, self._grid)
        self._index = {key.tobytes(): index for index, key in enumerate(self._stored.keys) if there[index]}

    def tile(self, key: bytes) -> NDArray[Any] | None:
        """Return the numbers of the tile with a key; None if there is none."""
        index = self._index.get(key)
        return None if index is None else self._stored.box(self._grid.box(index))
