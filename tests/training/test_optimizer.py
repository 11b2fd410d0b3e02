"""The optimizer does what torch's own does, and nothing of torch's compiler is loaded for it."""

import subprocess
import sys

import torch
from torch import nn

from convscope.training.optimizer import AdamW


def network() -> nn.Module:
    """Return a network with weights of two kinds: those that decay and those that do not."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 3)).to(
        memory_format=torch.channels_last  # type: ignore[call-overload]  # torch lacks this one
    )


def learn(net: nn.Module, number: int) -> None:
    """Give the weights gradients that differ from step to step."""
    images = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(number))
    nn.functional.cross_entropy(net(images), torch.arange(8) % 3).backward()  # type: ignore[no-untyped-call]


def test_it_takes_the_steps_of_torchs_own() -> None:
    ours, theirs = network(), network()
    optimizer = AdamW(ours, decay=0.1)
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
        reference.step()
        reference.zero_grad()
        assert all(value.grad is None for value in ours.parameters())
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    moved = [not torch.equal(one, other) for one, other in zip(ours.parameters(), network().parameters(), strict=True)]
    assert all(moved)


def test_its_running_means_have_the_names_of_the_weights() -> None:
    optimizer = AdamW(network(), decay=0.1)
    names = {f"{name}.{kind}" for name, _ in network().named_parameters() for kind in ("mean", "square")}
    assert set(optimizer.tensors()) == names


def test_a_weight_without_a_gradient_only_decays() -> None:
    net = nn.Linear(2, 2)
    before = net.weight.detach().clone()
    AdamW(net, decay=0.5).step(1, 0.1)
    torch.testing.assert_close(net.weight.detach(), before * (1 - 0.1 * 0.5))


def test_training_does_not_load_torchs_compiler() -> None:
    code = (
        "import sys, torch\nfrom tests.training.small import begin, small_recipe, stripes, Stopper\n"
        "from convscope.training.loop import run\ndata, recipe = stripes(), small_recipe()\n"
        "run(begin(data, recipe), data, recipe, Stopper(steps=1), seed=0)\n"
        "assert 'torch._dynamo' not in sys.modules, 'it takes seconds to load'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=200)
