"""``convscope machine``: what was found of this computer, and every choice that follows."""

import click

from convscope.core.text import counted


@click.command("machine")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(as_json: bool) -> None:
    """Show what was found of this computer, and every choice that training and prediction make for it.

    Each choice has its reason, and the option or environment variable that undoes it.
    """
    from convscope.core.machine import machine, tunings
    from convscope.core.records import json_text

    here, chosen = machine(), tunings()
    if as_json:
        click.echo(json_text({"machine": here, "tunings": chosen}, indent=2))
        return
    half = "native" if here.bfloat16 else "not native"
    click.echo(f"{here.processor}, {counted(here.cores, 'core')}, bfloat16 {half}; {here.system}")
    widths = [max(len(getattr(one, name)) for one in chosen) for name in ("name", "value")]
    for one in chosen:
        click.echo(f"  {one.name:<{widths[0]}}  {one.value:<{widths[1]}}  {one.why}")
        click.echo(f"  {'':<{sum(widths) + 4}}to change: {one.change}")
