"""Read a run of pictures once: note the facts of each and write what the network will see to its place on disk."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import UnreadableImageError
from convscope.images.decoding.pictures import Decoded, decode
from convscope.images.preprocessing import Preprocessing

from .facts import facts_of, no_facts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """Neighbouring pictures that are read together.

    start: place of the first in the source. files: path of each, as text. preprocessing: what is applied. target: file
    that takes the pixels, uint8 N H W C, "" to write nothing.
    """

    start: int
    files: tuple[str, ...]
    preprocessing: Preprocessing
    target: str = ""

    def halves(self) -> tuple["Run", "Run"]:
        """Return the first and the second half."""
        middle = len(self.files) // 2
        return (
            dataclasses.replace(self, files=self.files[:middle]),
            dataclasses.replace(self, start=self.start + middle, files=self.files[middle:]),
        )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What a run came to: facts (FACTS, one row a picture), and why each unusable one is, by its place in the run."""

    facts: NDArray[np.void]
    reasons: dict[int, str]


def _never_stopped() -> bool:
    return False


def read_files(run: Run, is_stopped: Callable[[], bool] = _never_stopped) -> Reading:
    """Return the facts of the files of a run, and write their pixels; `is_stopped` as for `read_run`."""
    near = run.preprocessing.size
    return read_run(run, lambda place: decode(Path(run.files[place]), near=near), is_stopped)


def read_run(
    run: Run, decode_one: Callable[[int], Decoded], is_stopped: Callable[[], bool] = _never_stopped
) -> Reading:
    """Return the facts of a run, each picture decoded by its place in the run, and write their pixels.

    `is_stopped` is asked before each picture; if it says so, the reading is empty and nothing is written.

    An unusable picture leaves zeros. What a codec may raise beyond UnreadableImageError counts as unusable too: one
    bad file must not stop the rest.

    Raises:
        OSError: `target` cannot be written.
    """
    step = run.preprocessing
    facts, reasons = no_facts(len(run.files)), {}
    rows = np.zeros((len(run.files), step.height, step.width, step.channels), np.uint8)
    for place, file in enumerate(run.files):
        if is_stopped():
            return Reading(facts=no_facts(0), reasons={})
        try:
            decoded = decode_one(place)
            facts[place] = facts_of(decoded, file, step.ranges)
            rows[place] = step.apply(decoded)
        except UnreadableImageError as error:
            reasons[place] = str(error)
        except MemoryError:
            reasons[place] = "it asks for more memory than there is"
    for place in reasons:
        facts[place] = no_facts(1)[0]
        facts["unusable"][place] = True
    if run.target:
        with open(run.target, "r+b") as stream:
            stream.seek(run.start * step.height * step.width * step.channels)
            stream.write(rows.data)
    return Reading(facts=facts, reasons=reasons)


def joined(first: Reading, second: Reading) -> Reading:
    """Return the reading of two neighbouring runs as one."""
    moved = {place + len(first.facts): reason for place, reason in second.reasons.items()}
    return Reading(facts=np.concatenate([first.facts, second.facts]), reasons={**first.reasons, **moved})


def runs_of(count: int, length: int) -> Sequence[range]:
    """Return neighbouring ranges that cover 0…count.

    Examples:
        >>> runs_of(5, 2)
        [range(0, 2), range(2, 4), range(4, 5)]
    """
    return [range(start, min(start + length, count)) for start in range(0, count, length)]
