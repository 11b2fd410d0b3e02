"""``convscope train``: from images to a trained network, with its report."""

import shlex
import sys
import time
from typing import Any

import click

from convscope.core.text import counted, printable

from . import options
from .standard import need_output
from .unusable import end_with_unusable

_NOT_SETTINGS = ("data", "output", "resume", "force", "dry_run", "as_json", "cache_dir", "quiet", "look")


@click.command("train", context_settings={"show_default": True})
@click.argument("data", required=False, metavar="[DATA]")
@click.option(
    "-o",
    "--output",
    type=options.PLACE,
    metavar="FOLDER",
    help="Folder of the run; the first free runs/<name>-<number> if none.",
)
@click.option("--force", is_flag=True, help="Overwrite a run that stands in the output folder.")
@click.option(
    "--resume", type=options.PLACE, metavar="RUN", help="Go on with the run in this folder, to the same weights."
)
@click.option("--dry-run", is_flag=True, help="Show the network and every choice; train nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("--look", is_flag=True, help="Write the page that looks inside the network, too.")
@options.quiet
@click.option("--layout", metavar="TEXT", help="The network, e.g. 32C5-MP2-64C5-MP2-128N; chosen from the set if none.")
@click.option(
    "--recipe",
    type=click.Choice(["quick", "balanced", "best"]),
    default="balanced",
    help="What goes first where layout and epochs are not given: time, some of both, accuracy.",
)
@click.option("--epochs", type=int, metavar="N", help="Passes over the training images.")
@click.option("--minutes", type=float, metavar="M", help="Train for this long instead of a number of epochs.")
@click.option(
    "--target-accuracy", type=float, metavar="ACCURACY", help="Stop at this accuracy (0...1) on images held out."
)
@click.option("--seed", type=int, default=0, metavar="N", help="Of everything random; a run repeats bit for bit.")
@click.option("--size", metavar="SIDE|WxH", help="Size of the images in pixels; chosen from the set if none.")
@click.option(
    "--fit",
    type=click.Choice(["letterbox", "stretch", "crop"]),
    default="letterbox",
    help="How other shapes are fitted.",
)
@click.option("--background", default="auto", metavar="COLOUR", help="Behind transparency and margins: white, #rrggbb.")
@options.channels("chosen from the set if none")
@options.value_range
@click.option("--validation", type=float, metavar="PART", help="Part of the training images to hold out.")
@click.option("--batch", type=int, metavar="N", help="Images a step.")
@click.option(
    "--learning-rate",
    type=float,
    metavar="X",
    help="The highest of the schedule; 0.003 if none, less for more than 300 steps.",
)
@click.option("--smoothing", type=float, metavar="X", help="Label smoothing, 0...1.")
@click.option("--flip/--no-flip", default=None, help="Mirror images left-right; decided from the set if not said.")
@click.option("--shift", type=int, metavar="PX", help="Shift images by up to this many pixels.")
@click.option("--rotate", type=float, metavar="DEG", help="Rotate images by up to this many degrees.")
@click.option("--scale", type=float, metavar="RATIO", help="Scale images by up to this ratio, e.g. 0.1.")
@click.option("--erase", type=float, metavar="PART", help="Erase a square of this part of the side.")
@click.option(
    "--progressive-resizing",
    type=float,
    metavar="PART",
    help="Part of the training that sees smaller images (two thirds a side), from its start; if none is given, 0.4 "
    "from 32 pixels on where the layout fits any size and nothing is learned by --pretrain.",
)
@click.option("--balance", is_flag=True, help="Let rare classes count as much as common ones.")
@click.option(
    "--pretrain",
    metavar="WAY[,WAY...]",
    help="Learn the first convolutions without labels before all else, each by one of random, patches, whitening, "
    "kmeans, autoencoder, rica, gabor, edges, dct.",
)
@click.option("--freeze", is_flag=True, help="Leave what --pretrain has learned as it is.")
@click.option("--threads", type=int, metavar="N", help="Threads; if none, one for small networks, else the cores.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    help="Of convolutions and products.",
)
@options.class_depth
@options.data_dir
@options.cache_dir
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Train a network on DATA: a folder with one sub-folder a class, a list, a set's name.

    DATA may be a folder (with train/ and val/ or test/ inside, if you like), a CSV or Parquet list of path and label,
    an .npz file, IDX files, or one of the sets digits, mnist, fashion-mnist. Without DATA: digits.
    """
    from convscope.api.train import prepare, tell, train
    from convscope.core.progress import Silent
    from convscope.core.records import json_text
    from convscope.core.reporters import reporter_for
    from convscope.images.dataset import classes_in_words

    if given["as_json"]:
        need_output("Leave --json out.")
    reporter = Silent() if given["quiet"] else reporter_for(sys.stderr)
    settings = {name: value for name, value in given.items() if name not in _NOT_SETTINGS}
    if given["dry_run"]:
        if given["resume"]:
            raise click.UsageError("--dry-run shows a run that would be new. Leave --resume out.", context)
        prepared = prepare(given["data"], cache_dir=given["cache_dir"], reporter=reporter, **settings)
        if given["as_json"]:
            click.echo(json_text(_plan_document(prepared), indent=2))
        else:
            tell(prepared, reporter, classes=False)
            click.echo(f"{classes_in_words(prepared.images)}\n\n{_plan_text(prepared, _typed_words(context))}")
        problems = [(one.name, one.detail) for one in prepared.images.inspection.unusable]
        end_with_unusable(context, problems, reporter, rest="named by convscope check")
        return
    if given["resume"]:
        settings = _typed(context, settings)
    trained = train(
        given["data"],
        output=given["output"],
        resume=given["resume"],
        force=given["force"],
        command=shlex.join(["convscope", *sys.argv[1:]]),
        cache_dir=given["cache_dir"],
        reporter=reporter,
        spent_s=0.0 if context.obj is None else time.monotonic() - context.obj,  # with that of loading torch
        **settings,
    )
    if given["look"]:
        from convscope.api.look import look

        look(trained.folder.path, force=True, cache_dir=given["cache_dir"], reporter=reporter)
    if given["as_json"]:
        click.echo(json_text(_result_document(trained), indent=2))
    else:
        click.echo(_result_text(trained, given["target_accuracy"]))
    if trained.outcome == "interrupted":
        context.exit(130)
    problems = [(one.name, one.detail) for one in trained.report.unusable]
    end_with_unusable(context, problems, reporter, rest="in the report")


def _typed(context: click.Context, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that the user typed."""
    typed = click.core.ParameterSource.COMMANDLINE
    return {name: value for name, value in settings.items() if context.get_parameter_source(name) is typed}


def _typed_words(context: click.Context) -> list[str]:
    """Return the options that the user typed as words of a command, but for those that the plan itself gives."""
    words = []
    for option in context.command.params:
        name, value = option.name or "", context.params.get(option.name or "")
        given = name in _typed(context, context.params)
        if not isinstance(option, click.Option) or not given or name in {"dry_run", "as_json", "layout"}:
            continue
        if option.is_flag:
            words.append(option.opts[0] if value else option.secondary_opts[0])
        else:
            words += [option.opts[-1], str(value)]
    return words


def _plan_text(prepared: Any, typed: list[str]) -> str:
    """Return the table of steps, the recipe, and the command that trains it."""
    plan = prepared.plan
    header = ("step", "maps", "size", "parameters", "MACs", "sees (px)", "every (px)")
    rows = [("image", str(plan.channels), f"{plan.width}x{plan.height}", "", "", "1x1", "1x1")]
    for step in plan.layers:
        across, down = step.field_columns, step.field_rows
        rows.append(
            (
                step.name,
                str(step.maps),
                f"{step.columns}x{step.rows}",
                f"{step.parameters:,}",
                f"{step.macs:,}",
                f"{across.size}x{down.size}",
                f"{across.stride}x{down.stride}",
            )
        )
    rows.append(("in all", "", "", f"{plan.parameters:,}", f"{plan.macs:,}", "", ""))
    widths = [max(len(row[place]) for row in [header, *rows]) for place in range(len(header))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    recipe, minutes = prepared.recipe, prepared.settings.minutes
    length = counted(recipe.epochs, "epoch") if minutes is None else f"{minutes:g} minutes"
    rate = f"{recipe.highest_rate(prepared.steps if minutes is None else 1):.4g}"
    if minutes is not None and recipe.learning_rate is None:
        rate += " (less where there is time for many steps)"
    lines += [
        "",
        f"{length}, {counted(recipe.batch, 'image')} a step, learning rate up to {rate}, {recipe.precision}, "
        f"{counted(prepared.threads, 'thread')}",
        *([f"first stages: {','.join(recipe.pretrain)}{', frozen' * recipe.freeze}"] if recipe.pretrain else []),
        "train with: "
        + printable(shlex.join(["convscope", "train", prepared.settings.data, "--layout", str(plan.layout), *typed])),
    ]
    return "\n".join(lines)


def _plan_document(prepared: Any) -> dict[str, Any]:
    plan = prepared.plan
    return {
        "layout": str(plan.layout),
        "width": plan.width,
        "height": plan.height,
        "channels": plan.channels,
        "classes": list(prepared.images.classes),
        "class_counts": {one.name: one.usable for one in prepared.images.inspection.classes},
        "parameters": plan.parameters,
        "macs": plan.macs,
        "steps": plan.layers,
        "recipe": prepared.recipe,
        "notes": list(prepared.notes),
    }


def _result_text(trained: Any, target_accuracy: float | None) -> str:
    report, folder = trained.report, trained.folder
    low, high = report.accuracy_interval
    lines = [
        f"accuracy {report.accuracy:.2%} on {counted(report.images, f'{report.split} image')} "
        f"(95 % interval {low:.2%} to {high:.2%})",
        f"{counted(len(trained.history), 'epoch')}, {report.seconds:.1f} s of training",
    ]
    if trained.outcome == "interrupted":
        lines.append(f"interrupted; go on with: {printable(folder.resuming)}")
    elif target_accuracy is not None and trained.outcome != "target":
        lines.append(f"the accuracy asked for, {target_accuracy:.2%}, was not reached; more --epochs may reach it")
    if report.left_out:
        lines.append(f"left out {counted(report.left_out, 'unusable file')}; listed in the report")
    lines += [f"model   {printable(str(folder.model))}", f"report  {printable(str(folder.page))}"]
    return "\n".join([*lines, *([f"look    {printable(str(folder.look))}"] if folder.look.exists() else [])])


def _result_document(trained: Any) -> dict[str, Any]:
    report, folder = trained.report, trained.folder
    return {
        "accuracy": report.accuracy,
        "accuracy_interval": list(report.accuracy_interval),
        "split": report.split,
        "images": report.images,
        "class_counts": {one.name: one.usable for one in trained.classes},
        "outcome": trained.outcome,
        "epochs": len(trained.history),
        "seconds": report.seconds,
        "left_out": report.left_out,
        "layout": report.layout,
        "notes": list(report.notes),
        "run": str(folder.path),
        "model": str(folder.model),
        "report": str(folder.page),
    }
