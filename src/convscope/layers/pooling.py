"""Pooling: one value for each window, so that the map gets smaller and less dependent on position.

To add a kind, write its module in `windows` (or take one of torch), its operators in `pooling_operators`, and add one
record to `POOLINGS`. Layout, plan, network, ONNX, page and comparison read it from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from . import pooling_operators as operators
from . import sliding_pooling as sliding
from .family import check_described
from .sliding import SlidingInput
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
        dense: computes it in a window that slides over an image; without, such a window is computed by itself.

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
    dense: Callable[[SlidingInput], Tensor] | None = None

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
            dense=sliding.largest,
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
            dense=sliding.mean,
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
            dense=sliding.first,
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
            dense=sliding.root_mean_square,
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
            dense=sliding.expected,
            onnx=operators.stochastic_operator,
            oracle="expected",
            formula="Σ x² / Σ x over x > 0 (Σ x / n if none is)",
            phrase="the mean of the positive values weighted by themselves (in training, a random one of them, large "
            "ones more often; if none is positive, the plain mean)",
        ),
        PoolingKind(
            code="BP",
            name="blurred subset",
            windowed=BlurredSubset,
            whole=BlurredSubset,
            keeps_order=False,
            dense=sliding.blurred,
            onnx=operators.blur_operator,
            oracle="blurred",
            formula="Σ b x, b binomial, Σ b = 1",
            phrase="the binomial mean around the first position",
            sees="around",
        ),
    )
}
