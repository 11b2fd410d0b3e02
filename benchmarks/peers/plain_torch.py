"""The peer "PyTorch": a script as its tutorials write it; float32, NCHW, no compilation."""

import numpy as np
import torch
from protocol import Description, description, folded, random_images, serve
from torch import Tensor, nn


class Residual(nn.Module):
    """Convolution, normalization, plus the input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:
        """Return what the layers give, plus their input."""
        return maps + self.layers(maps)


def network(given: Description) -> nn.Sequential:
    """Return the network: convolution, normalization, ReLU, max, in this order."""
    layers: list[nn.Module] = []
    maps, rows, columns = given["channels"], given["height"], given["width"]
    values = maps * rows * columns
    flat = False
    for stage in given["stages"]:
        if stage["kind"] == "convolution":
            conv = nn.Conv2d(
                maps, stage["units"], stage["patch"], stride=stage["stride"], padding=stage["patch"] // 2,
                bias=not given["normalize"],
            )  # fmt: skip
            normed = [conv, nn.BatchNorm2d(stage["units"])] if given["normalize"] else [conv]
            layers += [Residual(*normed)] if stage["residual"] else normed
            layers.append(nn.ReLU())
            maps = stage["units"]
            rows, columns = -(-rows // stage["stride"]), -(-columns // stage["stride"])
            values = maps * rows * columns
        elif stage["kind"] == "max":
            window = stage["window"]
            layers.append(nn.AdaptiveMaxPool2d(1) if window is None else nn.MaxPool2d(window))
            rows, columns = (1, 1) if window is None else (rows // window, columns // window)
            values = maps * rows * columns
        else:
            layers += [] if flat else [nn.Flatten()]
            flat = True
            layers.append(nn.Linear(values, stage["units"], bias=not given["normalize"]))
            layers += [nn.BatchNorm1d(stage["units"])] if given["normalize"] else []
            layers.append(nn.ReLU())
            values = stage["units"]
    return nn.Sequential(*layers, *([] if flat else [nn.Flatten()]), nn.Linear(values, given["classes"]))


def load(learner: nn.Sequential, given: Description) -> None:
    """Put in the weights that everybody predicts with; normalization is in them already."""
    weighted = [module for module in learner.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    for module, (weights, biases) in zip(weighted, folded(given), strict=True):
        module.weight.data, module.bias = torch.from_numpy(weights), nn.Parameter(torch.from_numpy(biases))


def main() -> None:
    """Train or predict, for as long as asked."""
    given = description()
    torch.manual_seed(0)
    torch.set_num_threads(given["threads"])
    images, labels = random_images(given)
    maps = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))  # N H W C -> N C H W
    truth = torch.from_numpy(labels)
    if given["mode"] == "predict":
        learner = network(given | {"normalize": False})
        load(learner, given)
        learner.eval()

        def predict() -> Tensor:
            with torch.inference_mode():
                return torch.softmax(learner(maps), dim=1)

        serve(predict, given, lambda: predict().numpy())
        return
    learner = network(given)
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(learner(maps), truth)
        loss.backward()
        optimizer.step()
        return loss.item()

    serve(step, given)


if __name__ == "__main__":
    main()
