"""Occlusion: what a class loses without each patch of the image (Zeiler & Fergus 2014), exactly."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.networks.fused_graph import fuse
from convscope.networks.graph import IMAGE
from convscope.networks.graph_network import GraphNetwork

from .locality import logits_without
from .method import Attribution, AttributionMethod, Settings, array

_PATCHES = 7  # along the shorter side by default


def occlude(network: GraphNetwork, images: Tensor, targets: Tensor, settings: Settings) -> list[Attribution]:
    """Return what the class of each image loses without each patch: in its logit and probability.

    The patch gets the mean of the training images, 0 after standardization. A pixel has the mean of the patches that
    hold it.

    Raises:
        ParameterError: the patch is larger than the image.
    """
    height, width = images.shape[2:]
    fast = fuse(network) if images.dtype == network.precision else network
    side = patch_side(settings, (height, width))
    patches = torch.cartesian_prod(_firsts(height, side), _firsts(width, side)).to(images.device)
    found = []
    with torch.inference_mode():
        for image, target in zip(images[:, None], targets.tolist(), strict=True):  # 1 C H W
            stored = values_of(network, image)
            whole = stored[network.graph.output.name].flatten(1)
            parts = [logits_without(fast, stored, some, side) for some in torch.split(patches, settings.batch)]
            without = torch.cat(parts)
            logit = whole[:, target] - without[:, target]
            chance = network.probabilities_of(whole)[:, target] - network.probabilities_of(without)[:, target]
            maps = _spread(torch.stack([logit, chance]), patches, side, (height, width))
            found.append(Attribution(method=OCCLUSION.name, values=array(maps[0]), probability=array(maps[1])))
    return found


def patch_side(settings: Settings, size: tuple[int, int]) -> int:
    """Return the side of the patches for images of `size`.

    Raises:
        ParameterError: it is larger than the image.
    """
    side = settings.patch or max(1, min(size) // _PATCHES)
    if side > min(size):
        raise ParameterError(f"`patch` must be at most {min(size)}, the shorter side of the image. Got {side}.")
    return side


def values_of(network: GraphNetwork, image: Tensor) -> Mapping[str, Tensor]:
    """Return the standardized images and the values of every node, by name."""
    return {IMAGE: image, **{node.name: values for node, values in network.values(image)}}


def _passes(settings: Settings, size: tuple[int, int]) -> int:
    """Return how many images are computed: that of each patch, and the one without any."""
    side = patch_side(settings, size)
    return 1 + math.prod(len(_firsts(one, side)) for one in size)


def _firsts(size: int, side: int) -> Tensor:
    """Return the first pixel of each patch along a side, half a patch apart; the last patch ends with it."""
    stride = max(1, side // 2)
    return torch.tensor(sorted({*range(0, size - side + 1, stride), size - side}))


def _spread(losses: Tensor, patches: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """Return maps of the mean loss of the patches that hold each pixel, from losses maps × patches."""
    within = torch.arange(side, device=patches.device)
    rows, columns = patches[:, :1] + within, patches[:, 1:] + within  # patches × side
    pixels = (rows[:, :, None] * size[1] + columns[:, None]).flatten()
    each = torch.cat([losses, torch.ones_like(losses[:1])]).repeat_interleave(side * side, dim=1)
    sums = losses.new_zeros(len(losses) + 1, size[0] * size[1]).index_add_(1, pixels, each)
    return (sums[:-1] / sums[-1]).view(-1, *size)


def _says(one: Attribution, _: float) -> str:
    points = 0.0 if one.probability is None else 100 * float(one.probability.max())
    return f"loses up to {float(one.values.max()):.2g} of logit, {points:.0f} points of probability"


OCCLUSION = AttributionMethod(name="occlusion", title="Occlusion", attribute=occlude, says=_says, passes=_passes)
