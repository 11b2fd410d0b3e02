"""``convscope scan``: a network at every position of an image of any size."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convscope.core.context import Context
from convscope.core.text import counted, duration, printable
from convscope.options.scan import ScanOptions
from convscope.options.shards import ShardOptions

from .in_shards import shards_in
from .options import PATH, GroupedCommand, as_json, cli_option, options_in, options_of, typed_names, with_context
from .standard import need_output

if TYPE_CHECKING:
    from convscope.api.scan import Scan
    from convscope.scanning.receipt import Check
    from convscope.scanning.verification import Verified

_CANNOT = 2
_WITH_VERIFY = {"verify", "as_json", "check", "seed", "quiet", "model", "image"}


@click.command("scan", cls=GroupedCommand)
@click.argument("model", metavar="MODEL", required=False)
@click.argument("image", metavar="IMAGE", required=False)
@options_of(ScanOptions, ShardOptions)
@cli_option(
    "--verify",
    type=PATH,
    metavar="MAPS.tif",
    help="Compare a result with window by window at new positions.",
    group="Common",
)
@as_json
@with_context()
@click.pass_context
def command(
    shell: click.Context,
    /,
    *,
    context: Context,
    model: str | None,
    image: str | None,
    verify: Path | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Apply the network MODEL at every position of IMAGE, which may be of any size.

    Each position gets the probabilities that its window would get by itself, to rounding; the network computes what
    windows share once. MAPS.tif has one band per class; its description records the largest difference from
    window by window, the speed and the model. A scan that was cut off (Ctrl-C, kill, full disk) continues when the
    same command is given again. --verify MAPS.tif compares a result with the network at new positions; MODEL and IMAGE
    are then those that it names, unless they are given.

    IMAGE is a TIFF of any size (pip install 'convscope[large]'), a Zarr folder, or any other image up to 178 million
    pixels.
    """
    from convscope.core.records import json_text

    if as_json:
        need_output("Leave --json out.")
    others = [name for name, given in (("output", values["output"]), ("verify", verify)) if given is not None]
    if (how := shards_in(values, others)) is not None:
        _in_shards(shell, (model, image), how, context, values)
        return
    if verify is not None:
        _verify(shell, verify, (model, image), context, values, as_json=as_json)
        return
    if model is None or image is None or values["output"] is None:
        raise click.UsageError("MODEL, IMAGE and -o MAPS.tif must be given. Or give --verify MAPS.tif.", shell)
    from convscope.api.scan import scan

    result = scan(model, image, context=context, **options_in(ScanOptions, values))
    click.echo(json_text(result.receipt) if as_json else scan_text(result, values))
    if not result.receipt.check.holds:
        shell.exit(_CANNOT)


def _in_shards(
    shell: click.Context,
    given: tuple[str | None, str | None],
    how: ShardOptions,
    context: Context,
    values: dict[str, Any],
) -> None:
    """Compute a part of the shards of a scan."""
    from convscope.api.scan_shards import scan_in_shards

    if given[0] is None or given[1] is None:
        raise click.UsageError("MODEL and IMAGE must be given with --shards.", shell)
    options = ScanOptions(**options_in(ScanOptions, values))
    result = scan_in_shards(given[0], given[1], how, options, force=options.force, context=context)
    of_all = f"{result.finished:,} of {counted(result.shards, 'shard')}"
    click.echo(f"{printable(result.folder)}: {of_all} finished; {counted(result.images, 'tile')} now")


def _verify(
    shell: click.Context,
    path: Path,
    given: tuple[str | None, str | None],
    context: Context,
    values: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """Verify a result; the exit code is 2 where it differs."""
    from convscope.api.scan import verify
    from convscope.core.records import json_text

    typed = typed_names(shell)
    others = sorted(typed - _WITH_VERIFY)
    if others:
        raise click.UsageError(f"--verify must be given without --{others[0].replace('_', '-')}. Got both.", shell)
    seed = values["seed"] if "seed" in typed else None
    found = verify(path, *given, check=values["check"], seed=seed, progress=context.reporter)
    click.echo(json_text(found) if as_json else verified_text(found))
    if not found.check.holds:
        shell.exit(_CANNOT)


def scan_text(result: "Scan", values: dict[str, Any]) -> str:
    """Return the receipt in lines, and what was written beside the maps."""
    receipt = result.receipt
    speed = receipt.speed
    lines = [
        f"maps      {printable(str(result.path))} ({receipt.grid.shape[1]:,} x {receipt.grid.shape[0]:,} positions, "
        f"{counted(len(receipt.bands), 'band')} {receipt.dtype})",
        *([f"reused    {receipt.reused:,} of {counted(receipt.positions, 'position')}"] if receipt.reused else []),
        f"checked   {_compared(receipt.check, f'logits up to {receipt.check.largest:.3g}')}",
        f"speed     {speed.measured:.1f} times window by window ({speed.arithmetic:.1f} by arithmetic, "
        f"{speed.share:.0%} of the rate at its own stride); {duration(receipt.seconds, exact=True)} in all",
    ]
    if (alarms := receipt.alarms) is not None:
        expected = alarms.rate * receipt.image_size[0] * receipt.image_size[1] / 1e6
        least = sorted(set(alarms.thresholds)) or [alarms.threshold]
        at = " to ".join(f"{one:.3g}" for one in (least if len(least) == 1 else (least[0], least[-1])))
        lines.append(
            f"alarms    {alarms.rate:,.2f} a megapixel, all classes together, at threshold {at}, 95 % interval "
            f"{alarms.low:,.2f} to {alarms.high:,.2f} ({alarms.found:,} on {counted(alarms.images, 'blank image')} of "
            f"{alarms.megapixels:,.2f} megapixels); about {expected:,.1f} by chance on this image"
        )
    if values["positions"] is not None:
        lines.append(f"table     {printable(str(values['positions']))} ({counted(len(result.found), 'position')})")
    lines += [f"{name:9} {printable(str(values[name]))}" for name in ("overlay", "page") if values[name] is not None]
    if values["windows"] is not None:
        lines.append(f"windows   {printable(str(values['windows']))} ({counted(result.windows, 'window')})")
    return "\n".join(lines)


def verified_text(found: "Verified") -> str:
    """Return a verification in lines."""
    receipt = found.receipt
    state = "whole" if found.whole else f"not whole: {receipt.computed:,} of {receipt.positions:,} positions"
    return (
        f"result    {state}; {receipt.layout}, {receipt.way}\n"
        f"checked   {_compared(found.check, f'probabilities as stored, seed {found.seed}')}"
    )


def _compared(check: "Check", values: str) -> str:
    if not check.random + check.nasty:
        return "no position; no difference is known"
    verdict = "" if check.holds else f" NOT THE SAME, at most {check.allowed:.2g} is allowed:"
    return (
        f"{check.random:,} positions at random, {check.nasty:,} at joints and edges:{verdict} largest difference "
        f"{check.difference:.2g} of {values}"
    )
