"""See what a layout comes to on an image, before anything is trained.

Run: python examples/read_a_layout.py 20C5v-MP2-50C5v-MP2-500N
"""

import argparse

from convscope import Layout
from convscope.networks.plan import plan


def main() -> None:
    """Print maps, parameters, work and receptive field of every step."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("layout", nargs="?", default="6C5-AP2-16C5v-AP2-120N-84N-tanh-nonorm", help="LeNet-5 if none")
    options.add_argument("--side", type=int, default=28, help="of the image, in pixels")
    options.add_argument("--channels", type=int, default=1)
    options.add_argument("--classes", type=int, default=10)
    given = options.parse_args()

    layout = Layout.parse(given.layout)
    found = plan(layout, height=given.side, width=given.side, channels=given.channels, classes=given.classes)
    print(f"{'step':10}{'maps':>6}{'side':>6}{'parameters':>12}{'MACs':>15}{'sees':>6}")
    for step in found.layers:
        sees = f"{step.field_columns.size} px"
        print(f"{step.name:10}{step.maps:6}{step.columns:6}{step.parameters:12,}{step.macs:15,}{sees:>7}")
    print(f"{'in all':10}{found.parameters:24,}{found.macs:15,}")


if __name__ == "__main__":
    main()
