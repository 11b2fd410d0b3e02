"""``convscope compare``: why it works, measured on the user's own images."""

import sys
from pathlib import Path

import click

from . import options
from .standard import need_output
from .unusable import end_with_unusable


@click.command("compare", context_settings={"show_default": True})
@click.argument("data", required=False, metavar="[DATA]")
@click.option(
    "-o", "--output", type=options.PLACE, metavar="FOLDER", help="Folder of the results; runs/compare-<name> if none."
)
@click.option(
    "--force", is_flag=True, help="Write the results anew where there are some; trainings that are done are used again."
)
@click.option("--quick", is_flag=True, help="Few images, a small network, 2 to 16 epochs: minutes on two cores.")
@click.option(
    "--kinds",
    metavar="NAMES",
    help="Only these, with commas between, like convolution,locally-connected,mlp-parameters.",
)
@click.option("--epochs", type=int, metavar="N", help="Passes over the training images that every network has.")
@click.option("--seconds", type=float, metavar="S", help="Seconds of training that every network has, instead.")
@click.option("--seeds", type=int, metavar="N", help="Trainings of each kind; 3 if not said, 1 with --quick.")
@click.option("--learning-curve", is_flag=True, help="Accuracy by number of training images, too.")
@click.option("--layout", metavar="TEXT", help="The convolutional network; chosen from the set if none.")
@click.option("--images", type=int, metavar="N", help="Training images, at most.")
@click.option("--test-images", type=int, metavar="N", help="Images that are evaluated, at most; 10000 if not said.")
@click.option("--distorted", type=int, metavar="N", help="Of these distorted, too; 1000 if not said, 300 with --quick.")
@click.option("--size", metavar="SIDE|WxH", help="Size of the images in pixels; chosen from the set if none.")
@options.channels("chosen from the set if none")
@options.value_range
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@options.quiet
@options.class_depth
@options.data_dir
@options.cache_dir
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    data: str | None,
    output: Path | None,
    force: bool,
    quick: bool,
    kinds: str | None,
    epochs: int | None,
    seconds: float | None,
    seeds: int | None,
    learning_curve: bool,
    layout: str | None,
    images: int | None,
    test_images: int | None,
    distorted: int | None,
    size: str | None,
    channels: int | None,
    value_range: str | None,
    as_json: bool,
    quiet: bool,
    class_depth: int | None,
    data_dir: Path | None,
    cache_dir: Path | None,
) -> None:
    """Compare kinds of networks on DATA: one split, one budget, and what each makes of distorted images.

    Shared weights against weights of their own and fully connected units; each pooling, and none; a first stage
    that is random or learned from patches; features made by hand; pixels alone; with and without distorted images to
    learn from. An interrupted comparison goes on where it was. Without DATA: digits.
    """
    from convscope.api.compare import compare
    from convscope.api.compare_text import compare_text
    from convscope.core.progress import Silent
    from convscope.core.records import json_text
    from convscope.core.reporters import reporter_for
    from convscope.core.text import printable

    if as_json:
        need_output("Leave --json out.")
    reporter = Silent() if quiet else reporter_for(sys.stderr)
    done = compare(
        data,
        kinds=[] if kinds is None else [name.strip() for name in kinds.split(",")],
        epochs=epochs,
        seconds=seconds,
        seeds=seeds,
        learning_curve=learning_curve,
        quick=quick,
        layout=layout,
        size=size,
        channels=channels,
        value_range=value_range,
        class_depth=class_depth,
        images=images,
        test_images=test_images,
        distorted=distorted,
        output=output,
        force=force,
        data_dir=data_dir,
        cache_dir=cache_dir,
        reporter=reporter,
    )
    if as_json:
        click.echo(json_text(done.comparison))
    else:
        click.echo(f"{compare_text(done.comparison)}\npage  {printable(str(done.page))}")
    problems = [(one.name, one.detail) for one in done.unusable]
    end_with_unusable(context, problems, reporter, rest="named by convscope check")
