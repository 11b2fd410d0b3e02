"""A comparison as text for a terminal."""

from convscope.core.text import columns_of, counted
from convscope.measures.comparison.findings import budget_words, findings
from convscope.measures.comparison.records import Comparison, Entry
from convscope.measures.comparison.robustness import GROUPS, kept


def compare_text(found: Comparison) -> str:
    """Return the table of kinds, what was left out, and what the figures say."""
    groups = [group for group in GROUPS if any(kept(entry, group) for entry in found.measured)]
    rows = [["kind", "accuracy", "95 %", "parameters", "MACs", "seconds", *groups]]
    rows += [_row(entry, groups) for entry in found.measured]
    head = (
        f"{found.data}: {counted(found.training_images, 'training image')}, {budget_words(found)}; evaluated on "
        f"{counted(found.test_images, f'{found.part} image')}"
    )
    left_out = [f"{entry.title}: {entry.why_not or 'not done yet'}" for entry in found.entries if not entry.measured]
    told = [one.text for one in findings(found)]
    kept_note = (
        ["The last columns are the part of its accuracy that a kind keeps on distorted images."] if groups else []
    )
    return "\n".join([head, "", *columns_of(rows), "", *kept_note, *left_out, "", *told])


def _row(entry: Entry, groups: list[str]) -> list[str]:
    low, high = entry.interval
    shares = [kept(entry, group) for group in groups]
    return [
        entry.title,
        f"{entry.accuracy:.2%}",
        f"{low:.2%} to {high:.2%}",
        "-" if entry.parameters is None else f"{entry.parameters:,}",
        "-" if entry.macs is None else f"{entry.macs:,}",
        f"{entry.seconds:.1f}",
        *("-" if share is None else f"{share.value:.0%}" for share in shares),
    ]
