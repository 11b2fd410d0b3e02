"""Pooling: one value for each window, so that the map gets smaller and less dependent on position.

To add a kind, write its module in `windows` (or take one of torch), its operators in `pooling_operators`, and add one
record to `POOLINGS`. Layout, plan, network, ONNX, page and comparison read it from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from convscope.core.errors import LayoutError, choose

from . import pooling_operators as operators
from .family import check_described
from .geometry import LARGEST_PATCH, Window, check_range
from .windows import BlurredSubset, GlobalMax, GlobalMean, Largest, RootMeanSquare, Stochastic, Subset


@dataclass(frozen=True, kw_only=True)
class PoolingKind:
    """One kind of pooling.

    Attributes:
        code: two letters of the layout notation.
        name: its name for the user.
        windowed: makes the module for a window and a stride.
        whole: makes the module for the whole map.
        keeps_order: applying an increasing function before or after gives the same values.
        onnx: adds its ONNX operators to a graph and returns the name of the result.
        oracle: the function in ``tests/oracles/stages.py`` that says in loops what it computes.
        formula: what it computes for prediction, of the n values x of a window, in Unicode.
        phrase: the same in words; “of each window” or “of the whole map” follows.
        sees: what a value depends on: the whole window, only its first position, or the surroundings of that position,
            less than a window away.

    Raises:
        ParameterError: `code`, `name`, `oracle`, `formula` or `phrase` is empty.
    """

    code: str
    name: str
    windowed: Callable[[int, int], nn.Module]
    whole: Callable[[], nn.Module]
    keeps_order: bool
    onnx: Callable[[operators.OnnxPooling, str], str]
    oracle: str
    formula: str
    phrase: str
    sees: Literal["window", "first", "around"] = "window"

    def __post_init__(self) -> None:
        """Validate the texts."""
        check_described(self, "code", "name", "oracle", "formula", "phrase")


POOLINGS: dict[str, PoolingKind] = {
    kind.code: kind
    for kind in (
        PoolingKind(
            code="MP",
            name="max",
            windowed=Largest,
            whole=GlobalMax,
            keeps_order=True,
            onnx=operators.max_operator,
            oracle="largest",
            formula="max x",
            phrase="the largest value",
        ),
        PoolingKind(
            code="AP",
            name="mean",
            windowed=nn.AvgPool2d,
            whole=GlobalMean,
            keeps_order=False,
            onnx=operators.mean_operator,
            oracle="mean",
            formula="Σ x / n",
            phrase="the mean",
        ),
        PoolingKind(
            code="SS",
            name="subset",
            windowed=Subset,
            whole=Subset,
            keeps_order=True,
            onnx=operators.subset_operator,
            oracle="first",
            formula="x₁",
            phrase="the first value (top left)",
            sees="first",
        ),
        PoolingKind(
            code="LP",
            name="root mean square",
            windowed=RootMeanSquare,
            whole=RootMeanSquare,
            keeps_order=False,
            onnx=operators.root_mean_square_operator,
            oracle="root_mean_square",
            formula="√(Σ x² / n)",
            phrase="the root mean square",
        ),
        PoolingKind(
            code="ST",
            name="stochastic",
            windowed=Stochastic,
            whole=Stochastic,
            keeps_order=False,
            onnx=operators.stochastic_operator,
            oracle="expected",
            formula="Σ x² / Σ x over x > 0",
            phrase="the mean weighted by the values themselves (a random value in training, large ones more often)",
        ),
        PoolingKind(
            code="BP",
            name="blurred subset",
            windowed=BlurredSubset,
            whole=BlurredSubset,
            keeps_order=False,
            onnx=operators.blur_operator,
            oracle="blurred",
            formula="Σ b x, b binomial, Σ b = 1",
            phrase="the binomial mean around the first position",
            sees="around",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Pooling:
    """One value for each window × window positions, every `stride` positions; for the whole map if `window` is None.

    Windows that do not fit at the right and lower edge are left out.

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the code is not in `POOLINGS`.

    Examples:
        >>> str(Pooling(code="MP", window=3, stride=2)), str(Pooling(code="AP", window=None, stride=1))
        ('MP3/2', 'APg')
    """

    code: str
    window: int | None
    stride: int

    def __post_init__(self) -> None:
        """Validate the code and the ranges."""
        choose("code", self.code, POOLINGS)
        if self.window is not None:
            check_range("window", self.window, LARGEST_PATCH)
            check_range("stride", self.stride, LARGEST_PATCH)
        elif self.stride != 1:
            raise LayoutError(f"`stride` must be 1 where the window is the whole map. Got {self.stride}.")

    def __str__(self) -> str:
        """Return the notation, for example ``MP2``, ``MP3/2`` or, for the whole map, ``APg``."""
        if self.window is None:
            return f"{self.code}g"
        return f"{self.code}{self.window}" + (f"/{self.stride}" if self.stride != self.window else "")

    @property
    def phrase(self) -> str:
        """What it computes, in words, for example “the largest value of each window”."""
        return f"{self.kind.phrase} of {'each window' if self.window else 'the whole map'}"

    @property
    def kind(self) -> PoolingKind:
        """The way of pooling, from the family's list."""
        return POOLINGS[self.code]

    def window_over(self, size: int) -> Window:
        """Return the sliding window along a side of `size`."""
        if self.window is None:
            return Window(kernel=size, stride=size)
        return Window(kernel=self.window, stride=self.stride)

    def sight_over(self, size: int) -> Window:
        """Return the part of `window_over` that a value depends on; receptive fields grow by it."""
        window = self.window_over(size)
        if self.kind.sees == "first":
            return Window(kernel=1, stride=window.stride)
        if self.kind.sees == "around" and self.window is not None:
            reach = self.window - 1
            return Window(kernel=1 + 2 * reach, stride=window.stride, before=reach, after=reach)
        return window

    def build(self) -> nn.Module:
        """Return the module: N C H W → N C h w."""
        if self.window is None:
            return self.kind.whole()
        return self.kind.windowed(self.window, self.stride)
