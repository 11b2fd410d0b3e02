"""Small networks of torch with branches, and the same as graphs written by hand: they were not made from a layout."""

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.images.preprocessing import Preprocessing
from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds import Add, Convolution, Linear, Pooling
from convscope.layers.layer import Layer
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model

CLASSES = 3
_SAME = Window(kernel=3, before=1, after=1)


class Block(nn.Module):
    """Two convolutions, and the input added."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(6, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Return as many maps."""
        return self.relu(self.conv2(self.relu(self.conv1(maps))) + maps)


class Residual(nn.Module):
    """A convolution, a residual block, another size, and a classifier on the means of the maps, or on every place."""

    def __init__(self, *, dense: bool = False) -> None:
        super().__init__()
        self.stem, self.pool, self.block = nn.Conv2d(3, 6, 3, padding=1), nn.MaxPool2d(2), Block()
        self.last, self.head = nn.Conv2d(6, 5, 3), nn.Conv2d(5, CLASSES, 1) if dense else nn.Linear(5, CLASSES)
        self.dense = dense

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits N K, or N K h w."""
        maps = self.last(self.block(self.pool(self.stem(maps).relu()))).tanh()
        return self.head(maps if self.dense else maps.mean(dim=(2, 3)))


def residual_module(*, dense: bool = False, seed: int = 0) -> Residual:
    """Return the module with random weights, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Residual(dense=dense).eval()


def residual_model(module: Residual, *, height: int = 14, width: int = 16) -> Model:
    """Return the network of the module as a model."""
    halved = Window(kernel=2, stride=2)
    head: Layer = Linear(units=CLASSES)
    if module.dense:
        head = Convolution(units=CLASSES, rows=Window(kernel=1), columns=Window(kernel=1))
    nodes = (
        _node("stem", Convolution(units=6, rows=_SAME, columns=_SAME), IMAGE, nonlinearity="relu"),
        _node("pool", Pooling(code="MP", rows=halved, columns=halved), "stem"),
        _node("block.conv1", Convolution(units=4, rows=_SAME, columns=_SAME), "pool", nonlinearity="relu"),
        _node("block.conv2", Convolution(units=6, rows=_SAME, columns=_SAME), "block.conv1"),
        _node("block.add", Add(), "block.conv2", "pool", nonlinearity="relu"),
        _node(
            "last",
            Convolution(units=5, rows=Window(kernel=3), columns=Window(kernel=3)),
            "block.add",
            nonlinearity="tanh",
        ),
        *([] if module.dense else [_node("mean", Pooling(code="AP"), "last")]),
        _node("head", head, "last" if module.dense else "mean"),
    )
    graph = Graph(nodes=nodes, image=MapShape(maps=3, rows=height, columns=width))
    network = GraphNetwork(graph, _tensors(module), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25), title="residual")
    return Model(
        network=network.eval(),
        classes=("first", "second", "third"),
        preprocessing=Preprocessing(height=height, width=width, channels=3),
    )


def module_values(module: nn.Module, model: Model, images: NDArray) -> dict[str, NDArray]:
    """Return what every submodule gives for images, uint8 N H W C, by its name."""
    seen: dict[str, NDArray] = {}
    hooks = [
        part.register_forward_hook(lambda _, __, values, name=name: seen.__setitem__(name, values.numpy().copy()))
        for name, part in module.named_modules()
    ]
    with torch.no_grad():
        module(model.network.standardize(torch.from_numpy(images)))
    for hook in hooks:
        hook.remove()
    return seen


def _node(name: str, layer: Layer, *inputs: str, nonlinearity: str = "linear") -> Node:
    return Node(name=name, layer=layer, inputs=inputs, nonlinearity=nonlinearity)


def _tensors(module: nn.Module) -> Mapping[str, Tensor]:
    return dict(module.state_dict())
