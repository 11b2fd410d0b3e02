"""Pictures seen smaller at first: what can be learned from fewer pixels is learned at half the price.

A hidden unit that is copied to every place is copied to fewer places of a smaller picture: the weights are the same.
That holds for every layout whose weights do not depend on the size of the picture, such as one that ends with the
largest value of each map (``MPg``); not for units that are connected to all places, or that differ from place to place.
"""

from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError, ParameterError
from convscope.networks.plan import Plan, plan
from convscope.stages.convolution import Convolution

SMALLEST_SIDE = 32  # from which on smaller pictures are worth while
_PART = 2 / 3
_COST = 0.6  # of a step on smaller pictures, in whole steps: 0.61 was measured at 32 pixels
_MULTIPLE = 8  # three subsamplings by two leave whole numbers


def coarse_size(height: int, width: int) -> tuple[int, int]:
    """Return about two thirds of each side, in pixels.

    Examples:
        >>> coarse_size(32, 32), coarse_size(96, 128)
        ((24, 24), (64, 88))
    """
    return _shorter(height), _shorter(width)


def _shorter(side: int) -> int:
    return min(side, max(1, round(side * _PART / _MULTIPLE)) * _MULTIPLE)


def fits_coarse(planned: Plan) -> bool:
    """Return whether the weights of `planned` are those that smaller pictures need, too."""
    height, width = coarse_size(planned.height, planned.width)
    if any(isinstance(stage, Convolution) and stage.regions != 1 for stage in planned.layout.stages):
        return False
    try:
        small = plan(
            planned.layout,
            height=height,
            width=width,
            channels=planned.channels,
            classes=planned.classes,
            bounded=False,
        )
    except LayoutError:  # too small for a window
        return False
    return [step.parameters for step in small.steps] == [step.parameters for step in planned.steps]


def check_coarse(part: float, planned: Plan) -> None:
    """Refuse a `part` of the training with smaller pictures where the network needs them in their size.

    Raises:
        ParameterError: it does.
    """
    if part and not fits_coarse(planned):
        raise ParameterError(
            f"`coarse` needs a layout whose weights fit smaller pictures, too, like 32C3-MP2-64C3-MPg. Got "
            f"{planned.layout} on {planned.width}x{planned.height}. End with MPg or APg in place of connected units, "
            "or leave `coarse` out."
        )


def share_of_work(fraction: float, coarse: float) -> float:
    """Return how much of the work is done, `fraction` of the way through, where the first `coarse` of it costs less.

    Examples:
        >>> round(share_of_work(0.4, 0.4), 3), share_of_work(1.0, 0.4), share_of_work(0.3, 0.0)
        (0.286, 1.0, 0.3)
    """
    cheap, dear = min(fraction, coarse), max(0.0, fraction - coarse)
    return (cheap * _COST + dear) / (coarse * _COST + 1 - coarse)


def coarsened(maps: Tensor) -> Tensor:
    """Return pictures N C H W at `coarse_size`, each pixel a weighted mean of those that it covers."""
    size = coarse_size(*maps.shape[2:])
    if size == tuple(maps.shape[2:]):
        return maps
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False, antialias=True)
