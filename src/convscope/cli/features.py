"""``convscope features``: what a stage makes of pictures, into a file or read by other classifiers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convscope.features.classifiers import JudgedClassifier

_NAMES = ("softmax", "svm", "rbf-svm", "knn", "forest", "lda", "boosting")


@click.command("features", context_settings={"show_default": True})
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A .npz, .npy, .csv or .parquet.")
@click.option("--stage", type=int, default=-1, metavar="N", help="1 is the first, -1 the last, 0 the pixels.")
@click.option(
    "--pool", default="none", metavar="POOL", help="Of each map: none (all values), mean, max, grid2 (2 x 2)."
)
@click.option(
    "--classifiers", metavar="NAMES", help=f"Judge these on the features, with commas between: {', '.join(_NAMES)}."
)
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Pictures at once; as memory allows if none.")
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**31 - 1),
    default=0,
    metavar="N",
    help="Of what is random in the classifiers.",
)
@click.option("--force", is_flag=True, help="Replace a file that is already there.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where named sets (mnist, fashion-mnist) are looked for first.",
)
def command(
    model: str,
    data: str,
    *,
    output: Path | None,
    stage: int,
    pool: str,
    classifiers: str | None,
    batch: int | None,
    seed: int,
    force: bool,
    quiet: bool,
    data_dir: Path | None,
) -> None:
    """Take the features of DATA from a stage of the network in the file or run folder MODEL.

    DATA is what train takes, with the classes of the model. The file holds the features with picture, class and split
    (train, validation, test) of each; .npy the features alone. --classifiers fits each classifier on the training
    pictures and prints how good it is on the test (or validation) pictures, the best first.
    """
    from convscope.core.errors import ParameterError
    from convscope.core.progress import Silent, reporter_for
    from convscope.features.classifiers import named_classifiers
    from convscope.verbs.features import compare_classifiers, extract_features, save_features

    if output is None and classifiers is None:
        raise ParameterError("Give a file for the features (-o features.npz), --classifiers softmax,svm, or both.")
    names = [name.strip() for name in (classifiers or "").split(",") if name.strip()]
    named_classifiers(names)  # a wrong name is said at once
    reporter = Silent() if quiet else reporter_for(sys.stderr)
    if output is not None:
        written = save_features(
            model, data, output, stage=stage, pool=pool, batch=batch, force=force, data_dir=data_dir, reporter=reporter
        )
        shape = " x ".join(str(side) for side in written.shape)
        click.echo(f"{written.path}: {written.pictures:,} pictures, {shape} values each")
    if names:
        found = extract_features(model, data, stage=stage, pool=pool, batch=batch, data_dir=data_dir, reporter=reporter)
        click.echo(table(compare_classifiers(found, names, seed=seed, reporter=reporter)))


def table(judged: "Sequence[JudgedClassifier]") -> str:
    """Return the classifiers as lines of text, with what they complained of below."""
    lines = [f"{'classifier':<12} {'accuracy':>8}   {'95 % interval':<18} {'fit':>9}  {'predict':>14}"]
    for one in judged:
        low, high = one.interval
        interval = f"{low:.2%} to {high:.2%}"
        times = f"{one.fit_seconds:>7.2f} s  {one.predict_us:>6.0f} µs each"
        lines.append(f"{one.name:<12} {one.accuracy:>8.2%}   {interval:<18} {times}")
    lines.append(f"judged on {judged[0].total:,} pictures that none of them has learned from")
    return "\n".join(lines + [f"{one.name}: {one.note}" for one in judged if one.note])
