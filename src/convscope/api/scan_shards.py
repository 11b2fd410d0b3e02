"""A scan in shards of tiles: one huge image on one machine, in array jobs, or on a cluster."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from convscope.core.context import Context, context_of
from convscope.core.errors import ParameterError
from convscope.core.machine import tuned
from convscope.core.options import AnyPath
from convscope.core.records import from_json, to_json
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.options.scan import ScanOptions
from convscope.options.shards import ShardOptions
from convscope.scanning.maps_file import tile_bytes
from convscope.scanning.opening import open_image
from convscope.scanning.preparing import announced, prepared
from convscope.scanning.receipt import Receipt
from convscope.shards.job import ShardsJob, ShardsResult
from convscope.shards.manifest import read_manifest
from convscope.shards.store import Store
from convscope.shards.tiles import LARGEST_PART, SETTINGS, stored_as, tile_entries

from .scan import path_of

_BESIDE = ("output", "positions", "overlay", "page", "windows", "reuse", "per_megapixel")


def scan_in_shards(
    model: Model | AnyPath,
    image: AnyPath,
    how: ShardOptions,
    options: ScanOptions | None = None,
    *,
    force: bool = False,
    context: Context | None = None,
) -> ShardsResult:
    """Scan an image into a folder of parts, some tiles each; finished parts are not computed again.

    `merge` writes them as one TIFF or Zarr folder, with the bits of `scan`. Tables, overlays and pages are written by
    `scan(…, reuse=…)` of it, which computes nothing again.

    Args:
        model: a model, or the path of a model file or run folder.
        image: its path, the same on every machine.
        how: the folder, the cluster or part, and the most tiles of a shard.
        options: of the scan; those of files beside the maps are refused.
        force: begin anew what is in the folder.
        context: progress.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.
    """
    options, context = options or ScanOptions(), context_of(context)
    for name in (*_BESIDE, "blank", "uncertain", "hardest", "label"):
        if getattr(options, name):
            raise ParameterError(
                f"`{name}` must be left out with `shards`. Got one. Give it to scan --reuse, after merge."
            )
    if not isinstance(image, (str, os.PathLike)):
        raise ParameterError(f"`image` must be a path with `shards`. Got {type(image).__name__}. Save it first.")
    path = path_of(image)
    settings: dict[str, Any] = {name: to_json(getattr(options, name)) for name in SETTINGS}
    used, before = opened(model), None if force else _begun(how, settings)
    with tuned(), open_image(path, options.memory) as reader:
        preparation = prepared(used, reader, options, names=(path_of(model), path), before=before)
        receipt = preparation.receipt
        if before is None and how.part is None:
            for sentence in announced(preparation)[1]:
                context.reporter.say(sentence)
    size = tile_bytes(receipt.grid.tile, stored_as(receipt))
    how = replace(how, shard_size=max(1, min(how.shard_size, LARGEST_PART // size)))
    request = {"image": path, **settings, "receipt": to_json(receipt)}
    job = ShardsJob(how, "scan", used, request, path, force, options.device)
    return job.run(lambda: tile_entries(preparation.sweep), context.reporter)


def _begun(how: ShardOptions, settings: Mapping[str, Any]) -> Receipt | None:
    """Return the receipt of the scan in the folder; None if there is none yet, or one with other settings."""
    manifest = None if how.shards is None else read_manifest(Store(how.shards))
    if manifest is None or any(manifest.request.options.get(name) != value for name, value in settings.items()):
        return None
    return from_json(Receipt, manifest.request.options["receipt"])
