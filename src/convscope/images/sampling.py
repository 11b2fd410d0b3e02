"""A fixed sample of the pictures, looked at before all are read: from it size, channels and background are chosen."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError, UnreadableImageError
from convscope.core.text import counted
from convscope.images.decoding.pictures import Decoded
from convscope.images.reading.facts import is_gray
from convscope.images.sources.source import Source

_MOST_PICTURES = 256
_MOST_PIXELS = 1_000_000_000  # about 80 photographs of 12 megapixels, a few seconds
_AT_ONCE = 16
_NEAR = (96, 96)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """What the sampled pictures have.

    widths, heights: int64 M. gray: none of them has colour. edges: float64 M' x 3, the middle colour of the outermost
    opaque pixels of each picture that has some. transparent: something shines through in one of them.
    """

    widths: NDArray[np.int64]
    heights: NDArray[np.int64]
    gray: bool
    edges: NDArray[np.float64]
    transparent: bool

    @property
    def same_size(self) -> bool:
        """Whether all have the same width and height."""
        return bool((self.widths == self.widths[0]).all() and (self.heights == self.heights[0]).all())

    @property
    def pixels(self) -> float:
        """Mean number of pixels."""
        return float((self.widths * self.heights).mean())


def take_sample(source: Source) -> Sample:
    """Return what up to 256 readable pictures have; the same pictures every time.

    Raises:
        DataError: not one picture can be read.
    """
    order = np.random.default_rng(0).permutation(len(source))
    looks: list[_Look] = []
    reason = "there are no pictures"
    with ThreadPoolExecutor(max_workers=2) as threads:
        for start in range(0, len(order), _AT_ONCE):
            for result in threads.map(lambda place: _look(source, int(place)), order[start : start + _AT_ONCE]):
                if isinstance(result, _Look):
                    looks.append(result)
                else:
                    reason = result
            if len(looks) >= _MOST_PICTURES or sum(look.width * look.height for look in looks) >= _MOST_PIXELS:
                break
    if not looks:
        raise DataError(
            f"`{source.name}` must have pictures that can be read. Got {counted(len(source), 'file')} and none of them "
            f"can (for example: {reason}). Check that they are JPEG, PNG, WebP, TIFF, BMP, GIF or PPM files."
        )
    return Sample(
        widths=np.array([look.width for look in looks]),
        heights=np.array([look.height for look in looks]),
        gray=all(look.gray for look in looks),
        edges=np.array([look.edge for look in looks if look.edge is not None]).reshape(-1, 3),
        transparent=any(look.transparent for look in looks),
    )


@dataclasses.dataclass(frozen=True)
class _Look:
    width: int
    height: int
    gray: bool
    edge: NDArray[np.float64] | None
    transparent: bool


def _look(source: Source, index: int) -> _Look | str:
    try:
        decoded = source.decode(index, near=_NEAR)
    except UnreadableImageError as error:
        return str(error)
    height, width = decoded.full_size
    return _Look(width, height, is_gray(decoded.pixels), _edge(decoded), decoded.pixels.shape[2] == 4)


def _edge(decoded: Decoded) -> NDArray[np.float64] | None:
    """Return the middle red, green and blue of the outermost pixels, None where all of them are transparent."""
    pixels = decoded.pixels
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # 2 (H + W), C
    if border.shape[1] == 4:
        border = border[border[:, 3] > 127, :3]
        if not len(border):
            return None
    return np.broadcast_to(np.median(border, axis=0), 3).astype(np.float64)
