"""The builder by itself: views that operations resolve, names, and errors."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.layers.geometry import MapShape
from convscope.networks.foreign.building import functions, parts, pools, sums, views
from convscope.networks.foreign.building.builder import Builder
from convscope.networks.foreign.building.unsupported import InexpressibleError, UnsupportedError
from convscope.networks.foreign.building.views import Value
from tests.checks.laws import LAWS
from tests.networks.foreign.comparing import kinds, output

SHAPE = MapShape(maps=4, rows=3, columns=2)


def images() -> Tensor:
    return torch.randn(1, 4, 3, 2, generator=torch.Generator().manual_seed(2))


def weights(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7))


def factors(number: int) -> list[int]:
    return [size for size in range(1, number + 1) if number % size == 0]


@LAWS
@given(data=st.data(), maps=st.sampled_from([4, 6, 12]))
def test_sums_over_a_view_are_those_of_torch(data: st.DataObject, maps: int) -> None:
    builder = Builder(MapShape(maps=maps, rows=3, columns=2))
    image = torch.randn(1, maps, 3, 2, generator=torch.Generator().manual_seed(2))
    value, tensor = builder.image(), image
    for _ in range(data.draw(st.integers(0, 3))):
        groups = data.draw(st.sampled_from(factors(maps)))
        split = (1, groups, maps // groups, 3, 2)
        try:
            value = views.permuted(parts.reshape(builder, value, split), (0, 2, 1, 3, 4))
        except InexpressibleError:  # three factors in an order that no shuffle gives
            assume(False)
        tensor = tensor.reshape(split).transpose(1, 2)
        value, tensor = parts.reshape(builder, value, image.shape), tensor.reshape(image.shape)
    order = data.draw(st.permutations(range(4)))
    value, tensor = views.permuted(value, order), tensor.permute(*order)
    flat = data.draw(st.booleans())
    if flat:
        value, tensor = parts.reshape(builder, value, (1, -1)), tensor.reshape(1, -1)
    assume(flat or order[-1] == 1)
    weight, bias = weights(5, tensor.shape[-1]), weights(5)
    with builder.operation("linear", ""):
        result = sums.linear(builder, value, weight, bias)
    expected = torch.nn.functional.linear(tensor, weight, bias)
    assert result.shape == tuple(expected.shape)
    network = builder.finish(result)
    seen = output(network, image).flatten()[result.order].reshape(expected.shape)
    torch.testing.assert_close(seen, expected, rtol=1e-5, atol=1e-5)


def test_an_image_may_be_seen_as_rows_columns_channels() -> None:
    builder = Builder(SHAPE)
    value = builder.image("NHWC")
    assert value.shape == (1, 3, 2, 4)
    result = sums.linear(builder, value, weights(5, 4), None, name="mix")
    assert result.shape == (1, 3, 2, 5)
    network = builder.finish(result)
    assert kinds(network) == ["convolution"]
    torch.testing.assert_close(
        output(network, images()), torch.einsum("nchw,kc->nkhw", images(), weights(5, 4)), rtol=1e-5, atol=1e-6
    )


def test_channels_in_another_order_are_a_shuffle_that_is_made_once() -> None:
    builder = Builder(SHAPE)
    value = parts.reshape(builder, builder.image(), (1, 2, 2, 3, 2))
    value = parts.reshape(builder, views.permuted(value, (0, 2, 1, 3, 4)), (1, 4, 3, 2))
    both = [sums.convolution(builder, value, weights(2, 4, 1, 1), None, name=name) for name in ("one", "two")]
    network = builder.finish(parts.concatenate(builder, both, 1))
    assert kinds(network) == ["channel-shuffle", "convolution", "convolution", "concatenate"]


def test_a_shuffle_that_is_undone_is_no_layer() -> None:
    builder = Builder(SHAPE)
    value = parts.reshape(builder, builder.image(), (1, 2, 2, 3, 2))
    value = views.permuted(views.permuted(value, (0, 2, 1, 3, 4)), (0, 2, 1, 3, 4))
    value = sums.convolution(builder, parts.reshape(builder, value, (1, 4, 3, 2)), weights(2, 4, 1, 1), None)
    assert kinds(builder.finish(value)) == ["convolution"]


@pytest.mark.parametrize("axis", [1, 3])
def test_a_normalization_of_channels_is_one_wherever_they_stand(axis: int) -> None:
    builder = Builder(SHAPE)
    value = builder.image("NCHW" if axis == 1 else "NHWC")
    network = builder.finish(sums.channel_normalization(builder, value, weights(4), None, 1e-5, axis=axis))
    expected = torch.nn.functional.layer_norm(images().permute(0, 2, 3, 1), (4,), weights(4), None, 1e-5)
    torch.testing.assert_close(output(network, images()), expected.permute(0, 3, 1, 2), rtol=1e-5, atol=1e-6)


def test_a_normalization_of_shuffled_channels_has_its_weights_in_their_order() -> None:
    builder = Builder(SHAPE)
    value = parts.reshape(builder, builder.image(), (1, 2, 2, 3, 2))
    value = parts.reshape(builder, views.permuted(value, (0, 2, 1, 3, 4)), (1, 4, 3, 2))
    result = sums.channel_normalization(builder, value, weights(4), weights(4), 1e-5, axis=1)
    shuffled = images()[:, [0, 2, 1, 3]].permute(0, 2, 3, 1)
    expected = torch.nn.functional.layer_norm(shuffled, (4,), weights(4), weights(4), 1e-5).permute(0, 3, 1, 2)
    network = builder.finish(pools.pooling(builder, result, "MP", (1, 1), sums.Slide(stride=(1, 1))))
    torch.testing.assert_close(output(network, images()), expected, rtol=1e-5, atol=1e-6)


def test_layers_without_a_name_have_that_of_their_place_and_a_word_and_a_number() -> None:
    builder = Builder(SHAPE)
    value = builder.image()
    for _ in range(2):
        with builder.operation("Conv", "layer1.0"):
            value = sums.convolution(builder, value, weights(4, 4, 1, 1), None)
    value = sums.convolution(builder, value, weights(4, 4, 1, 1), None, name="image")
    names = [node.name for node in builder.finish(value).graph.nodes]
    assert names == ["layer1.0.conv", "layer1.0.conv_2", "image_2"]


def refused(builder: Builder, read: Callable[[], object], match: str) -> UnsupportedError:
    def operation() -> None:
        with builder.operation("Operator", "layer1.part"):
            read()

    with pytest.raises(UnsupportedError, match=match) as caught:
        operation()
    return caught.value


def test_an_error_names_operator_place_reason_and_the_last_layer() -> None:
    builder = Builder(SHAPE)
    value = sums.convolution(builder, builder.image(), weights(4, 4, 1, 1), None, name="stem")
    piece = functions.elementary(builder, value, "exp")
    error = refused(builder, lambda: sums.linear(builder, piece, weights(3, 2), None), "columns|not the channels")
    assert (error.operator, error.place, error.last_layer) == ("Operator", "layer1.part", "stem")
    assert str(error).startswith("`Operator` in layer1.part cannot be read: it sums over an axis")
    assert str(error).endswith('with `up_to="stem"`.')
    assert builder.finish(None, up_to="stem").graph.output.name == "stem"


def test_an_error_before_any_layer_offers_none() -> None:
    builder = Builder(SHAPE)
    error = refused(builder, lambda: sums.linear(builder, builder.image(), weights(3, 2), None), "not the channels")
    assert error.last_layer == ""
    assert "up_to" not in str(error)
    with pytest.raises(ParameterError, match="no layer"):
        builder.finish(None, up_to="stem")


def test_weights_of_a_wrong_shape_are_refused() -> None:
    builder = Builder(SHAPE)
    refused(builder, lambda: sums.convolution(builder, builder.image(), weights(4, 3, 1, 1), None), "its weight is")
    refused(builder, lambda: sums.convolution(builder, builder.image(), weights(4, 4, 1), None), "1 dimensions")
    refused(builder, lambda: sums.convolution(builder, builder.image(), weights(4, 4, 1, 1), weights(3)), "its bias is")


def rows_padded(builder: Builder, value: Value) -> Value:
    return parts.pad(builder, value, [(0, 0), (0, 0), (1, 0), (0, 0)])


def test_what_would_be_no_maps_is_refused() -> None:
    builder = Builder(SHAPE)
    image = builder.image()
    across = views.permuted(image, (0, 3, 2, 1))
    shuffled = parts.reshape(
        builder, views.permuted(parts.reshape(builder, image, (1, 2, 2, 3, 2)), (0, 2, 1, 3, 4)), (1, 4, 3, 2)
    )
    for read, match in (
        (
            lambda: pools.pooling(builder, across, "MP", (2, 2), sums.Slide(stride=(2, 2))),
            "rows or columns and not of channels",
        ),
        (lambda: parts.concatenate(builder, [image, image], 2), "not the channels"),
        (lambda: parts.concatenate(builder, [image, rows_padded(builder, image)], 1), "different sizes"),
        (lambda: functions.add(builder, image, across), "different orders"),
        (lambda: pools.global_pooling(builder, image, "MP", [1]), "pools over channels"),
        (lambda: pools.global_pooling(builder, parts.reshape(builder, image, (1, 2, 2, 3, 2)), "AP", [1]), "a part of"),
        (lambda: parts.select(builder, image, 1, 1, 1), "nothing is left"),
        (lambda: parts.select(builder, image, 2, 2, step=-1), "do not follow each other"),
        (lambda: parts.select(builder, parts.reshape(builder, image, (1, 24)), 1, 0, 2), "mixes"),
        (lambda: parts.pad(builder, image, [(0, 0), (1, 1), (1, 1), (0, 0)]), "pads channels"),
        (
            lambda: parts.pad(builder, parts.reshape(builder, image, (1, 4, 6)), [(0, 0), (0, 0), (1, 1)]),
            "neither rows nor columns",
        ),
        (lambda: parts.expand(builder, image, (2, 4, 3, 2)), "repeats values"),
        (lambda: functions.softmax(builder, image, 2), "not the channels"),
        (lambda: functions.add(builder, 1, 2), "constants only"),
        (lambda: parts.resize(builder, shuffled, (-1, 2), "nearest"), "must be from 1"),
    ):
        refused(builder, read, match)


def test_every_third_of_the_values_of_twelve_groups_is_no_shuffle() -> None:
    builder = Builder(MapShape(maps=8, rows=2, columns=2))
    value = views.permuted(parts.reshape(builder, builder.image(), (1, 2, 2, 2, 2, 2)), (0, 3, 2, 1, 4, 5))
    refused(
        builder,
        lambda: (
            functions.activation(builder, parts.reshape(builder, value, (1, 8, 2, 2)), "relu")
            and pools.pooling(
                builder, parts.reshape(builder, value, (1, 8, 2, 2)), "MP", (2, 2), sums.Slide(stride=(2, 2))
            )
        ),
        "no shuffle",
    )


def test_the_network_must_have_a_layer() -> None:
    builder = Builder(SHAPE)
    with pytest.raises(UnsupportedError, match="the image itself"):
        builder.finish(builder.image())
    softmax = builder.finish(functions.softmax(builder, builder.image(), 1))
    assert kinds(softmax) == ["softmax"]
