"""Layouts made after another: the same network with one thing changed."""

import dataclasses
from collections.abc import Callable

from convscope.core.errors import LayoutError
from convscope.core.text import counted
from convscope.layers.convolution import LARGEST_UNITS, Connected, Convolution
from convscope.layers.pooling import Pooling
from convscope.networks.layout import Layout, Stage
from convscope.networks.plan import Plan, plan

_REGIONS = 4  # a side: each stage has its weights 16 times
_FARTHEST = 0.1  # part of the count that is to be matched


def partly_shared(planned: Plan, regions: int = _REGIONS) -> Layout:
    """Return the layout with weights that are shared within each of regions × regions parts of a map.

    A map of fewer places has as many parts as places.

    Examples:
        >>> base = plan(Layout.parse("8C3-MP2-16C3-10N"), height=6, width=6, channels=1, classes=2)
        >>> str(partly_shared(base))
        '8U3:4-MP2-16U3:3-10N'
    """
    stages: list[Stage] = []
    for stage, step in zip(planned.layout.stages, planned.layers, strict=False):
        if isinstance(stage, Convolution):
            parts = min(regions, step.rows, step.columns)
            stage = dataclasses.replace(stage, regions=parts)  # noqa: PLW2901  # the changed one is what is kept
        stages.append(stage)
    return dataclasses.replace(planned.layout, stages=tuple(stages))


def subsampled_by(layout: Layout, code: str) -> Layout:
    """Return the layout with every pooling of windows done in another way; that of the whole map stays.

    Examples:
        >>> str(subsampled_by(Layout.parse("8C3-MP3/2-16C3-MPg"), "AP"))
        '8C3-AP3/2-16C3-MPg'
    """
    stages = tuple(
        dataclasses.replace(stage, code=code) if isinstance(stage, Pooling) and stage.window else stage
        for stage in layout.stages
    )
    return dataclasses.replace(layout, stages=stages)


def strided(layout: Layout) -> Layout:
    """Return the layout in which convolutions take larger steps in place of the pooling of windows after them.

    A stage that adds its input cannot take larger steps, and adds it no more. A pooling with no convolution before
    it keeps one place of each window.

    Examples:
        >>> str(strided(Layout.parse("8C3-MP2-16C3-+16C3-MP3/2-10N")))
        '8C3/2-16C3-16C3/2-10N'
    """
    stages: list[Stage] = []
    for place, stage in enumerate(layout.stages):
        if not isinstance(stage, Pooling) or stage.window is None:
            stages.append(stage)
        elif layout.is_joined(place) and isinstance(below := stages[-1], Convolution):
            stages[-1] = dataclasses.replace(below, stride=below.stride * stage.stride, residual=False)
        else:
            stages.append(dataclasses.replace(stage, code="SS"))
    return dataclasses.replace(layout, stages=tuple(stages))


def never_subsampled(layout: Layout, *, end: str) -> Layout:
    """Return the layout without pooling, as deep as it was.

    Args:
        layout: its windows are left out, and so are the strides of its convolutions.
        end: ``mean`` takes the mean of each whole map after the last convolution; ``connected`` takes none.

    Examples:
        >>> layout = Layout.parse("8C3/2-MP2-16C3-MP2-10N")
        >>> str(never_subsampled(layout, end="mean")), str(never_subsampled(layout, end="connected"))
        ('8C3-16C3-APg-10N', '8C3-16C3-10N')
    """
    stages: list[Stage] = [
        dataclasses.replace(stage, stride=1) if isinstance(stage, Convolution) else stage
        for stage in layout.stages
        if not isinstance(stage, Pooling)
    ]
    if end == "mean":
        last = max((place for place, stage in enumerate(stages) if isinstance(stage, Convolution)), default=-1)
        stages.insert(last + 1, Pooling(code="AP", window=None, stride=1))
    return dataclasses.replace(layout, stages=tuple(stages))


def connected_like(planned: Plan, count: Callable[[Plan], int]) -> Layout:
    """Return one layer of fully connected units whose `count` is nearest to that of `planned`.

    Args:
        planned: the network to be matched.
        count: what is to be matched, of a plan: parameters or MACs.

    Raises:
        LayoutError: no number of units comes within a tenth, or so many would be absurd.

    Examples:
        >>> base = plan(Layout.parse("8C3-MP2-16C3-MP2"), height=28, width=28, channels=1, classes=10)
        >>> like = connected_like(base, lambda one: one.parameters)
        >>> str(like), base.parameters, plan(like, height=28, width=28, channels=1, classes=10).parameters
        ('11N', 9098, 8755)
    """
    target = count(planned)

    def layout_of(units: int) -> Layout:
        return dataclasses.replace(planned.layout, stages=(Connected(units=units),))

    def got(units: int) -> int:
        return count(_same_images(layout_of(units), planned))

    per_unit = got(2) - got(1)
    units = round((target - got(1)) / per_unit) + 1  # both counts are straight lines in the number of units
    if not 1 <= units <= LARGEST_UNITS:
        raise LayoutError(
            f"One layer of fully connected units would need {max(0, units):,} of them to match {target:,}; it can have "
            f"from 1 to {LARGEST_UNITS:,}. Use a larger or smaller --layout."
        )
    if abs(got(units) - target) > _FARTHEST * target:
        raise LayoutError(
            f"One layer of fully connected units must come within {_FARTHEST:.0%} of {target:,}. Got {got(units):,} "
            f"({counted(units, 'unit')}, {per_unit:,} each). Use a larger --layout."
        )
    return layout_of(units)


def _same_images(layout: Layout, planned: Plan) -> Plan:
    return plan(
        layout,
        **planned.sizes,
        bounded=False,
    )
