"""A campaign: how many cases of each kind were tried, what was found, kept on the disk so that it can go on."""

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from convscope.core.atomic import write_text

from .cases import Finding, Kind, Verdict
from .workers import Block, tried

_SAVE_S = 10.0


@dataclasses.dataclass(kw_only=True)
class Tally:
    """What became of the cases of one kind.

    Attributes:
        kind: its name.
        title: what was tried.
        spans: numbers of the cases that were tried: first, and behind the last.
        findings: what is wrong, in no order.
        seconds: that were spent on it.
    """

    kind: str
    title: str
    spans: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    @property
    def tried(self) -> int:
        """How many cases were tried."""
        return sum(stop - start for start, stop in self.spans)

    def cases(self, verdict: Verdict) -> int:
        """Return in how many cases something of this verdict was found."""
        return len({found.seed for found in self.findings if found.verdict == verdict})

    def causes(self) -> list[tuple[Verdict, str, int, int]]:
        """Return verdict, cause, how many cases have it and the lowest of their numbers; the most frequent first."""
        counts = Counter(
            (found.verdict, found.cause) for found in {(f.seed, f.cause): f for f in self.findings}.values()
        )
        return [
            (verdict, cause, count, min(one.seed for one in self.findings if one.cause == cause))
            for (verdict, cause), count in counts.most_common()
        ]

    def add(self, block: Block) -> None:
        """Count the cases of a block."""
        spans = sorted([*self.spans, (block.start, block.stop)])
        merged = [spans[0]]
        for start, stop in spans[1:]:
            if start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        self.spans = merged
        self.findings += block.findings

    def has(self, start: int, stop: int) -> bool:
        """Return whether all these cases were tried."""
        return any(first <= start and stop <= last for first, last in self.spans)


def run(
    kind: Kind,
    tally: Tally,
    *,
    first: int,
    count: int,
    workers: int,
    minutes: float,
    folder: Path,
    tell: Callable[[str], None],
) -> None:
    """Try `count` cases of a kind from number `first` on, those that were tried before left out.

    What is found is added to `tally`, which is kept in `folder` all the time, with the files of the first cases of
    every cause in ``cases/``.
    """
    began = saved = time.monotonic()
    before = tally.seconds

    def blocks() -> Iterator[tuple[int, int]]:
        for start in range(first, first + count, kind.block):
            stop = min(start + kind.block, first + count)
            if not tally.has(start, stop):
                yield start, stop

    def over() -> bool:
        return time.monotonic() - began > minutes * 60

    seen: Counter[str] = Counter(found.cause for found in tally.findings)
    for block in tried(kind, blocks(), workers=workers, until=over, cases=folder / "cases"):
        tally.add(block)
        tally.seconds = before + time.monotonic() - began
        for found in block.findings:
            seen[found.cause] += 1
            if seen[found.cause] == 1:
                tell(f"{found.verdict}: {found.cause}  --case {found.kind}:{found.seed}")
        if time.monotonic() - saved > _SAVE_S:
            saved = time.monotonic()
            write_tally(tally, folder)
            rate = tally.tried / max(1e-9, tally.seconds)
            tell(f"{kind.name}: {tally.tried:,} tried, {rate:,.0f} a second, {len(tally.findings):,} findings")
    write_tally(tally, folder)


def write_tally(tally: Tally, folder: Path) -> None:
    """Write a tally into `folder`."""
    fields = dataclasses.asdict(tally)
    write_text(folder / f"{tally.kind}.json", json.dumps(fields, indent=1) + "\n")


def read_tally(kind: Kind, folder: Path) -> Tally:
    """Return the tally that `folder` has of a kind, an empty one where there is none."""
    path = folder / f"{kind.name}.json"
    if not path.is_file():
        return Tally(kind=kind.name, title=kind.title)
    fields = json.loads(path.read_text(encoding="utf-8"))
    findings = [Finding(**{**one, "verdict": Verdict(one["verdict"])}) for one in fields.pop("findings")]
    spans = [(int(start), int(stop)) for start, stop in fields.pop("spans")]
    return Tally(**{**fields, "title": kind.title, "findings": findings, "spans": spans})
