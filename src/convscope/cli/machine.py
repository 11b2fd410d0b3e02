"""``convscope machine``: this computer, and every choice that follows."""

import click

from convscope.core.text import counted

from .options import GroupedCommand
from .options import as_json as json_option


@click.command("machine", cls=GroupedCommand)
@json_option
def command(*, as_json: bool) -> None:
    """Show this computer, and every choice that training and prediction make for it.

    Each choice has its reason, and the option or environment variable that changes it.
    """
    from convscope.api.machine import machine
    from convscope.core.records import json_text

    result = machine()
    if as_json:
        click.echo(json_text(result, indent=2))
        return
    here = result.machine
    half = "native" if here.bfloat16 else "not native"
    click.echo(f"{here.processor}, {counted(here.cores, 'core')}, bfloat16 {half}; {here.system}")
    widths = [max(len(getattr(tuning, name)) for tuning in result.tunings) for name in ("name", "value")]
    for tuning in result.tunings:
        click.echo(f"  {tuning.name:<{widths[0]}}  {tuning.value:<{widths[1]}}  {tuning.why}")
        click.echo(f"  {'':<{sum(widths) + 4}}to change: {tuning.change}")
