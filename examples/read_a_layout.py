"""Print shapes, parameters, MACs and receptive fields of a layout, without training.

Run: python examples/read_a_layout.py 20C5v-MP2-50C5v-MP2-500N
"""

import argparse

from convscope import Layout
from convscope.networks.plan import plan


def main() -> None:
    """Print one row per layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", nargs="?", default="6C5-AP2-16C5v-AP2-120N-84N-tanh-nonorm", help="default: LeNet-5")
    parser.add_argument("--side", type=int, default=28, help="of the image, in pixels")
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--classes", type=int, default=10)
    options = parser.parse_args()

    layout = Layout.parse(options.layout)
    planned = plan(layout, height=options.side, width=options.side, channels=options.channels, classes=options.classes)
    print(f"{'layer':10}{'maps':>6}{'side':>6}{'parameters':>12}{'MACs':>15}{'field':>7}")
    for layer in planned.layers:
        field = f"{layer.field_columns.size} px"
        print(f"{layer.name:10}{layer.maps:6}{layer.columns:6}{layer.parameters:12,}{layer.macs:15,}{field:>7}")
    print(f"{'total':10}{planned.parameters:24,}{planned.macs:15,}")


if __name__ == "__main__":
    main()
