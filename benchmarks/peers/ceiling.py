"""No peer but the limit: the same convolutions and matrix products alone, in the best precision and memory order.

No normalization, nonlinearity, pooling, loss or optimizer; sizes between the products are as the layout makes them.
"""

from collections.abc import Callable

import torch
from protocol import Description, description, serve
from torch import Tensor

from convscope.core.machine import tuned

Product = Callable[[], Tensor]


def products(given: Description) -> list[Product]:
    """Return the products of a step: forward, and for training those of both gradients (of the images: none)."""
    kind = {"bfloat16": torch.bfloat16, "float32": torch.float32}[given["precision"]]
    learns = given["mode"] == "train"
    count, maps, rows, columns = given["batch"], given["channels"], given["height"], given["width"]
    made: list[Product] = []
    for stage in [*given["stages"], {"kind": "connected", "units": given["classes"]}]:
        if stage["kind"] == "max":
            window = stage["window"]
            rows, columns = (1, 1) if window is None else (rows // window, columns // window)
        elif stage["kind"] == "convolution":
            below = torch.randn(count, maps, rows, columns).to(kind).to(memory_format=torch.channels_last)
            made += convolutions(below, stage, learns, first=not made)
            maps, rows, columns = stage["units"], -(-rows // stage["stride"]), -(-columns // stage["stride"])
        else:
            made += connections(torch.randn(count, maps * rows * columns).to(kind), stage["units"], learns)
            maps, rows, columns = stage["units"], 1, 1
    return made


def convolutions(below: Tensor, stage: Description, learns: bool, *, first: bool) -> list[Product]:
    """Return a convolution and, for training, its gradients."""
    patch, step, half = stage["patch"], [stage["stride"]] * 2, [stage["patch"] // 2] * 2
    weight = torch.randn(stage["units"], below.shape[1], patch, patch).to(below.dtype)
    weight = weight.to(memory_format=torch.channels_last)
    forward = lambda: torch.conv2d(below, weight, stride=step, padding=half)  # noqa: E731
    gradient = torch.ones_like(forward())
    wanted = [not first, True, False]
    backward = lambda: torch.ops.aten.convolution_backward(  # noqa: E731
        gradient, below, weight, None, step, half, [1, 1], False, [0, 0], 1, wanted
    )
    return [forward, backward] if learns else [forward]


def connections(below: Tensor, units: int, learns: bool) -> list[Product]:
    """Return a matrix product and, for training, its gradients."""
    weight = torch.randn(units, below.shape[1]).to(below.dtype)
    gradient = torch.ones(len(below), units, dtype=below.dtype)
    made = [lambda: below @ weight.T]
    return [*made, lambda: gradient.T @ below, lambda: gradient @ weight] if learns else made


def main() -> None:
    """Do the products, for as long as asked."""
    given = description()
    with tuned(given["threads"]), torch.inference_mode():
        all_of_them = products(given)
        serve(lambda: [product() for product in all_of_them], given)


if __name__ == "__main__":
    main()
