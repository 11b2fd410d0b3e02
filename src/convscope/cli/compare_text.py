"""A comparison as text for a terminal."""

from convscope.core.tables import DataTable
from convscope.core.text import counted, percent_cell
from convscope.measures.comparison.conclusions import (
    baseline_difference,
    conclusions,
    contrast_table,
    contrasts,
    points_text,
)
from convscope.measures.comparison.differences import relative_accuracy
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.distortions.family import GROUPS


def compare_text(comparison: Comparison) -> str:
    """Return the table of variants, those that are skipped, differences in robustness, and the conclusions."""
    head = (
        f"{comparison.data}: {counted(comparison.training_images, 'training image')}, {comparison.budget_text} each; "
        f"evaluated on {counted(comparison.test_images, f'{comparison.split} image')}"
    )
    texts = conclusions(comparison)
    result = [texts.pop("moved"), ""] if "moved" in texts else []
    lines = [head, "", *result, *_variants(comparison).lines(), ""]
    compared = contrasts(comparison)
    if compared:
        lines += [
            "Differences in what each variant is for. On distorted images, as in the last columns above, accuracy is",
            "relative to the clean accuracy.",
            "",
            *contrast_table(compared).lines(),
            "",
        ]
    skipped = [
        f"{result.title}: {result.skipped or 'not run yet'}" for result in comparison.variants if not result.measured
    ]
    return "\n".join([*lines, *skipped, *([""] if skipped else []), *texts.values()]).rstrip()


def _variants(comparison: Comparison) -> DataTable:
    groups = [group for group in GROUPS if any(relative_accuracy(result, group) for result in comparison.measured)]
    columns = ["variant", "accuracy", "95 % interval", "points", "significant", "parameters", "MACs", "seconds"]
    return DataTable.of([*columns, *groups], (_row(comparison, result, groups) for result in comparison.distinct))


def _row(comparison: Comparison, result: VariantResult, groups: list[str]) -> list[str]:
    low, high = result.interval
    difference = baseline_difference(comparison, result)
    relative = [relative_accuracy(result, group) for group in groups]
    return [
        result.title,
        f"{result.accuracy:.2%}",
        f"{low:.2%} to {high:.2%}",
        "-" if difference is None else points_text(difference)[0],
        "-" if difference is None else "yes" if difference.significant else "no",
        "-" if result.parameters is None else f"{result.parameters:,}",
        "-" if result.macs is None else f"{result.macs:,}",
        f"{result.seconds:.1f}",
        *(percent_cell(None if accuracy is None else accuracy.value, 0) for accuracy in relative),
    ]
