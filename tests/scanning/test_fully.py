"""A network of maps in tiles gives what it gives on the whole image at once."""

import dataclasses

import numpy as np
import pytest
import torch

from convscope.api.scan import MapsInMemory, scan, verify
from convscope.core.errors import DataError, ParameterError
from convscope.core.progress import Silent
from convscope.images.preprocessing import Preprocessing
from convscope.layers.geometry import Window
from convscope.layers.kinds import Concatenate, Convolution, Pooling, Resize, TransposedConvolution
from convscope.layers.layer import MapShape
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.scanning.sweep import probabilities
from tests.checks.graphs import residual_model, residual_module
from tests.checks.scans import CLASSES, pixels, preparation
from tests.oracles.sliding import random_network

SAME, HALF = Window(kernel=3, before=1, after=1), Window(kernel=2, stride=2)


def unet() -> Model:
    """Return a small U-Net: two poolings, enlarged by weights and between values, with its early maps beside."""

    def conv(name: str, units: int, *inputs: str) -> Node:
        return Node(
            name=name, layer=Convolution(units=units, rows=SAME, columns=SAME), inputs=inputs, nonlinearity="relu"
        )

    nodes = (
        conv("first", 4, IMAGE),
        Node(name="pool1", layer=Pooling(code="MP", rows=HALF, columns=HALF), inputs=("first",)),
        conv("second", 6, "pool1"),
        Node(name="pool2", layer=Pooling(code="AP", rows=HALF, columns=HALF), inputs=("second",)),
        conv("deep", 8, "pool2"),
        Node(name="up1", layer=TransposedConvolution(units=6, rows=HALF, columns=HALF), inputs=("deep",)),
        Node(name="beside1", layer=Concatenate(), inputs=("up1", "second")),
        conv("third", 4, "beside1"),
        Node(name="up2", layer=Resize(rows=16, columns=16, mode="bilinear"), inputs=("third",)),
        Node(name="beside2", layer=Concatenate(), inputs=("up2", "first")),
        Node(
            name="head",
            layer=Convolution(units=3, rows=Window(kernel=1), columns=Window(kernel=1)),
            inputs=("beside2",),
        ),
    )
    graph = Graph(nodes=nodes, image=MapShape(maps=1, rows=16, columns=16))
    network = GraphNetwork(graph, random_network(graph.tensors), mean=(0.5,), std=(0.25,), title="U-Net").eval()
    return Model(network=network, classes=CLASSES, preprocessing=Preprocessing(height=16, width=16, channels=1))


def strided() -> Model:
    """Return a network of maps with strides and uneven sizes, as the first stages of a ResNet have."""
    return residual_model(residual_module(dense=True))


@pytest.mark.parametrize(("model", "channels", "stride"), [(unet(), 1, 1), (strided(), 3, 2)], ids=["unet", "strided"])
@pytest.mark.parametrize("size", [(70, 90), (64, 101)])
def test_tiles_join_to_what_the_whole_image_gives(
    model: Model, channels: int, stride: int, size: tuple[int, int]
) -> None:
    made = preparation(model, pixels(*size, channels=channels), scale=1.0, dtype="float32")
    sweep = made.sweep
    rows, columns, _ = sweep.reader.shape
    whole = probabilities(model, sweep.applied.logits(sweep.reader.read(0, 0, rows, columns)))
    assert sweep.grid.stride == stride
    assert sweep.grid.shape == whole.shape[:2]
    for tile in (16, 32):
        grid = dataclasses.replace(sweep.grid, tile=tile)
        stored = MapsInMemory(dataclasses.replace(made.receipt, grid=grid))
        dataclasses.replace(sweep, grid=grid, checked=grid.checked(20, 0)).run(stored, made.receipt, Silent())
        assert np.abs(stored._array - whole).max() <= 1e-5
        assert stored.records["difference"].max() <= 1e-4


def test_the_first_value_of_a_segmentation_is_on_the_first_pixel() -> None:
    receipt = scan(unet(), pixels(64, 64), scale=1).receipt
    assert receipt.way == "tiles"
    assert receipt.center == (0.0, 0.0)
    assert receipt.check.holds


def test_a_stride_that_the_network_does_not_have_is_refused() -> None:
    with pytest.raises(ParameterError, match="stride"):
        scan(unet(), pixels(64, 64), scale=1, stride=3)


def test_a_network_that_reads_the_whole_image_cannot_be_tiled() -> None:
    model = unet()
    first = model.network.graph.nodes[0]
    nodes = (Node(name="mean", layer=Pooling(code="AP"), inputs=(IMAGE,)), first)
    whole = (*nodes, Node(name="up", layer=Resize(rows=16, columns=16), inputs=("mean",)))
    graph = Graph(nodes=whole, image=model.network.graph.image)
    tensors = {name: torch.zeros(shape) for name, shape in graph.tensors.items()}
    network = GraphNetwork(graph, tensors, title="gate").eval()
    with pytest.raises(DataError, match="whole image"):
        scan(dataclasses.replace(model, network=network, classes=("a",)), pixels(64, 64), scale=1)


def test_maps_are_not_verified_by_windows(tmp_path: object) -> None:
    scan(unet(), pixels(64, 64), scale=1, output=f"{tmp_path}/maps.tif")
    with pytest.raises(DataError, match="one answer"):
        verify(f"{tmp_path}/maps.tif", unet(), pixels(64, 64))
