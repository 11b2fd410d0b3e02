"""``convscope look``: a page that runs the network on images of one's own."""

import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convscope.core.text import are, counted, printable

from . import options
from .unusable import end_with_unusable

if TYPE_CHECKING:
    from convscope.api.look import LookResult


@click.command("look", context_settings={"show_default": True})
@click.argument("model", metavar="MODEL")
@click.argument("images", metavar="[IMAGES...]", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=options.PLACE,
    metavar="FILE",
    help="The page; look.html in the run folder if none.",
)
@click.option(
    "--beside",
    metavar="OTHER_MODEL",
    help="A second model of the same classes, of any layout, under the same images and sliders.",
)
@click.option("--open/--no-open", "opens", default=True, show_default=False, help="Open it in the browser, or not.")
@options.force_files
@options.quiet
@options.data_dir
@options.cache_dir
@click.pass_context
def command(
    context: click.Context,
    /,
    model: str,
    images: tuple[str, ...],
    *,
    output: Path | None,
    beside: str | None,
    opens: bool,
    force: bool,
    quiet: bool,
    data_dir: Path | None,
    cache_dir: Path | None,
) -> None:
    """Look inside the network in the file or run folder MODEL, on a page that computes it.

    The page is one HTML file: every map of every step for any image, and how each number came about. It works from
    disk and by mail and opens no connection; whoever has it has the model and the images in it. IMAGES are files,
    folders and patterns; it holds up to 200, fewer of large ones, as many of each folder. Without them, it shows
    images that the run was evaluated on. It takes others, too: from a file, dropped, pasted or drawn.
    """
    from convscope.api.look import look
    from convscope.core.progress import Silent
    from convscope.core.reporters import reporter_for

    reporter = Silent() if quiet else reporter_for(sys.stderr)
    given = list(images) if images else None
    places = {"data_dir": data_dir, "cache_dir": cache_dir}
    made = look(model, given, beside=beside, output=output, force=force, reporter=reporter, **places)
    click.echo(worded(made))
    if opens and made.path.is_file():
        webbrowser.open(made.path.absolute().as_uri())
    end_with_unusable(context, made.unusable, reporter, rest="left out of the page")


def worded(made: "LookResult") -> str:
    """Return where the page is and what is in it."""
    size = made.path.stat().st_size / 1e6
    more = f", {made.left_out:,} more than it can hold {are(made.left_out)} left out" if made.left_out else ""
    return f"page    {printable(str(made.path))} ({counted(made.images, 'image')}{more}, {size:.1f} MB)"
