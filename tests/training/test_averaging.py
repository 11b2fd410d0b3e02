"""The running mean of the weights."""

import contextlib

import pytest
import torch
from torch import nn

from convscope.training.loop import run
from convscope.training.optimizer import RunningMean
from tests.training.small import Stopper, begin, small_recipe, stripes


def constant(value: float) -> nn.Module:
    layer = nn.Linear(2, 2)
    for parameter in layer.parameters():
        nn.init.constant_(parameter, value)
    return layer


def test_the_mean_of_constant_weights_is_exact() -> None:
    network = constant(3.0)
    mean = RunningMean(network, 0.1)
    for step in range(1, 100):
        mean.update(network, step)
    assert all(bool((value == 3.0).all()) for value in mean.values.values())


@pytest.mark.parametrize("steps", range(1, 8))
def test_nothing_is_left_of_the_weights_of_the_start(steps: int) -> None:
    mean = RunningMean(constant(1e6), 0.1)
    for step in range(1, steps + 1):
        mean.update(constant(1.0), step)
    assert all(bool((value == 1.0).all()) for value in mean.values.values())


def test_the_mean_lies_between_what_it_took_in_and_nearer_to_the_last() -> None:
    mean = RunningMean(constant(0.0), 0.1)
    for step in range(1, 1_001):
        mean.update(constant(step / 1_000), step)
    value = float(next(iter(mean.values.values())).mean())
    assert 0.85 < value < 0.95  # a horizon of a tenth of the way: 1 / (1 + 0.1)


def test_normalization_statistics_are_averaged_and_counters_are_not() -> None:
    names = RunningMean(nn.BatchNorm1d(3), 0.1).values.keys()
    assert "running_var" in names
    assert "num_batches_tracked" not in names


def test_the_network_itself_is_left_alone() -> None:
    network = constant(2.0)
    mean = RunningMean(network, 0.1)
    mean.update(constant(5.0), 1)
    assert all(bool((value == 2.0).all()) for value in network.state_dict().values())


def test_looking_at_the_best_network_puts_everything_back() -> None:
    data, recipe = stripes(), small_recipe()
    state = begin(data, recipe)
    run(state, data, recipe, Stopper(steps=8), seed=0)
    before = {name: value.clone() for name, value in state.network.state_dict().items()}
    with contextlib.suppress(KeyboardInterrupt), state.best_network(data, batch=16) as network:
        assert not network.training
        assert not torch.equal(network.classifier.weight, before["classifier.weight"])
        raise KeyboardInterrupt
    assert state.network.training
    assert all(torch.equal(value, before[name]) for name, value in state.network.state_dict().items())
