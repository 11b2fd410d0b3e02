"""``convscope check``: what is wrong with a set of images, file by file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convscope.core.text import counted, printable, sentence, shortened

from . import options
from .standard import need_output
from .unusable import EXIT_UNUSABLE

if TYPE_CHECKING:
    from convscope.images.inspection import Inspection

_MOST_CLASSES = 40
_LONGEST_NAME = 120


@click.command("check", context_settings={"show_default": True})
@click.argument("data", metavar="DATA")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@options.value_range
@options.quiet
@options.class_depth
@options.data_dir
@click.pass_context
def command(
    context: click.Context,
    /,
    data: str,
    *,
    as_json: bool,
    value_range: str | None,
    quiet: bool,
    class_depth: int | None,
    data_dir: Path | None,
) -> None:
    """Say what is wrong with the images of DATA, and change nothing.

    DATA is what train takes: a folder with one sub-folder a class, a list, an .npz file, IDX files, or the name of a
    set. Every file with a problem is named. Exit code 1 if some of them cannot be used,
    or a class folder is empty.
    """
    from convscope.api.check import check
    from convscope.core.progress import Silent
    from convscope.core.records import json_text
    from convscope.core.reporters import reporter_for

    if as_json:
        need_output("Leave --json out.")
    reporter = Silent() if quiet else reporter_for(sys.stderr)
    found = check(data, value_range=value_range, class_depth=class_depth, data_dir=data_dir, reporter=reporter)
    click.echo(json_text(found, indent=2) if as_json else report(found))
    if found.unusable or found.refused:
        context.exit(EXIT_UNUSABLE)


def report(found: "Inspection") -> str:
    """Return an inspection as text: a summary, the classes, and every problem with its file."""
    from convscope.images.inspection import PROBLEM_KINDS

    lines = [f"{printable(found.source)}: {_summary(found)}", ""]
    lines += _classes(found)
    lines += [line for note in found.notes for line in ("", f"note: {printable(note)}")]
    for kind, (usable, title) in PROBLEM_KINDS.items():
        problems = found.of_kind(kind)
        if not problems:
            continue
        lines += ["", f"{title} ({len(problems):,}){'' if usable else ', left out of training'}:"]
        for problem in problems:
            lines.append(f"  {printable(problem.name)}: {sentence(problem.detail)}")
            lines += [f"    = {printable(other)}" for other in problem.others]
    if not found.problems:
        lines += ["", "no problem found"]
    return "\n".join(lines)


def _summary(found: "Inspection") -> str:
    (narrow, _, wide), (low, _, high) = found.sizes.widths, found.sizes.heights
    size = f"all {wide}x{high}" if (narrow, low) == (wide, high) else f"{narrow} to {wide} wide, {low} to {high} high"
    formats = ", ".join(f"{name} {count:,}" for name, count in found.formats.items() if name != "array")
    modes = ", ".join(f"{name} {count:,}" for name, count in found.modes.items() if name != "array")
    parts = [
        f"{counted(found.images, 'image')}, {found.usable:,} usable",
        f"{counted(len(found.classes), 'class', 'classes')}",
        f"pixels: {size}",
    ]
    parts += [f"{title}: {texts}" for title, texts in (("formats", formats), ("modes", modes)) if texts]
    return "\n  ".join([*parts, *found.values])


def _classes(found: "Inspection") -> list[str]:
    """Return one line a class with a bar; of very many only the smallest and the largest."""
    shown = list(found.classes)
    skipped = len(shown) - _MOST_CLASSES
    if skipped > 0:
        ordered = sorted(shown, key=lambda count: -count.usable)
        shown = ordered[: _MOST_CLASSES // 2] + ordered[-_MOST_CLASSES // 2 :]
    names = [shortened(printable(count.name), _LONGEST_NAME) for count in shown]
    width = min(40, max(len(name) for name in names))
    most = max(count.usable for count in shown)
    lines = []
    for name, count in zip(names, shown, strict=True):
        left_out = count.images - count.usable
        end = f" ({left_out:,} unusable)" if left_out else ""
        lines.append(f"  {name:<{width}} {count.usable:>9,} {'#' * round(20 * count.usable / most)}{end}")
    if skipped > 0:
        lines.insert(_MOST_CLASSES // 2, f"  … {counted(skipped, 'class', 'classes')} in between …")
    return lines
