"""A layer in a window that slides over an image: what each position reads, and how the maps of all windows are read.

A window's map is never made. Its values, for all windows at once, are in *families*: maps over the image, one for each
class of window positions (down, across) whose values are computed alike. `scanning` plans the families; a
layer computes one of them from those that it reads, its `SlidingInput`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .geometry import Window

Taps = tuple[tuple[int | None, ...], ...]
"""For each position of a result along a side, the positions below that it reads; None is a zero of the padding."""
SideTaps = tuple[Taps, ...]
"""The taps of each input along one side."""
Change = Callable[[Tensor], Tensor]
Join = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Neighboring taps along a side that read one family, in steps of equal length.

    Tap `first` + i of value k reads position `start` + i × `step` + k × `stride` of the family.

    Attributes:
        first, count: of the taps.
        family: number of the family along the side.
        start, step, stride: in positions of the family.
    """

    first: int
    count: int
    family: int
    start: int
    step: int
    stride: int

    def span(self, size: int) -> slice:
        """Return the positions from the first that `size` values read to the last."""
        return slice(self.start, self.start + (self.count - 1) * self.step + (size - 1) * self.stride + 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class SlidingInput:
    """One input of a layer, as one family of its result reads it.

    Attributes:
        maps: N C H W of each family of the input, by its numbers down and across.
        rows, columns: what is read down and across.
        taps: down and across, with those in the padding.
        size: rows and columns of the result.
        zero: 1 C 1 1, a zero for each map.
    """

    maps: Mapping[tuple[int, int], Tensor]
    rows: tuple[Run, ...]
    columns: tuple[Run, ...]
    taps: tuple[int, int]
    size: tuple[int, int]
    zero: Tensor

    def parts(self) -> Iterator[tuple[Run, Run, Tensor]]:
        """Give every run down with every run across, and the part of the map that the two read."""
        for down in self.rows:
            for across in self.columns:
                maps = self.maps[down.family, across.family]
                yield down, across, maps[:, :, down.span(self.size[0]), across.span(self.size[1])]

    def values(self) -> Iterator[tuple[int, int, Tensor]]:
        """Give the values of every tap down and across, N C h w, with their numbers."""
        for down, across, part in self.parts():
            for row in range(down.count):
                for column in range(across.count):
                    values = tapped(tapped(part, 2, down, row, self.size[0]), 3, across, column, self.size[1])
                    yield down.first + row, across.first + column, values

    def only(self) -> Tensor:
        """Return the values of the only tap."""
        ((_, _, values),) = self.values()
        return values

    def empty(self) -> Tensor:
        """Return zeros in place of the result, in as many maps as the input has."""
        return self.zero.expand(-1, -1, *self.size).contiguous()


def taps_of(runs: Iterable[Run]) -> Iterator[tuple[int, int]]:
    """Give the family that each tap of some runs reads, and the number of the tap."""
    return ((run.family, run.first + tap) for run in runs for tap in range(run.count))


def tapped(part: Tensor, axis: int, run: Run, tap: int, size: int) -> Tensor:
    """Return the values of one tap of a run along an axis of the part that the run reads."""
    if run.count == 1 and run.stride == 1:
        return part
    start = tap * run.step
    return part[(slice(None),) * axis + (slice(start, start + (size - 1) * run.stride + 1, run.stride),)]


def local_taps(below: int, positions: int) -> Taps:
    """Return the taps of a layer that looks at one position at a time; a single value below is read everywhere.

    Examples:
        >>> local_taps(2, 2), local_taps(1, 2)
        (((0,), (1,)), ((0,), (0,)))
    """
    return tuple((position if below > 1 else 0,) for position in range(positions))


def all_taps(below: int) -> Taps:
    """Return the taps of a single value that reads all positions."""
    return (tuple(range(below)),)


def window_taps(window: Window, below: int, *, zeros: int | None = None) -> Taps:
    """Return the taps of a sliding window; those in the padding are None.

    Args:
        window: the window.
        below: positions below.
        zeros: how far the padding reaches behind the map where it counts; taps beyond it are left out. None for all.

    Examples:
        >>> window_taps(Window(kernel=3, before=1, after=1), 2)
        ((None, 0, 1), (0, 1, None))
    """
    taps = []
    for position in range(window.positions(below)):
        start = position * window.stride - window.before
        read = (start + index * window.dilation for index in range(window.kernel))
        within = [place for place in read if zeros is None or place < below + zeros]
        taps.append(tuple(place if 0 <= place < below else None for place in within))
    return tuple(taps)


def without_padding(taps: Taps) -> Taps:
    """Return the taps within the map only."""
    return tuple(tuple(tap for tap in position if tap is not None) for position in taps)


def folded(part: Tensor, axis: int, run: Run, size: int, join: Join) -> Tensor:
    """Return all taps of a run joined into one along an axis, by `join`, which is associative.

    Many taps, one position of the result apart, are joined in pairs, pairs of pairs and so on.
    """
    if run.stride > 1 or run.count < 4:
        result = tapped(part, axis, run, 0, size)
        for tap in range(1, run.count):
            result = join(result, tapped(part, axis, run, tap, size))
        return result
    joined: Tensor | None = None
    power, width, first, left = part, 1, 0, run.count
    while True:
        if left & 1:
            here = power.narrow(axis, first * run.step, size)
            joined = here if joined is None else join(joined, here)
            first += width
        left >>= 1
        if not left:
            return joined if joined is not None else part
        length = power.shape[axis] - width * run.step
        power = join(power.narrow(axis, 0, length), power.narrow(axis, width * run.step, length))
        width *= 2


def joined(source: SlidingInput, join: Join, change: Change) -> Tensor:
    """Return all taps of a source joined, each changed before; zeros where it reads padding only."""
    result: Tensor | None = None
    for down, across, part in source.parts():
        rows = folded(change(part), 2, down, source.size[0], join)
        values = folded(rows, 3, across, source.size[1], join)
        result = values if result is None else join(result, values)
    return source.empty() if result is None else result


def weighted(source: SlidingInput, rows: Sequence[float], columns: Sequence[float]) -> Tensor:
    """Return the sum of all taps, each times the weight of its row and of its column."""
    result = source.empty()
    for row, column, values in source.values():
        result = result + (rows[row] * columns[column]) * values
    return result


def flattened(source: SlidingInput) -> Tensor:
    """Return the values of all taps as maps, N C h w, in the order maps × rows × columns."""
    values = [tap for _, _, tap in sorted(source.values(), key=lambda item: item[:2])]
    return torch.stack(values, dim=2).flatten(1, 2)  # N C T h w -> N C*T h w


def summed(source: SlidingInput, weight: Tensor, bias: Tensor | None, groups: int = 1) -> Tensor:
    """Return bias + Σ weight × tap over all taps; a convolution for each part of the window that reads one family."""
    result: Tensor | None = None
    for down, across, part in source.parts():
        kernel = weight[:, :, down.first : down.first + down.count, across.first : across.first + across.count]
        found = _convolved(part, kernel, bias if result is None else None, (down, across), groups)
        result = found if result is None else result.add_(found)
    if result is not None:
        return result
    least = weight.new_zeros(len(weight)) if bias is None else bias
    return least[None, :, None, None].expand(-1, -1, *source.size).contiguous()


def added(parts: Sequence[Tensor]) -> Tensor:
    """Return the sum of maps, in a new one."""
    result = parts[0] + parts[1] if len(parts) > 1 else parts[0].clone()
    for part in parts[2:]:
        result.add_(part)
    return result


def _convolved(part: Tensor, kernel: Tensor, bias: Tensor | None, runs: tuple[Run, Run], groups: int) -> Tensor:
    """Return the convolution of the part that two runs read."""
    stride, dilation = [run.stride for run in runs], [max(1, run.step) for run in runs]
    if part.dtype == torch.float32 and torch._C._has_mkldnn:  # conv2d often takes a slower way
        return torch.mkldnn_convolution(part, kernel, bias, (0, 0), stride, dilation, groups)
    return functional.conv2d(part, kernel, bias, stride, 0, dilation, groups)
