"""``convscope look``: a page that runs the network on one's own images."""

import webbrowser
from typing import TYPE_CHECKING, Any

import click

from convscope.core.context import Context
from convscope.core.text import are, counted, printable
from convscope.options.look import LookOptions

from .options import GroupedCommand, cli_option, options_of, with_context
from .unusable import end_with_unusable

if TYPE_CHECKING:
    from convscope.api.look import LookResult


@click.command("look", cls=GroupedCommand)
@click.argument("model", metavar="[MODEL]", required=False)
@click.argument("images", metavar="[IMAGES...]", nargs=-1)
@options_of(LookOptions)
@cli_option("--open/--no-open", "opens", default=True, help="Open the page in the browser, or not.", group="Common")
@with_context("data_dir", "cache_dir")
@click.pass_context
def command(
    shell: click.Context, /, *, context: Context, model: str | None, images: tuple[str, ...], opens: bool, **values: Any
) -> None:
    """Look inside the network in the file or run folder MODEL, on a page that computes it.

    The page is one HTML file: every feature map of every layer for any image, and how each number is computed. It
    works from disk and by mail and opens no connection; it contains the model and the images. IMAGES are files,
    folders and patterns; up to 200, of large ones up to 3.5 MB (23 of 224x224 pixels in color), as many of each folder.
    Without them, it shows images that the run was evaluated on. The page takes others, too: from a file, dropped,
    pasted or drawn. With --lesson, it has the lesson alone.
    """
    from convscope.api.look import look

    result = look(model, list(images) if images else None, context=context, **values)
    click.echo(page_text(result))
    if opens and result.path.is_file():
        webbrowser.open(result.path.absolute().as_uri())
    end_with_unusable(shell, result.unusable, context.reporter, rest="left out of the page")


def page_text(result: "LookResult") -> str:
    """Return the path and the contents of the page."""
    size = result.path.stat().st_size / 1e6
    more = f", {result.left_out:,} more than it can hold {are(result.left_out)} left out" if result.left_out else ""
    images = f"{counted(result.images, 'image')}{more}, " if result.images else ""
    return f"page    {printable(str(result.path))} ({images}{size:.1f} MB)"
