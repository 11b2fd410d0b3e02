"""The step itself, on arrays: one hidden unit copied to every place of an image."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convscope.core.errors import ParameterError

from .geometry import output_size


def convolve(unit: ArrayLike, image: ArrayLike, *, bias: float = 0.0, stride: int = 1) -> NDArray[np.float64]:
    """Return the feature map of one unit: bias + Σ weight × input for the patch at every place.

    The unit's weights lie over the patch as they are (cross-correlation, what every framework calls convolution).

    Args:
        unit: weights k × k, or k × k × channels.
        image: pixels H × W, or H × W × channels.
        bias: added to every value.
        stride: distance between neighbouring places, in pixels.

    Raises:
        ParameterError: unit and image have different numbers of axes or channels.
        LayoutError: the unit is larger than the image.

    Examples:
        >>> convolve(np.ones((3, 3)), np.arange(25).reshape(5, 5)).shape   # 9 features
        (3, 3)
    """
    weights, pixels = np.asarray(unit, dtype=np.float64), np.asarray(image, dtype=np.float64)
    if weights.ndim == 2 and pixels.ndim == 2:
        weights, pixels = weights[..., None], pixels[..., None]
    if weights.ndim != 3 or pixels.ndim != 3 or weights.shape[2] != pixels.shape[2]:
        raise ParameterError(
            "`unit` must be k × k over an image H × W, or k × k × channels over H × W × channels. "
            f"Got {np.shape(unit)} over {np.shape(image)}. Give both the same number of channels."
        )
    output_size(pixels.shape[0], weights.shape[0], stride)
    output_size(pixels.shape[1], weights.shape[1], stride)
    patches = np.lib.stride_tricks.sliding_window_view(pixels, weights.shape[:2], axis=(0, 1))[::stride, ::stride]
    features: NDArray[np.float64] = bias + np.einsum("xychw,hwc->xy", patches, weights)
    return features
