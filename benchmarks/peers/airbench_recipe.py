"""The recipe of airbench94_muon (Jordan 2024, arXiv 2404.00498, and its Muon variant), written anew for any device.

    python airbench_recipe.py '{"folder": …, "epochs": 8, "seconds": null, "threads": 2, "bfloat16": true,
        "device": "cpu"}'

What belongs to it: the first layer is a frozen whitening of 2 × 2 patches (24 units: both signs of 12 eigenvectors)
with a bias that learns for three epochs; three groups of convolution – maximum – normalization – GELU – convolution –
normalization – GELU with 64, 256 and 256 units; identity-initialized convolutions; scores divided by 256; Muon (0.24,
momentum 0.6) for the convolutions, each at unit length per unit; SGD with Nesterov momentum 0.85 for the rest; batches
of 2,000; label smoothing 0.2; reflected shifts of 2 pixels; flips that alternate by epoch; rates that fall to zero in a
straight line; six views averaged at the test. With `seconds`, the way is that long on the clock, whatever it holds.
Channels last, and bfloat16 where asked for. Decoding the images counts, once.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

BATCH, SHIFT, SMOOTHING = 2_000, 2, 0.2
MUON_RATE, MUON_MOMENTUM = 0.24, 0.6
BIAS_RATE, HEAD_RATE, MOMENTUM, DECAY = 0.053, 0.67, 0.85, 2e-6 * BATCH
WIDTHS = 64, 256, 256
BIAS_EPOCHS = 3
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def random_images(folder: Path) -> tuple[Tensor, Tensor]:
    """Return standardized images N C H W and their labels, from one sub-folder per class."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [(path, place) for place, name in enumerate(names) for path in sorted((folder / name).iterdir())]
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB")) for path, _ in files])
    maps = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255  # N H W C -> N C H W
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return (maps - mean) / deviation, torch.tensor([place for _, place in files])


class Group(nn.Module):
    """Convolution, maximum, normalization, GELU; convolution, normalization, GELU."""

    def __init__(self, below: int, units: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(below, units, 3, padding=1, bias=False)
        self.second = nn.Conv2d(units, units, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(units, eps=1e-12, momentum=0.4) for _ in range(2))
        for norm in self.norms:
            norm.weight.requires_grad = False
        for convolution in (self.first, self.second):
            nn.init.dirac_(convolution.weight[: convolution.in_channels])

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of half the side."""
        maps = functional.gelu(self.norms[0](functional.max_pool2d(self.first(maps), 2)))
        return functional.gelu(self.norms[1](self.second(maps)))


class Learner(nn.Module):
    """The network; `whitening` is set from images before training."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.whitening = nn.Conv2d(3, 24, 2)
        below = (24, *WIDTHS)
        self.groups = nn.Sequential(*[Group(below[place], width) for place, width in enumerate(WIDTHS)])
        self.head = nn.Linear(WIDTHS[-1], classes, bias=False)

    def whiten(self, maps: Tensor) -> None:
        """Set the first layer: eigenvectors of 2 × 2 patches, each divided by the deviation along it, both signs."""
        patches = functional.unfold(maps, 2).transpose(1, 2).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        rows = (vectors.T / (values[:, None] + 5e-4).sqrt()).flip(0).view(12, 3, 2, 2)
        self.whitening.weight.data = torch.cat([rows, -rows])
        self.whitening.bias.data.zero_()
        self.whitening.weight.requires_grad = False

    def forward(self, maps: Tensor) -> Tensor:
        """Return scores."""
        maps = self.groups(functional.gelu(self.whitening(maps)))
        return self.head(functional.max_pool2d(maps, 3).flatten(1)).float() / WIDTHS[-1]


def orthogonal(matrix: Tensor) -> Tensor:
    """Return the nearest matrix of orthogonal rows, roughly: three steps of Newton and Schulz."""
    matrix = matrix / (matrix.norm() + 1e-7)
    turned = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    for _ in range(3):
        square = turned @ turned.T
        turned = 3.4445 * turned + (-4.7750 * square + 2.0315 * square @ square) @ turned
    return turned.T if matrix.shape[0] > matrix.shape[1] else turned


@dataclass
class Way:
    """How far training is, 0…1: by steps, or by the clock."""

    steps: int
    seconds: float | None
    began: float
    step: int = 0

    @property
    def done(self) -> float:
        """The part of the way that is gone."""
        if self.seconds is None:
            return self.step / self.steps
        return (time.perf_counter() - self.began) / self.seconds


class Optimizers:
    """Muon for the convolutions, SGD for biases and the head."""

    def __init__(self, learner: Learner) -> None:
        self.filters = [convolution.weight for group in learner.groups for convolution in (group.first, group.second)]
        self.means = [torch.zeros_like(weights) for weights in self.filters]
        biases = [norm.bias for group in learner.groups for norm in group.norms]
        self.whitening = learner.whitening.bias
        self.sgd = torch.optim.SGD(
            [
                {"params": [self.whitening], "rate": BIAS_RATE, "weight_decay": DECAY / BIAS_RATE},
                {"params": biases, "rate": BIAS_RATE, "weight_decay": DECAY / BIAS_RATE},
                {"params": [learner.head.weight], "rate": HEAD_RATE, "weight_decay": DECAY / HEAD_RATE},
            ],
            lr=0.0, momentum=MOMENTUM, nesterov=True,
        )  # fmt: skip

    @torch.no_grad()
    def step(self, done: float, epochs: float) -> None:
        """Change all weights, `done` of the way gone after `epochs` epochs."""
        left = max(0.0, 1 - done)
        for group in self.sgd.param_groups:
            group["lr"] = group["rate"] * left
        self.sgd.param_groups[0]["lr"] = BIAS_RATE * max(0.0, 1 - epochs / BIAS_EPOCHS)
        self.sgd.step()
        self.sgd.zero_grad()
        for filters, mean in zip(self.filters, self.means, strict=True):
            assert filters.grad is not None
            mean.mul_(MUON_MOMENTUM).add_(filters.grad)
            ahead = filters.grad.add(mean, alpha=MUON_MOMENTUM)
            filters.mul_(len(filters) ** 0.5 / filters.norm())
            filters.add_(orthogonal(ahead.flatten(1)).view_as(filters), alpha=-MUON_RATE * left)
            filters.grad = None


def changed(maps: Tensor, epoch: int, flips: Tensor) -> Tensor:
    """Return shifted images; each is flipped in every second epoch."""
    side = maps.shape[-1]
    padded = functional.pad(maps, (SHIFT,) * 4, mode="reflect")
    moves = torch.randint(0, 2 * SHIFT + 1, (len(maps), 2, 1), device=maps.device) + torch.arange(
        side, device=maps.device
    )
    every = torch.arange(len(maps), device=maps.device)[:, None, None]
    shifted = padded.permute(0, 2, 3, 1)[every, moves[:, 0, :, None], moves[:, 1, None]].permute(0, 3, 1, 2)
    flipped = (flips + epoch) % 2 == 1
    return torch.where(flipped[:, None, None, None], shifted.flip(3), shifted)


@torch.inference_mode()
def accuracy(learner: Learner, maps: Tensor, labels: Tensor, *, half: bool) -> float:
    """Return the part that is right by six views: as it is and moved by a pixel both ways, each also flipped."""
    learner.eval()
    correct = 0
    for some, truth in zip(maps.split(500), labels.split(500), strict=True):
        padded = functional.pad(some, (1,) * 4, mode="reflect")
        views = [(some, 0.5), (padded[:, :, :32, :32], 0.25), (padded[:, :, 2:, 2:], 0.25)]
        with torch.autocast(maps.device.type, torch.bfloat16, enabled=half):
            scores = sum((learner(view) + learner(view.flip(3))) * weight for view, weight in views)
        correct += int((scores.argmax(1) == truth).sum())  # type: ignore[union-attr]  # there are views
    return correct / len(labels)


def train(learner: Learner, maps: Tensor, labels: Tensor, given: dict[str, Any]) -> dict[str, float]:
    """Train; return the epochs that it took and the seconds of one."""
    count = len(maps) // BATCH or 1
    way = Way(steps=given["epochs"] * count, seconds=given["seconds"], began=time.perf_counter())
    optimizers, flips, epoch = Optimizers(learner), torch.randint(0, 2, (len(maps),), device=maps.device), 0
    learner.train()
    while way.done < 1:
        for places in torch.randperm(len(maps), device=maps.device).split(BATCH)[:count]:
            some = changed(maps[places], epoch, flips[places]).contiguous(memory_format=torch.channels_last)
            with torch.autocast(maps.device.type, torch.bfloat16, enabled=given["bfloat16"]):
                scores = learner(some)
            functional.cross_entropy(scores, labels[places], label_smoothing=SMOOTHING, reduction="sum").backward()
            optimizers.step(way.done, way.step / count)
            way.step += 1
            if way.done >= 1:
                break
        epoch += 1
    if maps.device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - way.began
    return {"epochs": way.step / count, "training_seconds": round(seconds, 2),
            "seconds_an_epoch": round(seconds * count / max(1, way.step), 2)}  # fmt: skip


def main() -> None:
    """Read, train, evaluate, print."""
    started = time.perf_counter()
    given: dict[str, Any] = json.loads(sys.argv[1])
    torch.manual_seed(0)
    torch.set_num_threads(given["threads"])
    maps, labels = (part.to(given["device"]) for part in random_images(Path(given["folder"]) / "train"))
    learner = Learner(int(labels.max()) + 1).to(given["device"])
    learner.whiten(maps[torch.randperm(len(maps))[:5_000]])
    learner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch lacks this one
    read = time.perf_counter()
    if given["seconds"] is not None:
        given["seconds"] = max(1.0, given["seconds"] - (read - started))
    found = train(learner, maps, labels, given)
    trained = time.perf_counter()
    test = [part.to(given["device"]) for part in random_images(Path(given["folder"]) / "test")]
    correct = accuracy(learner, *test, half=given["bfloat16"])
    print(json.dumps({
        "accuracy": correct, "seconds": round(trained - started, 2), "reading_seconds": round(read - started, 2),
        **found,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
