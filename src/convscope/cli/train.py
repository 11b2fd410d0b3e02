"""``convscope train``: from images to a trained network, with its report."""

import shlex
from typing import TYPE_CHECKING, Any

import click

from convscope.core.context import Context
from convscope.core.tables import DataTable
from convscope.core.text import counted, printable
from convscope.options.train import RunOptions, TrainOptions

from .options import GroupedCommand, as_json, cli_option, options_in, options_of, typed_names, with_context
from .standard import need_output
from .unusable import end_with_unusable
from .wording import spelling

if TYPE_CHECKING:
    from convscope.api.train import AnyPrepared, TrainResult
    from convscope.training.report import Report


@click.command("train", cls=GroupedCommand)
@click.argument("data", required=False, metavar="[DATA]")
@options_of(TrainOptions, RunOptions)
@cli_option("--dry-run", is_flag=True, help="Show the network and every choice; train nothing.", group="Common")
@cli_option("--look", "looks", is_flag=True, help="Also write the page of convscope look.")
@as_json
@with_context("data_dir", "cache_dir")
@click.pass_context
def command(
    shell: click.Context,
    /,
    *,
    context: Context,
    data: str | None,
    dry_run: bool,
    looks: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Train a network on DATA: a folder with one sub-folder per class, a list, the name of a dataset.

    DATA may be a folder (with train/ and val/ or test/ inside, if you like), a CSV or Parquet list of path and label,
    an .npz file, IDX files, or one of the datasets digits, mnist, fashion-mnist. Without DATA: digits.
    """
    from convscope.core.records import json_text

    if as_json:
        need_output("Leave --json out.")
    if values["resume"]:
        _refuse_typed(shell, dry_run=dry_run)
    if dry_run:
        _dry_run(shell, data, values, context, as_json=as_json)
        return
    from convscope.api.train import train
    from convscope.training.torchrun import own_rank, world_size

    if world_size() > 1:
        _refuse_unnamed(values)
    if own_rank() > 0:
        from convscope.training.run import follow

        follow(cache_dir=context.cache_dir)
        return
    trained = train(data, context=context, **values)
    if looks:
        from convscope.api.look import look

        look(trained.folder.path, force=True, context=context)
    click.echo(
        json_text(_result_document(trained), indent=2) if as_json else _result_text(trained, values["target_accuracy"])
    )
    if trained.outcome == "interrupted":
        shell.exit(130)
    problems = [(problem.name, problem.detail) for problem in trained.report.unusable]
    end_with_unusable(shell, problems, context.reporter, rest="in the report")


def _refuse_unnamed(values: dict[str, Any]) -> None:
    """Raise an error for what torchrun cannot do: find a run without a name again, or train from a start."""
    if values["start"] is not None:
        raise click.UsageError("torchrun trains a network from nothing. Leave --start or torchrun out.")
    if values["output"] is None and values["resume"] is None:
        raise click.UsageError("torchrun starts processes again, which must find the run. Name its folder: -o FOLDER.")


def _refuse_typed(shell: click.Context, *, dry_run: bool) -> None:
    """Raise an error for options beside --resume, even those with the value that they have anyway."""
    if dry_run:
        raise click.UsageError("--dry-run shows a new run. Leave --resume out.", shell)
    names = typed_names(shell) & {*options_in(TrainOptions, shell.params), "output"}
    typed = sorted(spelling(option) for option in shell.command.params if option.name in names)
    if typed:
        raise click.UsageError(
            f"--resume takes the options of the run. Got {', '.join(typed)}. Leave out every option but DATA and "
            "--data-dir, which say where the images are now.",
            shell,
        )


def _dry_run(
    shell: click.Context, data: str | None, values: dict[str, Any], context: Context, *, as_json: bool
) -> None:
    """Show what would be trained."""
    from convscope.api.train import prepare, tell
    from convscope.core.records import json_text
    from convscope.images.dataset import classes_in_words

    options = TrainOptions(**options_in(TrainOptions, values))
    prepared = prepare(data, options, context)
    if not as_json:
        tell(prepared, context.reporter, classes=False)
    if as_json:
        click.echo(json_text(_plan_document(prepared), indent=2))
    else:
        click.echo(f"{classes_in_words(prepared.images)}\n\n{_plan_text(prepared, _typed_words(shell))}")
    problems = [(problem.name, problem.detail) for problem in prepared.images.inspection.unusable]
    end_with_unusable(shell, problems, context.reporter, rest="named by convscope check")


def _typed_words(context: click.Context) -> list[str]:
    """Return the options that the user typed as words of a command, without those that the plan gives."""
    words = []
    for option in context.command.params:
        name, value = option.name or "", context.params.get(option.name or "")
        given = name in typed_names(context)
        if not isinstance(option, click.Option) or not given or name in {"dry_run", "as_json", "layout"}:
            continue
        if option.is_flag:
            words.append(option.opts[0] if value else option.secondary_opts[0])
        else:
            words += [option.opts[-1], str(value)]
    return words


def _plan_text(prepared: "AnyPrepared", typed: list[str]) -> str:
    """Return the table of layers, the recipe, and the command that trains it."""
    plan = prepared.plan
    columns = ["layer", "maps", "size", "parameters", "MACs", "field (px)", "stride (px)"]
    rows = [
        ["image", str(plan.channels), f"{plan.width}x{plan.height}", "", "", "1x1", "1x1"],
    ]
    for layer in plan.layers:
        across, down = layer.field_columns, layer.field_rows
        rows.append(
            [
                layer.name,
                str(layer.maps),
                f"{layer.columns}x{layer.rows}",
                f"{layer.parameters:,}",
                f"{layer.macs:,}",
                f"{across.size}x{down.size}",
                f"{across.stride}x{down.stride}",
            ]
        )
    rows.append(["total", "", "", f"{plan.parameters:,}", f"{plan.macs:,}", "", ""])
    lines = DataTable.of(columns, rows).lines()
    lines += ["", *(_recipe_lines(prepared) if prepared.steps else [])]
    layout = ["--layout", plan.text] if plan.text else []
    words = ["convscope", "train", prepared.settings.data, *layout, *typed]
    return "\n".join([*lines, f"train with: {printable(shlex.join(words))}"])


def _recipe_lines(prepared: "AnyPrepared") -> list[str]:
    """Return the recipe in words."""
    recipe, minutes = prepared.recipe, prepared.settings.minutes
    ranks = prepared.record.ranks
    length = counted(recipe.epochs, "epoch") if minutes is None else f"{minutes:g} minutes"
    steps = prepared.steps
    rate = f"{recipe.highest_rate(steps if minutes is None else 1):.4g}"
    if minutes is not None and recipe.learning_rate is None:
        rate += " (less where there is time for many steps)"
    return [
        f"{length}, {counted(recipe.batch, 'image')} per step, learning rate up to {rate}, {recipe.precision}, "
        f"{counted(prepared.threads, 'thread')}{f' in {ranks} processes' * (ranks > 1)}",
        *([f"pretrained stages: {','.join(recipe.pretrain)}{', frozen' * recipe.freeze}"] if recipe.pretrain else []),
    ]


def _plan_document(prepared: "AnyPrepared") -> dict[str, Any]:
    plan = prepared.plan
    return {
        "layout": plan.text,
        "width": plan.width,
        "height": plan.height,
        "channels": plan.channels,
        "classes": list(prepared.images.classes),
        "class_counts": {count.name: count.usable for count in prepared.images.inspection.classes},
        "parameters": plan.parameters,
        "macs": plan.macs,
        "steps": plan.layers,
        "recipe": prepared.recipe,
        "notes": list(prepared.notes),
    }


def _result_text(trained: "TrainResult", target_accuracy: float | None) -> str:
    report, folder = trained.report, trained.folder
    lines = [
        _accuracy_text(report),
        f"{counted(len(trained.history), 'epoch')}, {report.seconds:.1f} s of training"
        if trained.history
        else f"{report.seconds:.1f} s from start to model",
    ]
    if trained.outcome == "interrupted":
        lines.append(f"interrupted; resume with: {printable(folder.resuming)}")
    elif target_accuracy is not None and trained.outcome != "target":
        lines.append(f"the target accuracy, {target_accuracy:.2%}, was not reached; more --epochs may reach it")
    if report.left_out:
        lines.append(f"left out {counted(report.left_out, 'unusable file')}; listed in the report")
    if wrong := len(report.wrong_labels):
        lines.append(f"{counted(wrong, 'label')} look{'s' * (wrong == 1)} wrong; shown in the report")
    lines += [f"model   {printable(str(folder.model))}", f"report  {printable(str(folder.page))}"]
    return "\n".join([*lines, *([f"look    {printable(str(folder.look))}"] if folder.look.exists() else [])])


def _accuracy_text(report: "Report") -> str:
    low, high = report.accuracy.interval
    if not report.is_held_out:
        return (
            f"no accuracy: no image was set aside to measure it on; {report.correct:,} of "
            f"{counted(report.images, 'training image')} are recognized"
        )
    return (
        f"accuracy {report.accuracy.fraction:.2%} on {counted(report.images, f'{report.split} image')} "
        f"(95 % interval {low:.2%} to {high:.2%})"
    )


def _result_document(trained: "TrainResult") -> dict[str, Any]:
    report, folder = trained.report, trained.folder
    return {
        "accuracy": report.accuracy.fraction if report.is_held_out else None,
        "accuracy_interval": list(report.accuracy.interval) if report.is_held_out else None,
        "split": report.split,
        "images": report.images,
        "class_counts": {count.name: count.usable for count in trained.classes},
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
