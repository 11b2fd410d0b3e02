"""``convscope check``: what is wrong with a dataset, file by file."""

from typing import TYPE_CHECKING, Any

import click

from convscope.core.context import Context
from convscope.core.text import counted, printable, sentence, shortened
from convscope.options.check import CheckOptions
from convscope.options.shards import ShardOptions

from .in_shards import end_of_shards, shards_in
from .options import GroupedCommand, as_json, options_in, options_of, with_context
from .standard import need_output
from .unusable import EXIT_UNUSABLE

if TYPE_CHECKING:
    from convscope.images.inspection import Inspection

_MOST_CLASSES = 40
_LONGEST_NAME = 120


@click.command("check", cls=GroupedCommand)
@click.argument("data", metavar="DATA")
@options_of(CheckOptions, ShardOptions)
@as_json
@with_context("data_dir", "cache_dir")
@click.pass_context
def command(shell: click.Context, /, *, context: Context, data: str, as_json: bool, **values: Any) -> None:
    """Find what is wrong with the images of DATA; change nothing.

    DATA is what train takes: a folder with one sub-folder per class, a list, an .npz file, IDX files, or the name of a
    dataset. Every file with a problem is named. With --model, a network finds labels that look wrong, near-duplicates,
    outliers, and blurred, dark or over-exposed images, each with a score: the precision measured on
    injected errors. With --shards, the network's features are parts in a folder; the command that finds all parts
    there prints the findings. Exit code 1 if some images cannot be used, or a class folder is empty.
    """
    from convscope.api.check import check
    from convscope.core.records import json_text

    if as_json:
        need_output("Leave --json out.")
    if (how := shards_in(values, ())) is not None:
        from convscope.api.check_in_shards import check_in_shards
        from convscope.shards.job import ShardsResult

        result = check_in_shards(data, how, CheckOptions(**options_in(CheckOptions, values)), context=context)
        if isinstance(result, ShardsResult):
            end_of_shards(shell, result, context)
            return
        inspection = result
    else:
        inspection = check(data, context=context, **options_in(CheckOptions, values))
    click.echo(json_text(inspection, indent=2) if as_json else report(inspection))
    if inspection.unusable or inspection.refused:
        shell.exit(EXIT_UNUSABLE)


def report(inspection: "Inspection") -> str:
    """Return an inspection as text: a summary, the classes, and every problem with its file."""
    from convscope.images.inspection import PROBLEM_KINDS

    lines = [f"{printable(inspection.source)}: {_summary(inspection)}", ""]
    lines += _classes(inspection)
    lines += [line for note in inspection.notes for line in ("", f"note: {printable(note)}")]
    for kind, (usable, title) in PROBLEM_KINDS.items():
        problems = inspection.of_kind(kind)
        if not problems:
            continue
        lines += ["", f"{title} ({len(problems):,}){'' if usable else ', left out of training'}:"]
        for problem in problems:
            score = "" if problem.score is None else f"{problem.score:.2f}  "
            lines.append(f"  {score}{printable(problem.name)}: {sentence(problem.detail)}")
            like = "≈" if kind == "near-duplicate" else "="
            lines += [f"    {like} {printable(other)}" for other in problem.others]
    if not inspection.problems:
        lines += ["", "no problem found"]
    return "\n".join(lines)


def _summary(inspection: "Inspection") -> str:
    (narrow, _, wide), (low, _, high) = inspection.sizes.widths, inspection.sizes.heights
    size = f"all {wide}x{high}" if (narrow, low) == (wide, high) else f"{narrow} to {wide} wide, {low} to {high} high"
    formats = ", ".join(f"{name} {count:,}" for name, count in inspection.formats.items() if name != "array")
    modes = ", ".join(f"{name} {count:,}" for name, count in inspection.modes.items() if name != "array")
    parts = [
        f"{counted(inspection.images, 'image')}, {inspection.usable:,} usable",
        f"{counted(len(inspection.classes), 'class', 'classes')}",
        f"pixels: {size}",
    ]
    parts += [f"{title}: {texts}" for title, texts in (("formats", formats), ("modes", modes)) if texts]
    return "\n  ".join([*parts, *inspection.values])


def _classes(inspection: "Inspection") -> list[str]:
    """Return one line per class with a bar; of many classes only the smallest and the largest."""
    shown = list(inspection.classes)
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
