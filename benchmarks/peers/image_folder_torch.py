"""What a tutorial on ImageFolder and DataLoader does: every epoch opens, decodes and resizes each image anew.

Written like torchvision's ImageFolder with Resize, CenterCrop, RandomHorizontalFlip, ToTensor and Normalize, by Pillow
alone; the network is that of peers/plain_torch.py. Standard input is not read; one JSON line is printed.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from plain_torch import network
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class ImageFolder(Dataset[tuple[Tensor, int]]):
    """Images of a folder with one sub-folder per class, each of side × side pixels."""

    def __init__(self, root: Path, side: int, *, flips: bool) -> None:
        self.classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        names = enumerate(self.classes)
        self.samples = [(path, place) for place, name in names for path in sorted((root / name).iterdir())]
        self.side, self.flips = side, flips

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        path, label = self.samples[place]
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        scale = self.side / min(image.size)
        image = image.resize((max(self.side, round(image.width * scale)), max(self.side, round(image.height * scale))))
        left, top = (image.width - self.side) // 2, (image.height - self.side) // 2
        pixels = torch.from_numpy(np.array(image.crop((left, top, left + self.side, top + self.side))))
        values = (pixels.permute(2, 0, 1).float() / 255 - 0.45) / 0.225  # H W C -> C H W
        return values.flip(2) if self.flips and torch.rand(()) < 0.5 else values, label


def main() -> None:
    """Train one epoch, evaluate, and say how long each took."""
    started = time.perf_counter()
    given: dict[str, Any] = json.loads(sys.argv[1])
    torch.manual_seed(0)
    torch.set_num_threads(given["threads"])
    folder = Path(given["folder"])
    train, test = (ImageFolder(folder / part, given["height"], flips=part == "train") for part in ("train", "test"))
    options: dict[str, Any] = {"batch_size": given["batch"], "num_workers": given["workers"]}
    learner = network(given)
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)
    seen = 0
    for maps, labels in DataLoader(train, shuffle=True, **options):
        optimizer.zero_grad()
        nn.functional.cross_entropy(learner(maps), labels).backward()
        optimizer.step()
        seen += len(labels)
    trained = time.perf_counter()
    learner.eval()
    with torch.no_grad():
        correct = sum(int((learner(maps).argmax(1) == labels).sum()) for maps, labels in DataLoader(test, **options))
    print(json.dumps({
        "images": seen, "accuracy": correct / len(test), "training_seconds": round(trained - started, 2),
        "seconds": round(time.perf_counter() - started, 2),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
