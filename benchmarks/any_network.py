"""Networks of torchvision and timm at full size, read from the module and from its ONNX file: what works, and the cost.

    python benchmarks/any_network.py [--networks resnet18 …] [--commands predict cost look …]

Scope: each network with random weights, batch normalization with statistics of random images, read twice: by
`convscope.load(module, example)` and, after torch's script exporter (opset 17) has written it, by
`convscope.load("network.onnx")`. `seconds` are those of reading, once, with nothing warmed up but torch. `difference`
is the largest between its logits and those of the module, for an image that it was not traced with, over the largest
logit. Each command is called once on two images; `ok`, or the sentence that convscope says. A network that is not
convolutional has to be refused. Networks that are not named keep the result that they have. Runs where torchvision,
timm and onnx are installed beside convscope; fetches no weights.
"""

import argparse
import functools
import importlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from results_file import RESULTS, processor_share, write
from torch import Tensor, nn

import convscope
from convscope.core.errors import ConvscopeError
from convscope.core.machine import tuned
from convscope.networks.model import Model

SIDES = {"inception_v3": 299, "darknet53": 256, "cspdarknet53": 256}  # 224 of all others
TORCHVISION = (
    *("alexnet", "vgg11", "vgg16_bn", "resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2"),
    *("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "convnext_tiny", "densenet121"),
    *("squeezenet1_1", "googlenet", "inception_v3", "shufflenet_v2_x1_0", "regnet_y_400mf", "mnasnet1_0"),
    *("fcn_resnet50", "vit_b_16", "swin_t"),
)
TIMM = ("efficientnet_lite0", "tf_efficientnet_lite0", "darknet53", "cspdarknet53", "ghostnet_100", "hrnet_w18_small")
NETWORKS = (*TORCHVISION, *TIMM)
REFUSED = ("vit_b_16", "swin_t")
_WITHOUT_AUXILIARY = {"aux_logits": False, "transform_input": True, "init_weights": False}
OPTIONS: dict[str, dict[str, Any]] = {
    "googlenet": _WITHOUT_AUXILIARY,
    "inception_v3": _WITHOUT_AUXILIARY,
    "fcn_resnet50": {"weights_backbone": None, "aux_loss": False},
}
DIFFERENCE = 1e-4  # more is a fault of the reader
SOURCES = ("module", "onnx")

Images: TypeAlias = NDArray[np.uint8]
Command: TypeAlias = Callable[[Model, Images, Path], object]
COMMANDS: dict[str, Command] = {
    "predict": lambda model, images, _: convscope.predict(model, images),
    "cost": lambda model, _, __: convscope.cost(model, repeats=0),
    "layout": lambda model, _, folder: convscope.draw("layout", model, output=folder / "layout.png"),
    "fields": lambda model, images, folder: convscope.draw("fields", model, images[0], output=folder / "fields.png"),
    "maps": lambda model, images, folder: convscope.draw("maps", model, images[0], output=folder / "maps.png"),
    "features": lambda model, images, _: convscope.extract_features(model, images),
    "look": lambda model, images, folder: convscope.look(model, images, output=folder / "look.html"),
    "convert": lambda model, _, folder: convscope.convert(model, folder / "out.onnx"),
    "to_torch": lambda model, _, __: model.to_torch(),
}
load: Callable[..., Model] = convscope.load


@functools.cache  # what is declared is there as long as the library is
def missing_operators() -> torch.library.Library:
    """Declare the operators that the wheel of torchvision for CUDA lacks beside torch for the processor."""
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]  # torch has none here
    if "+cpu" in torch.__version__ and "+cpu" not in version("torchvision"):
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    return library


def some_images(name: str, count: int, seed: int) -> Tensor:
    """Return random images as the network takes them, N 3 H W."""
    side = SIDES.get(name, 224)
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def network_named(name: str) -> nn.Module:
    """Return the network with random weights, in evaluation mode; no layer of it is the identity, or nearly."""
    torch.manual_seed(0)
    missing_operators()  # timm imports torchvision, too
    if name in TORCHVISION:
        models = importlib.import_module("torchvision.models")
        made: nn.Module = models.get_model(name, weights=None, **OPTIONS.get(name, {}))
    else:
        made = importlib.import_module("timm").create_model(name, pretrained=False)
    for path, parameter in made.named_parameters():
        if path.endswith(("layer_scale", "gamma")):
            parameter.uniform_(0.5, 1.5)
        elif not parameter.any():
            parameter.normal_(0, 0.1)
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # the statistics become those of the next batch
            layer.weight.uniform_(0.5, 1.5)
            layer.bias.normal_(0, 0.2)
    made.train()(some_images(name, 4, seed=1))
    return made.eval()


class Logits(nn.Module):
    """A network whose answer is one tensor: of those that answer with a dict, the logits of each pixel."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return logits N K, or N K H W."""
        found = self.network(images)
        logits: Tensor = found["out"] if isinstance(found, dict) else found
        return logits


def write_onnx(network: nn.Module, example: Tensor, path: Path) -> None:
    """Write the network as an ONNX file."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # the exporter does not know the attention in one operation
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(Logits(network).eval(), (example,), path, dynamo=False, opset_version=17)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


@torch.no_grad()
def difference(model: Model, network: nn.Module, images: Tensor) -> float:
    """Return the largest difference of logits, as a part of the largest of them."""
    expected, found = Logits(network)(images), Logits(model.network)(images)
    return float((found - expected).abs().max() / expected.abs().max())


def outcome(command: Command, model: Model, images: Images, folder: Path) -> str:
    """Return `ok`, or what convscope says instead; a fault of it is a result, too."""
    try:
        command(model, images, folder)
    except ConvscopeError as error:
        return sentence_of(error, folder)
    except Exception as error:  # noqa: BLE001  # the other networks are measured all the same
        return f"fault: {type(error).__name__}: {sentence_of(error, folder)}"
    return "ok"


def sentence_of(error: Exception, folder: Path) -> str:
    """Return what it says, without the path of a folder of this machine."""
    return str(error).replace(f"{folder}{os.sep}", "")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network to be read.

    Attributes:
        name: in its library.
        network: the module, whose logits are right.
        example: the image that it is traced with.
        commands: names of those to try.
    """

    name: str
    network: nn.Module
    example: Tensor
    commands: tuple[str, ...] = tuple(COMMANDS)

    def read(self, folder: Path, *given: Any) -> dict[str, Any]:
        """Return what reading it takes and gives, and which commands work; `given` is what `convscope.load` takes."""
        started = time.perf_counter()
        try:
            model = load(*given, preprocessing="imagenet")
        except ConvscopeError as error:
            return {"refused": sentence_of(error, folder)}
        except Exception as error:  # noqa: BLE001  # as above
            return {"fault": f"{type(error).__name__}: {sentence_of(error, folder)}"}
        seconds = round(time.perf_counter() - started, 3)
        differs = difference(model, self.network, self.example.flip(3))
        cost = convscope.cost(model, repeats=0).costs[0]
        images = np.random.default_rng(0).integers(0, 256, (2, *self.example.shape[2:], 3), np.uint8)
        return {
            "parameters": cost.parameters,
            "macs": cost.macs,
            "layers": len(cost.layers),
            "difference": differs,
            "equal": differs <= DIFFERENCE,
            "seconds": seconds,
            "commands": {name: outcome(COMMANDS[name], model, images, folder) for name in self.commands},
        }

    def measure(self) -> dict[str, Any]:
        """Return what comes of it as a module and as an ONNX file."""
        found: dict[str, Any] = {
            "network": self.name,
            "input": list(self.example.shape[1:]),
            "parameters": sum(parameter.numel() for parameter in self.network.parameters()),
            "to_be_refused": self.name in REFUSED,
        }
        with tempfile.TemporaryDirectory() as scratch, tuned():
            folders = {source: Path(scratch) / source for source in SOURCES}
            for folder in folders.values():
                folder.mkdir()
            path = folders["onnx"] / "network.onnx"
            write_onnx(self.network, self.example, path)
            found["onnx_bytes"] = path.stat().st_size
            found["module"] = self.read(folders["module"], self.network, self.example)
            found["onnx"] = self.read(folders["onnx"], path)
        return found


def line(found: dict[str, Any], source: str) -> str:
    """Return one result as a line of a table."""
    read = found[source]
    start = f"{found['network']:22} {source:7}"
    if "seconds" not in read:
        return f"{start} {next(f'{word}: {text}' for word, text in read.items())}"
    failed = [name for name, said in read["commands"].items() if said != "ok"]
    numbers = f"{read['parameters'] / 1e6:7.2f} M {read['macs'] / 1e6:9,.0f} M {read['layers']:4} layers"
    return f"{start} {numbers} {read['difference']:.0e} {read['seconds']:6.2f} s; not: {', '.join(failed) or 'none'}"


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS, metavar="NAME")
    parser.add_argument("--commands", nargs="*", default=tuple(COMMANDS), choices=tuple(COMMANDS), metavar="NAME")
    given = parser.parse_args()
    results: dict[str, Any] = {
        "processor_share_before": processor_share(),
        "packages": {package: version(package) for package in ("torchvision", "timm", "onnx")},
        "difference_allowed": DIFFERENCE,
    }
    before = json.loads((RESULTS / "any-network.json").read_text(encoding="utf-8"))["samples"]
    samples = {sample["network"]: sample for sample in before}
    for name in given.networks:
        example = some_images(name, 1, seed=2)
        case = Case(name=name, network=network_named(name), example=example, commands=tuple(given.commands))
        found = case.measure()
        samples[name] = found
        results["samples"] = [samples[known] for known in NETWORKS if known in samples]
        print(*(line(found, source) for source in SOURCES), sep="\n", flush=True)
        results["processor_share_after"] = processor_share()
        write("any-network", __doc__.strip().splitlines()[0], results, timed=True)  # so far


if __name__ == "__main__":
    main()
