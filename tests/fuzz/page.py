"""The results of a campaign as a file, and the table in docs/robustness.md."""

import json
import platform
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from convscope import __version__
from convscope.core.atomic import write_text
from convscope.core.machine import machine
from convscope.core.text import counted

from .campaign import Tally
from .cases import Verdict
from .kinds import KINDS

ROOT = Path(__file__).parents[2]
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "robustness.json", ROOT / "docs" / "robustness.md"
BEGIN, END = "<!-- written by tests/fuzz: begin -->", "<!-- written by tests/fuzz: end -->"
_PACKAGES = ("torch", "numpy", "pillow", "safetensors", "pyarrow")


def write_results(tallies: Sequence[Tally]) -> dict[str, Any]:
    """Write what a campaign came to, with what an earlier one found of the kinds that it did not try; return it."""
    here = machine()
    earlier = json.loads(RESULTS.read_text(encoding="utf-8"))["kinds"] if RESULTS.exists() else []
    kinds = {one["kind"]: one for one in earlier} | {tally.kind: _kind(tally) for tally in tallies if tally.tried}
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    found: dict[str, Any] = {
        "scope": "damaged files, kills and full disks: how many cases of each kind were tried, and what was found",
        "commit": commit.stdout.strip() or "unknown",
        "command": "python -m tests.fuzz",
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "versions": {"convscope": __version__} | {package: version(package) for package in _PACKAGES},
        "processor": here.processor,
        "cores": here.cores,
        "system": platform.system(),
        "kinds": sorted(kinds.values(), key=lambda one: [*KINDS, one["kind"]].index(one["kind"])),
    }
    write_text(RESULTS, json.dumps(found, indent=1) + "\n")
    return found


def _kind(tally: Tally) -> dict[str, Any]:
    return {
        "kind": tally.kind,
        "title": tally.title,
        "tried": tally.tried,
        "cases": tally.spans,
        "seconds": round(tally.seconds, 1),
        **{verdict.value: tally.cases(verdict) for verdict in Verdict},
        "causes": [
            {"verdict": verdict.value, "cause": cause, "cases": count, "first": seed}
            for verdict, cause, count, seed in tally.causes()
        ],
    }


def table(found: dict[str, Any]) -> str:
    """Return the part of the page that is written by this program."""
    heads = ["kind", "tried", *(verdict.value for verdict in Verdict)]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    lines += [
        f"| {one['title']} | {one['tried']:,} | " + " | ".join(f"{one[verdict.value]:,}" for verdict in Verdict) + " |"
        for one in found["kinds"]
    ]
    causes = [(one["kind"], cause) for one in found["kinds"] for cause in one["causes"]]
    if causes:
        lines += ["", "Failures, the most frequent first:", ""]
        lines += [
            f"- {cause['verdict']}, {counted(cause['cases'], 'case')}: `{cause['cause']}` "
            f"(`--case {kind}:{cause['first']}`)"
            for kind, cause in causes
        ]
    seconds = sum(one["seconds"] for one in found["kinds"])
    torch, pillow, numpy = (found["versions"][name].partition("+")[0] for name in ("torch", "pillow", "numpy"))
    lines += [
        "",
        f"Measured on {found['date']} in {seconds / 60:,.0f} minutes on "
        f"{counted(found['cores'], 'core')} of {found['processor']} ({found['system']}), with Python "
        f"{found['python']}, PyTorch {torch}, Pillow {pillow} and NumPy {numpy}: "
        f"`{found['command']}`.",
    ]
    return "\n".join(lines)


def write_page(found: dict[str, Any]) -> None:
    """Put the table of a campaign into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    write_text(PAGE, f"{before}{BEGIN}\n{table(found)}\n{END}{after}")
