"""Fine-tuning as torchvision's tutorial on transfer learning writes it, on the weights of EfficientNet-Lite0.

Random resized crops and flips of 224 pixels, batches of 4, SGD with learning rate 0.001 and momentum 0.9, a tenth of
it after 7 of 25 epochs and again after 7 more; these fractions are those of the time here. Batch normalization learns,
as there. One argument, a JSON object: folder, weights, seconds, clock, threads, seed. One JSON line is printed.
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1))  # fmt: skip # noqa: E501
SIDE, BATCH, RATE, MOMENTUM, EPOCHS, EVERY = 224, 4, 0.001, 0.9, 25, 7


class Same(nn.Conv2d):
    """A convolution with TensorFlow's padding."""

    def forward(self, maps: Tensor) -> Tensor:
        """Pad, the odd zero behind."""
        pads = []
        for side, kernel, stride in zip(maps.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            zeros = max(0, (-(-side // stride) - 1) * stride + kernel - side)
            pads += [zeros // 2, zeros - zeros // 2]
        return super().forward(nn.functional.pad(maps, pads))


def convolution(below: int, units: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> Same:
    """Return a convolution without biases."""
    return Same(below, units, kernel, stride, bias=False, groups=groups)


class Block(nn.Module):
    """An inverted residual."""

    def __init__(self, below: int, units: int, kernel: int, stride: int, ratio: int) -> None:
        super().__init__()
        inner = below * ratio
        if ratio != 1:
            self._expand_conv, self._bn0 = convolution(below, inner), nn.BatchNorm2d(inner, eps=1e-3)
        self._depthwise_conv = convolution(inner, inner, kernel, stride, inner)
        self._bn1 = nn.BatchNorm2d(inner, eps=1e-3)
        self._project_conv, self._bn2 = convolution(inner, units), nn.BatchNorm2d(units, eps=1e-3)
        self.adds = stride == 1 and below == units

    def forward(self, maps: Tensor) -> Tensor:
        """Expand, convolve each map, project, and add the input."""
        found = maps
        if hasattr(self, "_expand_conv"):
            found = nn.functional.relu6(self._bn0(self._expand_conv(found)))
        found = nn.functional.relu6(self._bn1(self._depthwise_conv(found)))
        found = self._bn2(self._project_conv(found))
        return found + maps if self.adds else found


class Lite0(nn.Module):
    """EfficientNet-Lite0 with the names of the package's file."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = convolution(3, 32, 3, 2), nn.BatchNorm2d(32, eps=1e-3)
        blocks, below = [], 32
        for kernel, stride, ratio, units, count in STAGES:
            for number in range(count):
                blocks.append(Block(below, units, kernel, stride if number == 0 else 1, ratio))
                below = units
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = convolution(below, 1280), nn.BatchNorm2d(1280, eps=1e-3)
        self._fc = nn.Linear(1280, 1000)

    def maps(self, images: Tensor) -> Tensor:
        """Return the last maps."""
        maps = nn.functional.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            maps = block(maps)
        return nn.functional.relu6(self._bn1(self._conv_head(maps)))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self._fc(self.maps(images).mean(dim=(2, 3)))
        return logits


def resized_crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a crop of 8 to 100 % of the area, 3:4 to 4:3, as RandomResizedCrop."""
    width, height = image.size
    for _ in range(10):
        area, ratio = width * height * rng.uniform(0.08, 1.0), math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        wide, high = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if wide <= width and high <= height:
            left, top = rng.integers(0, width - wide + 1), rng.integers(0, height - high + 1)
            return image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + wide, top + high))
    return centered(image)


def centered(image: Image.Image) -> Image.Image:
    """Return the middle, as Resize(256) and CenterCrop(224)."""
    side = min(image.size) * SIDE / 256
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + side, top + side))


def tensor(image: Image.Image) -> Tensor:
    """Return it standardized as the network was trained."""
    return (torch.from_numpy(np.array(image)).permute(2, 0, 1).float() - 127) / 128


def files(folder: Path) -> tuple[list[Image.Image], Tensor]:
    """Return the images of a folder, decoded once, with their labels."""
    found = [(path, label) for label, one in enumerate(sorted(folder.iterdir())) for path in sorted(one.iterdir())]
    return [Image.open(path).convert("RGB") for path, _ in found], torch.tensor([label for _, label in found])


def main() -> None:
    """Train for the given time, and evaluate."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    clock = time.process_time if given["clock"] == "processor" else time.perf_counter
    started = clock()
    torch.set_num_threads(given["threads"])
    torch.manual_seed(given["seed"])
    rng = np.random.default_rng(given["seed"])
    images, labels = files(Path(given["folder"]) / "train")
    network = Lite0()
    network.load_state_dict(torch.load(given["weights"], weights_only=True))
    network._fc = nn.Linear(1280, int(labels.max()) + 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM)
    network.train()
    left = evaluation = 0.0
    epochs = 0
    while (done := (clock() - started) / (given["seconds"] - evaluation)) < 1:
        epochs += 1
        for indices in torch.randperm(len(images)).split(BATCH):
            done = (clock() - started) / (given["seconds"] - evaluation)
            if done >= 1 or len(indices) < 2:
                break
            optimizer.param_groups[0]["lr"] = RATE * 0.1 ** int(done * EPOCHS / EVERY)
            crops = [resized_crop(images[index], rng) for index in indices]
            batch = torch.stack([tensor(crop).flip(2) if rng.random() < 0.5 else tensor(crop) for crop in crops])
            begun = clock()
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(batch), labels[indices]).backward()
            optimizer.step()
            left = clock() - begun
            evaluation = 0.3 * left / BATCH * 500  # forward only, of as many test images or so
    network.eval()
    images, labels = files(Path(given["folder"]) / "test")
    with torch.inference_mode():
        maps = [
            torch.stack([tensor(centered(image)) for image in images[at : at + 50]]) for at in range(0, len(images), 50)
        ]
        predicted = torch.cat([network(batch).argmax(1) for batch in maps])
    accuracy = float((predicted == labels).float().mean())
    print(json.dumps({"accuracy": accuracy, "images": len(labels), "epochs": epochs, "seconds": clock() - started}))


if __name__ == "__main__":
    main()
