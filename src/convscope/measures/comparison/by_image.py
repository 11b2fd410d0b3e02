"""Answers image by image as hexadecimal digits, so that two kinds can be compared on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.text import counted

MOST_STRENGTHS = 15
"""Of one distortion: as many as one hexadecimal digit counts."""
_DIGITS = frozenset("0123456789abcdef")


def digits_of(right: NDArray[np.bool_]) -> str:
    """Return which images were recognized as hexadecimal digits, four images each.

    Examples:
        >>> digits_of(np.array([True, False, False, True, True]))
        '98'
    """
    return np.packbits(right).tobytes().hex()[: -(-len(right) // 4)]


def bits_of(digits: str, total: int) -> NDArray[np.bool_]:
    """Return which of `total` images were recognized, bool N, from the digits of `digits_of`.

    Raises:
        ValueError: they are no hexadecimal digits.

    Examples:
        >>> bits_of("98", 5).tolist()
        [True, False, False, True, True]
    """
    if not _DIGITS.issuperset(digits):
        raise ValueError("no hexadecimal digits")
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(digits + "0" * (len(digits) % 2)), np.uint8))
    return bits[:total].astype(bool)


@dataclass(frozen=True, kw_only=True)
class ByImage:
    """How often each image was recognized with one distortion.

    Attributes:
        distortion: its name.
        counts: at how many of its strengths each image was recognized, one hexadecimal digit an image.
    """

    distortion: str
    counts: str

    def __post_init__(self) -> None:
        """Refuse what are no digits."""
        if not _DIGITS.issuperset(self.counts):
            raise DataError(
                f"`counts` must be hexadecimal digits, one an image. Got something else ({self.distortion}). "
                "Compare anew."
            )

    def numbers(self) -> NDArray[np.int64]:
        """Return at how many strengths each image was recognized: int64 N."""
        return np.array([int(digit, 16) for digit in self.counts], np.int64)

    def disagreement(self, images: int, right: Sequence[int]) -> str:
        """Return what the digits and the numbers of recognized images differ in; empty if in nothing.

        Args:
            images: how many there are.
            right: how many of them were recognized at each strength.
        """
        if len(self.counts) != images:
            return f"{counted(len(self.counts), 'digit')} for {counted(images, 'image')}"
        numbers = self.numbers()
        if numbers.max() > len(right):
            return f"an image that was recognized at {counted(int(numbers.max()), 'strength')} of {len(right)}"
        if numbers.sum() != sum(right):
            return f"{counted(int(numbers.sum()), 'recognized image')} in place of {sum(right):,}"
        return ""


def by_image(distortion: str, right: Sequence[NDArray[np.bool_]]) -> ByImage:
    """Return at how many strengths each image was recognized, from which were (bool N) at each strength.

    Examples:
        >>> by_image("noise", [np.array([True, True, False]), np.array([True, False, False])]).counts
        '210'
    """
    return ByImage(distortion=distortion, counts="".join(f"{count:x}" for count in np.sum(right, axis=0)))
