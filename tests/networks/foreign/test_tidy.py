"""Each pass that tidies a network by itself: what it makes, what it leaves, and that the values stay."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.layers.geometry import MapShape
from convscope.layers.kinds.convolution import Convolution
from convscope.layers.kinds.padding import Padding
from convscope.layers.kinds.pooling import Pooling
from convscope.networks.foreign.building import functions, parts, pools, sums
from convscope.networks.foreign.building.builder import Builder, ReadNetwork
from convscope.networks.foreign.building.views import Value
from tests.networks.foreign.comparing import kinds, output

Build = Callable[[Builder, Value], Value]


def weights(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7))


def built(build: Build) -> ReadNetwork:
    builder = Builder(MapShape(maps=4, rows=6, columns=5))
    return builder.finish(build(builder, builder.image()))


def images() -> Tensor:
    return torch.randn(2, 4, 6, 5, generator=torch.Generator().manual_seed(2))


def conv(builder: Builder, value: Value, name: str = "conv", size: int = 1, pad: int = 0) -> Value:
    frame = ((pad, pad), (pad, pad))
    return sums.convolution(builder, value, weights(4, 4, size, size), weights(4), sums.Slide(padding=frame), name=name)


def scaled(builder: Builder, value: Value, shift: float = 1.0) -> Value:
    return sums.scale_and_shift(builder, value, weights(4), shift * weights(4), name="norm")


def test_a_scale_behind_a_convolution_is_in_its_weights() -> None:
    network = built(lambda b, x: scaled(b, conv(b, x)))
    assert [node.name for node in network.graph.nodes] == ["conv"]
    assert torch.allclose(network.tensors["conv.weight"][:, 0, 0, 0], weights(4, 4, 1, 1)[:, 0, 0, 0] * weights(4))


def test_a_scale_stays_where_the_values_before_it_are_read_elsewhere() -> None:
    network = built(lambda b, x: functions.add(b, y := conv(b, x), scaled(b, y)))
    assert kinds(network) == ["convolution", "scale-and-shift", "add"]


def test_a_scale_behind_a_nonlinearity_goes_into_the_sums_behind_it() -> None:
    network = built(lambda b, x: conv(b, scaled(b, functions.activation(b, conv(b, x), "relu")), "last"))
    assert kinds(network) == ["convolution+relu", "convolution"]
    relu = torch.relu(torch.nn.functional.conv2d(images(), weights(4, 4, 1, 1), weights(4)))
    expected = torch.nn.functional.conv2d(
        relu * weights(4)[:, None, None] + weights(4)[:, None, None], weights(4, 4, 1, 1), weights(4)
    )
    torch.testing.assert_close(output(network, images()), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("shift", "left"), [(1.0, ["scale-and-shift", "convolution"]), (0.0, ["convolution"])])
def test_a_shift_before_a_convolution_with_zeros_around_stays(shift: float, left: list[str]) -> None:
    network = built(lambda b, x: conv(b, scaled(b, x, shift), size=3, pad=1))
    assert kinds(network) == left
    numbers = weights(4)[:, None, None]
    expected = torch.nn.functional.conv2d(
        images() * numbers + shift * numbers, weights(4, 4, 3, 3), weights(4), padding=1
    )
    torch.testing.assert_close(output(network, images()), expected, rtol=1e-5, atol=1e-5)


def test_scales_one_behind_the_other_are_one() -> None:
    network = built(lambda b, x: functions.activation(b, scaled(b, scaled(b, x)), "relu"))
    assert kinds(network) == ["scale-and-shift+relu"]


def test_a_frame_of_zeros_is_in_every_convolution_that_reads_it() -> None:
    def build(builder: Builder, image: Value) -> Value:
        framed = parts.pad(builder, image, [(0, 0), (0, 0), (1, 2), (0, 1)])
        return functions.add(builder, conv(builder, framed, "one", 3), conv(builder, framed, "two", 3, 0))

    network = built(build)
    assert kinds(network) == ["convolution", "convolution", "add"]
    layer = network.graph.nodes[0].layer
    assert isinstance(layer, Convolution)
    assert (layer.rows.before, layer.rows.after, layer.columns.before, layer.columns.after) == (1, 2, 0, 1)


@pytest.mark.parametrize(("mode", "number"), [("reflect", 0.0), ("edge", 0.0), ("constant", 0.5)])
def test_other_frames_stay(mode: str, number: float) -> None:
    network = built(lambda b, x: conv(b, parts.pad(b, x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode, number), size=3))  # type: ignore[arg-type]
    assert kinds(network) == ["padding", "convolution"]


def test_a_frame_that_something_else_reads_stays_for_all() -> None:
    def build(builder: Builder, image: Value) -> Value:
        framed = parts.pad(builder, image, [(0, 0), (0, 0), (1, 1), (1, 1)])
        return functions.add(builder, conv(builder, framed, "conv", 3, 1), framed)

    assert kinds(built(build)) == ["padding", "convolution", "add"]


def pooled(builder: Builder, value: Value, code: str, kernel: int = 3) -> Value:
    framed = parts.pad(builder, value, [(0, 0), (0, 0), (1, 1), (1, 1)])
    return pools.pooling(builder, framed, code, (kernel, kernel), sums.Slide(stride=(1, 1)), name="pool")


def test_a_maximum_takes_a_frame_of_zeros_only_behind_values_that_are_not_negative() -> None:
    assert kinds(built(lambda b, x: pooled(b, x, "MP"))) == ["padding", "pooling"]
    assert kinds(built(lambda b, x: pooled(b, functions.activation(b, x, "relu"), "MP"))) == ["nonlinearity", "pooling"]
    assert kinds(built(lambda b, x: pooled(b, functions.activation(b, x, "relu"), "MP", 1))) == [
        "nonlinearity", "padding", "pooling",
    ]  # fmt: skip
    behind = built(
        lambda b, x: pooled(
            b, functions.add(b, functions.activation(b, x, "relu"), functions.activation(b, x, "sigmoid")), "MP"
        )
    )
    assert "padding" not in kinds(behind)
    assert "padding" in kinds(
        built(lambda b, x: pooled(b, functions.add(b, functions.activation(b, x, "relu"), x), "MP"))
    )


def test_a_mean_counts_a_frame_of_zeros() -> None:
    network = built(lambda b, x: pooled(b, x, "AP"))
    layer = network.graph.nodes[0].layer
    assert isinstance(layer, Pooling)
    assert layer.count_padding
    expected = torch.nn.functional.avg_pool2d(images(), 3, 1, 1)
    torch.testing.assert_close(output(network, images()), expected)


def test_a_nonlinearity_is_part_of_the_layer_before_unless_its_values_are_read() -> None:
    assert kinds(built(lambda b, x: functions.activation(b, conv(b, x), "relu"))) == ["convolution+relu"]
    network = built(lambda b, x: functions.add(b, y := conv(b, x), functions.activation(b, y, "relu")))
    assert kinds(network) == ["convolution", "nonlinearity", "add"]
    twice = built(lambda b, x: functions.activation(b, functions.activation(b, conv(b, x), "relu"), "sigmoid"))
    assert kinds(twice) == ["convolution+relu", "nonlinearity"]


def test_what_changes_nothing_is_no_layer() -> None:
    def build(builder: Builder, image: Value) -> Value:
        value = conv(builder, functions.multiply(builder, image, 1))
        value = parts.pad(builder, functions.add(builder, value, 0), [(0, 0)] * 4)
        value = parts.resize(builder, parts.select(builder, value, 1, 0, 4), (6, 5), "bilinear")
        return functions.activation(builder, value, "linear")

    assert kinds(built(build)) == ["convolution"]


def test_a_layer_that_changes_nothing_is_left_out_where_no_sums_are_beside_it() -> None:
    def build(builder: Builder, image: Value) -> Value:
        value = functions.multiply(builder, functions.activation(builder, image, "linear"), 1)
        return pools.pooling(builder, value, "MP", (2, 2), sums.Slide(stride=(2, 2)))

    assert kinds(built(build)) == ["pooling"]


def test_a_gate_that_is_spread_over_the_maps_is_read_as_it_is() -> None:
    def build(builder: Builder, image: Value) -> Value:
        gate = pools.global_pooling(builder, image, "AP", (2, 3), keepdim=True)
        return functions.multiply(builder, image, parts.expand(builder, gate, (1, 4, 6, 5)))

    assert kinds(built(build)) == ["pooling", "multiply"]


def test_layers_that_the_output_does_not_depend_on_are_left_out() -> None:
    def build(builder: Builder, image: Value) -> Value:
        value = conv(builder, image, "used")
        conv(builder, value, "unused")
        return functions.activation(builder, value, "relu")

    assert [node.name for node in built(build).graph.nodes] == ["used"]


def test_a_crop_is_no_frame() -> None:
    network = built(lambda b, x: conv(b, parts.select(b, x, 2, 1, 5), size=3))
    assert isinstance(network.graph.nodes[0].layer, Padding)


def test_a_layer_can_be_asked_for_by_the_name_of_what_became_part_of_it() -> None:
    builder = Builder(MapShape(maps=4, rows=6, columns=5))
    value = scaled(builder, conv(builder, builder.image(), "block.conv"))
    value = functions.activation(builder, value, "relu", name="block.relu")
    conv(builder, value, "rest")
    for name in ("block.conv", "norm", "block.relu", "block"):
        assert [node.name for node in builder.finish(None, up_to=name).graph.nodes] == ["block.conv"]
    with pytest.raises(ParameterError, match=r"no layer 'blocks'.*The last one is 'rest'"):
        builder.finish(None, up_to="blocks")
