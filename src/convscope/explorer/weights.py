"""Weights as text: in how few bits they go into a page, and how much of the network's agreement that costs."""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.document import inline_values
from convscope.core.errors import DataError
from convscope.networks.graph_network import GraphNetwork

MOST_EXACT = 200_000  # parameters that go in as float32; those of larger networks as 24 of its 32 bits
MOST_NEARLY_EXACT = 1_200_000  # 4.8 MB of text; those of still larger networks as float16
LARGEST_HALVES = 30_000_000  # bytes of text; weights that need more go in with 8 bits
LARGEST_TEXT = 100_000_000  # bytes; a browser still opens it
CHECKED = 32  # images on which rounded weights are compared with exact ones
BATCH = 8  # of them at a time
_LARGEST_HALF = 65_504.0
_LARGEST_BYTE = 127

WeightDtype = Literal["float32", "float24", "float16", "int8"]
_BYTES: dict[WeightDtype, int] = {"float32": 4, "float24": 3, "float16": 2, "int8": 1}
_NUMPY_DTYPES: dict[WeightDtype, str] = {"float32": "<f4", "float24": "<f3", "float16": "<f2", "int8": "i1"}


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """What rounded weights change.

    Attributes:
        images: on how many it was measured.
        random: whether these were random numbers, for want of images.
        same: fraction of them that get the same class.
        largest_difference: of two logits.
        largest_logit: by size, to compare with.
    """

    images: int
    random: bool
    same: float
    largest_difference: float
    largest_logit: float


def weight_dtype(network: GraphNetwork) -> WeightDtype:
    """Return the dtype of the weights of a network in a page.

    Raises:
        DataError: a page cannot hold them.
    """
    parameters = network.plan.parameters
    if parameters <= MOST_EXACT:
        return "float32"
    if parameters <= MOST_NEARLY_EXACT:
        return "float24"
    weights = [value for name, value in network.tensors.items() if name.endswith(".weight")]
    fit = all(float(value.detach().abs().max()) < _LARGEST_HALF for value in weights)
    if text_bytes(parameters, "float16") <= LARGEST_HALVES:
        return "float16" if fit else "float24"
    size = text_bytes(parameters, "int8")
    if size > LARGEST_TEXT:
        raise DataError(
            f"The weights must fit into a page of {LARGEST_TEXT / 1e6:,.0f} MB, with 8 bits each. Got {parameters:,} "
            f"parameters: {size / 1e6:,.0f} MB. {_smaller(network)}"
        )
    return "int8"


def _smaller(network: GraphNetwork) -> str:
    """Return a sentence: which part of a network a page can hold."""
    sums = itertools.accumulate(layer.parameters for layer in network.plan.layers)
    fitting = [
        node.name
        for node, parameters in zip(
            network.graph.nodes, sums, strict=False
        )  # the plan of a layout has its classes, too
        if text_bytes(parameters, "int8") <= LARGEST_TEXT
    ]
    if not fitting:
        return "Use a network with fewer."
    return f"Show the part up to {fitting[-1]}: convscope convert MODEL -o part.safetensors --up-to {fitting[-1]}"


def text_bytes(parameters: int, dtype: WeightDtype) -> int:
    """Return the length of so many weights as base64."""
    return -(-parameters * _BYTES[dtype] // 3) * 4


def tensor_texts(tensors: dict[str, Tensor], dtype: WeightDtype) -> dict[str, str]:
    """Return the tensors of a layer as base64, by name.

    `weight` has the dtype; the rest is float32. Of 8 bits, `weight_scale` has what a step is worth in each row: the
    weights of a unit.
    """
    texts = {name: inline_values(value.detach().numpy(), "<f4") for name, value in tensors.items() if name != "weight"}
    if "weight" in tensors:
        weight = tensors["weight"].detach().numpy()
        if dtype == "int8":
            weight, scales = in_bytes(weight)
            texts["weight_scale"] = inline_values(scales, "<f4")
        texts["weight"] = inline_values(weight, _NUMPY_DTYPES[dtype])
    return texts


def in_bytes(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return weights as whole numbers from -127 to 127 and what 1 is worth in each row.

    A row is the weights of a unit: all of a convolution's or of fully connected units' but the first axis, all but the
    first three of locally connected ones.

    Examples:
        >>> weights, scales = in_bytes(np.array([[127.0, -63.6], [0.0, 0.0]], np.float32))
        >>> weights.tolist(), scales.tolist()
        ([[127, -64], [0, 0]], [1.0, 1.0])
    """
    rows = math.prod(weight.shape[: 3 if weight.ndim == 6 else 1])
    flat = weight.reshape(rows, -1)
    largest = np.abs(flat).max(axis=1)
    scales = np.where(largest > 0, largest / np.float32(_LARGEST_BYTE), np.float32(1)).astype(np.float32)
    return np.rint(flat / scales[:, None]).astype(np.int8).reshape(weight.shape), scales


def rounded(tensors: dict[str, Tensor], dtype: WeightDtype) -> dict[str, Tensor]:
    """Return all tensors as a page reads them."""

    def one(name: str, value: Tensor) -> Tensor:
        if name.rpartition(".")[2] != "weight":
            return value
        if dtype == "float16":
            return value.half().float()
        weight, scales = in_bytes(value.detach().numpy())
        return torch.from_numpy(weight.reshape(len(scales), -1) * scales[:, None]).reshape(value.shape)

    return {name: one(name, value.detach()) for name, value in tensors.items()}


def rounding_of(network: GraphNetwork, dtype: WeightDtype, images: NDArray[np.uint8] | None) -> Rounding | None:
    """Return what the rounding of the weights changes on images N H W C, on random ones if None.

    None where weights keep four digits or more.
    """
    if dtype not in ("float16", "int8"):
        return None
    plan, random = network.plan, images is None
    if images is None:
        shape = (CHECKED // 4, plan.height, plan.width, plan.channels)
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    other = network.like(network.graph, rounded(network.tensors, dtype))
    given = torch.from_numpy(images[:CHECKED])
    with torch.no_grad():
        exact, near = (
            torch.cat([one(given[at : at + BATCH]) for at in range(0, len(given), BATCH)]) for one in (network, other)
        )
    same = (exact.argmax(1) == near.argmax(1)).float().mean()
    return Rounding(
        images=len(given),
        random=random,
        same=float(same),
        largest_difference=float((exact - near).abs().max()),
        largest_logit=float(exact.abs().max()),
    )
