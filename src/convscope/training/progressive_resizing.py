"""Images seen smaller at first (progressive resizing): what fewer pixels can teach is learned from fewer pixels.

A hidden unit that is copied to every position is copied to fewer places of a smaller image: the weights are the same.
That holds for every layout whose weights do not depend on the size of the image, such as one that ends with the
largest value of each map (``MPg``); not for units that are connected to all places, or that differ from place to place.
"""

import math

from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError
from convscope.layers.convolution import Convolution
from convscope.networks.plan import Plan, plan

SMALLEST_SIDE = 32  # from which on images are seen smaller at first unless the user says otherwise
_PART = 2 / 3
_MULTIPLE = 4  # two poolings by two leave whole numbers


def reduced_size(height: int, width: int) -> tuple[int, int]:
    """Return the smaller size: two thirds of the shorter side, up to the next multiple of 4; the other in proportion.

    Examples:
        >>> reduced_size(32, 32), reduced_size(96, 128), reduced_size(8, 8)
        ((24, 24), (64, 85), (8, 8))
    """
    shorter = min(height, width)
    smaller = min(shorter, math.ceil(shorter * _PART / _MULTIPLE) * _MULTIPLE)
    return round(height * smaller / shorter), round(width * smaller / shorter)


def pixel_fraction(height: int, width: int) -> float:
    """Return how many pixels the smaller image has, as a fraction of those of the whole one; so much it costs, about.

    Examples:
        >>> pixel_fraction(32, 32)
        0.5625
    """
    rows, columns = reduced_size(height, width)
    return rows * columns / (height * width)


def obstacle_to_resizing(planned: Plan) -> str | None:
    """Return why images cannot be seen smaller by `planned`, as half a sentence; None where they can."""
    height, width = reduced_size(planned.height, planned.width)
    if (height, width) == (planned.height, planned.width):
        return "so small an image is not seen smaller"
    local = [stage for stage in planned.layout.stages if isinstance(stage, Convolution) and stage.regions != 1]
    if local:
        return f"the units of {local[0]} differ from place to place"
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
        return f"a window would be larger than what is left of {width}x{height}"
    for step, whole in zip(small.layers, planned.layers, strict=True):
        if step.parameters != whole.parameters:
            return f"{whole.name} is connected to every position below it (MPg or APg before it would leave one a map)"
    return None


def work_fraction(fraction: float, progressive_resizing: float, cost: float) -> float:
    """Return the fraction of the work that is done after `fraction` of the training.

    Args:
        fraction: of the way, 0…1.
        progressive_resizing: fraction of the training whose steps cost less.
        cost: of such a step, in whole ones.

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
