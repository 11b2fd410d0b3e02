"""Images unlike the others of the set: by features of a network, or blurred, dark, over-exposed or of another kind."""

import numpy as np
import torch
from numpy.typing import NDArray

from .neighbors import nearest, unit_rows

_BLOCK, _NEIGHBORS = 64, 10
_BRIGHT, _WHITE = 0.9, 250  # fraction of the pixels that are darker; value of a pixel that is burned out
DETAILS = {
    "outlier": "unlike every other image",
    "blurred": "little fine detail for its contrast",
    "dark": "even its bright parts are dark",
    "over-exposed": "large parts are white",
    "other kind": "far more flat color, or far less color, than the others",
}
"""What each kind means, in words."""


def outlyingness(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far each image is from its nearest neighbors, in robust standard deviations above the median, N.

    The distance is 1 less the mean similarity of the farther five of ten neighbors, so that a few copies of an image
    do not hide it.
    """
    rows = unit_rows(features, center=features.mean(axis=0))
    count = min(_NEIGHBORS, len(rows) - 1)
    similarities, _ = nearest(rows, rows, count)
    return robust(np.asarray(1 - similarities[:, count // 2 :].mean(axis=1), np.float64))


def robust(values: NDArray[np.float64], floor: float = 1e-6) -> NDArray[np.float64]:
    """Return values less their median, over the standard deviation that the median deviation stands for."""
    away = values - np.median(values)
    return np.asarray(away / max(1.4826 * float(np.median(np.abs(away))), floor))


def oddness(statistics: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return how far each image is from the others in each way, in robust standard deviations, N each.

    Args:
        statistics: of the images, see `statistics_of`.
    """
    detail, bright, white, flat, color = statistics.T
    return {
        "blurred": -robust(detail, floor=0.1),
        "dark": -robust(bright, floor=4.0),
        "over-exposed": robust(white, floor=0.02),
        "other kind": np.maximum(robust(flat, floor=0.01), -robust(color, floor=0.1)),
    }


def statistics_of(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return five statistics of images N H W C, N 5: detail, brightness, white, flat and color.

    Detail is the logarithm of the variance of the Laplacian at half the resolution over that at a quarter: contrast and
    subject change it less than the variance itself, and images that were enlarged a little count as sharp.
    """
    return np.concatenate([_statistics(np.array(images[at : at + _BLOCK])) for at in range(0, len(images), _BLOCK)])


def _statistics(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    values = torch.from_numpy(images).float()
    gray = values.mean(dim=3)
    half, quarter = (torch.nn.functional.avg_pool2d(gray[:, None], factor)[:, 0] for factor in (2, 4))
    fine, rough = (_variance(_laplacian(one)) for one in (half, quarter))
    equal = (gray.diff(dim=1)[:, :, 1:] == 0) & (gray.diff(dim=2)[:, 1:] == 0)
    found = (
        ((fine + 1) / (rough + 1)).log(),
        torch.quantile(gray.flatten(1)[:, ::5], _BRIGHT, dim=1),
        (values >= _WHITE).all(dim=3).float().mean(dim=(1, 2)),
        equal.float().mean(dim=(1, 2)),
        (values.amax(dim=3) - values.amin(dim=3)).mean(dim=(1, 2)).add(1).log(),
    )
    return np.asarray(torch.stack(found, 1).double().numpy())


def _variance(maps: torch.Tensor) -> torch.Tensor:
    """Return the variance of each map; 0 of images too small to have detail at a quarter of their resolution."""
    values = maps.flatten(1)
    return values.var(dim=1) if values.shape[1] > 1 else values.new_zeros(len(values))


def _laplacian(gray: torch.Tensor) -> torch.Tensor:
    inner = gray[:, 1:-1, 1:-1]
    return gray[:, :-2, 1:-1] + gray[:, 2:, 1:-1] + gray[:, 1:-1, :-2] + gray[:, 1:-1, 2:] - 4 * inner
