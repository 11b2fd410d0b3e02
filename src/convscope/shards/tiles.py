"""Tiles of a scan as the work of a shard."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

from numpy.typing import NDArray

from convscope.core.progress import Silent
from convscope.core.records import from_json
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions
from convscope.scanning.maps_file import no_records, record_of, tile_data
from convscope.scanning.opening import open_image
from convscope.scanning.preparing import prepared
from convscope.scanning.receipt import Receipt
from convscope.scanning.sweep import Sweep

from .manifest import Entry

SETTINGS = ("stride", "scale", "edges", "classes", "best", "dtype", "stability", "check", "seed")
"""Options of a scan that change its result; the side of its tiles is in the receipt."""
LARGEST_PART = 1 << 25
"""Bytes of the tiles of a shard, which are in memory before they are written; one tile may have more."""


def tile_entries(sweep: Sweep) -> Iterator[Entry]:
    """Give the tiles of a scan by their numbers, in the order in which they are computed."""
    return (Entry(name=str(number), content="") for number in sweep.order())


def stored_as(receipt: Receipt) -> tuple[int, str]:
    """Return number and type of the bands."""
    return len(receipt.bands), receipt.dtype


@final
class TilesInMemory:
    """Tiles of a shard before they are written."""

    def __init__(self, receipt: Receipt) -> None:
        self.records = no_records(receipt.grid)
        self.data: dict[int, bytes] = {}
        self.keys: dict[int, bytes] = {}
        self._side, self._bands = receipt.grid.tile, stored_as(receipt)

    def write(self, index: int, values: NDArray[Any], record: Mapping[str, float], key: bytes) -> None:
        """Take the positions of a tile."""
        self.records[index] = record_of(record)
        self.data[index], self.keys[index] = tile_data(values, self._side, self._bands), key


def scan_tiles(
    model: Model, options: Mapping[str, Any], entries: Sequence[Entry], metadata: Mapping[str, str]
) -> tuple[bytes, list[tuple[str, str]]]:
    """Return a part: a line of JSON, then records, keys and numbers of some tiles, as a result has them."""
    numbers = [int(entry.name) for entry in entries]
    receipt = from_json(Receipt, options["receipt"])
    wanted = ScanOptions(**{name: options[name] for name in SETTINGS})
    tiles = TilesInMemory(receipt)
    with open_image(options["image"]) as reader:
        made = prepared(model, reader, wanted, names=("", options["image"]), before=receipt)
        made.sweep.run(tiles, receipt, Silent(), tiles=numbers)
    parts = [json.dumps({**metadata, "tiles": numbers}).encode() + b"\n", tiles.records[numbers].tobytes()]
    return b"".join([*parts, *(tiles.keys[one] for one in numbers), *(tiles.data[one] for one in numbers)]), []
