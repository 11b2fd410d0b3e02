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
        f"{versions['torchvision']}, timm {versions['timm']}, on {result['date']}; the machine was shared.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    PAGE.write_text(page(json.loads(RESULT.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
