"""What a layout without zeros around the window brings a scan, in multiply-accumulate operations."""

from convscope.core.errors import LayoutError
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.plan import Plan, PlanSizes
from convscope.networks.variants import with_zeros, without_zeros

from .dense import dense_plan


def scan_macs(layout: Layout, sizes: PlanSizes, stride: int = 1) -> int:
    """Return the MACs of each position of a scan, at most those of the window by itself."""
    network = Network(layout, **sizes)
    found = dense_plan(network.graph, stride)
    return network.plan.macs if found is None else min(found.macs, network.plan.macs)


def scan_gain(layout: Layout, sizes: PlanSizes, stride: int = 1) -> float:
    """Return by how many times fewer MACs the layout without zeros scans."""
    return scan_macs(layout, sizes, stride) / max(1, scan_macs(without_zeros(layout, **sizes), sizes, stride))


def scan_note(planned: Plan) -> str:
    """Return in a sentence what a layout costs a scan, beside that with zeros around the maps."""
    own, padded = scan_macs(planned.layout, planned.sizes), with_zeros(planned.layout)
    words = (
        f"for scan: {own:,} MACs a position of an image of any size, {planned.macs / own:.1f} times fewer than alone"
    )
    try:
        factor = scan_macs(padded, planned.sizes) / own
    except LayoutError:  # with zeros, a residual convolution may no longer fit
        return words
    return f"{words}, {factor:.1f} times fewer than {padded}"
