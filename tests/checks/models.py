"""Small models, untrained: what they say does not matter, only that it stays the same."""

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.images.preprocessing import Preprocessing
from convscope.layers.geometry import MapShape, Window
from convscope.layers.instance_based import Exemplars
from convscope.layers.kinds import Add, Concatenate, Convolution, Linear, Multiply, Pooling
from convscope.layers.normalization import BatchNormalization
from convscope.networks.build import ConvolutionModule, Network
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.layout import Layout
from convscope.networks.model import Model

LAYOUTS = (
    "softmax",
    "6N-tanh",
    "4C3-MP2",
    "4C3-MP2-6N",
    "4C3/2v-MP3/2-5N-6N-nonorm-tanh",  # overlapping windows
    "4C3-+4C3-MP2-+4C2-APg",  # residual, uneven padding, whole map
    "MP2-4C3-SS2-AP2-4N-gelu",  # pooling that belongs to no convolution
    "+3C1-SSg-nonorm-abs",
    "4C3-MP2-6N-svm",
)


def small_model(
    text: str = "4C3-MP2-6N", *, classes: int = 3, height: int = 17, width: int = 14, seed: int = 0
) -> Model:
    """Return a model of RGB images whose weights and running statistics are random."""
    layout = Layout.parse(text)
    network = Network(
        layout,
        height=height,
        width=width,
        channels=3,
        classes=classes,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.25),
        seed=seed,
    )
    network.train()(some_images(8, height, width))  # moves the running statistics
    return Model(
        network=network.eval(),
        classes=tuple(f"class {number}" for number in range(classes)),
        preprocessing=Preprocessing(height=height, width=width, channels=3, background=(1, 2, 3)),
        training={"epochs": 3, "seed": seed, "loss": [1.5, 0.25]},
    )


def graph_model(*, classes: int = 3, seed: int = 0, names: tuple[str, ...] = ("stem.conv", "gate", "head")) -> Model:
    """Return a model whose network is a graph that no layout has: depthwise, a gate, a branch, a nonlinearity each."""
    stem, gate, head = names
    three = Window(kernel=3, before=1, after=1)
    nodes = (
        Node(name=stem, layer=Convolution(units=6, rows=three, columns=three), inputs=(IMAGE,), nonlinearity="relu6"),
        Node(name="deep", layer=Convolution(units=6, rows=three, columns=three, groups=6), inputs=(stem,)),
        Node(name="squeeze", layer=Pooling(code="AP"), inputs=("deep",)),
        Node(name=gate, layer=Linear(units=6), inputs=("squeeze",), nonlinearity="hardsigmoid"),
        Node(name="gated", layer=Multiply(), inputs=("deep", gate)),
        Node(name="sum", layer=Add(), inputs=("gated", stem), nonlinearity="silu"),
        Node(
            name="pool",
            layer=Pooling(code="MP", rows=Window(kernel=3, stride=2), columns=Window(kernel=2)),
            inputs=("sum",),
        ),
        Node(name="both", layer=Concatenate(), inputs=("pool", "pool")),
        Node(name="whole", layer=Pooling(code="AP"), inputs=("both",)),
        Node(name=head, layer=Linear(units=classes), inputs=("whole",)),
    )
    graph = Graph(nodes=nodes, image=MapShape(maps=3, rows=17, columns=14))
    generator = torch.Generator().manual_seed(seed)
    tensors = {name: torch.randn(shape, generator=generator) * 0.3 for name, shape in graph.tensors.items()}
    network = GraphNetwork(graph, tensors, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25), title="small graph")
    return Model(
        network=network.eval(),
        classes=tuple(f"class {number}" for number in range(classes)),
        preprocessing=Preprocessing(height=17, width=14, channels=3, background=(1, 2, 3)),
        training={"source": {"kind": "torch", "notes": ["it is made up"]}},
    )


def with_exemplars(model: Model, exemplars: Exemplars, *, seed: int = 0) -> Model:
    """Return the model with a classifier that keeps random images in place of its own."""
    rng, network = np.random.default_rng(seed), model.network
    classes, values = network.plan.classes, network.weighted_sums().in_features
    classifier = exemplars.build(values, classes)
    for name, (_, shape) in exemplars.tensors(values, classes).items():
        drawn = rng.integers(0, classes, shape) if name == "labels" else rng.uniform(0.1, 1, shape)
        getattr(classifier, name).copy_(torch.from_numpy(drawn))
    network.classifier = classifier
    return model


def with_statistics(network: Network, seed: int = 0) -> Network:
    """Return the network, which predicts, with normalization that has something to do."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, BatchNormalization):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
    return network.eval()


def calibrated(network: Network) -> None:
    """Let its probabilities be other than those of the scores as they are."""
    if network.temperature is not None:
        network.temperature.fill_(0.7)
    else:
        classes = network.plan.classes
        network.set_sigmoids([0.6 + 0.2 * place for place in range(classes)], [0.5 - place for place in range(classes)])


def some_pixels(count: int, height: int = 17, width: int = 14, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return random images, uint8 N H W 3."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def some_images(count: int, height: int, width: int) -> torch.Tensor:
    """Return random images as a tensor, uint8 N H W 3."""
    return torch.from_numpy(some_pixels(count, height, width))


def maps_of(network: Network, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Return the standardized images and the maps after every step, N C H W, by the modules of the network itself."""
    with torch.no_grad():
        maps = network.standardize(torch.from_numpy(images))
        found = [maps]
        for module in network.stages:
            if isinstance(module, ConvolutionModule) and module.pooling is not None:
                pooling, first = module.pooling, module.pool_first
                module.pooling, module.pool_first = None, False
                found.append(module(maps))  # the maps before the pooling: the same stage without it
                module.pooling, module.pool_first = pooling, first
            maps = module(maps)
            found.append(maps)
        scores = network.classifier(maps.flatten(1))
        found.append(
            scores * network.slopes + network.offsets if network.temperature is None else scores / network.temperature
        )
    return [np.ascontiguousarray(one if one.ndim == 4 else one[:, :, None, None]) for one in found]
