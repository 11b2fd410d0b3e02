"""The pixels that one value of a map depends on, cut out of a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convscope.stages.geometry import ReceptiveField


def cut(
    image: NDArray[np.uint8],
    fields: tuple[ReceptiveField, ReceptiveField],
    place: tuple[int, int],
    background: Sequence[int],
) -> NDArray[np.uint8]:
    """Return the receptive field of the value at `place`, uint8 of the fields' sizes × C, from an image H W C.

    What lies outside the image is `background`, one value a channel.

    Examples:
        >>> corner = cut(np.full((4, 4, 1), 9, np.uint8), (ReceptiveField(size=3, start=-1),) * 2, (0, 0), (0,))
        >>> corner[..., 0].tolist()
        [[0, 0, 0], [0, 9, 9], [0, 9, 9]]
    """
    patch = np.empty((fields[0].size, fields[1].size, image.shape[2]), np.uint8)
    patch[...] = background
    starts = [field.start + at * field.stride for field, at in zip(fields, place, strict=True)]
    inside = [
        slice(max(0, start), max(0, min(side, start + field.size)))
        for start, field, side in zip(starts, fields, image.shape, strict=False)
    ]
    target = [slice(part.start - start, part.stop - start) for part, start in zip(inside, starts, strict=True)]
    if all(part.stop > part.start for part in inside):
        patch[*target] = image[*inside]
    return patch
