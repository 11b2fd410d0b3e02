"""Models of networks that are no layout: architectures of the field, small, read from modules."""

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from convscope.images.preprocessing import Preprocessing
from convscope.networks.foreign.building.builder import ReadNetwork
from convscope.networks.foreign.modules.torch_module import read_module
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model

from .architectures import ARCHITECTURES, Architecture


@functools.cache
def _read(architecture: Architecture) -> ReadNetwork:
    return read_module(architecture.make(), architecture.example())


def read_architecture(architecture: Architecture) -> ReadNetwork:
    """Return what an architecture is read as, once in a process; the tensors belong to the caller."""
    source = _read(architecture)
    return dataclasses.replace(source, tensors={name: one.clone() for name, one in source.tensors.items()})


@functools.cache
def read_network(name: str) -> GraphNetwork:
    """Return an architecture as the network that it is read as."""
    source = read_architecture(ARCHITECTURES[name])
    network = GraphNetwork(source.graph, source.tensors, mean=(0.5,), std=(0.25,), title=name)
    return network.eval()  # its weights can be trained, as those of a model that was read


def graph_model(name: str = "resnet18") -> Model:
    """Return an architecture as a model."""
    network = read_network(name)
    planned = network.plan
    return Model(
        network=network,
        classes=tuple(f"class {number}" for number in range(planned.classes)),
        preprocessing=Preprocessing(height=planned.height, width=planned.width, channels=planned.channels),
    )


def pixels_for(model: Model, count: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return random images of the size of a model, uint8 N H W C, smooth enough to differ."""
    planned = model.network.plan
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (count, -(-planned.height // 8), -(-planned.width // 8), planned.channels))
    large = blocks.repeat(8, 1).repeat(8, 2)[:, : planned.height, : planned.width]
    return np.clip(large + rng.integers(-20, 20, large.shape), 0, 255).astype(np.uint8)
