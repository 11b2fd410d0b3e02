"""Where a sliding window stands and what it sees: integers only, known before anything is trained."""

import math
from dataclasses import dataclass
from fractions import Fraction

from convscope.core.errors import LayoutError, ParameterError
from convscope.core.text import counted

LARGEST_PATCH = 1_024
LARGEST_UNITS = 65_536


def check_range(name: str, value: int, largest: int) -> None:
    """Check that `value` is a whole number from 1 to `largest`.

    Raises:
        LayoutError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
        raise LayoutError(f"`{name}` must be a whole number from 1 to {largest:,}. Got {value}.")


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Return the number of positions of a sliding window along one side.

    Args:
        size: side of the input map, in pixels.
        kernel: side of the window, in pixels.
        stride: distance between neighboring positions, in pixels.
        padding: zeros added along the side, both ends together, in pixels.

    Raises:
        ParameterError: a value is not positive (or, for the padding, negative).
        LayoutError: the window is larger than the padded side.

    Examples:
        >>> output_size(5, kernel=3)   # a 3 x 3 patch has 3 places along a side of 5: 9 in all
        3
        >>> output_size(28, kernel=5), output_size(24, kernel=2, stride=2), output_size(28, kernel=5, padding=4)
        (24, 12, 28)
    """
    if min(size, kernel, stride) < 1 or padding < 0:
        raise ParameterError(
            f"`size`, `kernel` and `stride` must be at least 1 and `padding` at least 0. "
            f"Got size={size}, kernel={kernel}, stride={stride}, padding={padding}."
        )
    if kernel > size + padding:
        raise LayoutError(
            f"`kernel` must be at most the side of the map with its padding. Got {kernel} (side {size}, "
            f"padding {padding}). Use a smaller window or a larger image."
        )
    return (size + padding - kernel) // stride + 1


@dataclass(frozen=True, kw_only=True)
class MapShape:
    """Number of maps, each of rows × columns values; a vector is maps of one value."""

    maps: int
    rows: int = 1
    columns: int = 1

    @property
    def values(self) -> int:
        """Number of values for one image."""
        return self.maps * self.rows * self.columns

    def __str__(self) -> str:
        """Return the shape in words.

        Examples:
            >>> str(MapShape(maps=8, rows=4, columns=6)), str(MapShape(maps=10))
            ('8 maps of 6x4', '10 values')
        """
        if self.rows * self.columns == 1:
            return counted(self.maps, "value")
        return f"{counted(self.maps, 'map')} of {self.columns}x{self.rows}"


@dataclass(frozen=True, kw_only=True)
class Window:
    """A sliding window along one side, in positions of the map.

    Attributes:
        kernel: number of values in it.
        stride: distance between neighboring positions of the window.
        before, after: zeros before and after the map.
        dilation: distance between neighboring values in the window.
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1

    def __post_init__(self) -> None:
        """Validate the window."""
        if min(self.kernel, self.stride, self.dilation) < 1 or min(self.before, self.after) < 0:
            raise ParameterError(
                "`kernel`, `stride` and `dilation` must be at least 1, `before` and `after` at least 0. Got "
                f"kernel={self.kernel}, stride={self.stride}, before={self.before}, after={self.after}, "
                f"dilation={self.dilation}."
            )

    @property
    def extent(self) -> int:
        """Positions from its first value to its last."""
        return (self.kernel - 1) * self.dilation + 1

    def positions(self, size: int) -> int:
        """Return how many places the window takes along a side of `size` pixels."""
        return output_size(size, self.extent, self.stride, self.before + self.after)


def same_padding(kernel: int) -> tuple[int, int]:
    """Return the zeros before and after a side that keep its size at stride 1; the odd one goes behind.

    Examples:
        >>> same_padding(5), same_padding(2)
        ((2, 2), (0, 1))
    """
    return (kernel - 1) // 2, kernel // 2


@dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """The input pixels along one side that the values of a map depend on.

    The value at position p depends on pixels ``start + p * stride`` … ``start + p * stride + size - 1``; those outside
    the image are padding. Behind a resizing, stride and start may be fractions; the pixels are then the whole numbers
    from the first to the last.
    """

    size: int = 1
    stride: int | Fraction = 1
    start: int | Fraction = 0

    @property
    def center(self) -> Fraction:
        """The center of the field of position 0, in pixels: an integer or a half."""
        return self.start + Fraction(self.size - 1, 2)

    def first(self, position: int) -> int:
        """Return the first pixel of the field of a position; below 0 in the padding."""
        return math.ceil(self.start + position * self.stride)

    def starts(self, positions: int) -> list[int]:
        """Return the first pixel of the field of each of the first `positions` positions."""
        return [self.first(position) for position in range(positions)]

    def ends(self, positions: int) -> list[int]:
        """Return the pixel behind the field of each of the first `positions` positions."""
        return [math.floor(self.start + position * self.stride) + self.size for position in range(positions)]

    def through(self, window: Window) -> "ReceptiveField":
        """Return the field of the values that `window` computes from values with this field.

        Examples:
            >>> field = ReceptiveField().through(Window(kernel=5)).through(Window(kernel=2, stride=2))
            >>> field.size, field.stride, field.center
            (6, 2, Fraction(5, 2))
        """
        return self.resampled(window.stride, -window.before, window.extent - 1 - window.before)

    def resampled(self, step: int | Fraction, first: int | Fraction, last: int | Fraction) -> "ReceptiveField":
        """Return the field of values of which that at p is made of those with this field from p × step + first on.

        Args:
            step: positions of the map below between two values.
            first: of the positions below that a value can depend on, relative to p × step.
            last: of them.

        Examples:
            >>> ReceptiveField().resampled(Fraction(1, 2), Fraction(-1, 2), 0)  # twice as many, each value repeated
            ReceptiveField(size=2, stride=Fraction(1, 2), start=Fraction(-3, 4))
        """
        exact = self.size + (last - first) * self.stride
        size = math.ceil(exact)
        start = self.start + first * self.stride - Fraction(size - exact) / 2  # the center stays where it is
        return ReceptiveField(size=size, stride=whole(self.stride * step), start=whole(start))

    def moved(self, positions: int) -> "ReceptiveField":
        """Return the field of the values without the first `positions` of them."""
        return ReceptiveField(size=self.size, stride=self.stride, start=self.start + positions * self.stride)

    def over(self, size: int) -> "ReceptiveField":
        """Return the field of the only value that is made of `size` neighboring values with this field."""
        return self.through(Window(kernel=size, stride=size))

    def repeated(self, positions: int) -> "ReceptiveField":
        """Return the field of `positions` values that are all made of the one value with this field.

        It moves by an equal part at each position, and is so large that it always holds this one.
        """
        step = Fraction(self.size, positions)
        before = step * (positions - 1)
        return ReceptiveField(size=self.size + math.ceil(before), stride=whole(step), start=whole(self.start - before))

    def united(self, other: "ReceptiveField") -> "ReceptiveField":
        """Return the smallest field that holds this one and the other at every position.

        Where the strides differ (a value that is the same everywhere meets a map), the finer one counts.

        Examples:
            >>> ReceptiveField(size=3, start=-1).united(ReceptiveField(size=1, start=1))
            ReceptiveField(size=3, stride=1, start=-1)
        """
        start = min(self.start, other.start)
        end = max(self.start + self.size, other.start + other.size)
        return ReceptiveField(size=math.ceil(end - start), stride=min(self.stride, other.stride), start=whole(start))


def whole(number: int | Fraction) -> int | Fraction:
    """Return a fraction that is an integer as an integer, and others as they are."""
    return int(number) if number == int(number) else number
