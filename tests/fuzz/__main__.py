"""Try damaged files, kills and full disks, and write down what convscope makes of them.

    python -m tests.fuzz                        # the whole campaign: hours
    python -m tests.fuzz --kinds images --count 2000
    python -m tests.fuzz --case images:12345    # one case again, its files saved

It goes on where an earlier one in the same folder was interrupted. A case is its kind and its number, and can be tried
again by them.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported: processes are forked, which threads do not survive
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["CONVSCOPE_CACHE"] = tempfile.mkdtemp(prefix="fuzz-cache-")  # the user's own stays out of it

from .campaign import Tally, read_tally, run
from .cases import Kind
from .keeping import keep_case
from .kinds import KINDS
from .page import write_page, write_results
from .watching import Watcher
from .workers import fast_folder


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="only these")
    parser.add_argument("--count", type=int, help="cases of each kind; a whole campaign if not said")
    parser.add_argument("--minutes", type=float, default=1e9, help="of each kind at most")
    parser.add_argument("--seed", type=int, default=0, help="number of the first case")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="folder of tallies and cases")
    parser.add_argument("--case", metavar="KIND:NUMBER", help="try one case, print what is wrong, save its files")
    parser.add_argument("--page", action="store_true", help="write results and docs/robustness.md from the tallies")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.case:
        sys.exit(_one(given.case, given.out))
    tallies: list[Tally] = []
    for name in given.kinds:
        kind, whole = KINDS[name][0](), KINDS[name][1]
        tally = read_tally(kind, given.out)
        tallies.append(tally)
        if not given.page:
            run(
                kind,
                tally,
                first=given.seed,
                count=whole if given.count is None else given.count,
                workers=given.workers,
                minutes=given.minutes,
                folder=given.out,
                tell=_tell,
            )
    if given.page:
        write_page(write_results(tallies))
    for tally in tallies:
        print(f"{tally.kind}: {tally.tried:,} tried in {tally.seconds:,.0f} s")
        for verdict, cause, count, seed in tally.causes():
            print(f"  {verdict}: {count:,} x {cause}  (--case {tally.kind}:{seed})")
    sys.exit(1 if any(tally.findings for tally in tallies) else 0)


def _one(text: str, folder: Path) -> int:
    """Try one case in this process; return the exit code."""
    name, _, number = text.partition(":")
    kind: Kind = KINDS[name][0]()
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=fast_folder()) as place:
        kind.prepare(Path(place))
        watcher = Watcher(kind, deadline=False)
        with watcher.watching():
            kind.evaluate([int(number)], watcher)
        kind.close()
        for found in watcher.findings:
            print(f"{found.verdict}: {found.cause}\n{found.detail}")
            keep_case(kind, found, folder / "cases")
    if not watcher.findings:
        print("Nothing is wrong with it.")
    return 1 if watcher.findings else 0


def _tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
