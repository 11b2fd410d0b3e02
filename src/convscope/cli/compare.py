"""``convscope compare``: variants of a network on the user's own images."""

import sys
from pathlib import Path

import click

from . import options
from .standard import need_output
from .unusable import end_with_unusable


@click.command("compare", context_settings={"show_default": True})
@click.argument("data", required=False, metavar="[DATA]")
@click.option(
    "-o",
    "--output",
    type=options.PLACE,
    metavar="FOLDER",
    help="Folder of the results; runs/compare-<name> by default.",
)
@click.option("--force", is_flag=True, help="Replace existing results; finished runs are reused.")
@click.option("--quick", is_flag=True, help="Few images, a small network, 2 to 16 epochs: minutes on two cores.")
@click.option(
    "--variants",
    metavar="NAMES",
    help="Only these, separated by commas, like convolution,locally-connected,mlp-parameters.",
)
@click.option("--epochs", type=int, metavar="N", help="Epochs of each training.")
@click.option("--seconds", type=float, metavar="S", help="Seconds of each training, in place of epochs.")
@click.option("--seeds", type=int, metavar="N", help="Runs of each variant; 3 by default, 1 with --quick.")
@click.option("--learning-curve", is_flag=True, help="Also measure accuracy by number of training images.")
@click.option("--layout", metavar="TEXT", help="Of the baseline; chosen for the dataset by default.")
@click.option("--images", type=int, metavar="N", help="Training images, at most.")
@click.option("--test-images", type=int, metavar="N", help="Images that are evaluated, at most; 10000 by default.")
@click.option("--distorted", type=int, metavar="N", help="Of these, also distorted; 1000 by default, 300 with --quick.")
@click.option("--size", metavar="SIDE|WxH", help="Size of the images in pixels; chosen for the dataset by default.")
@options.channels("chosen for the dataset by default")
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
    variants: str | None,
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
    """Compare variants of a network on DATA: accuracy and robustness, with one split and one training budget.

    Shared weights, locally connected and fully connected layers; each pooling, and none; a first stage that is random
    or learned from patches; hand-made features; pixels; training with and without distorted images. The same command
    continues an interrupted comparison. Without DATA: digits.
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
    result = compare(
        data,
        variants=[] if variants is None else [name.strip() for name in variants.split(",")],
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
        click.echo(json_text(result.comparison))
    else:
        click.echo(f"{compare_text(result.comparison)}\npage  {printable(str(result.page))}")
    problems = [(problem.name, problem.detail) for problem in result.unusable]
    end_with_unusable(context, problems, reporter, rest="named by convscope check")
