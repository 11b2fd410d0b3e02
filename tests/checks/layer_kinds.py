"""An example of every kind of layer, with what it is held to: drawn by hypothesis, so that all settings are tried.

A new kind needs an example here: its strategy, its parameters counted by hand, and what it cannot do.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from convscope.layers.geometry import MapShape, Window
from convscope.layers.instance_based import Exemplars
from convscope.layers.kinds import (
    Add,
    ChannelNormalization,
    ChannelSelection,
    ChannelShuffle,
    Concatenate,
    Convolution,
    Flatten,
    InstanceBased,
    Linear,
    LocallyConnected,
    LocalResponse,
    Multiply,
    Nonlinearity,
    Padding,
    Pooling,
    Resize,
    ScaleAndShift,
    Softmax,
    TransposedConvolution,
)
from convscope.layers.layer import Layer
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.pooling import POOLINGS

Case = tuple[Layer, tuple[MapShape, ...]]
Draw = st.DrawFn
small = st.integers(1, 3)


@dataclass(frozen=True, kw_only=True)
class KindExample:
    """One kind, and what is known of it without its code.

    Attributes:
        cases: draws a layer and the shapes of its inputs, which fit it.
        parameters: counted by hand.
        field: whether a value depends on all of its receptive field (``touches``), or may depend on less of it.
        macs: counted by hand; None where torch counts them as it computes.
        smooth: whether its gradient can be checked.
        onnx: whether it can be exported.
        moves: returns how far, in positions of the result, a shift of the input by so many positions moves it, down and
            across, with the length of that shift; None where it does not move along.
    """

    cases: st.SearchStrategy[Case]
    parameters: Callable[[Layer, Sequence[MapShape]], int] = lambda layer, shapes: 0
    field: Literal["touches", "within"] = "touches"
    macs: Callable[[Layer, Sequence[MapShape]], int] | None = None
    smooth: bool = True
    onnx: bool = True
    moves: Callable[[Layer, Sequence[MapShape]], "Move | None"] = lambda layer, shapes: Move((1, 1), (1, 1))


@dataclass(frozen=True)
class Move:
    """A shift of the input by `below` positions, down and across, is one of the result by `above`."""

    below: tuple[int, int]
    above: tuple[int, int]


def shapes(draw: Draw, *, maps: int | None = None, least: int = 1, most: int = 9) -> MapShape:
    """Draw the shape of some maps."""
    sides = st.integers(least, most)
    return MapShape(maps=maps or draw(st.integers(1, 6)), rows=draw(sides), columns=draw(sides))


def windows(draw: Draw, size: int, *, kernel: int = 4, padding: bool = True) -> Window:
    """Draw a window that fits a side of `size` positions, with padding of less than its extent."""
    dilation = draw(small) if padding else 1
    width = draw(st.integers(1, kernel))
    extent = (width - 1) * dilation + 1
    if extent > size:
        width, dilation, extent = min(width, size), 1, min(width, size)
    before, after = (draw(st.integers(0, extent - 1)), draw(st.integers(0, extent - 1))) if padding else (0, 0)
    return Window(kernel=width, stride=draw(small), before=before, after=after, dilation=dilation)


@st.composite
def convolutions(draw: Draw) -> Case:
    """Draw a convolution: dense, in groups, depthwise or pointwise, strided, dilated, padded unevenly."""
    groups = draw(st.integers(1, 3))
    below = shapes(draw, maps=groups * draw(small))
    layer = Convolution(
        units=groups * draw(small),
        rows=windows(draw, below.rows),
        columns=windows(draw, below.columns),
        groups=groups,
    )
    return layer, (below, layer.shape([below])) if draw(st.booleans()) else (below,)


@st.composite
def transposed_convolutions(draw: Draw) -> Case:
    """Draw a transposed convolution that leaves something."""
    groups = draw(st.integers(1, 3))
    below = shapes(draw, maps=groups * draw(small), most=5)
    sides = [_painted(draw, size) for size in (below.rows, below.columns)]
    extras = [draw(st.integers(0, window.stride - 1)) for window in sides]
    layer = TransposedConvolution(
        units=groups * draw(small),
        rows=sides[0],
        columns=sides[1],
        extra_rows=extras[0],
        extra_columns=extras[1],
        groups=groups,
    )
    return layer, (below,)


def _painted(draw: Draw, size: int) -> Window:
    kernel, stride, dilation = draw(st.integers(1, 4)), draw(small), draw(st.integers(1, 2))
    painted = (size - 1) * stride + (kernel - 1) * dilation + 1
    before = draw(st.integers(0, min(2, painted - 1)))
    after = draw(st.integers(0, min(2, painted - 1 - before)))
    return Window(kernel=kernel, stride=stride, before=before, after=after, dilation=dilation)


@st.composite
def locally_connected_layers(draw: Draw) -> Case:
    """Draw locally connected units over some regions."""
    side = draw(st.integers(2, 7))
    below = MapShape(maps=draw(small), rows=side, columns=draw(st.integers(2, 7)))
    drawn = windows(draw, min(below.rows, below.columns))
    window = Window(kernel=drawn.kernel, stride=drawn.stride, before=drawn.before, after=drawn.after)
    window = window if window.kernel <= min(side, below.columns) else Window(kernel=1)
    places = window.positions(below.rows), window.positions(below.columns)
    regions = draw(st.integers(1, places[0])), draw(st.integers(1, places[1]))
    return LocallyConnected(units=draw(small), window=window, regions=regions), (below,)


@st.composite
def poolings(draw: Draw) -> Case:
    """Draw a pooling of any kind over windows or whole maps."""
    below, code = shapes(draw), draw(st.sampled_from(sorted(POOLINGS)))
    if draw(st.integers(0, 4)) == 0:
        return Pooling(code=code), (below,)
    if code not in ("MP", "AP"):
        window = windows(draw, min(below.rows, below.columns), padding=False)
        return Pooling(code=code, rows=window, columns=window), (below,)
    sides = [_halved(windows(draw, size), code) for size in (below.rows, below.columns)]
    ceil, count = draw(st.booleans()), code == "AP" and draw(st.booleans())
    return Pooling(code=code, rows=sides[0], columns=sides[1], ceil=ceil, count_padding=count), (below,)


def _halved(window: Window, code: str) -> Window:
    """Return the window with padding of at most half of it, the most that frameworks take; a mean has no dilation."""
    dilation = window.dilation if code == "MP" else 1
    most = window.kernel // 2
    before, after = min(window.before, most), min(window.after, most)
    return Window(kernel=window.kernel, stride=window.stride, before=before, after=after, dilation=dilation)


@st.composite
def resizes(draw: Draw) -> Case:
    """Draw a resizing, up or down, by whole numbers or not."""
    mode = draw(st.sampled_from(["nearest", "bilinear"]))
    sides = st.integers(1, 12)
    corners = mode == "bilinear" and draw(st.booleans())
    return Resize(rows=draw(sides), columns=draw(sides), mode=mode, corners=corners), (shapes(draw),)


@st.composite
def paddings(draw: Draw) -> Case:
    """Draw a frame, of which some sides may be cut off."""
    mode = draw(st.sampled_from(["constant", "reflect", "edge", "wrap"]))
    below = shapes(draw, least=4)
    numbers = st.integers(-1, 3) if mode == "constant" else st.integers(0, 3)
    top, left, bottom, right = (draw(numbers) for _ in range(4))
    value = draw(st.sampled_from([0.0, -1.5])) if mode == "constant" else 0.0
    return Padding(top=top, left=left, bottom=bottom, right=right, mode=mode, value=value), (below,)


@st.composite
def selections(draw: Draw) -> Case:
    """Draw some of the maps, forwards or backwards."""
    below = shapes(draw, maps=draw(st.integers(2, 6)))
    step = draw(st.sampled_from([1, 2, -1]))
    start = draw(st.integers(0, below.maps - 1))
    room = (below.maps - 1 - start) // step if step > 0 else start
    return ChannelSelection(start=start, count=draw(st.integers(1, room + 1)), step=step), (below,)


@st.composite
def shuffles(draw: Draw) -> Case:
    """Draw a shuffle."""
    groups = draw(small)
    return ChannelShuffle(groups=groups), (shapes(draw, maps=groups * draw(small)),)


@st.composite
def products(draw: Draw) -> Case:
    """Draw maps times maps, times a gate for each map, or times one map for all."""
    below = shapes(draw)
    gates = [
        below,
        MapShape(maps=below.maps),
        MapShape(maps=1, rows=below.rows, columns=below.columns),
        MapShape(maps=1),
    ]
    inputs = below, draw(st.sampled_from(gates))
    return Multiply(), inputs if draw(st.booleans()) else inputs[::-1]


@st.composite
def sums(draw: Draw) -> Case:
    """Draw a sum of two or three inputs."""
    return Add(), (shapes(draw),) * draw(st.integers(2, 3))


@st.composite
def concatenations(draw: Draw) -> Case:
    """Draw inputs of one size with different numbers of maps."""
    first = shapes(draw)
    others = [MapShape(maps=draw(small), rows=first.rows, columns=first.columns) for _ in range(draw(small))]
    return Concatenate(), (first, *others)


@st.composite
def comparisons(draw: Draw) -> Case:
    """Draw a classifier that compares with stored images."""
    kept = draw(st.integers(2, 6))
    exemplars = draw(
        st.sampled_from([Exemplars(kind="neighbors", kept=kept, neighbors=2), Exemplars(kind="kernel", kept=kept)])
    )
    return InstanceBased(exemplars=exemplars, classes=3), (shapes(draw, most=4),)


@st.composite
def local_responses(draw: Draw) -> Case:
    """Draw a normalization over neighboring maps."""
    size = draw(st.integers(1, 5))
    return LocalResponse(size=size, alpha=0.1, beta=0.75, bias=1.5), (shapes(draw),)


def alone(make: st.SearchStrategy[Layer]) -> st.SearchStrategy[Case]:
    """Return the strategy of a layer that takes maps of any shape."""

    @st.composite
    def cases(draw: Draw) -> Case:
        return draw(make), (shapes(draw),)

    return cases()


def _convolved(layer: Layer, inputs: Sequence[MapShape]) -> int:
    assert isinstance(layer, Convolution)
    seen = inputs[0].maps // layer.groups * layer.rows.kernel * layer.columns.kernel
    return layer.units * (seen + 1)


def _transposed(layer: Layer, inputs: Sequence[MapShape]) -> int:
    assert isinstance(layer, TransposedConvolution)
    painted = layer.units // layer.groups * layer.rows.kernel * layer.columns.kernel
    return inputs[0].maps * painted + layer.units


def _local(layer: Layer, inputs: Sequence[MapShape]) -> int:
    assert isinstance(layer, LocallyConnected)
    return math.prod(layer.regions) * layer.units * inputs[0].maps * layer.window.kernel**2 + layer.units


def _local_sums(layer: Layer, inputs: Sequence[MapShape]) -> int:
    assert isinstance(layer, LocallyConnected)
    places = [
        1 + (size + layer.window.before + layer.window.after - layer.window.kernel) // layer.window.stride
        for size in (inputs[0].rows, inputs[0].columns)
    ]
    return math.prod(places) * layer.units * inputs[0].maps * layer.window.kernel**2


def _compared(layer: Layer, inputs: Sequence[MapShape]) -> int:
    assert isinstance(layer, InstanceBased)
    votes = layer.classes - 1 if layer.exemplars.kind == "kernel" else 0
    return layer.exemplars.kept * (inputs[0].values + votes)


def _connected(layer: Layer, inputs: Sequence[MapShape]) -> int:
    assert isinstance(layer, Linear)
    return layer.units * (inputs[0].values + 1)


def _stored(layer: Layer, inputs: Sequence[MapShape]) -> int:
    assert isinstance(layer, InstanceBased)
    values, kept = inputs[0].values, layer.exemplars.kept
    pairs = layer.classes * (layer.classes - 1) // 2
    votes = 1 + (layer.classes - 1) * kept + pairs if layer.exemplars.kind == "kernel" else 0
    return 2 * values + kept * values + kept + votes


def _one_a_map(layer: Layer, inputs: Sequence[MapShape]) -> int:
    return 2 * inputs[0].maps


def _by_strides(layer: Layer, inputs: Sequence[MapShape]) -> Move | None:
    assert isinstance(layer, (Convolution, Pooling))
    if layer.rows is None or layer.columns is None:
        return None
    return Move((layer.rows.stride, layer.columns.stride), (1, 1))


def _onto_strides(layer: Layer, inputs: Sequence[MapShape]) -> Move:
    assert isinstance(layer, TransposedConvolution)
    return Move((1, 1), (layer.rows.stride, layer.columns.stride))


def _enlarged(layer: Layer, inputs: Sequence[MapShape]) -> Move | None:
    assert isinstance(layer, Resize)
    steps = [
        (max(1, below - 1), max(1, above - 1)) if layer.corners else (below, above)
        for below, above in ((inputs[0].rows, layer.rows), (inputs[0].columns, layer.columns))
    ]
    reduced = [(below // math.gcd(below, above), above // math.gcd(below, above)) for below, above in steps]
    return Move((reduced[0][0], reduced[1][0]), (reduced[0][1], reduced[1][1]))


def _not(layer: Layer, inputs: Sequence[MapShape]) -> None:
    return None


EXAMPLES = {
    "convolution": KindExample(cases=convolutions(), parameters=_convolved, moves=_by_strides),
    "transposed-convolution": KindExample(cases=transposed_convolutions(), parameters=_transposed, moves=_onto_strides),
    "locally-connected": KindExample(
        cases=locally_connected_layers(), parameters=_local, macs=_local_sums, onnx=False, moves=_not
    ),
    "linear": KindExample(cases=alone(st.builds(Linear, units=small)), parameters=_connected, moves=_not),
    "instance-based": KindExample(
        cases=comparisons(),
        parameters=_stored,
        field="within",
        macs=_compared,
        smooth=False,
        onnx=False,
        moves=_not,
    ),
    "pooling": KindExample(cases=poolings(), field="within", moves=_by_strides),
    "nonlinearity": KindExample(
        cases=alone(st.builds(Nonlinearity, function=st.sampled_from(sorted(NONLINEARITIES)))), field="within"
    ),
    "scale-and-shift": KindExample(cases=alone(st.just(ScaleAndShift())), parameters=_one_a_map),
    "channel-normalization": KindExample(
        cases=alone(st.builds(ChannelNormalization, epsilon=st.sampled_from([1e-6, 0.1]))),
        parameters=_one_a_map,
        field="within",
    ),
    "local-response": KindExample(cases=local_responses()),
    "softmax": KindExample(cases=alone(st.just(Softmax())), field="within"),
    "add": KindExample(cases=sums()),
    "multiply": KindExample(cases=products(), moves=lambda layer, shapes: _if_alike(shapes)),
    "concatenate": KindExample(cases=concatenations()),
    "resize": KindExample(cases=resizes(), field="within", moves=_enlarged),
    "padding": KindExample(cases=paddings()),
    "channel-selection": KindExample(cases=selections()),
    "channel-shuffle": KindExample(cases=shuffles()),
    "flatten": KindExample(cases=alone(st.just(Flatten())), moves=_not),
}
"""By the names that the kinds have in `LAYERS`."""


def _if_alike(inputs: Sequence[MapShape]) -> Move | None:
    """Return a move if both inputs have positions; a gate would have to stay."""
    return Move((1, 1), (1, 1)) if inputs[0].rows * inputs[0].columns == inputs[1].rows * inputs[1].columns else None
