"""``convscope measure``: how a network takes distorted images, and what each layer of it costs or responds to."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .standard import need_output
from .unusable import end_with_unusable

if TYPE_CHECKING:
    from convscope.core.progress import Reporter

_KINDS = ("distortions", "units", "cost", "all")


@click.command("measure", context_settings={"show_default": True})
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="[DATA]", required=False)
@click.option("--what", type=click.Choice(_KINDS), default="distortions", help="What is measured.")
@click.option("--cost", "only_cost", is_flag=True, help="The same as --what cost.")
@click.option("--distortions", metavar="NAMES", help="Only these, with commas between, like shift-x,rotation,shift@30.")
@click.option(
    "--strengths",
    metavar="NUMBERS",
    help="Only these, with commas between, in the unit of the --distortions, which must be named then.",
)
@click.option("--images", type=click.IntRange(min=1), default=1_000, metavar="N", help="At most so many are distorted.")
@click.option("--margin", type=click.IntRange(min=0), default=0, metavar="PX", help="Background around each image.")
@click.option("--top", type=click.IntRange(min=1), default=9, metavar="N", help="Patches that are kept for each unit.")
@click.option(
    "--ablation",
    type=click.IntRange(min=0),
    default=1_000,
    metavar="N",
    help="Images on which each unit is switched off in turn; 0 for none.",
)
@click.option("--size", metavar="SIDE|WxH", help="Of a MODEL that is a layout, for its cost: pixels; 28 if none.")
@options.channels("of a MODEL that is a layout, 1 if none")
@options.classes
@click.option(
    "-o",
    "--output",
    type=options.PLACE,
    metavar="FILE",
    help="Write the record as JSON. If none, a run folder keeps it, for look and draw.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), default=0, metavar="N", help="Of what is random.")
@options.batch
@options.force_files
@options.quiet
@options.class_depth
@options.data_dir
@options.cache_dir
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    what: str,
    only_cost: bool,
    as_json: bool,
    quiet: bool,
    output: Path | None,
    **given: Any,
) -> None:
    """Measure the network in the file or run folder MODEL on the images of DATA.

    distortions: accuracy and constancy of the answers by strength, and for each layer, convolution and pooling
    apart, how far its maps change, and how much of that is movement along with the image. units: what each unit
    responds to, and what is lost without it. cost: parameters, MACs, memory and time of each layer; needs no
    DATA, and MODEL may be a layout such as 32C5-MP2-128N. all: the three.
    """
    from convscope.core.progress import Silent
    from convscope.core.records import json_text
    from convscope.core.reporters import reporter_for

    if only_cost and context.get_parameter_source("what") == click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--cost must stand without --what. Got both.", context)
    kinds = ("cost",) if only_cost else _KINDS[:3] if what == "all" else (what,)
    if kinds != ("cost",) and given["data"] is None:
        raise click.UsageError("DATA must name the images to measure on. Got none.", context)
    if len(kinds) > 1 and output is not None:
        raise click.UsageError(
            "-o must name the file of one record. Got it for all. Measure one by one, or leave it out.",
            context,
        )
    for name in ("size", "channels", "classes"):
        if kinds != ("cost",) and given[name] is not None:
            raise click.UsageError(
                f"--{name} must come with --cost, for a MODEL that is a layout. Got it for {what}. Leave it out.",
                context,
            )
    if as_json:
        need_output("Leave --json out.")
    reporter = Silent() if quiet else reporter_for(sys.stderr)
    records, texts = {}, []
    for kind in kinds:
        records[kind], text = _MEASURED[kind](output, given, reporter)
        texts.append(text)
    if as_json:
        click.echo(json_text(records if len(kinds) > 1 else records[kinds[0]]))
    else:
        click.echo("\n\n".join(texts))
    left_out = [(one.name, one.detail) for found in records.values() for one in getattr(found, "unusable", ())]
    end_with_unusable(context, list(dict.fromkeys(left_out)), reporter, rest="named by convscope check")


def _distortions(output: Path | None, given: dict[str, Any], reporter: "Reporter") -> tuple[Any, str]:
    from convscope.api.measure import measure
    from convscope.api.measure_text import measure_text

    found = measure(
        given["model"],
        given["data"],
        distortions=_words(given["distortions"]),
        strengths=_numbers(given["strengths"]),
        images=given["images"],
        margin=given["margin"],
        output=output,
        reporter=reporter,
        **_shared(given),
    )
    return found, measure_text(found)


def _units(output: Path | None, given: dict[str, Any], reporter: "Reporter") -> tuple[Any, str]:
    from convscope.api.units import units, units_text

    found = units(
        given["model"],
        given["data"],
        top=given["top"],
        ablation=given["ablation"],
        output=output,
        reporter=reporter,
        **_shared(given),
    )
    return found, units_text(found)


def _cost(output: Path | None, given: dict[str, Any], reporter: "Reporter") -> tuple[Any, str]:
    from convscope.api.cost import cost, cost_text
    from convscope.measures.timing import BATCH

    found = cost(
        given["model"],
        size=given["size"],
        channels=given["channels"],
        classes=given["classes"],
        batch=given["batch"] or BATCH,
        output=output,
        force=given["force"],
        reporter=reporter,
    )
    return found, cost_text(found)


_MEASURED = {"distortions": _distortions, "units": _units, "cost": _cost}


def _shared(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in ("seed", "batch", "force", "class_depth", "data_dir", "cache_dir")}


def _words(text: str | None) -> list[str]:
    return [] if text is None else [word.strip() for word in text.split(",")]


def _numbers(text: str | None) -> list[float]:
    try:
        return [float(word) for word in _words(text)]
    except ValueError:
        raise click.BadParameter(
            f"must be numbers with commas between, like 1,2.5. Got {text!r}.", param_hint="'--strengths'"
        ) from None
