"""The optimizers do what their papers say, and nothing of torch's compiler is loaded for them."""

import math
import subprocess
import sys

import pytest
import torch
from torch import nn

from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.training.optimizer import AdamW, Muon, Optimizer, orthogonalized


def network(layout: str = "4C3-MP2-6N") -> Network:
    """Return a network with weights of every kind: copied to every place, connected everywhere, of one axis, last."""
    result = Network(Layout.parse(layout), height=8, width=8, channels=1, classes=3)
    return result.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch lacks this one


def learn(net: Network, number: int) -> None:
    """Give the weights gradients that differ from step to step."""
    images = torch.randint(0, 256, (8, 8, 8, 1), generator=torch.Generator().manual_seed(number), dtype=torch.uint8)
    nn.functional.cross_entropy(net(images), torch.arange(8) % 3).backward()  # type: ignore[no-untyped-call]


def test_adamw_takes_the_steps_of_torchs_own() -> None:
    ours, theirs = network(), network()
    optimizer = AdamW(dict(ours.named_parameters()), decay=0.1)
    decaying = [value for value in theirs.parameters() if value.ndim > 1]
    others = [value for value in theirs.parameters() if value.ndim <= 1]
    groups = [{"params": decaying, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    reference = torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=False)
    for number in range(1, 8):
        rate = 0.01 * number
        for group in reference.param_groups:
            group["lr"] = rate
        learn(ours, number)
        learn(theirs, number)
        optimizer.step(number, rate)
        ours.zero_grad()
        reference.step()
        reference.zero_grad()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    moved = [not torch.equal(one, other) for one, other in zip(ours.parameters(), network().parameters(), strict=True)]
    assert all(moved)


@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (16, 16), (1, 9)])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_direction_keeps_the_singular_vectors_and_evens_the_values(shape, precision) -> None:
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 1e-6  # gradients are small
    left, values, correct = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonalized(matrix, precision)
    inside = left.T @ result @ correct.T  # the result, as seen by the singular vectors of the matrix
    spread = inside - torch.diag(inside.diagonal())
    assert spread.norm() < (1e-4 if precision == torch.float32 else 0.1) * inside.norm()
    big = values > 0.2 * values[0]
    assert ((inside.diagonal()[big] > 0.4) & (inside.diagonal()[big] < 1.3)).all()


def test_a_direction_of_nothing_is_nothing() -> None:
    assert torch.equal(orthogonalized(torch.zeros(3, 5)), torch.zeros(3, 5))


@pytest.mark.parametrize("units", [4, 40])
def test_muon_turns_the_weights_by_its_angle_and_keeps_their_length(units: int) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = nn.Parameter(torch.randn(units, 3, 3, 3, generator=generator).to(memory_format=torch.channels_last))
    weight.data *= math.sqrt(units) / weight.norm()
    before = weight.detach().clone()
    weight.grad = torch.randn(units, 3, 3, 3, generator=generator)
    rate = 1e-3
    Muon({"weight": weight}, decay=None, precision=torch.float32).step(1, rate)
    angle = ((weight - before).norm() / before.norm()).item()
    assert angle == pytest.approx(Muon.TURN * rate, rel=0.3)
    assert weight.norm().item() == pytest.approx(math.sqrt(units), rel=0.02)
    assert (weight - before).flatten() @ weight.grad.flatten() < 0  # downhill


def test_muon_does_not_see_how_large_a_gradient_is() -> None:
    ends = []
    for size in (1e-6, 1.0):
        weight = nn.Parameter(torch.ones(2, 1, 3, 3))
        optimizer = Muon({"weight": weight}, decay=0.1, precision=torch.float32)
        for number in (1, 2):
            weight.grad = size * torch.randn(2, 1, 3, 3, generator=torch.Generator().manual_seed(number))
            optimizer.step(number, 0.01)
        ends.append(weight.detach())
    torch.testing.assert_close(*ends)


@pytest.mark.parametrize("layout", ["4C3-MP2-6N", "4C3-MP2-6N-nonorm"])
def test_only_what_has_a_length_to_lose_decays(layout: str) -> None:
    net = network(layout)
    before = {name: value.detach().clone() for name, value in net.named_parameters()}
    Optimizer(net, decay=0.5).step(1, 0.01)  # without gradients
    for name, value in net.named_parameters():
        old = before[name]
        if name == "classifier.weight":
            expected = old * (1 - 0.01 * 0.5)
        elif value.ndim == 1:
            expected = old
        elif net.layout.normalization:
            expected = old * math.sqrt(len(old)) / old.norm()
        else:
            expected = old * (1 - Muon.TURN * 0.01 * 0.5)
        torch.testing.assert_close(value.detach(), expected)


def test_hidden_units_are_muons_unless_they_are_too_many() -> None:
    optimizer = Optimizer(network("4C3-300C1-6N-300N"), decay=0.1)
    muon, adam = optimizer.methods
    assert [tuple(value.shape) for value in muon.weights.values()] == [
        (4, 1, 3, 3),
        (300, 4, 1, 1),
        (6, 19200),
        (300, 6),
    ]
    assert [tuple(value.shape) for value in adam.weights.values()] == [(4,), (300,), (6,), (300,), (3, 300), (3,)]
    muon, adam = Optimizer(network("300N"), decay=0.1).methods
    assert (len(muon.weights), len(adam.weights)) == (1, 3)
    muon, adam = Optimizer(network("300N-300N"), decay=0.1).methods
    assert (len(muon.weights), len(adam.weights)) == (1, 5)


def test_every_weight_has_one_method_and_every_running_mean_a_name() -> None:
    net = network()
    optimizer = Optimizer(net, decay=0.1)
    assert sorted(name for method in optimizer.methods for name in method.weights) == sorted(
        name for name, _ in net.named_parameters()
    )
    matrices = {name for name, value in net.named_parameters() if value.ndim > 1} - {"classifier.weight"}
    others = {name for name, _ in net.named_parameters()} - matrices
    names = {f"{name}.mean" for name in matrices | others} | {f"{name}.square" for name in others}
    assert set(optimizer.tensors()) == names
    learn(net, 0)
    optimizer.step(1, 0.01)
    assert all(value.grad is None for value in net.parameters())
    assert all(value.abs().sum() > 0 for value in optimizer.tensors().values())


def test_training_does_not_load_torchs_compiler() -> None:
    code = (
        "import sys, torch\nfrom tests.training.small import begin, small_recipe, stripes, Stopper\n"
        "from convscope.training.loop import run\ndata, recipe = stripes(), small_recipe()\n"
        "run(begin(data, recipe), data, recipe, Stopper(steps=1), seed=0)\n"
        "assert 'torch._dynamo' not in sys.modules, 'it takes seconds to load'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)
