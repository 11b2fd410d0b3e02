"""Features of the field's architectures, read from modules: those that the modules themselves compute."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from convscope.features.layers import block_ends, stage_layers
from convscope.features.reading import Reading
from convscope.images.preprocessing import Preprocessing
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from tests.checks.architectures import ARCHITECTURES, Architecture
from tests.checks.graph_models import read_architecture
from tests.checks.graphs import module_values

READ = ("resnet18", "mobilenet_v2", "densenet121", "googlenet", "squeezenet1_1", "efficientnet_b0", "unet", "vgg16_bn")


def model_of(architecture: Architecture) -> tuple[Model, dict[str, NDArray], NDArray[np.uint8]]:
    """Return the model of an architecture, what its modules give for some images, and these."""
    module = architecture.make()
    read = read_architecture(architecture)
    channels, height, width = architecture.shape
    network = GraphNetwork(read.graph, read.tensors, mean=(0.5,), std=(0.25,), title=architecture.name).eval()
    model = Model(
        network=network,
        classes=tuple(f"class {number}" for number in range(network.plan.classes)),
        preprocessing=Preprocessing(height=height, width=width, channels=channels),
    )
    images = np.random.default_rng(3).integers(0, 256, (2, height, width, channels), np.uint8)
    return model, module_values(module, model, images), images


def alike(features: NDArray, values: NDArray) -> bool:
    """Return whether they are the same values, whatever their shape."""
    if features.size != values.size:
        return False
    difference = np.abs(features.ravel() - values.ravel()).max()
    return bool(difference <= 1e-5 * np.abs(values).max())


def outputs(seen: dict[str, NDArray], name: str) -> Iterator[NDArray]:
    """Give what a module, its block and what follows it in the same block return, and its ReLU: one is the layer's."""
    block = name.rpartition(".")[0]
    for other, values in seen.items():
        if other == block or other.rpartition(".")[0] == block:
            yield values
            yield values.clip(0)  # a ReLU that is called several times is seen once


@pytest.mark.parametrize("name", READ)
def test_features_of_a_layer_are_what_its_module_gives(name: str) -> None:
    model, seen, images = model_of(ARCHITECTURES[name])
    modules = [node.name for node in model.network.graph.nodes if node.name in seen]
    assert len(modules) >= 8
    for layer in modules[:: max(1, len(modules) // 8)]:
        (features,) = Reading(layer=layer).of(model, images)
        assert any(alike(features, values) for values in outputs(seen, layer)), layer


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("resnet18", ["layer1", "layer2.0", "layer4.1"]),
        ("densenet121", ["features"]),
        ("googlenet", ["inception3a", "inception4a"]),
    ],
)
def test_features_of_a_block_are_what_its_module_gives(name: str, blocks: list[str]) -> None:
    model, seen, images = model_of(ARCHITECTURES[name])
    for block in blocks:
        (features,) = Reading(layer=block).of(model, images)
        assert alike(features, seen[block].clip(0) if block == "features" else seen[block]), block


def test_stages_and_blocks_of_the_architectures() -> None:
    network = model_of(ARCHITECTURES["resnet18"])[0].network
    assert stage_layers(network) == (
        "image", "conv1", "layer1.1.add", "layer2.1.add", "layer3.1.add", "layer4.1.add", "avgpool",
    )  # fmt: skip
    assert len(block_ends(network.graph, 20)) == 11
    assert len(block_ends(network.graph, 5)) == 5
    vgg = model_of(ARCHITECTURES["vgg16_bn"])[0].network
    assert stage_layers(vgg)[-2:] == ("classifier.0", "classifier.3")
    googlenet = model_of(ARCHITECTURES["googlenet"])[0].network
    assert stage_layers(googlenet)[1:3] == ("conv1.conv", "conv3.conv")  # scaling the pixels is no stage


def test_a_batch_is_bounded_by_what_is_stored_up_to_the_layer() -> None:
    model = model_of(ARCHITECTURES["unet"])[0]
    first, last = (Reading(layer=name).batch(model) for name in ("inc", "up3"))
    assert 1 <= last <= first <= 256
