"""The files of a comparison: page, JSON, CSV and figures."""

import contextlib
from pathlib import Path

from convscope.core.atomic import check_folder, check_output, remove, write_text
from convscope.core.document import link_pages
from convscope.core.errors import ConvscopeError
from convscope.core.progress import Reporter, Silent
from convscope.core.records import json_text
from convscope.core.tables import DataTable
from convscope.core.text import printable
from convscope.figures.comparison import FIGURES
from convscope.figures.letters import boxes_sentence
from convscope.figures.style import save, theme_named
from convscope.measures.comparison.conclusions import baseline_difference
from convscope.measures.comparison.differences import relative_accuracy
from convscope.measures.comparison.records import FILE_NAME, PAGE_NAME, Comparison, VariantResult
from convscope.measures.distortions.family import GROUPS
from convscope.report.comparison_page import render_comparison
from convscope.training.report import read_report
from convscope.training.run_folder import REPORT_NAME, RunFolder

TABLE, RUNS = "comparison.csv", "runs"
RESULTS = FILE_NAME, TABLE, PAGE_NAME
MOST_RUNS = 5  # that are looked into
_ENDINGS = (".png", ".svg")
_ENDS = ("", "_low", "_high")  # a value and its 95 % interval


def check_results(folder: Path, *, force: bool) -> None:
    """Check, before any training, that the results can be written into `folder`.

    Raises:
        StorageError: a file already exists and `force` is not given, or nothing can be written there.
    """
    if not folder.exists():
        return
    check_folder(folder / RUNS)
    figures = (f"comparison-{name}{ending}" for name in FIGURES for ending in _ENDINGS)
    for name in (*RESULTS, *figures):
        check_output(folder / name, force=force)


def write_files(comparison: Comparison, folder: Path, reporter: Reporter | None = None) -> Path:
    """Write the files of `comparison` into `folder`; return the page.

    Figures of an earlier comparison that this one lacks are removed.

    Raises:
        StorageError: a file cannot be written or removed.
    """
    write_text(folder / FILE_NAME, json_text(comparison, indent=1) + "\n")
    write_text(folder / TABLE, table_of(comparison).csv())
    page = folder / PAGE_NAME
    write_text(page, render_comparison(comparison))
    if (run := _run_near(folder, comparison.data)) is not None:
        link_pages(run.pages(page))
    theme, reporter = theme_named("light"), reporter or Silent()
    with reporter.task("drawing the comparison", len(FIGURES) * len(_ENDINGS), "figures") as task:
        for name, draw in FIGURES.items():
            drawn = draw(comparison, theme=theme)
            for ending in _ENDINGS:
                path = folder / f"comparison-{name}{ending}"
                if drawn is None:
                    remove(path)
                elif (boxes := save(drawn, path)) and ending == _ENDINGS[0]:
                    reporter.say(boxes_sentence(boxes, path.name))
                task.advance()
    return page


def _run_near(folder: Path, data: str) -> RunFolder | None:
    """Return the run of the same dataset that `folder` is, or lies in; else the newest beside it."""
    here = folder.absolute()
    around = [path for path in (here / REPORT_NAME, here.parent / REPORT_NAME) if path.is_file()]
    beside = sorted(here.parent.glob(f"*/{REPORT_NAME}"), key=lambda path: -path.stat().st_mtime)
    for path in (*around, *beside[:MOST_RUNS]):
        with contextlib.suppress(ConvscopeError, OSError):
            if printable(read_report(path).name) == data:
                return RunFolder(path=path.parent)
    return None


def table_of(comparison: Comparison) -> DataTable:
    """Return one row for each variant, fractions in 0…1; a variant that was not measured has its reason only."""
    columns = ["variant", "title", "layout", "accuracy", "accuracy_low", "accuracy_high", "difference"]
    columns += ["difference_low", "difference_high", "significant", "runs", "parameters", "macs", "seconds"]
    columns += [*(f"robustness_{group}{end}" for group in GROUPS for end in _ENDS), "skipped"]
    rows = []
    for result in comparison.variants:
        cells = _numbers(comparison, result) if result.measured else [""] * (len(columns) - 4)
        rows.append([result.variant, result.title, result.layout, *cells, "" if result.measured else result.skipped])
    return DataTable.of(columns, rows)


def _numbers(comparison: Comparison, result: VariantResult) -> list[str]:
    difference = baseline_difference(comparison, result)
    relative = [relative_accuracy(result, group) for group in GROUPS]
    return [
        *(f"{value:.6f}" for value in (result.accuracy, *result.interval)),
        *_triple(None if difference is None else (difference.value, *difference.interval)),
        "" if difference is None else "yes" if difference.significant else "no",
        f"{len(result.runs)}",
        "" if result.parameters is None else f"{result.parameters}",
        "" if result.macs is None else f"{result.macs}",
        f"{result.seconds:.3f}",
        *(
            cell
            for accuracy in relative
            for cell in _triple(
                None
                if accuracy is None
                else (accuracy.value, accuracy.value - accuracy.half_width, accuracy.value + accuracy.half_width)
            )
        ),
    ]


def _triple(values: tuple[float, float, float] | None) -> list[str]:
    return [""] * len(_ENDS) if values is None else [f"{value:.6f}" for value in values]
