"""``convscope draw``: figures of a network, and of a convolution in motion."""

from typing import Any

import click

from convscope.core.context import Context
from convscope.core.text import counted, printable
from convscope.options.look import DrawOptions

from .options import GroupedCommand, options_of, typed_names, with_context
from .wording import WordChoice, spelling

_FIGURES = (
    "filters", "maps", "layout", "fields", "curves", "confusion", "invariance", "sensitivity", "patches", "convolution",
)  # fmt: skip
_FIGURES_OF = {
    "image": ("maps", "fields", "convolution"),
    "layer": ("filters", "maps", "fields", "patches", "convolution"),
    "unit": ("convolution",),
    "distortions": ("invariance", "sensitivity"),
}
"""The figures that an argument or option has a meaning for; the others have one for all, or are refused in `draw`."""


@click.command("draw", cls=GroupedCommand)
@click.argument("what", metavar="WHAT", type=WordChoice(_FIGURES))
@click.argument("model", metavar="[MODEL]", required=False)
@click.argument("image", metavar="[IMAGE]", required=False)
@options_of(DrawOptions)
@with_context()
@click.pass_context
def command(
    shell: click.Context,
    /,
    *,
    context: Context,
    what: str,
    model: str | None,
    image: str | None,
    **values: Any,
) -> None:
    """Draw WHAT of the network in the file or run folder MODEL.

    filters: the weights of a convolution. maps: the feature maps of IMAGE in every layer. layout: the network as a
    diagram; MODEL may be a layout such as 32C5-MP2-128N. fields: the receptive field of each layer. curves and
    confusion: of a run folder. invariance, sensitivity and patches: of a run folder that was measured, or of the
    record that measure -o wrote. convolution: a unit that slides over IMAGE, as an animation; without MODEL, one of
    3x3 weights over an image of 5x5.
    """
    from convscope.api.draw import draw

    _refuse_of_others(shell, what)
    result = draw(what, model, image, context=context, **values)
    frames = f" ({counted(result.frames, 'frame')})" if what == "convolution" else ""
    click.echo(f"figure {printable(str(result.path))}{frames}")


def _refuse_of_others(shell: click.Context, what: str) -> None:
    """Raise an error for an image and options that only other figures have."""
    for parameter in shell.command.params:
        figures = _FIGURES_OF.get(parameter.name or "", (what,))
        if parameter.name in typed_names(shell) and what not in figures:
            names = f"{', '.join(figures[:-1])} or {figures[-1]}" if len(figures) > 1 else figures[0]
            raise click.UsageError(
                f"`{spelling(parameter)}` must come with {names}. Got it for {what}. Leave it out.", shell
            )
