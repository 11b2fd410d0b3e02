"""What every kind of pooling keeps: one suite, run over all of `POOLINGS`."""

import pytest
import torch

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape, ReceptiveField, output_size
from convscope.layers.pooling import POOLINGS, PoolingKind
from convscope.networks.stages import PoolingStage
from tests.oracles import stages as oracle

SIDES = ((4, 4), (5, 7), (9, 6), (11, 11))
WINDOWS = ((1, 1), (2, 2), (3, 2), (2, 3), (3, 1), (4, 4), (1, 3))
INCREASING = (torch.exp, torch.tanh, lambda maps: maps**3)


def maps_of(height: int, width: int) -> torch.Tensor:
    """Return float64 maps 2 3 H W of which no two values are equal and none is 0."""
    generator = torch.Generator().manual_seed(height * 100 + width)
    order = torch.randperm(6 * height * width, generator=generator).double()
    return ((order + 0.5) / order.numel() * 4 - 2).reshape(2, 3, height, width)


def maps_shape(side: tuple[int, int]) -> MapShape:
    """Return the shape of `maps_of`."""
    return MapShape(maps=3, rows=side[0], columns=side[1])


def built(member: PoolingStage) -> torch.nn.Module:
    """Return the module as it predicts."""
    return member.build().eval()


def members(kind: PoolingKind) -> list[PoolingStage]:
    """Return the kind over several windows and strides, and over the whole map."""
    windowed = [PoolingStage(code=kind.code, window=window, stride=stride) for window, stride in WINDOWS]
    return [*windowed, PoolingStage(code=kind.code, window=None, stride=1)]


@pytest.mark.parametrize("kind", POOLINGS.values(), ids=POOLINGS)
@pytest.mark.parametrize("side", SIDES, ids=str)
class PoolingChecks:
    """To be inherited by one test class."""

    def test_shapes_are_those_of_the_geometry(self, kind: PoolingKind, side: tuple[int, int]) -> None:
        for member in members(kind):
            found = tuple(built(member)(maps_of(*side)).shape[2:])
            shape = member.layer(maps_shape(side)).shape([maps_shape(side)])
            assert found == (shape.rows, shape.columns)
            if member.window is not None:
                assert found == tuple(output_size(size, member.window, member.stride) for size in side)

    def test_values_are_those_of_nested_loops(self, kind: PoolingKind, side: tuple[int, int]) -> None:
        maps = maps_of(*side)
        for member in members(kind):
            window = side if member.window is None else (member.window,) * 2
            stride = side if member.window is None else (member.stride,) * 2
            expected = oracle.pooling(
                kind.oracle, maps[1].numpy(), window=window, stride=stride, whole=member.window is None
            )
            torch.testing.assert_close(built(member)(maps)[1], torch.from_numpy(expected), rtol=1e-13, atol=1e-13)

    def test_constant_maps_stay_constant(self, kind: PoolingKind, side: tuple[int, int]) -> None:
        for member in members(kind):
            values = built(member)(torch.full((1, 2, *side), 0.375))
            assert torch.equal(values, torch.full_like(values, 0.375))

    def test_changes_place_with_increasing_functions_exactly_if_it_says_so(
        self, kind: PoolingKind, side: tuple[int, int]
    ) -> None:
        maps = maps_of(*side)
        member = PoolingStage(code=kind.code, window=2, stride=2)
        for pooling in (built(member), kind.whole().eval()):
            same = [torch.allclose(pooling(f(maps)), f(pooling(maps)), rtol=1e-12) for f in INCREASING]
            assert all(same) if kind.keeps_order else not any(same)

    def test_a_value_depends_on_what_it_says_it_sees(self, kind: PoolingKind, side: tuple[int, int]) -> None:
        """Every value of what it sees matters somewhere, and nothing beyond it."""
        for member in members(kind):
            maps = torch.rand((200, 3, *side), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
            maps.requires_grad_()
            built(member)(maps)[:, :, 0, 0].sum().backward()
            assert maps.grad is not None
            touched = (maps.grad != 0).any(dim=0).any(dim=0).nonzero().amax(dim=0) + 1
            pixels = (ReceptiveField(), ReceptiveField())
            fields = member.layer(maps_shape(side)).fields([pixels], [maps_shape(side)])
            inside = [min(field.size + field.start, size) for field, size in zip(fields, side, strict=True)]
            assert touched.tolist() == inside

    def test_the_gradient_is_the_numerical_one(self, kind: PoolingKind, side: tuple[int, int]) -> None:
        for member in members(kind)[1::3]:
            maps = maps_of(*side)[:1, :1].clone().requires_grad_()
            assert torch.autograd.gradcheck(built(member), (maps,), eps=1e-7, atol=1e-5)

    def test_channels_last_maps_give_the_same_values(self, kind: PoolingKind, side: tuple[int, int]) -> None:
        maps = maps_of(*side)
        for member in members(kind):
            module = built(member)
            turned = maps.contiguous(memory_format=torch.channels_last)
            torch.testing.assert_close(module(turned), module(maps), rtol=1e-13, atol=1e-13)

    def test_a_window_larger_than_the_map_is_refused(self, kind: PoolingKind, side: tuple[int, int]) -> None:
        member = PoolingStage(code=kind.code, window=max(side) + 1, stride=1)
        with pytest.raises(LayoutError, match="`kernel` must be at most the side of the map"):
            member.layer(maps_shape(side)).shape([maps_shape(side)])
        with pytest.raises((LayoutError, RuntimeError)):
            built(member)(maps_of(*side))
