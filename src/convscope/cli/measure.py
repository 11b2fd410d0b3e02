"""``convscope measure``: how a network takes distorted pictures, and what each step of it costs or responds to."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from . import options

_KINDS = ("distortions", "units", "cost")


@click.command("measure", context_settings={"show_default": True})
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="[DATA]", required=False)
@click.option("--what", type=click.Choice(_KINDS), default="distortions", help="What is measured.")
@click.option("--distortions", metavar="NAMES", help="Only these, with commas between, like shift-x,rotation,shift@30.")
@click.option("--strengths", metavar="NUMBERS", help="Only these, with commas between, in the unit of the distortion.")
@click.option("--pictures", type=click.IntRange(min=2), default=1_000, metavar="N", help="At most so many.")
@click.option("--margin", type=click.IntRange(min=0), default=0, metavar="PX", help="Background around each picture.")
@click.option("-o", "--output", type=options.PLACE, metavar="FILE", help="Write the record of distortions as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), default=0, metavar="N", help="Of what is random.")
@options.batch
@options.force_files
@options.quiet
@options.data_dir
@options.cache_dir
def command(
    *,
    model: str,
    data: str | None,
    what: str,
    distortions: str | None,
    strengths: str | None,
    pictures: int,
    margin: int,
    output: Path | None,
    as_json: bool,
    seed: int,
    batch: int | None,
    force: bool,
    quiet: bool,
    data_dir: Path | None,
    cache_dir: Path | None,
) -> None:
    """Measure the network in the file or run folder MODEL on the pictures of DATA.

    distortions: accuracy and constancy of the answers by strength, and for each step, convolution and subsampling
    apart, how far its maps change, and how much of that is movement along with the picture. units: what each unit
    responds to.
    cost: parameters, multiply-adds, memory and time of each step; needs no DATA.
    """
    from convscope.core.progress import Silent, reporter_for
    from convscope.core.records import to_json
    from convscope.verbs.cost import cost, cost_text
    from convscope.verbs.measure import measure, measure_text
    from convscope.verbs.units import units, units_text

    reporter = Silent() if quiet else reporter_for(sys.stderr)
    if what != "cost" and data is None:
        raise click.UsageError("DATA must name the pictures to measure on. Got none.", click.get_current_context())
    told: Callable[[], str]
    record: Any
    given: dict[str, Any] = {"seed": seed, "batch": batch, "data_dir": data_dir, "cache_dir": cache_dir}
    if what == "cost":
        record = cost(model, reporter=reporter)
        told = partial(cost_text, record)
    elif what == "units":
        record = units(model, data, reporter=reporter, **given)
        told = partial(units_text, record)
    else:
        record = measure(
            model,
            data,
            distortions=_words(distortions),
            strengths=_numbers(strengths),
            pictures=pictures,
            margin=margin,
            output=output,
            force=force,
            reporter=reporter,
            **given,
        )
        told = partial(measure_text, record)
    click.echo(json.dumps(to_json(record), allow_nan=False) if as_json else told())


def _words(text: str | None) -> list[str]:
    return [] if text is None else [word.strip() for word in text.split(",")]


def _numbers(text: str | None) -> list[float]:
    try:
        return [float(word) for word in _words(text)]
    except ValueError:
        raise click.BadParameter(
            f"must be numbers with commas between, like 1,2.5. Got {text!r}.", param_hint="'--strengths'"
        ) from None
