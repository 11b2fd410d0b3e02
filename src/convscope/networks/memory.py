"""The memory that images need in a network, from its plan before any is allocated, and the batch size that fits."""

from convscope.core.errors import DataError
from convscope.core.memory import available_bytes
from convscope.core.numeric import at_least

from .plan import NetworkPlan

_BYTES = 4  # of a number
_PART = 0.8  # of what is free
_IN_FLIGHT = 1 << 28  # bytes of images that were read and wait


def image_bytes(planned: NetworkPlan, *, copies: int = 1) -> int:
    """Return the bytes that one image takes at most.

    Args:
        planned: of the network.
        copies: of the maps of all layers, where they are kept; 1 where those of two layers at a time are enough.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> from convscope.networks.plan import plan
        >>> planned = plan(Layout.parse("8C3-MP2"), height=100, width=100, channels=1, classes=2)
        >>> image_bytes(planned)  # its bytes; then 8 maps of it and a quarter of them, as floats of 4 bytes
        410000
    """
    cached = planned.values * copies if copies > 1 else 0
    return planned.channels * planned.height * planned.width + _BYTES * (planned.working_values + cached)


def fitting_batch(planned: NetworkPlan, wanted: int, *, copies: int = 1) -> int:
    """Return how many images go through at once: `wanted`, or as many as memory has room for.

    Raises:
        DataError: there is no room for a single one.
    """
    each, room = image_bytes(planned, copies=copies), int(available_bytes() * _PART)
    if each > room:
        raise DataError(
            f"There must be memory for one image in the network, {each / 1e6:,.0f} MB for {planned.title} on "
            f"{planned.width}x{planned.height} pixels. Got {room / 1e6:,.0f} MB. Close other programs, or use a "
            "smaller network."
        )
    return max(1, min(wanted, room // each))


def runs_ahead(wanted: int, run_bytes: int) -> int:
    """Return how many runs of images, of so many bytes each, are read ahead: `wanted`, fewer where they are large."""
    return max(1, min(wanted, _IN_FLIGHT // max(1, run_bytes)))


def check_batch(batch: int) -> int:
    """Return `batch` when it is a number of images.

    Raises:
        ParameterError: it is not.
    """
    return at_least(1, "batch", batch)
