"""A comparison as text for a terminal."""

from convscope.core.text import columns_of
from convscope.measures.comparison.records import Comparison


def compare_text(found: Comparison) -> str:
    """Return the table of kinds as text."""
    rows = [["kind", "accuracy", "95 %", "parameters", "multiply-adds", "seconds"]]
    for one in found.measured:
        low, high = one.interval
        rows.append(
            [
                one.title,
                f"{one.accuracy:.2%}",
                f"{low:.2%} to {high:.2%}",
                f"{one.parameters:,}" if one.parameters is not None else "-",
                f"{one.multiply_adds:,}" if one.multiply_adds is not None else "-",
                f"{one.seconds:.1f}",
            ]
        )
    return "\n".join(columns_of(rows))
