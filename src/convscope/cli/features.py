"""``convscope features``: the features of a layer, into a file or into other classifiers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from convscope.core.context import Context
from convscope.core.errors import ParameterError
from convscope.core.text import counted, printable
from convscope.options.features import ClassifierOptions, FeaturesOptions
from convscope.options.shards import ShardOptions

from .in_shards import end_of_shards, shards_in
from .options import GroupedCommand, cli_option, options_in, options_of, with_context
from .unusable import end_with_unusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convscope.api.features import FeatureLayer
    from convscope.features.classifiers import ClassifierResult
    from convscope.images.inspection import Problem


@click.command("features", cls=GroupedCommand)
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA", required=False)
@options_of(FeaturesOptions, ClassifierOptions, ShardOptions)
@cli_option("--layer-names", is_flag=True, help="Show every layer: stage, shape, receptive field.", group="Common")
@with_context("data_dir", "cache_dir")
@click.pass_context
def command(
    shell: click.Context, /, *, context: Context, model: str, data: str | None, layer_names: bool, **values: Any
) -> None:
    """Extract the features of DATA from a layer of the network in the file or run folder MODEL.

    DATA is what train takes, with classes of the model (of any classes, for a network that was not trained by
    convscope), or unlabeled images: one, or a folder of them in which
    no folder has the name of a class. MODEL may also be hand-made features, to compare with: pixels, pca, hog
    (histograms of oriented gradients), lbp (local binary patterns) or scattering (wavelets). The file holds the
    features with image, class and split (train, validation, test) of each; .npy the features alone. After an
    interruption the same command continues where it was. --classifiers fits each classifier on the training images
    and prints its accuracy on the test (or validation) images, the best first. With --shards, the features are parts
    in a folder, for convscope merge.
    """
    from convscope.api.features import layers
    from convscope.api.kept_inputs import keep_inputs

    options = FeaturesOptions(**options_in(FeaturesOptions, values))
    learning = ClassifierOptions(**options_in(ClassifierOptions, values))
    names = [name for name in learning.classifiers if name]
    if layer_names:
        click.echo(layer_table(layers(model, pool=options.pool)))
        if options.output is None and not names:
            return
    if data is None:
        raise ParameterError("Give the images (DATA) behind the model, for example a folder, or --layer-names alone.")
    if (how := shards_in(values, [*names, *([] if options.output is None else ["output"])])) is not None:
        from convscope.api.shards import features_in_shards

        result = features_in_shards(model, data, how, options, force=options.force, context=context)
        end_of_shards(shell, result, context)
        return
    if options.output is None and not names:
        raise ParameterError("Give a file for the features (-o features.npz), --classifiers softmax,svm, or both.")
    if learning.save is not None:
        keep_inputs([learning.save], models=[model], data=[data])
    _check_classifiers(names, learning, options)
    features = options_in(FeaturesOptions, values)
    unusable = _classified(model, data, learning, options, context) if names else _saved(model, data, features, context)
    problems = [(problem.name, problem.detail) for problem in unusable]
    end_with_unusable(shell, problems, context.reporter, rest="named by convscope check")


def _check_classifiers(names: list[str], learning: ClassifierOptions, options: FeaturesOptions) -> None:
    """Raise an error for wrong names, and a model file without classifiers, before any image is read."""
    from convscope.core.atomic import check_output
    from convscope.features.classifiers import named_classifiers
    from convscope.features.heads import check_savable_pool

    named_classifiers(names)
    if learning.save is not None:
        if not names:
            raise ParameterError(
                "--save needs --classifiers to choose from, for example --classifiers softmax,svm,lda."
            )
        check_savable_pool(options.pool)
        check_output(Path(learning.save), force=options.force)


def _saved(model: str, data: str, features: dict[str, Any], context: Context) -> "tuple[Problem, ...]":
    """Write the features; return what could not be used."""
    from convscope.api.features import save_features

    result = save_features(model, data, context=context, **features)
    click.echo(_written(result.path, (result.images, *result.shape)))
    return result.unusable


def _classified(
    model: str, data: str, learning: ClassifierOptions, options: FeaturesOptions, context: Context
) -> "tuple[Problem, ...]":
    """Evaluate the classifiers and save the best if asked; return what could not be used."""
    from convscope.api.features import compare_classifiers, extract_features, save_with_classifier

    features = extract_features(model, data, unlabeled=False, context=context, **vars(options))
    if options.output is not None:
        click.echo(_written(Path(options.output), features.values.shape))
    evaluated = compare_classifiers(features, learning.classifiers, seed=learning.seed, context=context)
    click.echo(table(evaluated))
    if learning.save is not None:
        best = save_with_classifier(
            model,
            features,
            evaluated,
            learning.save,
            stage=options.stage,
            layer=options.layer,
            pool=options.pool,
            background=options.background,
            force=options.force,
        )
        click.echo(saved(Path(learning.save), best, evaluated))
    return features.unusable


def _written(path: Path, shape: tuple[int, ...]) -> str:
    values = "value" if set(shape[1:]) <= {1} else "values"
    return f"{printable(str(path))}: {counted(shape[0], 'image')}, {' x '.join(map(str, shape[1:]))} {values} each"


def layer_table(layers: "Sequence[FeatureLayer]") -> str:
    """Return the layers as lines of text."""
    rows = [("--stage", "--layer", "computes", "values of one image", "receptive field")]
    for layer in layers:
        stage = "" if layer.stage is None else str(layer.stage)
        rows_px, columns_px = layer.field
        values = " x ".join(map(str, layer.shape))
        rows.append((stage, layer.name, layer.notation, values, f"{columns_px}x{rows_px}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join((row[0].rjust(widths[0]), *map(str.ljust, row[1:], widths[1:]))).rstrip() for row in rows
    )


def saved(path: Path, best: "ClassifierResult", evaluated: "Sequence[ClassifierResult]") -> str:
    """Return what was saved, which better classifiers could not be, and how reliable the accuracy is."""
    line = f"{printable(str(path))}: the network with {best.name} as its classifier"
    better = [result.name for result in evaluated[: evaluated.index(best)]]
    if better:
        line += f"; a model file cannot hold {', '.join(better)}"
    if len(evaluated) > 1:
        line += "; it was chosen by the accuracy above, which is therefore slightly optimistic"
    return line


def table(evaluated: "Sequence[ClassifierResult]") -> str:
    """Return the classifiers as lines of text, with their warnings below."""
    from convscope.transfer.head_choice import STRENGTHS

    lines = [f"{'classifier':<12} {'accuracy':>8}   {'95 % interval':<18} {'fit':>9}  {'predict':>14}"]
    for result in evaluated:
        low, high = result.accuracy.interval
        interval = f"{low:.2%} to {high:.2%}"
        times = f"{result.fit_seconds:>7.2f} s  {result.predict_us:>6.0f} µs each"
        lines.append(f"{result.name:<12} {result.accuracy.fraction:>8.2%}   {interval:<18} {times}")
    lines.append(f"evaluated on {counted(evaluated[0].accuracy.total, 'image')} that none of them was trained on")
    if any(result.name in STRENGTHS for result in evaluated):
        lines.append(
            "strengths are fixed here; train --start --head chooses them by cross-validation and learns from flipped "
            "images, too"
        )
    return "\n".join(lines + [f"{result.name}: {result.note}" for result in evaluated if result.note])
