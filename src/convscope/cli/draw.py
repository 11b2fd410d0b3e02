"""``convscope draw``: figures of a network, and of the layer itself."""

import sys
from pathlib import Path

import click

from convscope.core.text import counted, printable

from . import options

_WHAT = (
    "filters",
    "maps",
    "layout",
    "fields",
    "curves",
    "confusion",
    "invariance",
    "sensitivity",
    "patches",
    "convolution",
)


@click.command("draw", context_settings={"show_default": True})
@click.argument("what", metavar="WHAT", type=click.Choice(_WHAT))
@click.argument("model", metavar="[MODEL]", required=False)
@click.argument("image", metavar="[IMAGE]", required=False)
@click.option(
    "-o",
    "--output",
    type=options.PLACE,
    metavar="FILE",
    help="A .png, .svg or .pdf; of layer a .gif, .mp4 or .png (a strip). Named after WHAT if none.",
)
@click.option(
    "--layer",
    type=click.IntRange(min=1),
    metavar="N",
    help="Which layer's filters or patches, or whose unit walks; the first that has some if none.",
)
@click.option("--unit", type=click.IntRange(min=1), default=1, metavar="N", help="Which unit walks.")
@click.option("--distortions", metavar="NAMES", help="Of invariance and sensitivity: only these, with commas between.")
@click.option("--size", metavar="SIDE|WxH", help="Images of a MODEL that is a layout, in pixels; 28 if none.")
@options.channels("of a MODEL that is a layout, 1 if none")
@options.classes
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", help="The paper.")
@options.force_files
@options.quiet
def command(
    *,
    what: str,
    model: str | None,
    image: str | None,
    output: Path | None,
    layer: int | None,
    unit: int,
    distortions: str | None,
    size: str | None,
    channels: int | None,
    classes: int | None,
    theme: str,
    force: bool,
    quiet: bool,
) -> None:
    """Draw WHAT of the network in the file or run folder MODEL.

    filters: the weights of a convolution. maps: what every layer makes of IMAGE. layout: the network as a diagram;
    MODEL may be a layout such as 32C5-MP2-128N. fields: how much of an image one value of each layer depends on.
    curves and confusion: of a run folder. invariance, sensitivity and patches: of a run folder that was measured.
    layer: a unit walking over IMAGE, as an animation; without MODEL, one of 3x3 weights over an image of 5x5.
    """
    from convscope.api.draw import draw
    from convscope.core.progress import Silent
    from convscope.core.reporters import reporter_for

    made = draw(
        what,
        model,
        image,
        output=output,
        layer=layer,
        unit=unit,
        distortions=[] if distortions is None else [word.strip() for word in distortions.split(",")],
        size=size,
        channels=channels,
        classes=classes,
        theme=theme,
        force=force,
        reporter=Silent() if quiet else reporter_for(sys.stderr),
    )
    frames = f" ({counted(made.frames, 'frame')})" if what == "convolution" else ""
    click.echo(f"figure {printable(str(made.path))}{frames}")
