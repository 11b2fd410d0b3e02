"""Write docs/results/scan.md from benchmarks/results/scan.json.

python benchmarks/scan_page.py
"""

import argparse
import json
from pathlib import Path
from typing import Any

from layers_page import table

HERE = Path(__file__).parent
RESULT, PAGE = HERE / "results" / "scan.json", HERE.parent / "docs" / "results" / "scan.md"
Found = dict[str, Any]

HEAD = """# Scanning

<!-- written by benchmarks/scan_page.py -->

Positions per second of [`scan`](../scan.md) at stride 1, beside the same network window by window (in batches, as
`predict` computes it) and after unfolding the image into windows. *Arithmetic* is the ratio of MACs. *Share* is the
rate of MACs, relative to the same network at its own stride, in tiles and untiled. *Difference* is the largest
of the logits from window by window, relative to the largest logit.
"""


def row(found: Found) -> list[str]:
    """Return one network as cells."""
    rate = found["positions_s"]
    return [
        f"`{found['layout']}`",
        f"{found['side']} px",
        f"{rate['window by window']:,.0f}",
        f"{rate['dense, tiles']:,.0f}",
        f"**{found['ratio']:.1f}**",
        f"{found['window_macs'] / found['macs']:.1f}",
        f"{found['ratio_to_unfolding']:.1f}",
        f"{found['share_tiled']:.2f}, {found['share_untiled']:.2f}",
        f"{found['difference']:.0e}",
    ]


def truth(found: list[Found]) -> str:
    """Return what is right on the mosaics."""
    head = ["test images", "network", "way", "right at the images", "precision", "recall", "class changed anywhere"]
    rows = [
        [
            f"{one['images']} of {one['data']}",
            f"`{one['layout']}`",
            "exact" if way == "exact" else "usual conversion",
            *(f"{100 * one[way][name]:.1f} %" for name in ("right", "precision", "recall")),
            f"{100 * one['changed']:.1f} %" if way == "naive" else "",
        ]
        for one in found
        for way in ("exact", "naive")
    ]
    return (
        "\n## Where the label is known\n\nTest images pasted on black; networks trained for two epochs on cut-outs and "
        "background. Precision and recall of the positions found: a hit names the class of an image, within a quarter "
        f"of its side.\n\n{chr(10).join(table(head, rows))}\n"
    )


def fully(found: list[Found]) -> str:
    """Return networks of maps, whole and in tiles."""
    parts = [
        f"{one['title']} in {_parts_of(one)} {one['speed']:.2f} times as fast as the whole {one['side']:,} "
        f"px image at once, largest difference {one['difference']:.0e} of the largest value"
        for one in found
    ]
    return f"\nNetworks of maps in tiles, at their own stride: {'; '.join(parts)}.\n"


def _parts_of(one: Found) -> str:
    """Return how an image is divided; older results have tiles."""
    if "stripe" not in one:
        return f"tiles of {one['tile']:,} px"
    return f"strips of {one['tile']:,} px ({one['arithmetic']:.2f} by arithmetic)"


def page() -> str:
    """Return the page."""
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    head = ["network", "window", "windows/s", "scan/s", "ratio", "arithmetic", "to unfolding", "share", "difference"]
    clock = "processor time" if found["clock"] == "process" else "time"
    text = f"{HEAD}\n{chr(10).join(table(head, [row(one) for one in found['networks']]))}\n"
    if "monai_s" in found:
        ratio = found["networks"][0]["positions_s"]["dense, tiles"] / found["monai_s"]
        text += (
            f"\nMONAI's SlidingWindowInferer computes {found['monai_s']:,.0f} windows/s of the first network, "
            f"{ratio:.1f} times fewer, and gives the mean over all windows that cover a pixel, not the map of "
            "positions.\n"
        )
    if found.get("fully"):
        text += fully(found["fully"])
    if found.get("truth"):
        text += truth(found["truth"])
    if "linear" in found:
        rates = ", ".join(f"{float(rate):,.0f} ({int(side):,} px)" for side, rate in found["linear"].items())
        text += f"\nPositions per second by the side of the image: {rates}.\n"
    if "files" in found:
        shares = found["files"]
        text += f"\nReading a compressed TIFF takes {shares['read']:.1%} of the time, writing {shares['write']:.1%}.\n"
    for layout, sizes in found.get("memory", {}).items():
        peaks = ", ".join(f"{peak:,.0f} MiB ({int(side):,} px)" for side, peak in sizes.items())
        text += f"\nPeak memory within `--memory 512M`, `{layout}`: {peaks}.\n"
    where = f"{found['processor']}, threads: {found['threads']}, {clock}, rounds: {found['rounds']}"
    return f"{text}\nMeasured with `{found['command']}` on {where}, {found['date']}.\n"


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
