"""Pooling: one value from each window of a map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError, choose
from convscope.layers.geometry import MapShape, Window, output_size
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    only,
)
from convscope.layers.pooling import POOLINGS, PoolingKind
from convscope.layers.pooling_operators import OnnxPooling
from convscope.layers.sliding import SideTaps, SlidingInput, Taps, window_taps, without_padding


@dataclass(frozen=True, kw_only=True)
class Pooling(Layer):
    """One value for each window of each map, or for the whole map.

    Attributes:
        code: a key of `POOLINGS`.
        rows, columns: the window down and across; None for the whole map. Only max and mean take windows that are not
            square, have padding or dilation.
        ceil: windows that reach beyond the last row or column are taken too.
        count_padding: a mean counts the zeros around the map.

    Raises:
        LayoutError: the windows do not fit the kind.
        ParameterError: the code is unknown.
    """

    KIND: ClassVar[str] = "pooling"
    FORMULA: ClassVar[str] = "one value of the n values of a window"
    PHRASE: ClassVar[str] = "one value of each window"
    SHIFT: ClassVar[str] = "stays nearly the same for shifts within a window; moves along by strides"

    code: str
    rows: Window | None = None
    columns: Window | None = None
    ceil: bool = False
    count_padding: bool = False

    def __post_init__(self) -> None:
        """Validate code and windows."""
        choose("code", self.code, POOLINGS)
        if (self.rows is None) != (self.columns is None):
            raise LayoutError("Either both windows are the whole map, or none.")
        if self.rows is None or self.columns is None or self.code in ("MP", "AP"):
            return
        padded = self.rows.before or self.rows.after or self.rows.dilation != 1
        if self.rows != self.columns or padded or self.ceil:
            raise LayoutError(f"Pooling {self.code} has square windows without padding.")

    @property
    def kind(self) -> PoolingKind:
        """The way of pooling, from the family's list."""
        return POOLINGS[self.code]

    @property
    def notation(self) -> str:
        """In the notation of layouts."""
        if self.rows is None or self.columns is None:
            return f"{self.code}g"
        rows, columns = self.rows, self.columns
        sides = str(rows.kernel) if rows.kernel == columns.kernel else f"{rows.kernel}x{columns.kernel}"
        return f"{self.code}{sides}" + (f"/{rows.stride}" if rows.stride != rows.kernel else "")

    def windows(self, below: MapShape) -> tuple[Window, Window]:
        """Return the window down and across the maps `below`, with what `ceil` adds behind them."""
        if self.rows is None or self.columns is None:
            return Window(kernel=below.rows, stride=below.rows), Window(kernel=below.columns, stride=below.columns)
        sides = ((self.rows, below.rows), (self.columns, below.columns))
        rows, columns = (_with_last(window, size) if self.ceil else window for window, size in sides)
        return rows, columns

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return smaller maps."""
        below = only(inputs)
        rows, columns = self.windows(below)
        return MapShape(maps=below.maps, rows=rows.positions(below.rows), columns=columns.positions(below.columns))

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the fields below, grown by what a value depends on of its window."""
        rows, columns = (self._seen(window) for window in self.windows(only(shapes)))
        return inputs[0][0].through(rows), inputs[0][1].through(columns)

    def _seen(self, window: Window) -> Window:
        if self.kind.sees == "first":
            return Window(kernel=1, stride=window.stride)
        if self.kind.sees == "around" and self.rows is not None:
            reach = window.kernel - 1
            return Window(kernel=1 + 2 * reach, stride=window.stride, before=reach, after=reach)
        return window

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the pooled maps."""
        (maps,) = inputs
        if self.rows is None or self.columns is None:
            return self.kind.whole().eval()(maps)  # type: ignore[no-any-return]  # modules return Any
        plain = Window(kernel=self.rows.kernel, stride=self.rows.stride)
        if self.rows == self.columns == plain and not self.ceil:
            return self.kind.windowed(plain.kernel, plain.stride).eval()(maps)  # type: ignore[no-any-return]
        rows, columns = self.windows(MapShape(maps=maps.shape[1], rows=maps.shape[2], columns=maps.shape[3]))
        frame = (columns.before, columns.after, rows.before, rows.after)
        kernel, stride = (rows.kernel, columns.kernel), (rows.stride, columns.stride)
        if self.code == "MP":
            framed = functional.pad(maps, frame, value=-torch.inf)
            return functional.max_pool2d(framed, kernel, stride, dilation=(rows.dilation, columns.dilation))
        sums = functional.avg_pool2d(functional.pad(maps, frame), kernel, stride)
        counted = maps.new_ones(1, 1, *maps.shape[2:])  # 1 where a value counts, 0 in the rest of the frame
        if self.count_padding:
            own = (self.columns.before, self.columns.after, self.rows.before, self.rows.after)
            counted = functional.pad(counted, own, value=1.0)
            frame = (0, frame[1] - own[1], 0, frame[3] - own[3])  # what `ceil` added does not count
        return sums / functional.avg_pool2d(functional.pad(counted, frame), kernel, stride)

    def taps(self, inputs: Sequence[MapShape]) -> tuple[SideTaps, SideTaps] | None:
        """Return the positions that each value is made of; None for a kind that does not say how it slides."""
        if self.kind.dense is None:
            return None
        below = only(inputs)
        rows, columns = self.windows(below)
        return (self._side(rows, self.rows, below.rows),), (self._side(columns, self.columns, below.columns),)

    def _side(self, window: Window, own: Window | None, below: int) -> Taps:
        """Return the taps along one side; `own` is the window without what `ceil` adds."""
        starts = range(0, window.positions(below) * window.stride, window.stride)
        if self.kind.sees == "first":
            return tuple((start,) for start in starts)
        if self.kind.sees == "around" and own is not None:
            reach = window.kernel - 1  # beyond the edge the map repeats its last value
            around = range(-reach, reach + 1)
            return tuple(tuple(min(max(start + index, 0), below - 1) for index in around) for start in starts)
        taps = window_taps(window, below, zeros=0 if own is None else own.after)
        return taps if self.count_padding else without_padding(taps)

    def dense(
        self, sources: Sequence[SlidingInput], tensors: Mapping[str, Tensor], rows: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return the pooled values."""
        if self.kind.dense is None:
            raise LayoutError(f"{self.notation} cannot slide.")
        return self.kind.dense(sources[0])

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add MaxPool, AveragePool or what the kind needs."""
        below = only(shapes)
        rows, columns = self.rows, self.columns
        if self.code not in ("MP", "AP") or rows is None or columns is None:
            pooling = OnnxPooling(
                graph=writer,
                window=rows.kernel if rows else None,
                stride=rows.stride if rows else 1,
                shape=(below.maps, below.rows, below.columns),
            )
            return self.kind.onnx(pooling, inputs[0])
        attributes: dict[str, Any] = {
            "kernel_shape": [rows.kernel, columns.kernel],
            "strides": [rows.stride, columns.stride],
            "pads": [rows.before, columns.before, rows.after, columns.after],
            "ceil_mode": int(self.ceil),
        }
        if self.code == "MP":
            return writer.node("MaxPool", inputs[0], **attributes, dilations=[rows.dilation, columns.dilation])
        return writer.node("AveragePool", inputs[0], **attributes, count_include_pad=int(self.count_padding))


def _with_last(window: Window, size: int) -> Window:
    """Return the window with so much behind the map that a last one, begun within it, fits."""
    padded = size + window.before + window.after
    rest = (padded - window.extent) % window.stride if padded >= window.extent else 0
    if rest == 0:
        return window
    places = output_size(size, window.extent, window.stride, window.before + window.after) + 1
    if (places - 1) * window.stride >= size + window.before:
        return window  # it would begin behind the map
    after = window.after + window.stride - rest
    return Window(
        kernel=window.kernel, stride=window.stride, before=window.before, after=after, dilation=window.dilation
    )
