"""What is tried and what can be found: kinds of cases, each reproducible from its kind and a number."""

import enum
import traceback
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import convscope

_PACKAGE = Path(convscope.__file__).parent
Random = np.random.Generator


class Verdict(enum.StrEnum):
    """What is wrong with a case; the columns of the table."""

    CRASH = "crashes"
    HANG = "hangs"
    LOST = "lost"
    WRONG = "silently wrong"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong with one case.

    Attributes:
        kind: name of the kind.
        seed: number of the case.
        verdict: what is wrong.
        cause: a short text, the same for every case that fails at the same place.
        detail: what was seen.
    """

    kind: str
    seed: int
    verdict: Verdict
    cause: str
    detail: str = ""


class Watch(ABC):
    """Is told which case begins, so that whatever happens from then on is that case's."""

    @abstractmethod
    def begin(self, seed: int) -> None:
        """Begin a case; the one before has ended."""

    @abstractmethod
    def found(self, verdict: Verdict, cause: str, detail: str = "", *, seed: int | None = None) -> None:
        """Note what is wrong with the case that has begun, or with another one of the same block."""

    def crashed(self, error: BaseException, *, seed: int | None = None) -> None:
        """Note an error that convscope does not raise on purpose."""
        self.found(Verdict.CRASH, cause_of(error), " ".join(traceback.format_exception(error))[-3000:], seed=seed)


class Kind(ABC):
    """A kind of cases.

    Attributes:
        name: on the command line and in the table.
        title: what is tried, for the table.
        block: cases that are evaluated together.
        cpu_s: seconds of processor time after which a case counts as a hang.
        memory_mb: that one case may add to what the process takes.
    """

    name: str
    title: str
    block: int = 1
    cpu_s: float = 30.0
    memory_mb: int = 1_200

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Make what all cases need, once in each process; `folder` is empty and the kind's own."""

    @abstractmethod
    def evaluate(self, seeds: Sequence[int], watch: Watch) -> None:
        """Try the cases of one block and tell `watch` what is wrong."""

    def save(self, seed: int, folder: Path) -> None:  # noqa: B027  # most have files, some have none
        """Write the files of one case into `folder`, to look at, after `prepare`; nothing where it has no files."""

    def close(self) -> None:  # noqa: B027  # most start nothing
        """End what `prepare` or a case has started."""

    def random(self, seed: int) -> Random:
        """Return the randomness of one case."""
        return np.random.default_rng([zlib.crc32(self.name.encode()), seed])


def pick(random: Random, choices: Sequence[Any]) -> Any:
    """Return one of `choices`, as it is: numpy's own would make an array of it."""
    return choices[int(random.integers(len(choices)))]


def cause_of(error: BaseException) -> str:
    """Return the type of an error and the last function of convscope that it went through, else the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    if ours:
        return f"{type(error).__name__} in {Path(ours[-1].filename).relative_to(_PACKAGE).as_posix()}, {ours[-1].name}"
    return f"{type(error).__name__} in {Path(frames[-1].filename).name}, {frames[-1].name}" if frames else repr(error)
