"""How fast the machine is just now: images a second that one plain PyTorch training step learns from.

    python benchmarks/reference_step.py

Scope: a fixed piece of work to compare machines and moments by, not a part of convscope: `32C5-MP2-64C5-MP2-128N` on
random images of 28 × 28 × 1, 256 a step, channels_last, bfloat16 where the processor has it, pooled before the
nonlinearity, AdamW, the allocator kept from giving memory back. On a machine that does nothing else, what takes
`seconds` here takes about seconds × rate here / rate there.
"""

import argparse
import json
import time

import torch
from torch import nn

from convscope.core.machine import machine
from convscope.core.tunings import keep_memory

BATCH = 256


def network() -> nn.Module:
    """Return the network in plain PyTorch."""
    layers = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(32, 64, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    return layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]  # torch lacks it


def images_per_second(seconds: float) -> float:
    """Train for about `seconds` after two steps of warming up; return the images learned from in one of them."""
    steps = step_seconds(seconds)
    return len(steps) * BATCH / sum(steps)


def step_seconds(seconds: float) -> list[float]:
    """Train for about `seconds` after two steps of warming up; return what each step took."""
    torch.manual_seed(0)
    keep_memory()
    torch.set_flush_denormal(True)
    learner = network()
    optimizer = torch.optim.AdamW(learner.parameters(), lr=1e-3, fused=True)
    images = torch.randn(BATCH, 1, 28, 28).to(memory_format=torch.channels_last)
    labels = torch.randint(10, (BATCH,))
    taken: list[float] = []
    while len(taken) < 3 or sum(taken[2:]) < seconds:
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=machine().bfloat16):
            loss = nn.functional.cross_entropy(learner(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        optimizer.step()
        taken.append(time.perf_counter() - started)
    return taken[2:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    print(json.dumps({"images_per_second": round(images_per_second(parser.parse_args().seconds), 1)}))
