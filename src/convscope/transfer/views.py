"""The views of an image that a classifier learns from: the image itself, and what augmentation makes of it."""

from collections.abc import Callable

from torch import Tensor

ITSELF, FLIPPED = "itself", "flipped"

VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    ITSELF: lambda images: images,
    FLIPPED: lambda images: images.flip(2),  # N H W C: the columns
}
"""From uint8 N H W C to the same."""
