"""The files of a comparison: page, JSON, CSV and figures."""

import csv
import io
from pathlib import Path

from convscope.core.atomic import check_folder, check_output, remove, write_text
from convscope.core.progress import Reporter, Silent
from convscope.core.records import json_text
from convscope.core.text import begins_formula
from convscope.figures.comparison import FIGURES
from convscope.figures.letters import boxes_sentence
from convscope.figures.style import save, theme_named
from convscope.measures.comparison.records import FILE_NAME, Comparison
from convscope.measures.comparison.robustness import GROUPS, Kept, kept
from convscope.report.comparison_page import render_comparison

PAGE, TABLE, TRAININGS = "compare.html", "comparison.csv", "trainings"
_ENDINGS = (".png", ".svg")
_ENDS = ("", "_low", "_high")  # of a share: the mean and its 95 % interval


def refuse_results(folder: Path, *, force: bool) -> None:
    """Refuse, before anything is trained, results that would replace a file of `folder`, or could not be written there.

    Raises:
        StorageError: a file stands there and `force` is not given, or nothing can be written there.
    """
    if not folder.exists():
        return
    check_folder(folder / TRAININGS)
    figures = (f"comparison-{name}{ending}" for name in FIGURES for ending in _ENDINGS)
    for name in (FILE_NAME, TABLE, PAGE, *figures):
        check_output(folder / name, force=force)


def write_files(comparison: Comparison, folder: Path, reporter: Reporter | None = None) -> Path:
    """Write everything that shows `comparison` into `folder`; return the page.

    A figure of an earlier comparison that this one has none of is removed.

    Raises:
        StorageError: a file cannot be written or removed.
    """
    write_text(folder / FILE_NAME, json_text(comparison, indent=1) + "\n")
    write_text(folder / TABLE, table_of(comparison))
    write_text(folder / PAGE, render_comparison(comparison))
    theme, told = theme_named("light"), reporter or Silent()
    with told.task("drawing the comparison", len(FIGURES) * len(_ENDINGS), "figures") as task:
        for name, draw in FIGURES.items():
            drawn = draw(comparison, theme=theme)
            for ending in _ENDINGS:
                path = folder / f"comparison-{name}{ending}"
                if drawn is None:
                    remove(path)
                elif (boxes := save(drawn, path)) and ending == _ENDINGS[0]:
                    told.say(boxes_sentence(boxes, path.name))
                task.advance()
    return folder / PAGE


def _plain(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; the space before it may stay there."""
    return f" {text}" if begins_formula(text) else text


def table_of(comparison: Comparison) -> str:
    """Return one line a kind as CSV, fractions in 0…1; what was not measured has its reason and no figures."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = ["kind", "title", "layout", "accuracy", "accuracy_low", "accuracy_high", "trainings", "parameters"]
    names += ["macs", "seconds", *(f"kept_{group}{end}" for group in GROUPS for end in _ENDS), "why_not"]
    writer.writerow(names)
    for entry in comparison.entries:
        if not entry.measured:
            empty = [""] * (len(names) - 4)
            writer.writerow([entry.kind, entry.title, _plain(entry.layout), *empty, _plain(entry.why_not)])
            continue
        writer.writerow(
            [
                entry.kind,
                entry.title,
                _plain(entry.layout),
                *(f"{value:.6f}" for value in (entry.accuracy, *entry.interval)),
                len(entry.trials),
                entry.parameters,
                "" if entry.macs is None else entry.macs,
                f"{entry.seconds:.3f}",
                *(cell for group in GROUPS for cell in _share_cells(kept(entry, group))),
                "",
            ]
        )
    return stream.getvalue()


def _share_cells(share: Kept | None) -> tuple[str, ...]:
    if share is None:
        return ("",) * len(_ENDS)
    return tuple(f"{share.value + side * share.half:.6f}" for side in (0, -1, 1))
