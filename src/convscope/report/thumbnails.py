"""Small images inside the page: PNG in data URIs, within a budget of bytes."""

import base64
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from convscope.core.errors import DataError

SIDE_PX = 80
PLAIN_BYTES = 5_000
BUDGET_BYTES = 2_800_000


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """A small image: its size in pixels, and where to find it (a data URI)."""

    width: int
    height: int
    uri: str


def thumbnails(indices: Iterable[int], image: Callable[[int], np.ndarray]) -> dict[int, Thumbnail]:
    """Return the small images of `indices`, in that order, until `BUDGET_BYTES` of text are used.

    Raises:
        DataError: `image` returns another array.
    """
    made: dict[int, Thumbnail] = {}
    spent = 0
    for index in indices:
        if index in made:
            continue
        small = thumbnail(image(index))
        spent += len(small.uri)
        if spent > BUDGET_BYTES:
            break
        made[index] = small
    return made


def thumbnail(pixels: np.ndarray) -> Thumbnail:
    """Return an image at most `SIDE_PX` wide and high.

    Args:
        pixels: uint8, H W or H W C with one channel, three, or four (the last is opacity).

    Raises:
        DataError: `pixels` is another array.

    Examples:
        >>> small = thumbnail(np.zeros((200, 100, 3), np.uint8))
        >>> small.width, small.height, small.uri[:22]
        (40, 80, 'data:image/png;base64,')
    """
    pixels = np.asarray(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]  # H W 1 -> H W
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not fits or not pixels.size:
        raise DataError(
            "`thumbnails` must give images of uint8, H W or H W C with 1, 3 or 4 channels. "
            f"Got {pixels.dtype} of shape {pixels.shape}."
        )
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if max(image.size) > SIDE_PX:
        image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    data = _png(image)
    if len(data) > PLAIN_BYTES and image.mode == "RGB":
        data = min(data, _png(image.quantize(128, method=Image.Quantize.FASTOCTREE)), key=len)
    return Thumbnail(
        width=image.width, height=image.height, uri="data:image/png;base64," + base64.b64encode(data).decode("ascii")
    )


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=9)
    return file.getvalue()
