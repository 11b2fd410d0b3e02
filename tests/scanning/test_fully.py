"""A network of maps in tiles gives what it gives on the whole image at once."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from convscope.api.scan import MapsInMemory, scan, verify
from convscope.api.scan_shards import scan_in_shards
from convscope.api.shards import merge
from convscope.core.errors import DataError, ParameterError
from convscope.core.progress import Silent
from convscope.images.preprocessing import Preprocessing
from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds import Concatenate, Convolution, Padding, Pooling, Resize, TransposedConvolution
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions
from convscope.options.shards import ShardOptions
from convscope.scanning import fully, maps_file
from convscope.scanning.fully import AppliedFully, at_size
from convscope.scanning.grid import Grid
from convscope.scanning.reach import Reach
from convscope.scanning.streaming import Step, Stream, stripes
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


def every_kind() -> Model:
    """Return a network with each kind of layer that reads other rows than its own."""
    three, twice = Window(kernel=3, stride=2, before=1, after=1), Window(kernel=3, dilation=2)
    edge = {"top": 1, "bottom": 2, "left": 2, "right": 1}
    up = Window(kernel=4, stride=2, before=1, after=1)
    nodes = (
        Node(name="conv", layer=Convolution(units=4, rows=three, columns=three), inputs=(IMAGE,), nonlinearity="relu"),
        Node(name="frame", layer=Padding(**edge, mode="edge"), inputs=("conv",)),
        Node(name="zeros", layer=Padding(top=3, bottom=2, left=2, right=3), inputs=("frame",)),
        Node(name="wide", layer=Convolution(units=4, rows=twice, columns=twice), inputs=("zeros",)),
        Node(name="cut", layer=Padding(top=-2, bottom=-2, left=-2, right=-2), inputs=("wide",)),
        Node(name="mean", layer=Pooling(code="AP", rows=SAME, columns=SAME, count_padding=True), inputs=("cut",)),
        Node(name="largest", layer=Pooling(code="MP", rows=SAME, columns=SAME), inputs=("mean",)),
        Node(name="up", layer=TransposedConvolution(units=3, rows=up, columns=up), inputs=("largest",)),
        Node(name="nearest", layer=Resize(rows=48, columns=48), inputs=("up",)),
        Node(name="between", layer=Resize(rows=16, columns=16, mode="bilinear"), inputs=("nearest",)),
    )
    graph = Graph(nodes=nodes, image=MapShape(maps=1, rows=16, columns=16))
    network = GraphNetwork(graph, random_network(graph.tensors), mean=(0.5,), std=(0.25,), title="kinds").eval()
    return Model(network=network, classes=CLASSES, preprocessing=Preprocessing(height=16, width=16, channels=1))


@pytest.mark.parametrize("model", [unet(), strided(), every_kind()], ids=["unet", "strided", "kinds"])
@pytest.mark.parametrize(("tile", "wide"), [(3, 1_000), (16, 16), (5, 7)])
def test_strips_join_to_the_whole_and_begin_anywhere_with_the_same_bits(
    model: Model, tile: int, wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = pixels(96, 64, channels=model.preprocessing.channels)
    whole = AppliedFully(model, (96, 64)).logits(image)
    network = fold(model.network)
    reach, computed, real = Reach(graph=at_size(network.graph, 96, 64)), [0], Stream._take

    def counting(self: Stream, step: Step) -> None:
        if step.node is not None:
            node, shape = reach.graph.by_name[step.name], reach.graph.shapes[step.name]
            each = node.layer.macs(reach.graph.inputs_of(node)) // (shape.rows * shape.columns)
            computed[0] += each * step.added * (step.part[1].stop - step.part[1].start)
        real(self, step)

    monkeypatch.setattr(Stream, "_take", counting)
    for columns in stripes(whole.shape[2], wide):
        stream = Stream(
            network,
            reach,
            added=tile,
            columns=columns,
            read=lambda box: image[box.row : box.row + box.rows, box.column : box.column + box.columns],
        )
        computed[0] = 0
        strips = [stream.strip(number) for number in range(-(-whole.shape[1] // tile))]
        assert computed[0] == pytest.approx(reach.macs(reach.needed(columns, 1)), abs=10)  # no row of a layer twice
        assert torch.allclose(torch.cat(strips, dim=1), whole[:, :, slice(*columns)], atol=1e-5)
        for number in (len(strips) - 1, len(strips) // 2, 1):
            assert torch.equal(stream.strip(number), strips[number])


@pytest.mark.parametrize("model", [unet(), strided(), every_kind()], ids=["unet", "strided", "kinds"])
def test_strips_away_from_the_edges_are_planned_once_and_have_the_same_bits(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, network = pixels(512, 32, channels=model.preprocessing.channels), fold(model.network)
    reach, planned, plan = Reach(graph=at_size(network.graph, 512, 32)), [0], Stream._planned

    def counting(self: Stream) -> Any:
        planned[0] += 1
        return plan(self)

    monkeypatch.setattr(Stream, "_planned", counting)
    rows, columns = (reach.size(reach.graph.output.name, axis) for axis in (0, 1))
    found, count = [], 16
    for _ in ("once", "each"):
        stream = Stream(
            network,
            reach,
            added=rows // count,
            columns=(0, columns),
            read=lambda box: image[box.row : box.row + box.rows, box.column : box.column + box.columns],
        )
        found.append(torch.cat([stream.strip(number) for number in range(count)], dim=1))
        monkeypatch.setattr(Stream, "_same", lambda self: range(0))
    assert torch.equal(*found)
    assert planned[0] < count + count // 2


def test_strips_fit_the_memory_and_cost_the_least() -> None:
    """A U-Net on 4,096 columns: narrower stripes within less memory, and none that computes a tenth twice."""
    used = AppliedFully(unet(), (4_096, 4_096))
    plan = {memory: used.strips(memory << 20) for memory in (4, 16, 64, 1_024)}
    wide = [tile * stripe for tile, stripe, _ in plan.values()]
    assert wide == sorted(wide)
    assert wide[-1] >= 4_096
    assert all(needed <= memory << 20 for memory, (*_, needed) in plan.items() if memory > 4)
    for tile, used.stripe, _ in plan.values():
        grid = Grid(image=(4_096, 4_096), window=(1, 1), stride=1, tile=tile)
        total, alone = used.macs(grid)
        whole = sum(layer.macs for layer in unet().network.plan.layers) * 256**2
        assert whole <= total < 1.1 * whole
        assert alone > total / grid.positions


def test_a_scan_in_strips_that_was_cut_off_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fully, "TILES", (16,))
    monkeypatch.setattr(AppliedFully, "_widest", lambda self, tile, memory: (2, 0))
    image, model, write, count = pixels(90, 70), unet(), maps_file.MapsFile.write, [0]
    whole = scan(model, image, scale=1, dtype="float32", output=tmp_path / "whole.tif")
    assert whole.receipt.stripe == 2

    def stopping(self: Any, *given: Any) -> None:
        count[0] += 1
        if count[0] == 9:  # in the third strip of the first stripe, or later
            raise KeyboardInterrupt
        write(self, *given)

    with monkeypatch.context() as here:
        here.setattr(maps_file.MapsFile, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            scan(model, image, scale=1, dtype="float32", output=tmp_path / "cut.tif")
    cut = scan(model, image, scale=1, dtype="float32", output=tmp_path / "cut.tif")
    assert np.array_equal(cut.maps, whole.maps)
    tifffile.imwrite(tmp_path / "image.tif", image[..., 0], tile=(32, 32))
    options = ScanOptions(scale=1, dtype="float32")
    scan_in_shards(model, tmp_path / "image.tif", ShardOptions(shards=tmp_path / "out", shard_size=7), options)
    merge(tmp_path / "out", output=tmp_path / "merged.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "merged.tif"), whole.maps)


def test_the_first_value_of_a_segmentation_is_on_the_first_pixel() -> None:
    receipt = scan(unet(), pixels(64, 64), scale=1).receipt
    assert receipt.way == "strips"
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
