"""The check that every tile of a scan is there, and the file that one process would have written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import StorageError
from convscope.core.progress import Reporter
from convscope.core.records import from_json, strict_json, to_json
from convscope.core.text import printable
from convscope.scanning.maps_file import KEY_BYTES, begun, no_records, opened, prepare, tile_bytes
from convscope.scanning.opening import open_image
from convscope.scanning.preparing import metadata_of
from convscope.scanning.receipt import Receipt, Speed
from convscope.scanning.sweep import finished

from .manifest import IDENTITY, Manifest, part_name
from .merging import Merged, check_finished, refused
from .store import Store
from .tiles import stored_as

_HEAD = 1 << 20  # bytes of the first line of a part, at most


def merge_tiles(store: Store, manifest: Manifest, path: Path, reporter: Reporter, *, force: bool) -> Merged:
    """Check every part and write the result of the scan, a TIFF or Zarr folder.

    Raises:
        DataError: a part is missing, unknown or damaged, or the image, which has the place of its pixels, is not there.
        StorageError: the file cannot be written.
    """
    check_finished(store, manifest)
    options = manifest.request.options
    receipt = from_json(Receipt, options["receipt"])
    with open_image(options["image"]) as image:
        tags, ome = metadata_of(receipt, image)
    prepare(path, force=force)
    request = to_json(receipt)
    if begun(path) not in (None, request):
        raise StorageError(f"{printable(str(path))} is another scan that was cut off. Give another name, or --force.")
    with (
        reporter.task("merging", manifest.images, "tiles") as task,
        opened(path, receipt.grid, stored_as(receipt), tags, request, ome=ome) as file,
    ):
        receipt = replace(receipt, first=file.first)
        for number, shard in enumerate(manifest.shards):
            first, records, keys, data = _read_part(store, manifest, number, receipt)
            file.take(first, data, records, keys)
            task.advance(shard.images)
        receipt = finished(receipt, file)
        rate = receipt.positions / max(1e-9, receipt.seconds)
        ratio = receipt.window_macs / max(1, receipt.macs)
        file.describe(replace(receipt, speed=Speed(measured=0.0, arithmetic=ratio, share=0.0, positions_s=rate)))
    return Merged(images=manifest.images, unusable=(), parts=len(manifest.shards), unit="tile")


def _read_part(
    store: Store, manifest: Manifest, number: int, receipt: Receipt
) -> tuple[int, NDArray[Any], bytes, bytes]:
    """Return the first tile of a part, and records, keys and numbers of its tiles.

    Raises:
        DataError: it is damaged, or of another manifest.
    """
    name, count = part_name(number, "tiles"), manifest.shards[number].images
    first = number * manifest.request.size
    records = no_records(receipt.grid)[:count]
    sizes = records.nbytes, count * KEY_BYTES, count * tile_bytes(receipt.grid.tile, stored_as(receipt))
    head, _, rest = store.read(name, _HEAD + sum(sizes)).partition(b"\n")
    try:
        said = strict_json(head)
    except ValueError:
        said = {}
    if not isinstance(said, dict) or said.get(IDENTITY) != manifest.identity or said.get("tiles") != [first, count]:
        raise refused(name, "it is damaged, or of another manifest")
    if len(rest) != sum(sizes):
        raise refused(name, "it is cut off")
    records = np.frombuffer(rest, records.dtype, count)
    return first, records, rest[sizes[0] : sizes[0] + sizes[1]], rest[sizes[0] + sizes[1] :]
