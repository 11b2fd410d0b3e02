"""Patches: the pixels that one activation depends on, cropped from an image."""

import base64
import binascii
import dataclasses
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.errors import DataError
from convscope.layers.geometry import ReceptiveField

from .records import LayerUnits, TopPatch, UnitRecord, UnitsRecord

LARGEST_SIDE = 40  # pixels of a saved patch
MOST_VALUES = 3_000_000  # of the saved patches of one layer


def cut(
    image: NDArray[np.uint8],
    fields: tuple[ReceptiveField, ReceptiveField],
    position: tuple[int, int],
    background: Sequence[int],
) -> NDArray[np.uint8]:
    """Return the receptive field of a position, uint8 of the fields' sizes × C, from an image H W C.

    Pixels outside the image are `background`, one value a channel.

    Examples:
        >>> corner = cut(np.full((4, 4, 1), 9, np.uint8), (ReceptiveField(size=3, start=-1),) * 2, (0, 0), (0,))
        >>> corner[..., 0].tolist()
        [[0, 0, 0], [0, 9, 9], [0, 9, 9]]
    """
    patch = np.empty((fields[0].size, fields[1].size, image.shape[2]), np.uint8)
    patch[...] = background
    starts = [field.first(at) for field, at in zip(fields, position, strict=True)]
    inside = [
        slice(max(0, start), max(0, min(side, start + field.size)))
        for start, field, side in zip(starts, fields, image.shape, strict=False)
    ]
    target = [slice(side.start - start, side.stop - start) for side, start in zip(inside, starts, strict=True)]
    if all(side.stop > side.start for side in inside):
        patch[*target] = image[*inside]
    return patch


def with_patches(record: UnitsRecord, images: NDArray[np.uint8], background: Sequence[int]) -> UnitsRecord:
    """Return the record with its top patches, cropped from the images that it was measured on.

    Where a layer has so many units that its patches are too large for a record, the strongest are saved.

    Args:
        record: of the units.
        images: the images, uint8 N H W C.
        background: of pixels outside them, one value a channel.
    """

    def shown(layer: LayerUnits) -> LayerUnits:
        fields = layer.field_rows, layer.field_columns
        sides = [min(field.size, LARGEST_SIDE) for field in fields]
        most = max(1, MOST_VALUES // (sides[0] * sides[1] * record.channels * max(1, len(layer.units))))

        def patch(top: TopPatch) -> TopPatch:
            pixels = cut(images[top.image], fields, (top.row, top.column), background)
            stream = io.BytesIO()
            thumbnail(pixels).save(stream, "PNG")
            return dataclasses.replace(top, png=base64.b64encode(stream.getvalue()).decode("ascii"))

        def unit(record: UnitRecord) -> UnitRecord:
            return dataclasses.replace(record, top=(*map(patch, record.top[:most]), *record.top[most:]))

        return dataclasses.replace(layer, units=tuple(map(unit, layer.units)))

    return dataclasses.replace(record, layers=tuple(map(shown, record.layers)))


def thumbnail(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return a patch H W C as an image of at most `LARGEST_SIDE` pixels a side."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    size = min(image.width, LARGEST_SIDE), min(image.height, LARGEST_SIDE)
    return image if image.size == size else image.resize(size, Image.Resampling.BOX)


def pixels_of(top: TopPatch) -> NDArray[np.uint8] | None:
    """Return the pixels of a patch, uint8 rows × columns (× 3 in color); None if they are not saved.

    Raises:
        DataError: it is not a small PNG.
    """
    if not top.png:
        return None
    try:
        data = base64.b64decode(top.png, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if max(image.size) > LARGEST_SIDE or image.mode not in ("L", "RGB"):
                raise ValueError
            return np.asarray(image)
    except (binascii.Error, OSError, ValueError, SyntaxError):
        raise DataError(f"`png` must be a PNG of at most {LARGEST_SIDE} pixels a side. Got another.") from None
