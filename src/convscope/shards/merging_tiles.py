"""The check that every tile of a scan is there, and the file that one process would have written."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.errors import StorageError
from convscope.core.progress import Reporter
from convscope.core.records import from_json, strict_json, to_json
from convscope.core.text import printable
from convscope.scanning.maps_file import KEY_BYTES, begun, clear_for, no_records, opened, tile_bytes
from convscope.scanning.opening import open_image
from convscope.scanning.preparing import metadata_of
from convscope.scanning.receipt import Receipt, Speed
from convscope.scanning.sweep import finished

from .manifest import IDENTITY, Manifest, part_name
from .merging import Merged, check_finished, refused
from .store import Store
from .tiles import stored_as

_HEAD = 1 << 24  # bytes of the first line of a part, at most


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
        tags, attributes = metadata_of(receipt, image)
    clear_for(path, force=force)
    request = to_json(receipt)
    if begun(path) not in (None, request):
        raise StorageError(f"{printable(str(path))} is another scan that was cut off. Give another name, or --force.")
    with (
        reporter.task("merging", manifest.images, "tiles") as task,
        opened(path, receipt.grid, stored_as(receipt), tags, request, attributes=attributes) as file,
    ):
        receipt = replace(receipt, first=file.first)
        for number, shard in enumerate(manifest.shards):
            for index, record, key, data in _read_part(store, manifest, number, receipt):
                file.take(index, data, record, key)
            task.advance(shard.images)
        receipt = finished(receipt, file)
        rate = receipt.positions / max(1e-9, receipt.seconds)
        ratio = receipt.window_macs / max(1, receipt.macs)
        file.describe(replace(receipt, speed=Speed(measured=0.0, arithmetic=ratio, share=0.0, positions_s=rate)))
    return Merged(images=manifest.images, unusable=(), parts=len(manifest.shards), unit="tile")


def _read_part(
    store: Store, manifest: Manifest, number: int, receipt: Receipt
) -> Iterator[tuple[int, Any, bytes, bytes]]:
    """Give the tiles of a part: number, record, key and bytes.

    Raises:
        DataError: it is damaged, or of another manifest.
    """
    name, numbers = part_name(number, "tiles"), [int(entry.name) for entry in manifest.entries(store, number)]
    count, each = len(numbers), tile_bytes(receipt.grid.tile, stored_as(receipt))
    kind = no_records(receipt.grid).dtype
    size = count * (kind.itemsize + KEY_BYTES + each)
    head, _, rest = store.read(name, _HEAD + size).partition(b"\n")
    try:
        said = strict_json(head)
    except ValueError:
        said = {}
    if not isinstance(said, dict) or said.get(IDENTITY) != manifest.identity or said.get("tiles") != numbers:
        raise refused(name, "it is damaged, or of another manifest")
    if len(rest) != size:
        raise refused(name, "it is cut off")
    keys = count * kind.itemsize
    for index, record in enumerate(np.frombuffer(rest, kind, count)):
        key, data = keys + index * KEY_BYTES, keys + count * KEY_BYTES + index * each
        yield numbers[index], record, rest[key : key + KEY_BYTES], rest[data : data + each]
