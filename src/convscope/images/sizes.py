"""Size, channels, background and value ranges of a dataset: options, choice from a sample, and notes on the choice."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal, cast

import numpy as np

from convscope.core.errors import ParameterError, choose, did_you_mean
from convscope.core.numeric import is_integer

from .preprocessing import FITS, LARGEST_PIXELS, LARGEST_SIDE, Preprocessing
from .sampling import Sample, edge_colors
from .values import EACH, NumberKind, ValueRanges

LADDER = (8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96)
"""Sides in pixels that are chosen by default; other sizes need `size`."""

SIZE, CHANNELS, VALUES = "size", "channels", "values:"
"""What the notes on these choices begin with."""

LARGEST = LADDER[-1]
_ENLARGE = 1.15
_SQUARE = (2 / 3, 3 / 2)
_NONE_SEEN = Sample(
    widths=np.zeros(0, np.int64), heights=np.zeros(0, np.int64), gray=False, edges=(), transparent=False, values={}
)
_NAMED = {"white": (255, 255, 255), "black": (0, 0, 0)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """Options of preprocessing; None and "auto" choose by the data.

    size: (width, height) or one side, in pixels. fit: how images of another shape are fitted. background: "auto",
    "white", "black" or "#rrggbb". channels: 1 or 3. ranges: values that become black and white.

    Raises:
        ParameterError: an option has an invalid value.

    Examples:
        >>> ImageOptions(size=64).size
        (64, 64)
    """

    size: tuple[int, int] | int | None = None
    fit: str = "letterbox"
    background: str = "auto"
    channels: int | None = None
    ranges: ValueRanges | None = None

    def __post_init__(self) -> None:
        choose("fit", self.fit, FITS)
        if self.background != "auto":
            parse_color(self.background)
        if self.channels not in (None, 1, 3) or isinstance(self.channels, bool):
            raise ParameterError(
                f"`channels` must be 1 (gray) or 3 (color). Got {self.channels!r}. "
                "Omit it to use the channels of the data."
            )
        if self.size is None:
            return
        sides = tuple(self.size) if isinstance(self.size, (tuple, list)) else (self.size, self.size)
        if len(sides) != 2 or not all(is_integer(side) and 1 <= side <= LARGEST_SIDE for side in sides):
            raise _wrong_size(self.size)
        if sides[0] * sides[1] > LARGEST_PIXELS:
            raise _wrong_size(self.size)
        object.__setattr__(self, "size", tuple(int(side) for side in sides))


def choose_preprocessing(options: ImageOptions, sample: Sample) -> tuple[Preprocessing, tuple[str, ...]]:
    """Return the preprocessing, and notes on how it was chosen."""
    (width, height), size_note = _size(options, sample)
    notes = [size_note]
    channels = options.channels or (1 if sample.gray else 3)
    seen = "all sampled images are gray" if sample.gray else "some are in color"
    notes.append(f"{CHANNELS} {channels}: {seen if options.channels is None else 'as set'}")
    ranges, range_notes = choose_ranges(options, sample)
    notes += range_notes
    color, why = _background(options, sample, ranges)
    background = color if channels == 3 else (_luma(color),)
    fit = cast("Literal['letterbox', 'stretch', 'crop']", options.fit)
    result = Preprocessing(height=height, width=width, channels=channels, fit=fit, background=background, ranges=ranges)
    has_margins = options.fit == "letterbox" and _margins(sample, width, height)
    if has_margins or sample.transparent or options.background != "auto":
        notes.append(f"background #{''.join(f'{value:02x}' for value in color)}: {why}")
    return result, tuple(notes)


def set_preprocessing(options: ImageOptions) -> tuple[Preprocessing, tuple[str, ...]] | None:
    """Return the preprocessing that the options set, with notes; None where they leave something to the data.

    Examples:
        >>> everything = ImageOptions(size=8, channels=1, background="white", ranges=ValueRanges())
        >>> set_preprocessing(everything)[0].background
        (255,)
        >>> set_preprocessing(ImageOptions(size=8, channels=1))
    """
    if options.background == "auto" or None in (options.size, options.channels, options.ranges):
        return None
    return choose_preprocessing(options, _NONE_SEEN)


def choose_ranges(options: ImageOptions, sample: Sample) -> tuple[ValueRanges, list[str]]:
    """Return the range of each kind of number in the sample, and a note on each but uint8."""
    if options.ranges is not None:
        common = next(
            (span for span in (options.ranges.byte, options.ranges.integer, options.ranges.float) if span), None
        )
        if options.ranges.each:
            return options.ranges, [f"{VALUES} each image from its own minimum to its own maximum, as set ({EACH})"]
        return options.ranges, [f"{VALUES} {common} become the gray levels 0…255, as set"] if common else []
    wide: list[NumberKind] = [kind for kind in sample.values if kind != "byte"]
    chosen = {kind: sample.values[kind].range() for kind in wide}
    notes = [
        f"{VALUES} {'floats' if kind == 'float' else 'integers'} from {sample.values[kind].low:g} to "
        f"{sample.values[kind].high:g} in the sample; {chosen[kind]} become the gray levels 0…255 in every image; "
        "--value-range changes it"
        for kind in wide
    ]
    return ValueRanges.by_kind(chosen), notes


def parse_color(text: str) -> tuple[int, int, int]:
    """Return red, green, blue (0…255) of "white", "black" or "#rrggbb".

    Raises:
        ParameterError: the text has another form.

    Examples:
        >>> parse_color("#ff8000")
        (255, 128, 0)
    """
    if text in _NAMED:
        return _NAMED[text]
    if not re.fullmatch("#[0-9a-fA-F]{6}", str(text)):
        raise ParameterError(
            f"`background` must be auto, white, black or a color like #ff8000. Got {text!r}."
            + (did_you_mean(text, ("auto", *_NAMED)) or " Give red, green and blue as two hexadecimal digits each.")
        )
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def background_of(text: str, channels: int) -> tuple[int, ...]:
    """Return a color as a background: one value 0…255 per channel.

    Raises:
        ParameterError: `text` is not a color, or "auto", which needs a dataset.

    Examples:
        >>> background_of("white", 1), background_of("#ff0000", 3)
        ((255,), (255, 0, 0))
    """
    color = parse_color(text)
    return color if channels == 3 else (_luma(color),)


def parse_size(size: str | int | Sequence[int] | None) -> int | tuple[int, int] | None:
    """Return ``"64"`` as 64 and ``"64x48"`` as (64, 48), width first; numbers are returned unchanged.

    Raises:
        ParameterError: the text has another form, or there are not two numbers.

    Examples:
        >>> parse_size("64"), parse_size("64x48"), parse_size(None), parse_size((64, 48))
        (64, (64, 48), None, (64, 48))
    """
    if size is None:
        return None
    if isinstance(size, (tuple, list)) and len(size) != 2:
        raise _wrong_size(size)
    text = size_as_text(size)
    words = text.lower().split("x")
    if len(words) > 2 or not all(
        word.isascii() and word.isdigit() and 1 <= len(word) <= 5 and int(word) for word in words
    ):
        raise _wrong_size(text)
    sides = tuple(map(int, words))
    if max(sides) > LARGEST_SIDE or sides[0] * sides[-1] > LARGEST_PIXELS:
        raise _wrong_size(text)
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def _wrong_size(got: object) -> ParameterError:
    """Return the error for an invalid size."""
    return ParameterError(
        f"`size` must be one side or widthxheight, in pixels from 1 to {LARGEST_SIDE} a side and {LARGEST_PIXELS:,} in "
        f"all. Got {got!r}. Give for example 64 or 64x48."
    )


def parse_sides(size: str | int | Sequence[int] | None, *, usual: int) -> tuple[int, int]:
    """Return width and height: equal for one side, `usual` for None.

    Raises:
        ParameterError: as for `parse_size`.

    Examples:
        >>> parse_sides("64x48", usual=28), parse_sides(64, usual=28), parse_sides(None, usual=28)
        ((64, 48), (64, 64), (28, 28))
    """
    sides = parse_size(size) or usual
    return (sides, sides) if isinstance(sides, int) else sides


def size_as_text(size: str | int | Sequence[int]) -> str:
    """Return a size as command-line text.

    Examples:
        >>> size_as_text(64), size_as_text((64, 48)), size_as_text("64x48")
        ('64', '64x48', '64x48')
    """
    return "x".join(map(str, size)) if isinstance(size, (tuple, list)) else str(size)


def rung(side: float) -> int:
    """Return the largest side of LADDER that enlarges `side` by no more than 15 %, at least the smallest.

    Examples:
        >>> rung(30), rung(375), rung(3)
        (32, 96, 8)
    """
    return max((step for step in LADDER if step <= side * _ENLARGE), default=LADDER[0])


def _size(options: ImageOptions, sample: Sample) -> tuple[tuple[int, int], str]:
    """Return (width, height) and the note."""
    if options.size is not None:
        width, height = cast("tuple[int, int]", options.size)
        return (width, height), f"{SIZE} {width}x{height} (width x height): as set"
    median = int(np.median(sample.widths)), int(np.median(sample.heights))
    if sample.same_size and max(median) <= LARGEST:
        return median, f"{SIZE} {median[0]}x{median[1]} (width x height): that of the images"
    aspect = float(np.median(sample.widths / sample.heights))
    if _SQUARE[0] <= aspect <= _SQUARE[1]:
        width = height = rung(float(np.median(np.minimum(sample.widths, sample.heights))))
    else:
        long_side = rung(float(np.median(np.maximum(sample.widths, sample.heights))))
        short_side = max(LADDER[0], 4 * round(long_side * min(aspect, 1 / aspect) / 4))
        width, height = (long_side, short_side) if aspect > 1 else (short_side, long_side)
    fits = {
        "letterbox": "letterboxed, nothing is cropped",
        "stretch": "stretched, nothing is cropped",
        "crop": "cropped to the shape",
    }
    subject = "all images of the sample are" if sample.same_size else "the median image is"
    return (width, height), (
        f"{SIZE} {width}x{height} (width x height): {subject} {median[0]}x{median[1]}; {fits[options.fit]}; --size "
        "changes it"
    )


def _background(options: ImageOptions, sample: Sample, ranges: ValueRanges) -> tuple[tuple[int, int, int], str]:
    if options.background != "auto":
        return parse_color(options.background), "as set"
    edges = edge_colors(sample, ranges)
    if not len(edges):
        return _NAMED["white"], "white, because the edges of the images are transparent; --background changes it"
    red, green, blue = np.rint(np.median(edges, axis=0)).astype(int).tolist()
    return (red, green, blue), "the median color at the edges of the images; --background changes it"


def _margins(sample: Sample, width: int, height: int) -> bool:
    """Return whether some image leaves a margin of at least a pixel in the box."""
    scale = np.minimum(width / sample.widths, height / sample.heights)
    tall, wide = np.rint(sample.heights * scale), np.rint(sample.widths * scale)
    return bool(((tall < height) | (wide < width)).any())


def _luma(color: tuple[int, int, int]) -> int:
    """Return the gray level of a color by the weights of Pillow (ITU-R 601-2)."""
    red, green, blue = color
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
