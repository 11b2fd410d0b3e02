"""``convscope explain``: which pixels and training images predictions are due to, and how far to trust that."""

from typing import TYPE_CHECKING, Any

import click

from convscope.core.context import Context
from convscope.core.text import printable
from convscope.options.explain import ExplainOptions

from .options import GroupedCommand, as_json, options_of, with_context
from .standard import need_output
from .unusable import end_with_unusable

if TYPE_CHECKING:
    from convscope.api.explain_files import ExplainResult


@click.command("explain", cls=GroupedCommand)
@click.argument("model", metavar="MODEL")
@click.argument("images", metavar="IMAGES...", nargs=-1, required=True)
@options_of(ExplainOptions)
@as_json
@with_context("data_dir", "cache_dir")
@click.pass_context
def command(
    shell: click.Context, /, *, context: Context, model: str, images: tuple[str, ...], as_json: bool, **values: Any
) -> None:
    """Explain what the predictions of MODEL for IMAGES are due to.

    occlusion: what the class loses without each patch. grad-cam: the last maps, weighted. contributions: of every
    pixel to the logit. nearest: the training images most like it to the network. Each is measured on test or
    validation images beside an edge filter and random weights: maps that are no better are marked. IMAGES are files,
    folders and patterns.
    """
    from convscope.api.explain import explain
    from convscope.core.records import json_text

    if as_json:
        need_output("Leave --json out.")
    result = explain(model, list(images), context=context, **values)
    click.echo(json_text(result) if as_json else explain_text(result))
    end_with_unusable(shell, list(result.unusable), context.reporter, rest="not explained")


def explain_text(result: "ExplainResult") -> str:
    """Return what every method says of every image, and how far it can be trusted."""
    from convscope.attribution.methods import NAMES, about, facts, faithfulness_table, title_of, verdict
    from convscope.attribution.nearest import NEAREST

    lines = []
    for one in result.explanations:
        lines.append(f"{one.name}: {printable(one.label)} {one.probability:.1%}, logit {one.logit:.3g}")
        lines += [f"  {title_of(item.method)}: {facts(one, item)}" for item in one.attributions]
        if one.nearest:
            near = ", ".join(f"{neighbor.name} ({neighbor.distance:.3g})" for neighbor in one.nearest)
            lines.append(f"  {title_of(NEAREST)}: {near}")
    if result.faithfulness is not None:
        table = faithfulness_table(result.faithfulness)
        lines += ["", f"{about(result.faithfulness)}: areas and 95 % intervals", *table.lines(), ""]
        said = [(name, verdict(result.faithfulness, name)) for name in NAMES]
        lines += [f"{title_of(name)}: {text}" for name, text in said if text]
    lines += [f"note: {reason}" for reason in result.skipped]
    if result.folder is not None:
        lines.append(f"folder  {printable(str(result.folder))}")
    return "\n".join(lines)
