"""``convscope features``: what a stage makes of images, into a file or read by other classifiers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convscope.core.text import counted, printable

from . import options
from .unusable import end_with_unusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convscope.api.features import Layer
    from convscope.features.classifiers import ClassifierResult
    from convscope.images.inspection import Problem

_NAMES = ("softmax", "svm", "rbf-svm", "knn", "forest", "lda", "boosting")


@click.command("features", context_settings={"show_default": True})
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA", required=False)
@click.option("-o", "--output", type=options.PLACE, metavar="FILE", help="A .npz, .npy, .csv or .parquet.")
@click.option("--stage", type=int, default=-1, metavar="N", help="1 is the first, -1 the last, 0 the pixels.")
@click.option(
    "--pool", default="none", metavar="POOL", help="Of each map: none (all values), mean, max, grid2 (2 x 2)."
)
@options.background
@click.option(
    "--layer-names", is_flag=True, help="Show what --stage can take: each layer with the shape of its values."
)
@click.option(
    "--classifiers", metavar="NAMES", help=f"Evaluate these on the features, with commas between: {', '.join(_NAMES)}."
)
@click.option(
    "--save",
    type=options.PLACE,
    metavar="FILE",
    help="Save the network with the best of the --classifiers as a model file; it cannot hold forest and boosting.",
)
@options.batch
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**31 - 1),
    default=0,
    metavar="N",
    help="Of what is random in the classifiers.",
)
@options.force_files
@options.quiet
@options.class_depth
@options.data_dir
@options.cache_dir
@click.pass_context
def command(
    context: click.Context,
    /,
    model: str,
    data: str | None,
    *,
    output: Path | None,
    stage: int,
    pool: str,
    background: str | None,
    layer_names: bool,
    classifiers: str | None,
    save: Path | None,
    batch: int | None,
    seed: int,
    force: bool,
    quiet: bool,
    class_depth: int | None,
    data_dir: Path | None,
    cache_dir: Path | None,
) -> None:
    """Take the features of DATA from a stage of the network in the file or run folder MODEL.

    DATA is what train takes, with the classes of the model, or images of no class: one, or a folder of them in which
    no folder has the name of a class. MODEL may also be hand-made features, to compare with: pixels, pca, hog
    (histograms of oriented gradients), lbp (local binary patterns) or scattering (wavelets). The file holds the
    features with image, class and split (train, validation, test) of each; .npy the features alone. After an
    interruption the same command goes on from where it was. --classifiers fits each classifier on the training
    images and prints how good it is on the test (or validation) images, the best first.
    """
    from convscope.api.features import (
        compare_classifiers,
        extract_features,
        layers,
        save_features,
        save_with_classifier,
    )
    from convscope.core.atomic import check_output
    from convscope.core.errors import ParameterError
    from convscope.core.progress import Silent
    from convscope.core.reporters import reporter_for
    from convscope.features.classifiers import named_classifiers

    names = [name.strip() for name in (classifiers or "").split(",") if name.strip()]
    if layer_names:
        click.echo(layer_table(layers(model, pool=pool)))
        if output is None and not names:
            return
    if data is None:
        raise ParameterError("Give the images (DATA) behind the model, for example a folder, or --layer-names alone.")
    if output is None and not names:
        raise ParameterError("Give a file for the features (-o features.npz), --classifiers softmax,svm, or both.")
    named_classifiers(names)  # a wrong name is said at once
    if save is not None:
        if not names:
            raise ParameterError(
                "--save needs --classifiers to choose from, for example --classifiers softmax,svm,lda."
            )
        check_output(save, force=force)
    reporter = Silent() if quiet else reporter_for(sys.stderr)
    read: dict[str, Any] = {"stage": stage, "pool": pool, "background": background, "force": force}
    chosen: dict[str, Any] = {
        **read, "batch": batch, "class_depth": class_depth, "data_dir": data_dir, "cache_dir": cache_dir,
        "reporter": reporter,
    }  # fmt: skip
    unusable: tuple[Problem, ...] = ()
    if names:
        found = extract_features(model, data, output=output, unlabelled=False, **chosen)
        unusable = found.unusable
        if output is not None:
            click.echo(_written(output, found.values.shape))
        evaluated = compare_classifiers(found, names, seed=seed, reporter=reporter)
        click.echo(table(evaluated))
        if save is not None:
            best = save_with_classifier(model, found, evaluated, save, **read)
            click.echo(saved(save, best, evaluated))
    elif output is not None:
        written = save_features(model, data, output, **chosen)
        unusable = written.unusable
        click.echo(_written(output, (written.images, *written.shape)))
    problems = [(one.name, one.detail) for one in unusable]
    end_with_unusable(context, problems, reporter, rest="named by convscope check")


def _written(path: Path, shape: tuple[int, ...]) -> str:
    values = "value" if set(shape[1:]) <= {1} else "values"
    return f"{printable(str(path))}: {counted(shape[0], 'image')}, {' x '.join(map(str, shape[1:]))} {values} each"


def layer_table(found: "Sequence[Layer]") -> str:
    """Return the layers as lines of text."""
    width = max(len("layer"), *(len(one.name) for one in found))
    lines = [f"--stage  {'layer':<{width}}  values of one image"]
    lines += [f"{one.stage:>7}  {one.name:<{width}}  {' x '.join(map(str, one.shape))}" for one in found]
    return "\n".join(lines)


def saved(path: Path, best: "ClassifierResult", evaluated: "Sequence[ClassifierResult]") -> str:
    """Return what was saved, what was better and could not be, and what its accuracy is worth."""
    line = f"{printable(str(path))}: the network with {best.name} as its classifier"
    better = [one.name for one in evaluated[: evaluated.index(best)]]
    if better:
        line += f"; a model file holds no programs, and so not {', '.join(better)}"
    if len(evaluated) > 1:
        line += "; it was chosen by the accuracy above, which therefore flatters it a little"
    return line


def table(evaluated: "Sequence[ClassifierResult]") -> str:
    """Return the classifiers as lines of text, with what they complained of below."""
    lines = [f"{'classifier':<12} {'accuracy':>8}   {'95 % interval':<18} {'fit':>9}  {'predict':>14}"]
    for one in evaluated:
        low, high = one.interval
        interval = f"{low:.2%} to {high:.2%}"
        times = f"{one.fit_seconds:>7.2f} s  {one.predict_us:>6.0f} µs each"
        lines.append(f"{one.name:<12} {one.accuracy:>8.2%}   {interval:<18} {times}")
    lines.append(f"evaluated on {counted(evaluated[0].total, 'image')} that none of them has learned from")
    return "\n".join(lines + [f"{one.name}: {one.note}" for one in evaluated if one.note])
