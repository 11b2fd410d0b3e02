"""Write docs/results/any-network.md from benchmarks/results/any-network.json: each network, and what works on it.

python benchmarks/any_network_page.py
"""

import argparse
import json
from pathlib import Path
from typing import Any

from layers_page import table

HERE = Path(__file__).parent
RESULT, PAGE = HERE / "results" / "any-network.json", HERE.parent / "docs" / "results" / "any-network.md"
COUNTED = HERE / "results" / "other-counters.json"
Found = dict[str, Any]

HEAD = """# Networks of others, one by one

<!-- written by benchmarks/any_network_page.py -->

Networks of torchvision and timm at full size with random weights, each read as a module and from the ONNX file that
torch writes. *Difference* is the largest of the output, relative to its largest value, for an image that it was
not traced with. *Seconds* are those of reading, once, with the comparison with the original. MACs count weights only,
with the normalization in the convolutions ([cost](../cost.md)).
"""


def numbers(read: Found) -> list[str]:
    """Return difference and seconds of one way of reading, or why there are none."""
    if "seconds" not in read:
        return ["refused" if "refused" in read else "fault", "–"]
    return [f"{read['difference']:.0e}", f"{read['seconds']:.1f}"]


def works(found: Found) -> str:
    """Return which commands do not work on a network, or that all do."""
    failed = sorted(
        {
            name
            for source in ("module", "onnx")
            for name, said in found[source].get("commands", {}).items()
            if said != "ok"
        }
    )
    return "all but " + ", ".join(f"`{name}`" for name in failed) if failed else "all"


def row(found: Found) -> list[str]:
    """Return one network as cells."""
    read = found["module"] if "seconds" in found["module"] else found["onnx"]
    if "seconds" not in read:
        return [found["network"], "–", "–", "–", *numbers(found["module"]), *numbers(found["onnx"]), "none"]
    counts = [f"{read['layers']}", f"{read['parameters'] / 1e6:.1f} M", f"{read['macs'] / 1e6:,.0f} M"]
    return [found["network"], *counts, *numbers(found["module"]), *numbers(found["onnx"]), works(found)]


def sentences(samples: list[Found]) -> list[str]:
    """Return what was said where a network or a command was refused, each once."""
    said: dict[str, list[str]] = {}
    for found in samples:
        read = found["module"]
        texts = [read["refused"]] if "refused" in read else []
        texts += [f"`{name}`: {text}" for name, text in read.get("commands", {}).items() if text != "ok"]
        for text in texts:
            said.setdefault(text, []).append(found["network"])
    return [f"- {', '.join(networks)}: {text}" for text, networks in said.items()]


def page(result: Found) -> str:
    """Return the page."""
    samples = result["samples"]
    head = ["network", "layers", "parameters", "MACs", "module: difference", "seconds", "ONNX: difference", "seconds"]
    commands = ", ".join(f"`{name}`" for name in samples[0]["module"].get("commands", {}))
    versions = result["versions"] | result["packages"]
    lines = [
        HEAD,
        f"Commands: {commands}.",
        *table([*head, "commands that work"], [row(found) for found in samples]),
        "What was said where something was refused:",
        "",
        *sentences(samples),
        "",
        f"Measured on {result['cores']} cores of {result['processor']}, PyTorch {versions['torch']}, torchvision "
        f"{versions['torchvision']}, timm {versions['timm']}, on {result['date']}.",
    ]
    return "\n".join(lines) + "\n"


def others(fields: list[Any]) -> str:
    """Return what torchlens says of the fields that differ."""
    counts = {
        "whole image": fields.count("image"),
        "not said": fields.count(None),
        "larger": sum(isinstance(one, int) for one in fields),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def counted(result: Found) -> str:
    """Return what others count for the same networks."""
    rows = []
    for found in result["samples"]:
        theirs = [seen for _, seen in found["others"].values()]
        extra = found["parameters_torchinfo"] - found["parameters"]
        more = found["macs_torchinfo"] / found["macs"] - 1
        rows.append([
            found["network"], f"{extra:,}", f"{found['norm_channels']:,}",
            f"{more:.2%}", f"{found['same_field']} of {found['convolutions']}", others(theirs),
        ])  # fmt: skip
    head = ["network", "parameters: more in torchinfo", "normalized maps", "MACs: more in torchinfo"]
    packages = result["packages"]
    return "\n".join([
        "",
        "## Beside torchinfo and torchlens",
        "",
        "torchinfo counts scale and shift of every normalized map, here [part of its weights and bias]"
        "(../cost.md#networks-that-are-no-layout) (twice as many are left out where a convolution has a bias of its "
        "own, as in VGG; the 6 of GoogLeNet and Inception standardize the image). It adds weights of normalizations "
        "and biases to the MACs, and counts a linear layer at one position only: in ConvNeXt it runs at all. torchlens "
        "sees the whole image behind a gate of squeeze-and-excitation and behind the first pooling of FCN; behind a "
        "shuffle or split of channels it does not say. In HRNet it counts 12 to 48 pixels more from the first enlarged "
        "branch on; no gradient reaches them.",
        "",
        *table([*head, "same field", "other fields in torchlens"], rows),
        f"torchinfo {packages['torchinfo']}, torchlens {packages['torchlens']}; fields of convolutions.",
        "",
    ])  # fmt: skip


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    results = [json.loads(path.read_text(encoding="utf-8")) for path in (RESULT, COUNTED)]
    PAGE.write_text(page(results[0]) + counted(results[1]), encoding="utf-8")


if __name__ == "__main__":
    main()
