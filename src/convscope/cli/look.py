"""``convscope look``: one HTML file that runs the network and shows every step, with the user's own pictures."""

import sys
import webbrowser
from pathlib import Path

import click

from . import options
from .unusable import EXIT_UNUSABLE, name_unusable


@click.command("look")
@click.argument("model", metavar="MODEL")
@click.argument("pictures", metavar="[PICTURES...]", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=options.PLACE,
    metavar="FILE",
    help="The page; look.html beside the model if none.",
)
@click.option("--open/--no-open", "opened", default=True, help="Open the page in the browser when it is written.")
@options.force_files
@options.quiet
@options.data_dir
@options.cache_dir
@click.pass_context
def command(
    context: click.Context,
    /,
    model: str,
    pictures: tuple[str, ...],
    *,
    output: Path | None,
    opened: bool,
    force: bool,
    quiet: bool,
    data_dir: Path | None,
    cache_dir: Path | None,
) -> None:
    """Look inside the network in the file or run folder MODEL: write one HTML page that runs it, and open it.

    PICTURES are files, folders or patterns such as 'photos/*.jpg'. Without them, 40 of the pictures that were held out
    of training come along, some with a wrong answer first. In the page you can open and draw others. It needs no
    network and no server: send it by mail if you like; who has the page has the model and these pictures.
    """
    from convscope.core.progress import Silent, reporter_for
    from convscope.verbs.look import look

    reporter = Silent() if quiet else reporter_for(sys.stderr)
    found = look(model, pictures, output=output, force=force, data_dir=data_dir, cache_dir=cache_dir, reporter=reporter)
    click.echo(f"page    {found.path} ({found.path.stat().st_size / 1e6:.1f} MB, {found.pictures} pictures)")
    name_unusable(found.unusable, reporter, total=len(found.unusable), rest="left out")
    if opened:
        webbrowser.open(found.path.absolute().as_uri())
    if found.unusable:
        context.exit(EXIT_UNUSABLE)
