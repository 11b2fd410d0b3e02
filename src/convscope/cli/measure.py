"""``convscope measure``: robustness to distortions, and what each layer costs or responds to."""

from collections.abc import Callable
from typing import Any

import click

from convscope.core.context import Context
from convscope.core.options import declared
from convscope.core.records import Dataclass
from convscope.options.measure import CostOptions, MeasureOptions, UnitsOptions

from .options import GroupedCommand, as_json, cli_option, options_in, options_of, typed_names, with_context
from .standard import need_output
from .unusable import end_with_unusable
from .wording import WordChoice

_OPTIONS: dict[str, type[Dataclass]] = {"distortions": MeasureOptions, "units": UnitsOptions, "cost": CostOptions}
_SUBJECTS = tuple(_OPTIONS)
_OF_LAYOUTS = ("size", "channels", "classes")


@click.command("measure", cls=GroupedCommand)
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="[DATA]", required=False)
@cli_option(
    "--what",
    type=WordChoice([*_SUBJECTS, "all"]),
    default="distortions",
    show_default=True,
    help="What is measured.",
    group="Common",
)
@cli_option("--cost", "only_cost", is_flag=True, help="The same as --what cost.", group="Common")
@options_of(MeasureOptions, UnitsOptions, CostOptions)
@as_json
@with_context("data_dir", "cache_dir")
@click.pass_context
def command(
    shell: click.Context,
    /,
    *,
    context: Context,
    model: str,
    data: str | None,
    what: str,
    only_cost: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Measure the network in the file or run folder MODEL on the images of DATA.

    distortions: accuracy and consistency by strength, and for each layer, convolution and pooling apart, how far its
    maps change, and how much of the change is movement along with the image. units: what each unit responds to, and
    what its ablation costs. cost: parameters, MACs, memory and time of each layer; needs no DATA, and MODEL may be a
    layout such as 32C5-MP2-128N. all: the three.
    """
    from convscope.core.records import json_text

    if only_cost and "what" in typed_names(shell):
        raise click.UsageError("--cost must be given without --what. Got both.", shell)
    subjects = ("cost",) if only_cost or what == "cost" else _SUBJECTS if what == "all" else (what,)
    _check(shell, subjects, what, data, values)
    if as_json:
        need_output("Leave --json out.")
    results = {subject: _MEASURED[subject](model, data, context, values) for subject in subjects}
    records = {subject: record for subject, (record, _) in results.items()}
    if as_json:
        click.echo(json_text(records if len(records) > 1 else records[subjects[0]]))
    else:
        click.echo("\n\n".join(text for _, text in results.values()))
    problems = [
        (problem.name, problem.detail) for record in records.values() for problem in getattr(record, "unusable", ())
    ]
    end_with_unusable(shell, list(dict.fromkeys(problems)), context.reporter, rest="named by convscope check")


def _check(
    shell: click.Context, subjects: tuple[str, ...], what: str, data: str | None, values: dict[str, Any]
) -> None:
    """Raise an error for options that exclude each other, and those of other subjects."""
    if subjects != ("cost",):
        _check_measured(shell, subjects, what, data, values)
    own = {option.name for subject in subjects for option in declared(_OPTIONS[subject])}
    for name in sorted(typed_names(shell)):
        others = [
            subject for subject, kind in _OPTIONS.items() if any(option.name == name for option in declared(kind))
        ]
        if others and name not in own:
            spelling = f"--{'no-' if values[name] is False else ''}{name.replace('_', '-')}"
            wanted = " or ".join(others)
            raise click.UsageError(
                f"{spelling} must come with --what {wanted}. Got it for {subjects[0]}. Leave it out.", shell
            )


def _check_measured(
    shell: click.Context, subjects: tuple[str, ...], what: str, data: str | None, values: dict[str, Any]
) -> None:
    """Raise an error for what a measurement on images cannot have."""
    if data is None:
        raise click.UsageError("DATA must name the images to measure on. Got none.", shell)
    if len(subjects) > 1 and values["output"] is not None:
        raise click.UsageError(
            "-o must name the file of one record. Got it for all. Measure one by one, or leave it out.", shell
        )
    for name in _OF_LAYOUTS:
        if values[name] is not None:
            raise click.UsageError(
                f"--{name} must come with --cost, for a MODEL that is a layout. Got it for {what}. Leave it out.", shell
            )


def _distortions(model: str, data: Any, context: Context, values: dict[str, Any]) -> tuple[Any, str]:
    from convscope.api.measure import measure

    from .measure_text import measure_text

    record = measure(model, data, context=context, **options_in(MeasureOptions, values))
    return record, measure_text(record)


def _units(model: str, data: Any, context: Context, values: dict[str, Any]) -> tuple[Any, str]:
    from convscope.api.units import units

    from .units_text import units_text

    record = units(model, data, context=context, **options_in(UnitsOptions, values))
    return record, units_text(record)


def _cost(model: str, _data: Any, context: Context, values: dict[str, Any]) -> tuple[Any, str]:
    from convscope.api.cost import cost

    from .cost_text import cost_text

    record = cost(model, context=context, **options_in(CostOptions, values))
    return record, cost_text(record)


_MEASURED: dict[str, Callable[..., tuple[Any, str]]] = {"distortions": _distortions, "units": _units, "cost": _cost}
