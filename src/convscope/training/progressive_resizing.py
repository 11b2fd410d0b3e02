"""Progressive resizing: training begins on smaller images, which cost less.

A convolution has fewer positions on a smaller image, and the same weights. So the weights of a layout must not depend
on the size of the image: it ends, for example, with the largest value of each map (``MPg``), and has no fully connected
units on maps and no locally connected ones.
"""

import math

from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError
from convscope.networks.plan import Plan, plan
from convscope.networks.stages import ConvolutionStage

SMALLEST_SIDE = 32  # of images from which on progressive resizing is the default
_FRACTION = 2 / 3
_MULTIPLE = 4  # two poolings by two leave whole numbers


def reduced_size(height: int, width: int) -> tuple[int, int]:
    """Return the smaller size: two thirds of the shorter side, up to the next multiple of 4; the other in proportion.

    Examples:
        >>> reduced_size(32, 32), reduced_size(96, 128), reduced_size(8, 8)
        ((24, 24), (64, 85), (8, 8))
    """
    shorter = min(height, width)
    smaller = min(shorter, math.ceil(shorter * _FRACTION / _MULTIPLE) * _MULTIPLE)
    return round(height * smaller / shorter), round(width * smaller / shorter)


def pixel_fraction(height: int, width: int) -> float:
    """Return the number of pixels of the smaller image as a fraction of the full one: about its fraction of the cost.

    Examples:
        >>> pixel_fraction(32, 32)
        0.5625
    """
    rows, columns = reduced_size(height, width)
    return rows * columns / (height * width)


def obstacle_to_resizing(planned: Plan) -> str | None:
    """Return why `planned` cannot be trained on smaller images, as half a sentence; None if it can."""
    height, width = reduced_size(planned.height, planned.width)
    if (height, width) == (planned.height, planned.width):
        return "the images are too small to reduce"
    local = [stage for stage in planned.layout.stages if isinstance(stage, ConvolutionStage) and stage.regions != 1]
    if local:
        return f"{local[0]} is locally connected: its weights depend on the image size"
    try:
        small = plan(
            planned.layout,
            height=height,
            width=width,
            channels=planned.channels,
            classes=planned.classes,
            bounded=False,
        )
    except LayoutError:
        return f"a window would be larger than its input for images of {width}x{height}"
    for reduced, full in zip(small.layers, planned.layers, strict=True):
        if reduced.parameters != full.parameters:
            return f"{full.name} is fully connected to a map of this size; end with MPg or APg"
    return None


def work_fraction(fraction: float, progressive_resizing: float, cost: float) -> float:
    """Return the fraction of the work that is done after `fraction` of the training.

    Args:
        fraction: of the training, 0…1.
        progressive_resizing: fraction of the training whose steps cost less.
        cost: of such a step, as a fraction of a step on full images.

    Examples:
        >>> round(work_fraction(0.4, 0.4, 0.5), 3), work_fraction(1.0, 0.4, 0.5), work_fraction(0.3, 0.0, 0.5)
        (0.25, 1.0, 0.3)
    """
    cheap, dear = min(fraction, progressive_resizing), max(0.0, fraction - progressive_resizing)
    return min(1.0, (cheap * cost + dear) / (progressive_resizing * cost + 1 - progressive_resizing))


def downsized(maps: Tensor) -> Tensor:
    """Return images N C H W at `reduced_size`, each pixel a weighted mean of those that it covers."""
    size = reduced_size(*maps.shape[2:])
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False, antialias=True)
