"""Preprocessing of an image to the size and channels of a network, the same in training and prediction."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.errors import DataError, ParameterError, UnreadableImageError, choose
from convscope.core.numeric import is_integer
from convscope.core.text import counted
from convscope.images.decoding.decoder import Decoded

from .values import ValueRanges, convention

FITS = ("letterbox", "stretch", "crop")
LARGEST_SIDE = 16_384  # pixels of a side of a network's input
LARGEST_PIXELS = 1 << 24  # height × width: 4096 × 4096

_REDUCING_GAP = 3.0
"""Pillow first averages blocks down to 3 times the target size: several times faster without a visible difference."""

_LARGE_VALUES = 1 << 24
_BLOCK_VALUES = 1 << 22
_WORTH_BLOCKS = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Preprocessing of an image to `height` x `width` x `channels`.

    fit: "letterbox" scales the whole image into the box and fills the margins with `background`; "stretch" scales
    each side separately; "crop" fills the box and crops both ends evenly. background: one value 0…255 per channel,
    also behind transparency. ranges: values of the file that become the gray levels 0 and 255, chosen once for the
    whole dataset.

    Raises:
        ParameterError: a field has an invalid value.

    Examples:
        >>> preprocessing = Preprocessing(height=2, width=4, channels=1, background=(9,))
        >>> preprocessing.apply(Decoded(values=np.zeros((2, 2, 1), np.uint8)))[:, :, 0]
        array([[9, 0, 0, 9],
               [9, 0, 0, 9]], dtype=uint8)
    """

    height: int
    width: int
    channels: int = 3
    fit: Literal["letterbox", "stretch", "crop"] = "letterbox"
    background: tuple[int, ...] = ()
    ranges: ValueRanges = dataclasses.field(default_factory=ValueRanges)

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            side = getattr(self, name)
            if not is_integer(side) or not 1 <= side <= LARGEST_SIDE:
                raise ParameterError(
                    f"`{name}` must be a whole number of pixels from 1 to {LARGEST_SIDE}. Got {side!r}."
                )
        if self.height * self.width > LARGEST_PIXELS:
            raise ParameterError(
                f"`height` × `width` must be at most {LARGEST_PIXELS:,} pixels. Got {self.height * self.width:,} "
                f"({self.width}x{self.height})."
            )
        if self.channels not in (1, 3):
            raise ParameterError(f"`channels` must be 1 (gray) or 3 (RGB). Got {self.channels!r}.")
        choose("fit", self.fit, FITS)
        if not self.background:
            object.__setattr__(self, "background", (0,) * self.channels)
        values = self.background
        if len(values) != self.channels or not all(is_integer(value) and 0 <= value <= 255 for value in values):
            raise ParameterError(
                f"`background` must be {counted(self.channels, 'whole number')} from 0 to 255, one per channel. "
                f"Got {values!r}."
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), the argument `near` of `decode`."""
        return self.height, self.width

    def apply(self, decoded: Decoded) -> NDArray[np.uint8]:
        """Return the image as uint8, height width channels; the input itself if it needs no change.

        Raises:
            UnreadableImageError: its value range is unknown.
        """
        values = decoded.values
        convert = self.ranges.converter(values, decoded.usual)
        if convert is None:
            raise UnreadableImageError(_without_range(values))
        reduced = self._reduced(values, convert) if values.size > _LARGE_VALUES else None
        return self._fit(self._match_channels(convert(values))) if reduced is None else self._boxed(reduced)

    def apply_stack(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Return images, N H W C of finite numbers, as uint8 N height width channels; each as by `apply`.

        If the dataset has no range for their type, all share one. The input itself is returned if it needs no change.

        Raises:
            DataError: not numbers N H W C, or their value range is unknown.
        """
        if images.ndim != 4 or images.dtype.kind not in "iuf" or images.shape[3] not in (1, 3, 4):
            raise DataError(
                "`images` must be numbers of shape N H W C with 1, 3 or 4 channels. "
                f"Got {images.dtype} of shape {images.shape}."
            )
        levels = self.ranges.gray_levels(images, convention(images, together=True))
        if levels is None:
            raise DataError(f"`images` cannot be used: {_without_range(images)}.")
        return self._fit_stack(levels)

    def _reduced(
        self, values: NDArray[Any], convert: Callable[[NDArray[Any]], NDArray[np.uint8]]
    ) -> NDArray[np.uint8] | None:
        """Return a large image scaled to the inner part of the box, H W C; None if it is not reduced much.

        Pillow first averages blocks of an image that is reduced much. Here this is done on some rows at a time, with
        the same result: the gray levels of the whole, and its copies, would take several times the memory.
        """
        height, width = values.shape[:2]
        tall, wide = self.inner_size(height, width)
        down, across = int(height / tall / _REDUCING_GAP) or 1, int(width / wide / _REDUCING_GAP) or 1
        if self.fit == "crop" or down * across < _WORTH_BLOCKS:
            return None
        rows = max(1, _BLOCK_VALUES // (width * values.shape[2] * down)) * down
        blocks = []
        for top in range(0, height, rows):
            block = self._match_channels(convert(values[top : top + rows]))
            image = Image.fromarray(np.ascontiguousarray(block if block.shape[2] == 3 else block[:, :, 0]))
            blocks.append(np.asarray(image.reduce((across, down))).reshape(-1, -(-width // across), block.shape[2]))
        joined = np.concatenate(blocks)
        return _resize(joined, (tall, wide), (0.0, 0.0, width / across, height / down), gap=None)

    def inner_size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of the part of the box that the image fills."""
        if self.fit != "letterbox":
            return self.size
        scale = min(self.height / height, self.width / width)
        return min(self.height, max(1, round(height * scale))), min(self.width, max(1, round(width * scale)))

    def _fit_stack(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if images.shape[1:3] == self.size and images.shape[3] in (1, self.channels):
            return images if images.shape[3] == self.channels else np.repeat(images, 3, axis=3)
        result = np.empty((len(images), self.height, self.width, self.channels), np.uint8)
        for index, pixels in enumerate(images):
            result[index] = self._fit(self._match_channels(pixels))
        return result

    def _match_channels(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return H W C with the channels of the network, but gray stays gray: repeating it after scaling is cheaper."""
        channels = pixels.shape[2]
        if channels == 4:
            color = self.background if self.channels == 3 else self.background * 3
            front = Image.fromarray(np.ascontiguousarray(pixels))  # RGBA
            below = Image.new("RGB", front.size, color)
            below.paste(front, mask=front)
            pixels, channels = np.asarray(below), 3
        if channels == 3 and self.channels == 1:
            luma = Image.fromarray(np.ascontiguousarray(pixels)).convert("L")  # ITU-R 601-2
            return np.asarray(luma)[:, :, None]
        return pixels

    def _fit(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if pixels.shape[:2] == self.size:
            return self._repeat_gray(pixels)
        height, width = pixels.shape[:2]
        if self.fit == "stretch":
            return self._repeat_gray(_resize(pixels, self.size))
        if self.fit == "crop":
            tall = min(height, width * self.height / self.width)
            wide = min(width, height * self.width / self.height)
            left, top = (width - wide) / 2, (height - tall) / 2
            box = (left, top, min(left + wide, width), min(top + tall, height))
            return self._repeat_gray(_resize(pixels, self.size, box))
        return self._boxed(_resize(pixels, self.inner_size(height, width)))

    def _boxed(self, inner: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the inner part with margins, where it does not fill the box."""
        inner = self._repeat_gray(inner)
        tall, wide = inner.shape[:2]
        if (tall, wide) == self.size:
            return inner
        result = np.empty((self.height, self.width, self.channels), np.uint8)
        result[:] = self.background
        top, left = (self.height - tall) // 2, (self.width - wide) // 2
        result[top : top + tall, left : left + wide] = inner
        return result

    def _repeat_gray(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return pixels if pixels.shape[2] == self.channels else np.repeat(pixels, 3, axis=2)


def _without_range(values: NDArray[Any]) -> str:
    kind = "floats" if values.dtype.kind == "f" else "integers"
    return (
        f"its values are {kind} from {float(values.min()):g} to {float(values.max()):g}, of which neither their type "
        "nor the model defines the range"
    )


def _resize(
    pixels: NDArray[np.uint8],
    size: tuple[int, int],
    box: tuple[float, float, float, float] | None = None,
    *,
    gap: float | None = _REDUCING_GAP,
) -> NDArray[np.uint8]:
    """Return uint8 H W C scaled to `size` (height, width), antialiased (triangle filter)."""
    if box is None and pixels.shape[:2] == size:
        return pixels
    channels = pixels.shape[2]
    image = Image.fromarray(np.ascontiguousarray(pixels if channels == 3 else pixels[:, :, 0]))
    scaled = image.resize(size[::-1], Image.Resampling.BILINEAR, box=box, reducing_gap=gap)
    return np.asarray(scaled).reshape(*size, channels)
