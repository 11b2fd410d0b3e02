"""``convscope draw``: figures of a network, and of a convolution in motion."""

from typing import Any

import click

from convscope.core.context import Context
from convscope.core.text import counted, printable
from convscope.options.look import DrawOptions

from .options import GroupedCommand, options_of, with_context
from .wording import WordChoice

_FIGURES = (
    "filters", "maps", "layout", "fields", "curves", "confusion", "invariance", "sensitivity", "patches", "convolution",
)  # fmt: skip


@click.command("draw", cls=GroupedCommand)
@click.argument("what", metavar="WHAT", type=WordChoice(_FIGURES))
@click.argument("model", metavar="[MODEL]", required=False)
@click.argument("image", metavar="[IMAGE]", required=False)
@options_of(DrawOptions)
@with_context()
def command(*, context: Context, what: str, model: str | None, image: str | None, **values: Any) -> None:
    """Draw WHAT of the network in the file or run folder MODEL.

    filters: the weights of a convolution. maps: the feature maps of IMAGE in every layer. layout: the network as a
    diagram; MODEL may be a layout such as 32C5-MP2-128N. fields: the receptive field of each layer. curves and
    confusion: of a run folder. invariance, sensitivity and patches: of a run folder that was measured. convolution:
    a unit that slides over IMAGE, as an animation; without MODEL, one of 3x3 weights over an image of 5x5.
    """
    from convscope.api.draw import draw

    result = draw(what, model, image, context=context, **values)
    frames = f" ({counted(result.frames, 'frame')})" if what == "convolution" else ""
    click.echo(f"figure {printable(str(result.path))}{frames}")
