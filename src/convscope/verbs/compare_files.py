"""The files of a comparison: page, JSON, CSV and pictures."""

import csv
import io
import json
from pathlib import Path

from convscope.core.atomic import write_text
from convscope.core.records import to_json
from convscope.core.text import begins_formula
from convscope.measures.comparison.records import FILE_NAME, Comparison
from convscope.measures.comparison.robustness import GROUPS, kept
from convscope.page.compare import render_comparison
from convscope.pictures.comparison import PICTURES
from convscope.pictures.style import save, theme_named

PAGE, TABLE = "compare.html", "comparison.csv"


def write_files(comparison: Comparison, folder: Path) -> Path:
    """Write everything that shows `comparison` into `folder`; return the page.

    Raises:
        StorageError: a file cannot be written.
    """
    write_text(folder / FILE_NAME, json.dumps(to_json(comparison), indent=1, allow_nan=False) + "\n")
    write_text(folder / TABLE, table_of(comparison))
    write_text(folder / PAGE, render_comparison(comparison))
    theme = theme_named("light")
    for name, draw in PICTURES.items():
        drawn = draw(comparison, theme=theme)
        for ending in (".png", ".svg") if drawn is not None else ():
            save(drawn, folder / f"comparison-{name}{ending}")
    return folder / PAGE


def _plain(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; the space before a layout may stay there."""
    return f" {text}" if begins_formula(text) else text


def table_of(comparison: Comparison) -> str:
    """Return one line a kind as CSV, fractions in 0…1; what was not measured has its reason and no figures."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = ["kind", "title", "layout", "accuracy", "accuracy_low", "accuracy_high", "trainings", "parameters"]
    names += ["multiply_adds", "seconds", *(f"kept_{group}" for group in GROUPS), "why_not"]
    writer.writerow(names)
    for entry in comparison.entries:
        if not entry.measured:
            empty = [""] * (len(names) - 4)
            writer.writerow([entry.kind, entry.title, _plain(entry.layout), *empty, entry.why_not])
            continue
        shares = [kept(entry, group) for group in GROUPS]
        writer.writerow(
            [
                entry.kind,
                entry.title,
                _plain(entry.layout),
                *(f"{value:.6f}" for value in (entry.accuracy, *entry.interval)),
                len(entry.trials),
                entry.parameters,
                "" if entry.multiply_adds is None else entry.multiply_adds,
                f"{entry.seconds:.3f}",
                *("" if share is None else f"{share.value:.6f}" for share in shares),
                "",
            ]
        )
    return stream.getvalue()
