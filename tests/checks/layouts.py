"""Hypothesis strategies for layouts: any at all, and networks that fit an image."""

from dataclasses import dataclass

from hypothesis import assume
from hypothesis import strategies as st

from convscope.core.errors import LayoutError
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.normalization import NORMALIZATIONS
from convscope.layers.pooling import POOLINGS
from convscope.networks.classifiers import LINEAR_CLASSIFIERS
from convscope.networks.layout import Layout, Stage
from convscope.networks.plan import Plan, plan
from convscope.networks.stages import ConnectedStage, ConvolutionStage, PoolingStage


@dataclass(frozen=True, kw_only=True)
class Case:
    """A layout and an image that it fits."""

    layout: Layout
    height: int
    width: int
    channels: int
    classes: int

    @property
    def sizes(self) -> dict[str, int]:
        """The keyword arguments of `plan` and `Network` beside the layout."""
        return {"height": self.height, "width": self.width, "channels": self.channels, "classes": self.classes}

    def plan(self) -> Plan:
        """Return the plan."""
        return plan(self.layout, **self.sizes)


@st.composite
def layouts(draw: st.DrawFn, *, units: int = 6, window: int = 5, stages: int = 5) -> Layout:
    """Draw a layout that may or may not fit an image; the largest numbers in it are the arguments."""
    chosen: list[Stage] = []
    below = 0
    for _ in range(draw(st.integers(0, stages))):
        kind = draw(st.sampled_from("CCCS"))
        if kind == "C":
            below = _convolution(draw, chosen, below, units, window)
        else:
            size = draw(st.none() | st.integers(1, window))
            stride = 1 if size is None else draw(st.integers(1, window))
            chosen.append(PoolingStage(code=draw(st.sampled_from(sorted(POOLINGS))), window=size, stride=stride))
    chosen += [ConnectedStage(units=number) for number in draw(st.lists(st.integers(1, units), max_size=2))]
    return Layout(
        stages=tuple(chosen),
        nonlinearity=draw(st.sampled_from(sorted(NONLINEARITIES))),
        normalization=draw(st.sampled_from([*NORMALIZATIONS, None])),
        classifier=draw(st.sampled_from(sorted(LINEAR_CLASSIFIERS))),
    )


def _convolution(draw: st.DrawFn, chosen: list[Stage], below: int, units: int, window: int) -> int:
    residual = below > 0 and draw(st.booleans())
    if residual and draw(st.integers(0, 9)):  # one in ten may disagree in shape
        chosen.append(ConvolutionStage(units=below, patch=draw(st.integers(1, window)), residual=True))
        return below
    stage = ConvolutionStage(
        units=draw(st.integers(1, units)),
        patch=draw(st.integers(1, window)),
        stride=draw(st.integers(1, 3)),
        padding=draw(st.sampled_from(("same", "valid"))),
        residual=residual,
        regions=draw(st.sampled_from((1, 1, 1, None, 2, 3))),
    )
    chosen.append(stage)
    return stage.units


@st.composite
def cases(draw: st.DrawFn, *, largest_side: int = 20, units: int = 6, stages: int = 5) -> Case:
    """Draw a layout with an image that it fits."""
    case = Case(
        layout=draw(layouts(units=units, stages=stages)),
        height=draw(st.integers(1, largest_side)),
        width=draw(st.integers(1, largest_side)),
        channels=draw(st.sampled_from((1, 3))),
        classes=draw(st.integers(1, 5)),
    )
    try:
        case.plan()
    except LayoutError:
        assume(False)
    return case
