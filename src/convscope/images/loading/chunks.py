"""Load a chunk of images: record the facts of each and write its preprocessed pixels to disk."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import UnreadableImageError
from convscope.images.decoding.decoder import Decoded, decode
from convscope.images.decoding.pixel_budget import IN_FLIGHT, LIMIT_PIXELS
from convscope.images.preprocessing import Preprocessing
from convscope.images.transparency import vanished

from .facts import facts_of, no_facts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chunk:
    """Neighboring images that are loaded together.

    start: index of the first in the source. files: path of each, as text. preprocessing: applied to each. target: file
    that receives the pixels, uint8 N H W C; "" writes nothing.
    """

    start: int
    files: tuple[str, ...]
    preprocessing: Preprocessing
    target: str = ""

    def single(self, index: int) -> "Chunk":
        """Return the chunk of one of the images."""
        return dataclasses.replace(self, start=self.start + index, files=self.files[index : index + 1])

    def halves(self) -> tuple["Chunk", "Chunk"]:
        """Return the first and the second half."""
        half = len(self.files) // 2
        return (
            dataclasses.replace(self, files=self.files[:half]),
            dataclasses.replace(self, start=self.start + half, files=self.files[half:]),
        )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LoadResult:
    """Result of loading a chunk; dictionaries are keyed by the index of an image in it.

    facts: FACTS, one row per image. reasons: why an image is unusable. remarks: defects of usable images:
    `Decoded.remarks`, and that a drawing vanished on its background.
    """

    facts: NDArray[np.void]
    reasons: dict[int, str]
    remarks: dict[int, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def _never_stopped() -> bool:
    return False


def load_files(
    chunk: Chunk, is_stopped: Callable[[], bool] = _never_stopped, *, limit_pixels: int = LIMIT_PIXELS
) -> LoadResult:
    """Return the facts of the files of a chunk, and write their pixels; `is_stopped` as for `load_chunk`."""
    near = chunk.preprocessing.size
    return load_chunk(
        chunk, lambda index: decode(Path(chunk.files[index]), near=near, limit_pixels=limit_pixels), is_stopped
    )


def load_chunk(
    chunk: Chunk, decode_image: Callable[[int], Decoded], is_stopped: Callable[[], bool] = _never_stopped
) -> LoadResult:
    """Return the facts of a chunk, and write its pixels.

    An unusable image leaves zeros.

    Args:
        chunk: the images.
        decode_image: decodes an image by its index in the chunk; it may raise UnreadableImageError or MemoryError.
        is_stopped: called before each image; if true, the result is empty and nothing is written.

    Raises:
        OSError: `target` cannot be written.
    """
    preprocessing = chunk.preprocessing
    facts, reasons, remarks = no_facts(len(chunk.files)), {}, {}
    rows = np.zeros((len(chunk.files), preprocessing.height, preprocessing.width, preprocessing.channels), np.uint8)
    for index, file in enumerate(chunk.files):
        if is_stopped():
            return LoadResult(facts=no_facts(0), reasons={})
        try:
            with IN_FLIGHT.held():
                decoded = decode_image(index)
                facts[index] = facts_of(decoded, file, preprocessing.ranges)
                rows[index] = preprocessing.apply(decoded)
                if image_remarks := (*decoded.remarks, *vanished(decoded.values, rows[index])):
                    remarks[index] = image_remarks
                del decoded  # before another thread may start on a large image
        except UnreadableImageError as error:
            reasons[index] = str(error)
        except MemoryError:
            reasons[index] = "it needs more memory than there is"
    for index in reasons:
        facts[index] = no_facts(1)[0]
        facts["unusable"][index] = True
    if chunk.target:
        with open(chunk.target, "r+b") as stream:
            stream.seek(chunk.start * preprocessing.height * preprocessing.width * preprocessing.channels)
            stream.write(rows.data)
    return LoadResult(facts=facts, reasons=reasons, remarks=remarks)


def joined(first: LoadResult, second: LoadResult) -> LoadResult:
    """Return the results of two neighboring chunks as one."""
    offset = len(first.facts)
    return LoadResult(
        facts=np.concatenate([first.facts, second.facts]),
        reasons={**first.reasons, **{index + offset: reason for index, reason in second.reasons.items()}},
        remarks={**first.remarks, **{index + offset: remarks for index, remarks in second.remarks.items()}},
    )


def chunks_of(count: int, length: int) -> Sequence[range]:
    """Return neighboring ranges that cover 0…count.

    Examples:
        >>> chunks_of(5, 2)
        [range(0, 2), range(2, 4), range(4, 5)]
    """
    return [range(start, min(start + length, count)) for start in range(0, count, length)]
