"""Nonlinearities: one suite over all of `NONLINEARITIES`."""

import copy
import pickle

import pytest
import torch

from convscope.layers.nonlinearity import NONLINEARITIES, NonlinearityKind
from tests.oracles import stages as oracle

FAMILY = pytest.mark.parametrize("member", NONLINEARITIES.values(), ids=NONLINEARITIES)
GRID = torch.linspace(-9, 9, 3_601, dtype=torch.float64)


@FAMILY
def test_increasing_is_said_exactly_where_it_holds(member: NonlinearityKind) -> None:
    steps = member.apply(GRID).diff()
    assert (steps.min().item() >= 0) == member.increasing


@FAMILY
def test_values_are_those_of_the_formula(member: NonlinearityKind) -> None:
    expected = torch.tensor([oracle.nonlinearity(member.oracle, value) for value in GRID.tolist()], dtype=torch.float64)
    torch.testing.assert_close(member.apply(GRID), expected, rtol=1e-12, atol=1e-12)


@FAMILY
def test_the_input_is_left_as_it_is(member: NonlinearityKind) -> None:
    before = GRID.clone()
    member.apply(GRID)
    assert torch.equal(GRID, before)


@FAMILY
def test_the_gradient_is_the_numerical_one(member: NonlinearityKind) -> None:
    points = torch.tensor([-3.1, -0.7, -0.05, 0.04, 0.9, 2.6], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(member.apply, (points,))


@FAMILY
def test_the_gain_keeps_the_deviation_and_the_differences_between_images(member: NonlinearityKind) -> None:
    assert member.gain > 0
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(200, 300, generator=generator)
    for _ in range(6):
        weights = torch.randn(300, 300, generator=generator) * member.gain / 300**0.5
        values = member.apply(values @ weights)
        assert 0.2 < values.std().item() < 2.5
    assert values.std(dim=0).mean().item() > 0.02  # images still differ


@FAMILY
def test_members_can_be_copied_and_sent_to_other_processes(member: NonlinearityKind) -> None:
    assert copy.deepcopy(member) == member
    assert pickle.loads(pickle.dumps(member)) == member


@FAMILY
def test_values_are_written_where_they_stay_with_the_same_bits(member: NonlinearityKind) -> None:
    expected, out = member.apply(GRID), torch.empty_like(GRID)
    assert member.written(GRID, out) is out
    assert torch.equal(out, expected)
    own = GRID.clone()
    assert torch.equal(member.written(own, own), expected)
    assert member.is_identity == torch.equal(expected, GRID)
