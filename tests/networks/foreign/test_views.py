import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convscope.layers.geometry import MapShape
from convscope.networks.foreign.building import views
from convscope.networks.foreign.building.unsupported import InexpressibleError
from tests.checks.laws import LAWS

SIDES = st.sampled_from([1, 2, 3, 4, 6, 8, 12])


@st.composite
def factorizations(draw: st.DrawFn, total: int) -> tuple[int, ...]:
    sizes = []
    while total > 1 and len(sizes) < 4:
        size = draw(st.sampled_from([number for number in range(1, total + 1) if total % number == 0]))
        sizes.append(size)
        total //= size
    return (*sizes, total)


@LAWS
@given(data=st.data(), maps=SIDES, rows=SIDES, columns=SIDES)
def test_a_view_shows_what_torch_makes_of_the_values(data: st.DataObject, maps: int, rows: int, columns: int) -> None:
    shape = MapShape(maps=maps, rows=rows, columns=columns)
    value = views.value_of("node", shape)
    tensor = torch.arange(shape.values).reshape(value.shape)
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            order = data.draw(st.permutations(range(tensor.dim())))
            value, tensor = views.permuted(value, order), tensor.permute(*order)
        else:
            sizes = data.draw(factorizations(shape.values))
            try:
                value = views.reshaped(value, sizes)
            except InexpressibleError:
                continue  # it mixes sides; all else must be what torch makes
            tensor = tensor.reshape(sizes)
        assert value.shape == tuple(tensor.shape)
        assert torch.equal(value.order, tensor.flatten())


@LAWS
@given(data=st.data(), maps=SIDES, rows=SIDES, columns=SIDES)
def test_a_reshape_within_one_side_is_never_refused(data: st.DataObject, maps: int, rows: int, columns: int) -> None:
    value = views.value_of("node", MapShape(maps=maps, rows=rows, columns=columns))
    split = data.draw(factorizations(maps))
    again = data.draw(factorizations(maps))
    parts = views.reshaped(value, (1, *split, rows, columns))
    assert views.reshaped(views.reshaped(parts, (1, *again, rows, columns)), value.shape) == value
    assert views.reshaped(parts, (1, maps * rows * columns)).shape == (1, math.prod(value.shape))


def test_a_reshape_that_mixes_sides_is_refused() -> None:
    value = views.value_of("node", MapShape(maps=6, rows=4, columns=5))
    with pytest.raises(InexpressibleError, match="mixes channels, rows and columns"):
        views.reshaped(value, (1, 4, 6, 5))
    with pytest.raises(InexpressibleError, match="120 values cannot be reshaped"):
        views.reshaped(value, (1, 7))


def test_one_size_of_a_reshape_may_be_left_open() -> None:
    value = views.value_of("node", MapShape(maps=6, rows=4, columns=5))
    assert views.reshaped(value, (1, -1)).shape == (1, 120)


@LAWS
@given(data=st.data(), maps=SIDES)
def test_a_constant_is_one_number_a_channel_however_it_is_seen(data: st.DataObject, maps: int) -> None:
    value = views.value_of("node", MapShape(maps=maps, rows=2, columns=3))
    split = data.draw(factorizations(maps))
    value = views.reshaped(value, (1, *split, 2, 3))
    value = views.permuted(value, data.draw(st.permutations(range(len(value.axes)))))
    sizes = [
        size if all(factor.side == "maps" for factor in axis) else 1
        for size, axis in zip(value.shape, value.axes, strict=True)
    ]
    constant = torch.randn(sizes, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    numbers = views.per_map(value, constant)
    node = torch.randn(maps, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    seen = node.flatten()[value.order].reshape(value.shape) * constant
    assert torch.equal(seen.flatten(), (node * numbers[:, None]).flatten()[value.order])


def test_a_constant_that_differs_between_positions_is_refused() -> None:
    value = views.value_of("node", MapShape(maps=2, rows=2, columns=3))
    with pytest.raises(InexpressibleError, match="differs between positions"):
        views.per_map(value, torch.arange(3.0))
    assert views.per_map(value, torch.ones(2, 3)).tolist() == [1, 1]
    with pytest.raises(InexpressibleError, match="does not fit"):
        views.per_map(value, torch.ones(4, 1, 1))
