"""Read a run of images once: note the facts of each and write what the network will see to its place on disk."""

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
    """Neighbouring images that are read together.

    start: place of the first in the source. files: path of each, as text. preprocessing: what is applied. target: file
    that takes the pixels, uint8 N H W C, "" to write nothing.
    """

    start: int
    files: tuple[str, ...]
    preprocessing: Preprocessing
    target: str = ""

    def single(self, index: int) -> "Chunk":
        """Return the run of one of the images."""
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
    """What a run came to, by the place of an image in it.

    facts: FACTS, one row an image. reasons: why each unusable one is. remarks: what is not as it should be with usable
    ones: `Decoded.remarks`, and that a drawing vanished on its background.
    """

    facts: NDArray[np.void]
    reasons: dict[int, str]
    remarks: dict[int, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def _never_stopped() -> bool:
    return False


def load_files(
    chunk: Chunk, is_stopped: Callable[[], bool] = _never_stopped, *, limit_pixels: int = LIMIT_PIXELS
) -> LoadResult:
    """Return the facts of the files of a run, and write their pixels; `is_stopped` as for `read_run`."""
    near = chunk.preprocessing.size
    return load_chunk(
        chunk, lambda index: decode(Path(chunk.files[index]), near=near, limit_pixels=limit_pixels), is_stopped
    )


def load_chunk(
    chunk: Chunk, decode_image: Callable[[int], Decoded], is_stopped: Callable[[], bool] = _never_stopped
) -> LoadResult:
    """Return the facts of a run, each image decoded by its place in the run, and write their pixels.

    `is_stopped` is asked before each image; if it says so, the reading is empty and nothing is written.

    An unusable image leaves zeros: one for which `decode_one` raises UnreadableImageError, which is what `decode`
    makes of all that a codec raises, or MemoryError.

    Raises:
        OSError: `target` cannot be written.
    """
    step = chunk.preprocessing
    facts, reasons, remarks = no_facts(len(chunk.files)), {}, {}
    rows = np.zeros((len(chunk.files), step.height, step.width, step.channels), np.uint8)
    for index, file in enumerate(chunk.files):
        if is_stopped():
            return LoadResult(facts=no_facts(0), reasons={})
        try:
            with IN_FLIGHT.held():
                decoded = decode_image(index)
                facts[index] = facts_of(decoded, file, step.ranges)
                rows[index] = step.apply(decoded)
                if image_remarks := (*decoded.remarks, *vanished(decoded.values, rows[index])):
                    remarks[index] = image_remarks
                del decoded  # before another thread may begin with a large one
        except UnreadableImageError as error:
            reasons[index] = str(error)
        except MemoryError:
            reasons[index] = "it asks for more memory than there is"
    for index in reasons:
        facts[index] = no_facts(1)[0]
        facts["unusable"][index] = True
    if chunk.target:
        with open(chunk.target, "r+b") as stream:
            stream.seek(chunk.start * step.height * step.width * step.channels)
            stream.write(rows.data)
    return LoadResult(facts=facts, reasons=reasons, remarks=remarks)


def joined(first: LoadResult, second: LoadResult) -> LoadResult:
    """Return the reading of two neighbouring runs as one."""
    offset = len(first.facts)
    return LoadResult(
        facts=np.concatenate([first.facts, second.facts]),
        reasons={**first.reasons, **{index + offset: reason for index, reason in second.reasons.items()}},
        remarks={**first.remarks, **{index + offset: remarks for index, remarks in second.remarks.items()}},
    )


def chunks_of(count: int, length: int) -> Sequence[range]:
    """Return neighbouring ranges that cover 0…count.

    Examples:
        >>> chunks_of(5, 2)
        [range(0, 2), range(2, 4), range(4, 5)]
    """
    return [range(start, min(start + length, count)) for start in range(0, count, length)]
