"""Variants of a layout: the same network with one thing changed."""

import dataclasses
from collections.abc import Callable

from convscope.core.errors import LayoutError
from convscope.core.text import counted
from convscope.layers.geometry import LARGEST_UNITS

from .layout import Layout, Stage
from .plan import Plan, plan
from .stages import ConnectedStage, ConvolutionStage, PoolingStage

REGIONS = 4  # along each side: a partly shared convolution has its weights 16 times
_TOLERANCE = 0.1  # how far a matched count may be from its target, as a fraction of it


def locally_connected(layout: Layout) -> Layout:
    """Return the layout with separate weights at each position of every convolution.

    Examples:
        >>> str(locally_connected(Layout.parse("8C3-MP2-16C5/2v-10N")))
        '8U3-MP2-16U5/2v-10N'
    """
    stages = tuple(
        dataclasses.replace(stage, regions=None) if isinstance(stage, ConvolutionStage) else stage
        for stage in layout.stages
    )
    return dataclasses.replace(layout, stages=stages)


def partly_shared(planned: Plan) -> Layout:
    """Return the layout with weights shared only within each of 4 × 4 regions of a map.

    A map with fewer positions has one region for each.

    Examples:
        >>> baseline = plan(Layout.parse("8C3-MP2-16C3-10N"), height=6, width=6, channels=1, classes=2)
        >>> str(partly_shared(baseline))
        '8U3:4-MP2-16U3:3-10N'
    """
    stages = tuple(
        dataclasses.replace(stage, regions=min(REGIONS, layer.rows, layer.columns))
        if isinstance(stage, ConvolutionStage)
        else stage
        for stage, layer in zip(planned.layout.stages, planned.layers, strict=False)
    )
    return dataclasses.replace(planned.layout, stages=stages)


def pooled_by(layout: Layout, code: str) -> Layout:
    """Return the layout with another pooling in every window; global pooling stays.

    Examples:
        >>> str(pooled_by(Layout.parse("8C3-MP3/2-16C3-MPg"), "AP"))
        '8C3-AP3/2-16C3-MPg'
    """
    stages = tuple(
        dataclasses.replace(stage, code=code) if isinstance(stage, PoolingStage) and stage.window else stage
        for stage in layout.stages
    )
    return dataclasses.replace(layout, stages=stages)


def strided(layout: Layout) -> Layout:
    """Return the layout with strided convolutions in place of the pooling windows that follow them.

    A convolution with a stride loses its residual connection. A pooling without a convolution before it keeps every
    second value instead.

    Examples:
        >>> str(strided(Layout.parse("8C3-MP2-16C3-+16C3-MP3/2-10N")))
        '8C3/2-16C3-16C3/2-10N'
    """
    stages: list[Stage] = []
    for index, stage in enumerate(layout.stages):
        if not isinstance(stage, PoolingStage) or stage.window is None:
            stages.append(stage)
        elif layout.is_joined(index) and isinstance(below := stages[-1], ConvolutionStage):
            stages[-1] = dataclasses.replace(below, stride=below.stride * stage.stride, residual=False)
        else:
            stages.append(dataclasses.replace(stage, code="SS"))
    return dataclasses.replace(layout, stages=tuple(stages))


def without_pooling(layout: Layout, *, keep_strides: bool = True, global_mean: bool = False) -> Layout:
    """Return the layout without pooling.

    Args:
        layout: the network.
        keep_strides: keep the strides of convolutions; otherwise each becomes 1.
        global_mean: average each map after the last convolution.

    Examples:
        >>> layout = Layout.parse("8C3/2-MP2-16C3-MP2-10N")
        >>> str(without_pooling(layout)), str(without_pooling(layout, keep_strides=False, global_mean=True))
        ('8C3/2-16C3-10N', '8C3-16C3-APg-10N')
    """
    stages: list[Stage] = [
        stage if keep_strides or not isinstance(stage, ConvolutionStage) else dataclasses.replace(stage, stride=1)
        for stage in layout.stages
        if not isinstance(stage, PoolingStage)
    ]
    if global_mean:
        last = max((index for index, stage in enumerate(stages) if isinstance(stage, ConvolutionStage)), default=-1)
        stages.insert(last + 1, PoolingStage(code="AP", window=None, stride=1))
    return dataclasses.replace(layout, stages=tuple(stages))


def fully_connected_like(planned: Plan, count: Callable[[Plan], int]) -> Layout:
    """Return one fully connected layer whose `count` is nearest to that of `planned`.

    Args:
        planned: the network to match.
        count: what to match: parameters or MACs of a plan.

    Raises:
        LayoutError: no number of units comes within a tenth, or too many units are needed.

    Examples:
        >>> baseline = plan(Layout.parse("8C3-MP2-16C3-MP2"), height=28, width=28, channels=1, classes=10)
        >>> like = fully_connected_like(baseline, lambda planned: planned.parameters)
        >>> str(like), baseline.parameters, plan(like, height=28, width=28, channels=1, classes=10).parameters
        ('11N', 9098, 8755)
    """
    target = count(planned)

    def layout_of(units: int) -> Layout:
        return dataclasses.replace(planned.layout, stages=(ConnectedStage(units=units),))

    def count_of(units: int) -> int:
        return count(plan(layout_of(units), **planned.sizes, bounded=False))

    per_unit = count_of(2) - count_of(1)
    units = round((target - count_of(1)) / per_unit) + 1  # both counts are linear in the number of units
    if not 1 <= units <= LARGEST_UNITS:
        raise LayoutError(
            f"A fully connected layer would need {counted(max(0, units), 'unit')} to match {target:,}; it can have "
            f"from 1 to {LARGEST_UNITS:,}. Use a larger or smaller --layout."
        )
    if abs(count_of(units) - target) > _TOLERANCE * target:
        raise LayoutError(
            f"A fully connected layer must come within {_TOLERANCE:.0%} of {target:,}. Got {count_of(units):,} "
            f"({counted(units, 'unit')}, {per_unit:,} each). Use a larger --layout."
        )
    return layout_of(units)


def without_zeros(layout: Layout, *, height: int, width: int, channels: int, classes: int) -> Layout:
    """Return the layout with ``v`` at every convolution where it fits: no zeros around the maps.

    Residual convolutions keep their zeros: they add their input, which must have the same size.

    Examples:
        >>> str(without_zeros(Layout.parse("24C5-MP2-48C3-MP2-192N"), height=28, width=28, channels=1, classes=10))
        '24C5v-MP2-48C3v-MP2-192N'
    """
    stages = list(layout.stages)
    for index, stage in enumerate(stages):
        if not isinstance(stage, ConvolutionStage) or stage.residual or stage.patch == 1:
            continue
        stages[index] = dataclasses.replace(stage, padding="valid")
        try:
            changed = dataclasses.replace(layout, stages=tuple(stages))
            plan(changed, height=height, width=width, channels=channels, classes=classes)
        except LayoutError:
            stages[index] = stage
    return dataclasses.replace(layout, stages=tuple(stages))


def with_zeros(layout: Layout) -> Layout:
    """Return the layout with zeros around the maps of every convolution.

    Examples:
        >>> str(with_zeros(Layout.parse("24C5v-MP2-48C3/2v")))
        '24C5-MP2-48C3/2'
    """
    stages = tuple(
        dataclasses.replace(stage, padding="same") if isinstance(stage, ConvolutionStage) else stage
        for stage in layout.stages
    )
    return dataclasses.replace(layout, stages=stages)
