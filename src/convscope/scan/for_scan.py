"""Layouts made for scanning: convolutions without zeros around the window, wherever they fit."""

from dataclasses import replace

from convscope.core.errors import LayoutError
from convscope.networks.build import Network
from convscope.networks.folding import graph_of
from convscope.networks.layout import Layout
from convscope.networks.plan import PlanSizes, plan
from convscope.networks.stages import ConvolutionStage

from .dense import dense_plan


def scan_layout(layout: Layout, sizes: PlanSizes, stride: int = 1) -> tuple[Layout, int] | None:
    """Return the layout with ``v`` at every convolution where it fits, and its MACs a position; None if at none.

    Residual convolutions keep their zeros: they add their input, which must have the same size.

    Examples:
        >>> sizes = PlanSizes(height=28, width=28, channels=1, classes=10)
        >>> found = scan_layout(Layout.parse("24C5-MP2-48C3-MP2-192N"), sizes)
        >>> str(found[0])
        '24C5v-MP2-48C3v-MP2-192N'
    """
    stages = list(layout.stages)
    for index, stage in enumerate(stages):
        if not isinstance(stage, ConvolutionStage) or stage.padding == "valid" or stage.residual or stage.patch == 1:
            continue
        stages[index] = replace(stage, padding="valid")
        try:
            plan(replace(layout, stages=tuple(stages)), **sizes)
        except LayoutError:
            stages[index] = stage
    changed = replace(layout, stages=tuple(stages))
    if changed == layout:
        return None
    found = dense_plan(graph_of(Network(changed, **sizes)), stride)
    return None if found is None else (changed, found.macs)
