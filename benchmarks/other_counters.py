"""Parameters, MACs and receptive fields of networks of others, beside those that torchinfo and torchlens count.

    python benchmarks/other_counters.py [--networks resnet18 …]

Scope: each network with random weights, as `benchmarks/any_network.py` makes it. Parameters and MACs are totals; those
of a normalization that convscope makes part of a convolution are its scale and shift, without the one bias that stays.
Fields are those of every convolution, by the name of its module: torchlens says the size of the window in the image
(the rule for `identity` that it lacks is added here), `image` for all of it, or nothing. Networks that are not named
keep the result that they have. Runs where torchvision, timm, torchinfo, torchlens and graphviz are installed beside
convscope.
"""

import argparse
import importlib
import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from any_network import NETWORKS, REFUSED, Logits, network_named, some_images
from results_file import RESULTS, write
from torch import Tensor, nn

import convscope
from convscope.networks.folding import fold
from convscope.networks.model import Model

ROWS = 2  # dimension of N C H W
RESULT = RESULTS / "other-counters.json"
load: Callable[..., Model] = convscope.load


def torchlens_fields(module: nn.Module, example: Tensor) -> dict[str, int | str | None]:
    """Return the rows that a position of each convolution sees, by module: a number, `image`, or None: not said."""
    fields: dict[str, int | str | None] = {}
    trace = importlib.import_module("torchlens").trace(module, example)
    lookup = importlib.import_module("torchlens.receptive_field._engine").lookup
    for operation in trace.ops:
        if operation.func_name == "conv2d" and operation.module is not None:
            (seen,) = lookup(trace, operation).values()
            rows = seen.axes[ROWS] if seen.axes else None
            fields[str(operation.module).rpartition(":")[0]] = rows and (rows.size or "image")
    return fields


def compared(name: str) -> dict[str, Any]:
    """Return what is counted for one network."""
    module, example = network_named(name), some_images(name, 1, seed=2)
    if name.startswith("fcn"):
        module = Logits(module)
    network = load(module, example, preprocessing="unit").network
    planned = network.plan
    info = importlib.import_module("torchinfo").summary(module, input_data=example, verbose=0)
    names = [node.name for node in fold(network).graph.nodes]
    own = {layer: each.field_rows.size for layer, each in zip(names, planned.layers, strict=True)}
    theirs = torchlens_fields(module, example)
    both = sorted(own.keys() & theirs.keys())
    return {
        "network": name,
        "parameters": planned.parameters,
        "parameters_torchinfo": info.total_params,
        "norm_channels": sum(part.num_features for part in module.modules() if isinstance(part, nn.BatchNorm2d)),
        "macs": planned.macs,
        "macs_torchinfo": info.total_mult_adds,
        "convolutions": len(both),
        "same_field": sum(own[layer] == theirs[layer] for layer in both),
        "others": {layer: [int(own[layer]), theirs[layer]] for layer in both if own[layer] != theirs[layer]},
    }


def main() -> None:
    """Count, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choices = [name for name in NETWORKS if name not in REFUSED]
    parser.add_argument("--networks", nargs="+", default=choices, choices=choices, metavar="NAME")
    before = json.loads(RESULT.read_text(encoding="utf-8"))["samples"] if RESULT.exists() else []
    found = {sample["network"]: sample for sample in before}
    networks = parser.parse_args().networks
    packages = {package: version(package) for package in ("torchvision", "timm", "torchinfo", "torchlens")}
    importlib.import_module("torchlens.receptive_field").register_rf_rule("identity")(lambda rule: rule.passthrough())
    for name in networks:
        found[name] = compared(name)
        print(found[name], flush=True)
        samples = [found[known] for known in choices if known in found]
        write("other-counters", __doc__.strip().splitlines()[0], {"packages": packages, "samples": samples})


if __name__ == "__main__":
    main()
