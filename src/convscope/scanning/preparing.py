"""What a scan needs, chosen before it starts: scale, grid, tile, way, and a receipt that is not yet filled in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convscope.core.errors import DataError, ParameterError
from convscope.core.memory import available_bytes
from convscope.core.text import counted, duration, large, printable, size_text
from convscope.core.version import __version__
from convscope.networks.folding import fold
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions

from .bands import Bands
from .for_scan import scan_gain
from .fully import AppliedFully, steps_of
from .georeference import geotiff_attributes, ground_size, registration
from .grid import Box, Grid
from .ngff import ome_metadata
from .pixel_size import chosen_scale
from .readers import PaddedReader, Reader, ScaledReader
from .receipt import Receipt, Speed, model_digest
from .reuse import EarlierTiles
from .room import BASE_BYTES, parse_bytes, size_option
from .sweep import Sweep, measured
from .ways import MOST_BYTES, Applied, Way, applied, fitting_tile, own_stride

_LEAST_ROOM = 16 << 20  # for a tile, however little the machine has left
_BANDS = ("model_digest", "classes", "bands", "best", "dtype", "stability")
_EVERYTHING = (*_BANDS, "image_size", "scale", "edges", "grid", "image")
_MOST_CHECKING = 0.1  # of the arithmetic of a scan
_LEAST_CHECKED = {False: 20, True: 4}  # a position of a network of maps needs all of its field


@dataclass(frozen=True, kw_only=True, eq=False)
class Preparation:
    """A scan before its first tile.

    Attributes:
        sweep: computes it.
        receipt: what is known of the result.
        tags: of its TIFF.
        attributes: of its Zarr folder.
        memory: that it was fitted into; empty where its tiles are those of an earlier scan.
        note: what of the image file is left out.
    """

    sweep: Sweep
    receipt: Receipt
    tags: dict[int, Any]
    attributes: dict[str, Any]
    memory: str
    note: str


def bands_of(receipt: Receipt) -> Bands:
    """Return what a result stores."""
    return Bands(
        classes=receipt.classes,
        chosen=() if receipt.best else receipt.bands[: len(receipt.bands) - bool(receipt.stability)],
        best=receipt.best,
        dtype=receipt.dtype,
        stability=receipt.stability > 0,
    )


def reader_of(receipt: Receipt, model: Model, reader: Reader) -> Reader:
    """Return an image as it is scanned: scaled, and with its frame."""
    if receipt.scale != 1:
        reader = ScaledReader(reader, receipt.scale)
    color = model.preprocessing.background
    if model.is_dense:  # up to a multiple of all strides
        align = steps_of(fold(model.network).graph).align
        return PaddedReader(reader, (0, 0), (-reader.shape[0] % align, -reader.shape[1] % align), color)
    if receipt.edges == "pad":
        rows, columns = model.preprocessing.size
        return PaddedReader(reader, ((rows - 1) // 2, (columns - 1) // 2), (rows - 1, columns - 1), color)
    return reader


def _network(model: Model, scanned: Reader, stride: int | None, way: str) -> tuple[Applied, Grid]:
    """Return the network as it is applied, and its positions, in tiles of 16."""
    size = scanned.shape[:2]
    if model.is_dense:
        fully = AppliedFully(model, size)
        own = fully.steps.own
        if stride not in (0, 1, None, own):
            raise ParameterError(f"`stride` must be that of a network of maps, {own}. Got {stride}. Use 0.")
        window = size[0] - (fully.shape[0] - 1) * own, size[1] - (fully.shape[1] - 1) * own
        fields = fold(model.network).graph.fields[fold(model.network).graph.output.name]
        margin = tuple((side - 1) / 2 - float(field.center) for side, field in zip(window, fields, strict=True))
        grid = Grid(image=size, window=window, stride=own, tile=16, margin=(margin[0], margin[1]))
        return fully, grid
    stride = stride or own_stride(model)
    frame = scanned.margin if isinstance(scanned, PaddedReader) else (0, 0)
    used = applied(model, stride, way=way)
    return used, Grid(image=size, window=model.preprocessing.size, stride=stride, tile=16, margin=frame)


def _template(model: Model, reader: Reader, options: ScanOptions, names: tuple[str, str]) -> Receipt:
    """Return what is known of a result before its grid."""
    scale = chosen_scale(model, reader, options.scale)
    bands = Bands(
        classes=model.classes,
        chosen=tuple(options.classes),
        best=options.best,
        dtype=options.dtype,
        stability=options.stability > 0,
    )
    return Receipt(
        version=__version__,
        model=names[0],
        image=names[1],
        model_digest=model_digest(model),
        layout=model.title,
        classes=model.classes,
        bands=bands.names,
        best=bands.best,
        dtype=bands.dtype,
        stability=options.stability,
        image_size=reader.shape[:2],
        scale=scale,
        edges=options.edges,
    )


def prepared(
    model: Model,
    reader: Reader,
    options: ScanOptions,
    *,
    names: tuple[str, str] = ("", ""),
    before: Receipt | None = None,
    earlier: EarlierTiles | None = None,
) -> Preparation:
    """Return a scan before its first tile.

    Args:
        model: classifies images.
        reader: of the image as it is.
        options: what is wanted.
        names: paths of model and image; empty where they have none.
        before: receipt of the same scan that was cut off; tile and way stay.
        earlier: a result whose tiles are taken; tile and way are those of it.

    Raises:
        DataError: the image cannot be scanned, its scale is unknown, or the scan that was cut off is another one.
        ParameterError: an option does not fit the model.
    """
    template = _template(model, reader, options, names)
    bands, scale = bands_of(template), template.scale
    if earlier is not None:
        _check_same(template, earlier.receipt, "A result to reuse must be of the same network and bands", _BANDS)
    like = before or (None if earlier is None else earlier.receipt)
    scanned = reader_of(template, model, reader)
    used, grid = _network(model, scanned, options.stride, "" if like is None else like.way)
    reach = _reach(options.stability, grid.stride / scale)
    if like is None:
        tile, stripe = _tile(used, grid, model, options.memory, reach=reach, held=getattr(reader, "held_bytes", 0))
    else:
        tile, stripe = like.grid.tile, like.stripe
    grid = replace(grid, tile=tile)
    if isinstance(used, AppliedFully):
        used.in_stripes(stripe, grid)
    checks = _checks(used.way, grid, options.check, _LEAST_CHECKED[model.is_dense])
    receipt = replace(
        template,
        grid=grid,
        center=_center(grid, scale),
        padded=math.ceil(max(grid.margin) / grid.stride) * (options.edges == "pad"),
        way=used.way.name,
        stripe=stripe,
        macs=used.way.macs,
        window_macs=used.way.window_macs,
        positions=grid.positions,
    )
    if before is not None:
        _check_same(receipt, before, "A scan that was cut off must go on as it began", _EVERYTHING)
        receipt = before
    sweep = Sweep(
        model=model,
        reader=scanned,
        grid=grid,
        bands=bands,
        applied=used,
        checked=grid.checked(checks, options.seed) if checks else {},
        reach=reach,
        earlier=earlier,
    )
    sweep.pixels(Box(row=0, column=0, rows=1, columns=1))  # numbers that cannot be scanned are refused here
    tags, attributes = metadata_of(receipt, reader)
    return Preparation(
        sweep=sweep,
        receipt=receipt,
        tags=tags,
        attributes=attributes,
        memory=options.memory if like is None else "",
        note=getattr(reader, "note", ""),
    )


def _center(grid: Grid, scale: float) -> tuple[float, float]:
    """Return row and column of the center of position (0, 0), in pixels of the image."""
    row, column = ((one + 0.5) / scale - 0.5 for one in grid.center(0, 0))
    return row, column


def _checks(way: Way, grid: Grid, wanted: int, least: int) -> int:
    """Return how many positions are checked, at random and elsewhere each: `least`, or more where that costs little."""
    total = way.macs * grid.positions
    if way.window_macs * 2 * wanted <= _MOST_CHECKING * total:
        return wanted
    return min(wanted, max(least, int(_MOST_CHECKING * total / (2 * way.window_macs))))


def metadata_of(receipt: Receipt, reader: Reader) -> tuple[dict[int, Any], dict[str, Any]]:
    """Return the tags of a TIFF and the attributes of a Zarr folder: where the positions lie on an image."""
    grid, scale = receipt.grid, receipt.scale
    pixel_um: tuple[float, float] | None = getattr(reader, "pixel_um", None)
    tags = registration(reader.tags, grid.window, grid.stride, grid.margin, scale, pixel_um=pixel_um)
    size, unit = ground_size(reader.tags) or (pixel_um or (1.0, 1.0), "" if pixel_um is None else "micrometer")
    ome = ome_metadata(
        receipt.bands, receipt.dtype, center=receipt.center, step=grid.stride / scale, pixel=size, unit=unit
    )
    geotiff = geotiff_attributes(tags)
    return tags, {"ome": ome, **({"geotiff": geotiff} if geotiff else {})}


def _reach(stability: int, step: float) -> int:
    """Return the positions that windows are shifted by, `step` pixels of the image apart.

    Raises:
        ParameterError: there is no shift by so few pixels.
    """
    reach = int(stability / step)
    if stability and not reach:
        raise ParameterError(
            f"`stability` must be at least the distance of two positions, {step:g} pixels. Got {stability}."
        )
    return reach


def _tile(used: Applied, grid: Grid, model: Model, memory: str, *, reach: int, held: int) -> tuple[int, int]:
    """Return the side of the tiles that the memory has room for, and how many side by side are computed together.

    Of the memory, `held` bytes are those of the image.

    Raises:
        ParameterError: the memory has no room for the least tile.
    """
    asked, stripe = parse_bytes(memory), 0
    taken = BASE_BYTES + held
    room = min(asked - taken, max(_LEAST_ROOM, available_bytes() - BASE_BYTES))
    if isinstance(used, AppliedFully) and used.streams and not reach:
        side, stripe, needed = used.strips(min(room, MOST_BYTES))
    else:
        side, needed = fitting_tile(
            used,
            room,
            region_bytes=grid.stride**2 * max(3, model.preprocessing.channels),
            bands_bytes=8 * len(model.classes),
            most=max(grid.shape),
            reach=reach,
        )
    if needed + taken > asked:
        least = size_option(needed + taken)
        raise ParameterError(f"`memory` must be at least {least} for tiles of {side} positions. Got {memory}.")
    return side, stripe


def announced(preparation: Preparation) -> tuple[Speed, list[str]]:
    """Return a short measurement, and what a scan will cost in sentences: positions, MACs, minutes, bytes, way."""
    sweep, receipt = preparation.sweep, preparation.receipt
    grid, way = sweep.grid, sweep.applied.way
    speed = measured(sweep.model, sweep.applied, grid)
    stored = grid.positions * len(sweep.bands.names) * np.dtype(receipt.dtype).itemsize
    words = {
        "dense": "all windows at once",
        "families": "all windows at once, in families of positions, as the network sees zeros around its window",
        "windows": "window by window",
        "tiles": "as one image, in tiles that join exactly",
        "strips": "as one image, in strips of which no layer computes a row twice",
    }
    sentences = [
        *([preparation.note] if preparation.note else []),
        f"{grid.shape[1]:,} x {grid.shape[0]:,} = {counted(grid.positions, 'position')}, {grid.stride} px apart, in "
        f"{counted(grid.tiles[0] * grid.tiles[1], 'tile')} of {grid.tile}; position (0, 0) is centered at x "
        f"{receipt.center[1]:g}, y {receipt.center[0]:g}",
        *([f"the image is resampled to {receipt.scale:.4g} of its size"] if receipt.scale != 1 else []),
        f"{words[way.name]}: {large(way.macs)} MACs a position, {way.ratio:.1f} times fewer than window by window; "
        f"measured {speed.measured:.1f} times as fast, {speed.positions_s:,.0f} positions/s",
        f"about {duration(grid.positions / speed.positions_s)}, {size_text(stored)} to store"
        + (f", within {preparation.memory}" if preparation.memory else ""),
    ]
    layout, sizes = sweep.model.layout, sweep.model.network.plan.sizes
    if way.name == "families" and layout is not None and (gain := scan_gain(layout, sizes, grid.stride)) > 1.2:
        sentences.append(f"trained with --for-scan, the network would scan about {gain:.1f} times as fast")
    return speed, sentences


def _check_same(wanted: Receipt, before: Receipt, rule: str, names: Sequence[str]) -> None:
    """Raise an error for the result of another scan.

    Raises:
        DataError: they differ; the message names the first difference.
    """
    for name in names:
        one, other = getattr(wanted, name), getattr(before, name)
        if one != other:
            raise DataError(
                f"{rule}. Got another {name.replace('_', ' ')}: {printable(str(one))[:80]} in place of "
                f"{printable(str(other))[:80]}. Use --force to begin anew, without --reuse."
            )
